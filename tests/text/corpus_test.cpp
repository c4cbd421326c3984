#include "text/corpus.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "tensor/error.h"
#include "tests/io/scratch.h"

using namespace attune::text;
using namespace std::string_literals;

namespace {

using Pairs = std::vector<SentencePair>;

Corpus pairs_of(const std::string& file, const CorpusOptions& options = {}) {
  return parse_pairs(file, "p.tsv", options);
}

/// The text of the FileError that parsing or reading ends in.
template <class Read>
std::string refusal(Read read) {
  try {
    read();
  } catch (const attune::FileError& error) {
    return error.what();
  }
  return "not refused";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> lines_of(const std::string& input, LineReport* report = nullptr,
                                  std::int64_t limit = 8192) {
  std::istringstream stream(input);
  LineReader reader(stream, {.max_line_bytes = limit});
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  if (report != nullptr) *report = reader.report();
  return lines;
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("read_pairs: each line is a source, a tab and a target, with or without a last line end") {
  const Pairs expected = {{"Hi.", "嗨。"}, {"Run.", "你用跑的。"}};
  CHECK(pairs_of("Hi.\t嗨。\nRun.\t你用跑的。\n").pairs == expected);
  CHECK(pairs_of("Hi.\t嗨。\nRun.\t你用跑的。").pairs == expected);
  CHECK(pairs_of("Hi.\t嗨。\nRun.\t你用跑的。\n").report.summary() == "read 2 lines and kept all as pairs");
}

TEST_CASE("read_pairs: everything dropped or repaired is counted, and the counts add up") {
  const std::string file =
      "\xEF\xBB\xBF"
      "a\tA\r\n"
      "no tab\n"
      "two\ttabs\there\n"
      "n\0l\tB\n"
      "\tempty source\n"
      "empty target\t \n"
      "\n"
      "long line here\tC\n"
      "d\xff\tD\n"
      "e\tE\n"s;
  const Corpus corpus = pairs_of(file, {.max_line_bytes = 12});
  CHECK(corpus.pairs == Pairs{{"a", "A"}, {"d\uFFFD", "D"}, {"e", "E"}});

  const CorpusReport& report = corpus.report;
  CHECK(report.lines == 10);
  CHECK(report.pairs == 3);
  CHECK(report.without_tab == 1);
  CHECK(report.with_more_tabs == 1);
  CHECK(report.with_nul == 1);
  CHECK(report.too_long == 1);
  CHECK(report.empty == 3);
  CHECK(report.byte_order_marks == 1);
  CHECK(report.carriage_returns == 1);
  CHECK(report.invalid_utf8 == 1);
  CHECK(report.lines == report.pairs + report.without_tab + report.with_more_tabs + report.with_nul +
                            report.too_long + report.empty);
  CHECK(report.summary() ==
        "read 10 lines and kept 3 pairs; dropped 1 without a tab, 1 with more than one tab, 1 with NUL "
        "bytes, 1 longer "
        "than 12 bytes and 3 with an empty side; removed 1 byte-order mark and 1 carriage return at the ends "
        "of lines; "
        "repaired 1 line that had invalid UTF-8 (now U+FFFD)");
}

TEST_CASE("read_pairs: a line as long as the limit is kept, one byte more is not") {
  CHECK(pairs_of("abcd\tx\nabcde\tx\n", {.max_line_bytes = 4}).pairs == Pairs{{"abcd", "x"}});
  CHECK_THROWS_AS(pairs_of("a\tb\n", {.max_line_bytes = 0}), attune::ValueError);
}

TEST_CASE("read_pairs: a file that is mostly not tab-separated is refused") {
  CHECK(refusal([] { pairs_of("a\tA\nb\nc\nd\n"); }) ==
        "read_pairs: most lines have not exactly one tab: p.tsv has 4 lines, 3 without a tab and 0 with "
        "more: write "
        "source, tab, target on each line; cut -f1,2 keeps the first two columns");
  CHECK(pairs_of("a\tA\nb\n").pairs.size() == 1);  // half is not most
}

TEST_CASE("read_pairs: lines end at \\n only, so line numbers are those of other tools") {
  CHECK(pairs_of("a\rb\u2028c\x0C\tx\u0085y\n").pairs == Pairs{{"a\rb\u2028c\x0C", "x\u0085y"}});
}

TEST_CASE("corpora: empty files, UTF-16 and files without a single pair are refused") {
  CHECK(refusal([] { pairs_of(""); }) ==
        "read_pairs: the file is empty: p.tsv: give a file with one sentence per line");
  CHECK(refusal([] { pairs_of("\xFF\xFEh\0i\0\t\0"s); }) ==
        "read_pairs: the text must be UTF-8: p.tsv is UTF-16: convert it with iconv -f UTF-16 -t UTF-8");
  CHECK(contains(refusal([] { pairs_of("\xFF\xFE\0\0h\0\0\0"s); }), "is UTF-32"));
  CHECK(contains(refusal([] { pairs_of("\n\n"); }),
                 "no pair is left: p.tsv: read 2 lines and kept 0 pairs; dropped 2"));
  CHECK(contains(refusal([] { parse_parallel("a\n", "", "a.en", "a.fr"); }), "the file is empty: a.fr"));
}

TEST_CASE("read_parallel: line n of one file belongs to line n of the other") {
  const Corpus corpus = parse_parallel("one\n\nthree\r\nfour", "un\ndeux\ntrois\nqua\xff\n", "a.en", "a.fr");
  CHECK(corpus.pairs == Pairs{{"one", "un"}, {"three", "trois"}, {"four", "qua\uFFFD"}});
  CHECK(corpus.report.lines == 4);
  CHECK(corpus.report.empty == 1);
  CHECK(corpus.report.carriage_returns == 1);
  CHECK(corpus.report.invalid_utf8 == 1);
}

TEST_CASE("read_parallel: files of different lengths are refused with both counts") {
  CHECK(refusal([] { parse_parallel("a\nb\nc\n", "A\nB", "a.en", "a.fr"); }) ==
        "read_parallel: the files must have the same number of lines: a.en has 3, a.fr has 2: line n of one "
        "is the "
        "translation of line n of the other, so look for lines missing or split");
}

TEST_CASE("corpora: files are read as they are, and missing ones and folders are refused") {
  const Scratch scratch;
  write(scratch / "a.en", "one\ntwo");
  write(scratch / "a.fr", "un\ndeux\n");
  write(scratch / "a.tsv", "one\tun\ntwo\tdeux\n");
  const Pairs expected = {{"one", "un"}, {"two", "deux"}};
  CHECK(read_parallel(scratch / "a.en", scratch / "a.fr").pairs == expected);
  CHECK(read_pairs(scratch / "a.tsv").pairs == expected);

  const std::string missing = refusal([&] { read_pairs("/no/such.tsv"); });
  CHECK(missing ==
        "read_pairs: cannot open the file: /no/such.tsv (No such file or directory): check the name and that "
        "you may "
        "read it");
  CHECK(contains(refusal([&] { read_parallel(scratch / "a.en", scratch.folder); }), "this is a folder: "));
}

TEST_CASE("line reader: one line comes out for each line of the input") {
  using Strings = std::vector<std::string>;
  CHECK(lines_of("").empty());
  CHECK(lines_of("\n") == Strings{""});
  CHECK(lines_of("a") == Strings{"a"});
  CHECK(lines_of("a\n") == Strings{"a"});
  CHECK(lines_of("a\n\n\nb\n \n") == Strings{"a", "", "", "b", " "});
  CHECK(lines_of("\n\nb") == Strings{"", "", "b"});
  CHECK(lines_of("a\u2028\rb\x0C\n") == Strings{"a\u2028\rb\x0C"});
}

TEST_CASE("line reader: what a corpus would drop is repaired and counted") {
  LineReport report;
  const std::vector<std::string> lines = lines_of(
      "\xEF\xBB\xBF"
      "a\r\nb\0c\nd\xff\n\0\n0123456789\n"s,
      &report, 8);
  CHECK(lines == std::vector<std::string>{"a", "bc", "d\uFFFD", "", "01234567"});
  CHECK(report.lines == 5);
  CHECK(report.byte_order_marks == 1);
  CHECK(report.carriage_returns == 1);
  CHECK(report.with_nul == 2);
  CHECK(report.invalid_utf8 == 1);
  CHECK(report.cut == 1);
  CHECK(report.summary() ==
        "read 5 lines; removed 1 byte-order mark, 1 carriage return at the ends of lines and the NUL bytes "
        "of 2 lines; "
        "cut 1 line to 8 bytes; repaired 1 line that had invalid UTF-8 (now U+FFFD)");
}

TEST_CASE("line reader: lines are cut at the limit, before a character, and the next line is whole") {
  LineReport report;
  for (std::size_t length = 1; length < 40; ++length) {
    std::string input;
    for (std::size_t i = 0; i < length; ++i) input += "é";
    const std::vector<std::string> lines = lines_of(input + "\r\nnext\n", &report, 9);
    CAPTURE(length);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].size() == 2 * std::min<std::size_t>(length, 4));
    CHECK(lines[1] == "next");
    CHECK(report.cut == (length > 4 ? 1 : 0));
    CHECK(report.invalid_utf8 == 0);
  }
  CHECK(lines_of("\xEF\xBB\xBF"
                 "12345678\r\n",
                 &report, 8) == std::vector<std::string>{"12345678"});
  CHECK(report.cut == 0);
}

TEST_CASE("line reader: only a mark at the very start and a carriage return at the very end are removed") {
  LineReport report;
  CHECK(lines_of("a\n\xEF\xBB\xBF"
                 "b\rc\n",
                 &report) == std::vector<std::string>{"a", "\uFEFFb\rc"});
  CHECK(report.byte_order_marks == 0);
  CHECK(report.carriage_returns == 0);

  // The last byte that is kept of a long line is a carriage return, but not the line's last byte.
  lines_of("01234567890\rabc\n", &report, 8);
  CHECK(report.cut == 1);
  CHECK(report.carriage_returns == 0);
}

TEST_CASE("read_lines: line n of the file is line n of the result, however long") {
  const Scratch scratch;
  const std::string long_line(100000, 'x');
  write(scratch / "a", "one\n\n" + long_line + "\r\nlast");
  const Lines read = read_lines(scratch / "a");
  CHECK(read.lines == std::vector<std::string>{"one", "", long_line, "last"});
  CHECK(read.report.carriage_returns == 1);
  write(scratch / "a", "");
  CHECK(read_lines(scratch / "a").lines.empty());
  CHECK(contains(refusal([&] { read_lines(scratch / "b"); }), "read_lines: cannot open the file"));
}

namespace {

Pairs many_pairs(int count) {
  Pairs pairs;
  for (int i = 0; i < count; ++i) {
    pairs.push_back({"sentence " + std::to_string(i % (count / 2)), "phrase " + std::to_string(i)});
  }
  return pairs;
}

std::set<std::string> sources_of(const Pairs& pairs) {
  std::set<std::string> sources;
  for (const SentencePair& pair : pairs) sources.insert(pair.source);
  return sources;
}

}  // namespace

TEST_CASE("hold_out: every pair is on one side, and no source sentence on both") {
  const Pairs pairs = many_pairs(1000);  // each source sentence twice
  const Split split = hold_out(pairs, 100, 7);
  CHECK(split.validation.size() == 100);
  CHECK(split.training.size() == 900);
  for (const std::string& source : sources_of(split.validation))
    CHECK(sources_of(split.training).count(source) == 0);

  Pairs all = split.training;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  const auto by_target = [](const SentencePair& a, const SentencePair& b) { return a.target < b.target; };
  Pairs expected = pairs;
  std::sort(all.begin(), all.end(), by_target);
  std::sort(expected.begin(), expected.end(), by_target);
  CHECK(all == expected);
}

TEST_CASE("hold_out: the same seed holds out the same sentences, whatever their order and company") {
  const Pairs pairs = many_pairs(1000);
  const std::set<std::string> held_out = sources_of(hold_out(pairs, 100, 7).validation);
  Pairs reversed(pairs.rbegin(), pairs.rend());
  CHECK(sources_of(hold_out(reversed, 100, 7).validation) == held_out);
  CHECK(sources_of(hold_out(pairs, 100, 8).validation) != held_out);

  // A smaller share of the same corpus is a part of the larger one.
  for (const std::string& source : sources_of(hold_out(pairs, 40, 7).validation))
    CHECK(held_out.count(source) == 1);
}

TEST_CASE("hold_out: the choice is the same on every platform") {
  // Computed by a separate program from the definitions of FNV-1a and Threefry.
  const Pairs pairs = {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""},
                       {"e", ""}, {"f", ""}, {"g", ""}, {"h", ""}};
  CHECK(sources_of(hold_out(pairs, 3, 1).validation) == std::set<std::string>{"c", "d", "e"});
}

TEST_CASE("hold_out: with same_sentence, no sentence of either language stands on both sides") {
  // Sources and targets that repeat, in chains: s0-t1, s1-t1, s1-t701, …
  std::vector<SentencePair> pairs;
  for (int i = 0; i < 900; ++i)
    pairs.push_back({"s" + std::to_string(i % 700), "t" + std::to_string(i % 11 == 0 ? i + 1 : i)});
  const auto shared_targets = [](const Split& split) {
    std::set<std::string> trained;
    for (const SentencePair& pair : split.training) trained.insert(pair.target);
    return std::count_if(split.validation.begin(), split.validation.end(),
                         [&](const SentencePair& pair) { return trained.count(pair.target) != 0; });
  };
  CHECK(shared_targets(hold_out(pairs, 100, 7)) > 0);
  const Split split = hold_out(pairs, 100, 7, Together::same_sentence);
  CHECK(shared_targets(split) == 0);
  const std::set<std::string> held_out = sources_of(split.validation);
  for (const std::string& source : sources_of(split.training)) CHECK(held_out.count(source) == 0);
  CHECK(split.training.size() + split.validation.size() == pairs.size());
  CHECK(split.validation.size() >= 100);
  CHECK(split.validation.size() < 110);

  std::reverse(pairs.begin(), pairs.end());
  CHECK(sources_of(hold_out(pairs, 100, 7, Together::same_sentence).validation) == held_out);
}

TEST_CASE("hold_out: a group that is a large part of the corpus goes to training") {
  // Two hundred questions with the answer "yes" are one group, of which all or nothing can be held out.
  std::vector<SentencePair> pairs;
  for (int i = 0; i < 500; ++i)
    pairs.push_back({"s" + std::to_string(i), i < 200 ? "yes" : "t" + std::to_string(i)});
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Split split = hold_out(pairs, 100, seed, Together::same_sentence);
    CHECK(split.validation.size() == 100);
    CHECK(split.training.size() == 400);
  }
  CHECK_THROWS_AS(hold_out(pairs, 301, 1, Together::same_sentence), attune::ValueError);
}

TEST_CASE("hold_out: nothing to hold out and nothing to train on are refused") {
  const Pairs pairs = many_pairs(10);
  CHECK_THROWS_AS(hold_out(pairs, 0, 1), attune::ValueError);
  CHECK_THROWS_AS(hold_out(pairs, 10, 1), attune::ValueError);
  CHECK_THROWS_AS(hold_out({}, 1, 1), attune::ValueError);
  CHECK_THROWS_WITH_AS(
      hold_out({{"a", "A"}, {"a", "B"}}, 1, 1),
      "hold_out: nothing is left to train on: 2 pairs have only 1 different source sentences, which stay "
      "together: ask for fewer than 1",
      attune::ValueError);
}
