// Text: any bytes that are read as pairs, as two files or as lines end in text or in a FileError, and what
// comes out keeps the promises of text/corpus.h, text/utf8.h and text/tokenizer.h: counts add up, one line
// for each line.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <sstream>

#include "tensor/error.h"
#include "tests/fuzz/support.h"
#include "text/bleu.h"
#include "text/bleu_tokenizer.h"
#include "text/chrf.h"
#include "text/corpus.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

using namespace attune;
using namespace attune::text;
using fuzz::expect;

namespace {

bool is_clean(std::string_view line) {
  return !find_invalid_utf8(line) && line.find('\0') == std::string_view::npos &&
         line.find('\n') == std::string_view::npos;
}

std::int64_t line_count(std::string_view bytes) {
  const bool open_end = !bytes.empty() && bytes.back() != '\n';
  return std::count(bytes.begin(), bytes.end(), '\n') + (open_end ? 1 : 0);
}

void check_utf8(std::string_view bytes) {
  const std::u32string decoded = decode_utf8(bytes);
  const std::string repaired = repair_utf8(bytes);
  expect(!find_invalid_utf8(repaired), "what is repaired is UTF-8");
  expect(repaired == io::encode_utf8(decoded), "repairing is decoding and encoding");
  expect(decode_utf8(repaired) == decoded, "what is repaired reads alike");
  expect(repair_utf8(repaired) == repaired, "what is repaired needs no repair");
  expect(find_invalid_utf8(bytes).has_value() == (repaired != bytes), "only what is invalid is repaired");
  if (const auto at = find_invalid_utf8(bytes)) {
    expect(repaired.substr(0, *at) == bytes.substr(0, *at), "up to the first invalid byte nothing changes");
    expect(repaired.compare(*at, 3, replacement_character) == 0, "which is replaced");
  }
  const auto parts = characters(bytes);
  expect(parts.size() == decoded.size(), "one part for each character");
  const std::string small = lower_case(bytes);
  expect(!find_invalid_utf8(small), "small letters are UTF-8");
  expect(lower_case(small) == small, "small letters stay small");
  for (const std::string_view piece : split_at_white_space(bytes))
    expect(!piece.empty() && split_at_white_space(piece).size() == 1, "pieces have no white space");
}

void check_report(const Corpus& corpus) {
  const CorpusReport& r = corpus.report;
  expect(r.lines == r.pairs + r.without_tab + r.with_more_tabs + r.with_nul + r.too_long + r.empty,
         "the counts add up");
  expect(r.pairs == static_cast<std::int64_t>(corpus.pairs.size()), "pairs are counted");
  expect(r.byte_order_marks <= 2 && r.carriage_returns <= 2 * r.lines && r.invalid_utf8 <= 2 * r.pairs,
         "repairs are counted per line");
  for (const SentencePair& pair : corpus.pairs) {
    expect(is_clean(pair.source) && is_clean(pair.target), "pairs are clean");
    expect(pair.source.size() <= 3 * 64 && pair.target.size() <= 3 * 64, "the limit is kept");
  }
}

void read_as_corpora(std::string_view bytes) {
  const auto clean_error = [](const FileError& error) {
    expect(!find_invalid_utf8(error.what()) && std::strlen(error.what()) < 1000, "errors are short text");
  };
  try {
    const Corpus corpus = parse_pairs(bytes, "input", {.max_line_bytes = 64});
    check_report(corpus);
    expect(corpus.report.lines == line_count(bytes), "every line is counted");
    for (const SentencePair& pair : corpus.pairs) {
      expect(pair.source.find('\t') == std::string::npos && pair.target.find('\t') == std::string::npos,
             "the tab separates");
    }
  } catch (const FileError& error) {
    clean_error(error);
  }
  // Two files, from the first and the second half.
  const std::string_view first = bytes.substr(0, bytes.size() / 2), second = bytes.substr(bytes.size() / 2);
  try {
    const Corpus corpus = parse_parallel(first, second, "a", "b", {.max_line_bytes = 64});
    check_report(corpus);
    expect(line_count(first) == line_count(second) && corpus.report.lines == line_count(first),
           "both files have as many lines");
  } catch (const FileError& error) {
    clean_error(error);
  }
}

std::vector<std::unique_ptr<Tokenizer>> make_all_tokenizers() {
  std::vector<std::unique_ptr<Tokenizer>> all;
  for (const std::string& name : tokenizer_names()) all.push_back(make_tokenizer(name));
  return all;
}

// One tokeniser for each line keeps the pace up.
void check_tokenizer(const std::string& line, std::size_t number) {
  static const std::vector<std::unique_ptr<Tokenizer>> tokenizers = make_all_tokenizers();
  const auto& tokenizer = tokenizers[number % tokenizers.size()];
  const std::string name = tokenizer->name();
  const Tokens tokens = tokenizer->split(line);
  for (const std::string& token : tokens) {
    expect(!token.empty() && is_clean(token), "tokens are text");
    expect(name == "character" || split_at_white_space(token).size() == 1, "and have no white space");
  }
  const std::string joined = tokenizer->join(tokens);
  expect(is_clean(joined), "joined tokens are one line");
  if (name == "space") expect(tokenizer->split(joined) == tokens, "space: split(join(tokens)) is the tokens");
  if (name == "character") {
    expect(tokens.size() == decode_utf8(line).size(), "character: one token for each");
    expect(tokenizer->split(joined) == tokens, "character: split(join(tokens)) is the tokens");
  }
  if (name == "word") {
    // Nothing but white space comes or goes.
    const auto dense = [](std::string_view text) {
      std::u32string kept;
      for (const char32_t c : decode_utf8(text))
        if (!is_white_space(c)) kept += c;
      return kept;
    };
    expect(dense(joined) == dense(line), "word: every character comes back");
  }
}

// The first half as a translation of the second, and as one of itself.
void check_scores(std::string_view bytes) {
  static const std::vector<std::string> names = bleu_tokenizer_names();
  const std::string first(bytes.substr(0, bytes.size() / 2)), second(bytes.substr(bytes.size() / 2));
  const BleuOptions options{.tokenizer = names[bytes.size() % names.size()],
                            .lowercase = bytes.size() % 3 == 0};
  const Tokens tokens = split_for_bleu(first, options.tokenizer);
  for (const std::string& token : tokens) {
    expect(!token.empty() && !find_invalid_utf8(token), "tokens of BLEU are text");
    const std::u32string characters = decode_utf8(token);
    expect(std::none_of(characters.begin(), characters.end(), is_python_white_space),
           "and have no white space");
  }
  const double most = 100 + 1e-9;
  const double other = bleu({first}, {second}, options).score, same = bleu({first}, {first}, options).score;
  expect(other >= 0 && other <= most, "BLEU lies between 0 and 100");
  expect(tokens.size() < 4 || std::abs(same - 100) < 1e-9,
         "a translation that is the reference has BLEU 100");
  const ChrfOptions words{.word_order = static_cast<int>(bytes.size() % 3)};
  const double chrf_other = chrf({first}, {second}, words).score,
               chrf_same = chrf({first}, {first}, words).score;
  expect(chrf_other >= 0 && chrf_other <= most, "chrF lies between 0 and 100");
  expect(tokens.empty() || std::abs(chrf_same - 100) < 1e-9, "and chrF 100");
}

void read_as_lines(std::string_view bytes) {
  std::istringstream in{std::string(bytes)};
  LineReader reader(in, {.max_line_bytes = 64});
  std::int64_t lines = 0;
  for (std::string line; reader.next(line); ++lines) {
    expect(is_clean(line), "lines are clean");
    expect(line.size() <= 3 * 64, "the limit is kept");
    check_tokenizer(line, bytes.size() + static_cast<std::size_t>(lines));
  }
  const LineReport& r = reader.report();
  expect(lines == line_count(bytes) && r.lines == lines, "one line for each line");
  expect(r.byte_order_marks <= 1 && r.carriage_returns <= lines && r.invalid_utf8 <= lines &&
             r.with_nul <= lines && r.cut <= lines,
         "repairs are counted per line");
  const bool untouched = r.byte_order_marks + r.carriage_returns + r.invalid_utf8 + r.with_nul + r.cut == 0;
  if (untouched)
    expect(is_clean(std::string(bytes.substr(0, bytes.find('\n')))), "what is not clean is counted");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  fuzz::plant_seeds(
      *argc, *argv,
      {"\xEF\xBB\xBFthe cat sleeps.\tle chat dort.\r\nthe cat?\tl'«ami» dort ?\n", "one\ntwo\nun\ndeux",
       std::string("a\0b\xff\n\n \xE2\x80\xA8\r", 10), "I paid 3.50, he (the \"small\" one) said: p.m.\n",
       "pul@@ ley sy@@ st@@ em\tA\n", "你好 a😀\tÊTRE Œuvre\n" + std::string(70, 'x') + "\ty\n"});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_utf8(bytes);
  read_as_corpora(bytes);
  check_scores(bytes);
  read_as_lines(bytes);
  return 0;
}
