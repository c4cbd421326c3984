// Vocabularies: any bytes that are read as the file of one end in a vocabulary whose file is those bytes, or
// in a FileError; any text makes a vocabulary that is saved and read again to the same; ids and tokens belong
// together.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "io/unicode.h"
#include "tensor/error.h"
#include "tests/fuzz/support.h"
#include "text/tokenizer.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

using namespace attune;
using namespace attune::text;
using fuzz::expect;

namespace {

void check_ids(const Vocabulary& vocabulary) {
  Tokens tokens;
  std::vector<std::int32_t> ids;
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& token = vocabulary.token(id);
    const bool special = id < Vocabulary::special_count;
    expect(!token.empty() && !find_invalid_utf8(token) &&
               token.find_first_of(std::string_view("\0\r\n", 3)) == token.npos,
           "tokens are text on one line");
    expect(vocabulary.id(token) == (special ? Vocabulary::unknown : id),
           "a token has its own id, a special none");
    expect(vocabulary.contains(token) == !special, "what is listed is contained");
    if (special) continue;
    tokens.push_back(token);
    ids.push_back(id);
  }
  expect(vocabulary.encode(tokens) == ids, "tokens encode to their ids");
  expect(vocabulary.encode(tokens, true) == ids, "and with a look at small letters as well");
  expect(vocabulary.decode(ids) == tokens, "ids decode to their tokens");
  for (const std::int32_t wrong : {std::int32_t{-1}, vocabulary.size()}) {
    try {
      vocabulary.token(wrong);
      expect(false, "an id out of range is refused");
    } catch (const IndexError&) {
    }
  }
}

void read_as_file(std::string_view bytes) {
  try {
    const Vocabulary vocabulary = Vocabulary::parse(bytes, "input");
    expect(vocabulary.to_text() == bytes, "a file that is read is the one that would be written");
    check_ids(vocabulary);
  } catch (const FileError& error) {
    expect(std::strlen(error.what()) < 1000, "errors are short");
    expect(io::find_invalid_utf8(error.what()) == std::string_view::npos, "errors are UTF-8");
  }
}

void make_from_text(std::string_view bytes) {
  const std::string repaired = repair_utf8(bytes);
  // One tokeniser for each input keeps the pace up; which one, its first byte decides.
  const std::vector<std::string> names = tokenizer_names();
  const auto tokenizer =
      make_tokenizer(names[bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]) % names.size()]);
  Tokens seen;
  for (std::size_t begin = 0; begin <= repaired.size();) {
    const std::size_t end = std::min(repaired.find('\n', begin), repaired.size());
    std::string line = repaired.substr(begin, end - begin);
    std::erase(line, '\0');  // the readers of text see to that
    for (const std::string& token : tokenizer->split(line)) seen.push_back(token);
    begin = end + 1;
  }
  TokenCounts counts;
  count_tokens(seen, counts);
  const Vocabulary vocabulary(counts);
  check_ids(vocabulary);
  expect(Vocabulary::parse(vocabulary.to_text(), "written") == vocabulary, "what is saved is read again");
  const std::vector<std::int32_t> ids = vocabulary.encode(seen);
  expect(ids.size() == seen.size(), "one id for each token");
  const Tokens back = vocabulary.decode(ids);
  for (std::size_t i = 0; i < seen.size(); ++i)
    expect(back.at(i) == (vocabulary.contains(seen[i]) ? seen[i] : "<unk>"), "known tokens come back");

  // Smaller ones are beginnings of it.
  const Vocabulary some(counts, {.min_count = 2, .max_size = 8});
  expect(some.size() <= 8, "the largest size is kept");
  for (std::int32_t id = 0; id < some.size(); ++id)
    expect(some.token(id) == vocabulary.token(id), "the most frequent come first");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  TokenCounts counts;
  count_tokens({"le", "chat", "voit", "le", "été", "嗨", "."}, counts);
  fuzz::plant_seeds(
      *argc, *argv,
      {Vocabulary(counts).to_text(), Vocabulary().to_text(), "le chat voit\nl'été, <s> 嗨 ▁ a@@ b\n"});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_as_file(bytes);
  make_from_text(bytes);
  return 0;
}
