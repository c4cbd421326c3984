// Input from elsewhere: what each reader of text does with all that can be wrong with it, to the letter of
// its report.

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tensor/error.h"
#include "tests/io/child.h"
#include "tests/io/scratch.h"
#include "tests/support/measured.h"
#include "text/corpus.h"
#include "text/tokenizer.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

using namespace attune::text;
using attune::testing::measured;
using namespace std::string_literals;

namespace {

template <class Read>
std::string refusal(const Read& read) {
  try {
    read();
  } catch (const attune::FileError& error) {
    return error.what();
  }
  return "not refused";
}

// What a reader makes of an input: what it kept, and its report.
std::string pairs_of(const std::string& input) {
  std::string text;
  const Corpus corpus = parse_pairs(input, "p.tsv");
  for (const SentencePair& pair : corpus.pairs) text += pair.source + "|" + pair.target + "\n";
  return text + corpus.report.summary();
}

std::string lines_of(const std::string& input) {
  std::istringstream in(input);
  LineReader reader(in);
  std::string text;
  for (std::string line; reader.next(line);) text += line + "|\n";
  return text + reader.report().summary();
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::int64_t line_count(const std::string& bytes) {
  return std::count(bytes.begin(), bytes.end(), '\n') + (!bytes.empty() && bytes.back() != '\n' ? 1 : 0);
}

constexpr std::size_t ten_mebibytes = 10 << 20;

}  // namespace

TEST_CASE("bad input: a byte-order mark is removed at the start, once, and counted") {
  CHECK(pairs_of("\xEF\xBB\xBF"
                 "a\tb\n") == "a|b\nread 1 line and kept all as pairs; removed 1 byte-order mark");
  CHECK(lines_of("\xEF\xBB\xBF") == "|\nread 1 line; removed 1 byte-order mark");
  CHECK(lines_of("\xEF\xBB\xBF\xEF\xBB\xBFx") == "\uFEFFx|\nread 1 line; removed 1 byte-order mark");
  CHECK(lines_of("\xEF\xBB") == "\uFFFD|\nread 1 line; repaired 1 line that had invalid UTF-8 (now U+FFFD)");
  CHECK(refusal([] { pairs_of("\xEF\xBB\xBF"); }) ==
        "read_pairs: no pair is left: p.tsv: read 1 line and kept 0 pairs; dropped 1 with an empty side; "
        "removed 1 "
        "byte-order mark: give a file with sentences and their translations");
  const Corpus both = parse_parallel("\xEF\xBB\xBFone\n", "\xEF\xBB\xBFun\n", "a", "b");
  CHECK(both.pairs == std::vector<SentencePair>{{"one", "un"}});
  CHECK(both.report.summary() == "read 1 line and kept all as pairs; removed 2 byte-order marks");
}

TEST_CASE(
    "bad input: of carriage returns, the one that ends a line is removed and counted, all others stay") {
  CHECK(pairs_of("a\tb\r\nc\td\r\n") ==
        "a|b\nc|d\nread 2 lines and kept all as pairs; removed 2 carriage returns at the ends of lines");
  CHECK(lines_of("a\r\n\r\nb\r") ==
        "a|\n|\nb|\nread 3 lines; removed 3 carriage returns at the ends of lines");
  CHECK(lines_of("a\r\r\n") == "a\r|\nread 1 line; removed 1 carriage return at the ends of lines");
  CHECK(lines_of("a\rb\rc") == "a\rb\rc|\nread 1 line");  // an old Macintosh's file is one line
  CHECK(pairs_of("a\rb\tc\n") == "a\rb|c\nread 1 line and kept all as pairs");
}

TEST_CASE("bad input: lines end at \\n and nowhere else") {
  for (const std::string inside : {"\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\u0085", "\u2028", "\u2029"}) {
    CAPTURE(inside);
    CHECK(lines_of("a" + inside + "b\nc\n") == "a" + inside + "b|\nc|\nread 2 lines");
    CHECK(pairs_of("a" + inside + "b\tc\n") == "a" + inside + "b|c\nread 1 line and kept all as pairs");
  }
}

TEST_CASE(
    "bad input: a line with NUL bytes is dropped from a corpus, mended when translating, counted in both") {
  CHECK(pairs_of("a\0\tb\nc\td\n"s) == "c|d\nread 2 lines and kept 1 pair; dropped 1 with NUL bytes");
  CHECK(lines_of("a\0\0b\n\0\nc\n"s) == "ab|\n|\nc|\nread 3 lines; removed the NUL bytes of 2 lines");
  CHECK(lines_of("\xE2\0\x82\n"s) ==
        "\uFFFD\uFFFD|\nread 1 line; removed the NUL bytes of 1 line; repaired 1 line that had invalid UTF-8 "
        "(now "
        "U+FFFD)");
}

TEST_CASE("bad input: what is not UTF-8 becomes U+FFFD, and its line is counted once") {
  CHECK(pairs_of("\xff\xff\t\xc3\nb\td\n") ==
        "\uFFFD\uFFFD|\uFFFD\nb|d\nread 2 lines and kept all as pairs; repaired 2 lines that had invalid "
        "UTF-8 (now "
        "U+FFFD)");
  for (const std::string wrong :
       {"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88", "\xff"}) {
    CAPTURE(wrong);
    CHECK(lines_of("a" + wrong + "b\n").find("read 1 line; repaired 1 line that had invalid UTF-8") !=
          std::string::npos);
  }
  CHECK(
      lines_of("\xE7\x8C\n\xAB\n") ==
      "\uFFFD|\n\uFFFD|\nread 2 lines; repaired 2 lines that had invalid UTF-8 (now U+FFFD)");  // cut by the
                                                                                                // line's end
}

TEST_CASE("bad input: empty lines, no last line end and no lines at all") {
  CHECK(lines_of("") == "read 0 lines");
  CHECK(lines_of("\n\n") == "|\n|\nread 2 lines");
  CHECK(lines_of("\n\na") == "|\n|\na|\nread 3 lines");
  CHECK(pairs_of("\na\tb\n\t\n \u3000\tx\n\u00A0\n") ==
        "a|b\nread 5 lines and kept 1 pair; dropped 4 with an empty side");
  CHECK(refusal([] { pairs_of("\n"); }) ==
        "read_pairs: no pair is left: p.tsv: read 1 line and kept 0 pairs; dropped 1 with an empty side: "
        "give a file "
        "with sentences and their translations");
  CHECK(refusal([] { parse_parallel("a\nb\n", "c\n", "a.en", "a.fr"); }) ==
        "read_parallel: the files must have the same number of lines: a.en has 2, a.fr has 1: line n of one "
        "is the "
        "translation of line n of the other, so look for lines missing or split");
}

TEST_CASE("bad input: a line of 10 MiB is dropped from a corpus, cut when translating, whole when scoring") {
  const std::string endless(ten_mebibytes, 'x');
  CHECK(pairs_of("a\tb\n" + endless + "\tc\nd\te\n") ==
        "a|b\nd|e\nread 3 lines and kept 2 pairs; dropped 1 longer than 8192 bytes");
  CHECK(lines_of("a\n" + endless + "\r\nb") ==
        "a|\n" + std::string(8192, 'x') + "|\nb|\nread 3 lines; cut 1 line to 8192 bytes");
  CHECK(lines_of(std::string(ten_mebibytes, '\xff')).size() ==
        "|\nread 1 line; cut 1 line to 8192 bytes; repaired 1 line that had invalid UTF-8 (now U+FFFD)"s
                .size() +
            std::size_t{3} * 8192);
  const Scratch scratch;
  write(scratch / "long", "a\n" + endless + "\nb");
  const Lines lines = read_lines(scratch / "long");
  REQUIRE(lines.lines.size() == 3);
  CHECK(lines.lines[1] == endless);
  CHECK(lines.report.cut == 0);
  CHECK(WordTokenizer().split(endless).size() == 1);
  CHECK(CharacterTokenizer().split(endless).size() == ten_mebibytes);
}

TEST_CASE("bad input: what is no readable file is refused by every reader, each with its name") {
  const Scratch scratch;
  const std::string folder = scratch.folder.string(), secret = (scratch / "secret").string();
  write(scratch / "secret", "a\tb\n");
  write(scratch / "good", "a\tb\n");
  REQUIRE(::chmod(secret.c_str(), 0) == 0);
  REQUIRE(::chmod(folder.c_str(), 0755) == 0);
  struct Reader {
    std::string op;
    void (*read)(const std::string& path);
  };
  for (const Reader& reader :
       {Reader{"read_pairs", [](const std::string& path) { read_pairs(path); }},
        Reader{"read_parallel", [](const std::string& path) { read_parallel(path, path); }},
        Reader{"read_lines", [](const std::string& path) { read_lines(path); }}}) {
    CAPTURE(reader.op);
    const auto error_of = [&](const std::string& path) { return refusal([&] { reader.read(path); }); };
    CHECK(error_of(folder) == reader.op + ": this is a folder: " + folder + ": give a text file inside it");
    CHECK(error_of(folder + "/none") ==
          reader.op + ": cannot open the file: " + folder +
              "/none (No such file or directory): check the name and that you may read it");
    CHECK(error_of(folder + "/good/below") ==
          reader.op + ": cannot open the file: " + folder +
              "/good/below (Not a directory): check the name and that you may read it");
    CHECK(in_child([&] {
            give_up_root();
            return error_of(secret);
          }) == reader.op + ": cannot open the file: " + secret +
                    " (Permission denied): check the name and that you may read it");
#ifdef __linux__
    // Its first page is nobody's, so reading it fails as on a broken disk.
    CHECK(error_of("/proc/self/mem") == reader.op +
                                            ": cannot read the file: /proc/self/mem (Input/output error): "
                                            "check the disk, or copy the file elsewhere and "
                                            "try again");
#endif
  }
}

TEST_CASE("bad input: whatever bytes come, one line for each line, clean text, and counts that add up") {
  // Bytes that mean something to one reader or another, more often than others.
  const std::string_view special(
      "\n\n\n\t\t\r\0 \xEF\xBB\xBF\xE2\x80\xA8\xC3\xA9\xF0\x9F\x98\x80\xFF\xFE\xC0\xED\xA0'.@", 28);
  std::mt19937 random(7);
  const CorpusOptions options{.max_line_bytes = 40};
  std::int64_t inputs = 0, lines = 0, wrong = 0, read_as_pairs = 0;
  for (int i = 0; i < 8000; ++i) {
    std::string input(random() % 200, '\0');
    for (char& c : input) {
      const auto drawn = random();
      c = drawn % 4 == 0   ? static_cast<char>(drawn >> 8 & 0xFF)
          : drawn % 4 == 1 ? static_cast<char>('a' + (drawn >> 8) % 26)
                           : special[(drawn >> 8) % special.size()];
    }
    const auto is_clean = [](std::string_view line) {
      return !find_invalid_utf8(line) && line.find('\0') == std::string_view::npos &&
             line.find('\n') == std::string_view::npos;
    };
    std::istringstream in(input);
    LineReader reader(in, options);
    std::int64_t count = 0;
    for (std::string line; reader.next(line); ++count) wrong += !is_clean(line) || line.size() > 3 * 40;
    wrong += count != line_count(input) || reader.report().lines != count;
    try {
      const Corpus corpus = parse_pairs(input, "input", options);
      const CorpusReport& r = corpus.report;
      wrong += r.lines != line_count(input) || r.pairs != static_cast<std::int64_t>(corpus.pairs.size()) ||
               r.lines != r.pairs + r.without_tab + r.with_more_tabs + r.with_nul + r.too_long + r.empty;
      for (const SentencePair& pair : corpus.pairs) wrong += !is_clean(pair.source) || !is_clean(pair.target);
      ++read_as_pairs;
    } catch (const attune::FileError&) {
    }
    ++inputs;
    lines += count;
  }
  CHECK(wrong == 0);
  CHECK(read_as_pairs > 100);
  measured(
      "text: %lld random inputs with %lld lines, %lld of them also a corpus: one line for each line, clean "
      "text, "
      "counts that add up; %lld exceptions to that",
      static_cast<long long>(inputs), static_cast<long long>(lines), static_cast<long long>(read_as_pairs),
      static_cast<long long>(wrong));
}
