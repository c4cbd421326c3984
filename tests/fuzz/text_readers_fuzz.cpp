// A libFuzzer target: any bytes that are read as a vocabulary, as pairs or as lines end in text or in a
// FileError, and what is accepted keeps the promises of text/corpus.h and text/vocabulary.h.
//
//   cmake --preset clang -DATTUNE_FUZZ=ON && cmake --build build/clang --target text_readers_fuzz
//   build/clang/tests/text_readers_fuzz -max_total_time=60

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>

#include "tensor/error.h"
#include "text/corpus.h"
#include "text/tokenizer.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace {

using namespace attune::text;

void expect(bool promise) {
  if (!promise) std::abort();
}

bool is_clean(std::string_view line) {
  return !find_invalid_utf8(line) && line.find('\0') == std::string_view::npos &&
         line.find('\n') == std::string_view::npos;
}

void read_as_vocabulary(std::string_view bytes) {
  try {
    expect(Vocabulary::parse(bytes, "input").to_text() == bytes);
  } catch (const attune::FileError&) {
  }
}

void read_as_pairs(std::string_view bytes) {
  try {
    const Corpus corpus = parse_pairs(bytes, "input", {.max_line_bytes = 64});
    const CorpusReport& r = corpus.report;
    expect(r.lines == r.pairs + r.without_tab + r.with_more_tabs + r.with_nul + r.too_long + r.empty);
    expect(r.pairs == static_cast<std::int64_t>(corpus.pairs.size()));
    for (const SentencePair& pair : corpus.pairs) expect(is_clean(pair.source) && is_clean(pair.target));
  } catch (const attune::FileError&) {
  }
}

void read_as_lines(std::string_view bytes) {
  std::istringstream in{std::string(bytes)};
  LineReader reader(in, {.max_line_bytes = 64});
  std::int64_t lines = 0;
  for (std::string line; reader.next(line); ++lines) {
    expect(is_clean(line));
    for (const std::string& name : tokenizer_names()) {
      const auto tokenizer = make_tokenizer(name);
      const Tokens tokens = tokenizer->split(line);
      for (const std::string& token : tokens) expect(!token.empty() && is_clean(token));
      expect(is_clean(tokenizer->join(tokens)));
    }
  }
  const bool open_end = !bytes.empty() && bytes.back() != '\n';
  expect(lines == std::count(bytes.begin(), bytes.end(), '\n') + (open_end ? 1 : 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_as_vocabulary(bytes);
  read_as_pairs(bytes);
  read_as_lines(bytes);
  return 0;
}
