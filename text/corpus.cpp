#include "text/corpus.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "tensor/error.h"
#include "tensor/random.h"
#include "text/utf8.h"

namespace attune::text {
namespace {

// ---- files and lines

/// All bytes of a file, a pipe or a device. io::read_file takes regular files only; a corpus may well come
/// from `--source <(zcat train.en.gz)`.
std::string read_bytes(const std::string& op, const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    fail<FileError>(op, ": this is a folder: ", path.string(), ": give a text file inside it");
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) {
    fail<FileError>(op, ": cannot open the file: ", path.string(), " (", std::strerror(errno),
                    "): check the name and that you may read it");
  }
  std::string bytes;
  char block[1 << 16];
  while (const std::size_t count = std::fread(block, 1, sizeof block, file.get())) bytes.append(block, count);
  if (std::ferror(file.get())) {
    fail<FileError>(op, ": cannot read the file: ", path.string(), " (", std::strerror(errno),
                    "): check the disk, or copy the file elsewhere and try again");
  }
  return bytes;
}

/// Takes the first line off `rest`, without its \n.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

/// For a text that is not empty.
std::int64_t count_lines(std::string_view text) {
  const std::int64_t ends = std::count(text.begin(), text.end(), '\n');
  return text.back() == '\n' ? ends : ends + 1;
}

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// What can be mended in a line without losing it. `Report` is a CorpusReport or a LineReport.
template <class Report>
std::string_view strip_ends(std::string_view line, bool is_first, Report& report, bool has_end = true) {
  if (is_first && line.substr(0, byte_order_mark.size()) == byte_order_mark) {
    line.remove_prefix(byte_order_mark.size());
    ++report.byte_order_marks;
  }
  if (has_end && !line.empty() && line.back() == '\r') {
    line.remove_suffix(1);
    ++report.carriage_returns;
  }
  return line;
}

template <class Report>
std::string repaired(std::string_view line, Report& report) {
  if (!find_invalid_utf8(line)) return std::string(line);
  ++report.invalid_utf8;
  return repair_utf8(line);
}

/// UTF-16 and UTF-32 would read as invalid bytes and NULs from end to end.
void refuse_wide_encodings(const std::string& op, std::string_view text, const std::string& name) {
  using namespace std::string_view_literals;
  const std::pair<std::string_view, const char*> marks[] = {{"\xFF\xFE\0\0"sv, "UTF-32"},
                                                            {"\0\0\xFE\xFF"sv, "UTF-32"},
                                                            {"\xFF\xFE"sv, "UTF-16"},
                                                            {"\xFE\xFF"sv, "UTF-16"}};
  for (const auto& [mark, encoding] : marks) {
    if (text.substr(0, mark.size()) != mark) continue;
    fail<FileError>(op, ": the text must be UTF-8: ", name, " is ", encoding, ": convert it with iconv -f ",
                    encoding, " -t UTF-8");
  }
}

void refuse_empty(const std::string& op, std::string_view text, const std::string& name) {
  if (text.empty()) {
    fail<FileError>(op, ": the file is empty: ", name, ": give a file with one sentence per line");
  }
}

bool is_blank(std::string_view line) {
  for (std::size_t i = 0; i < line.size();) {
    const DecodedCharacter c = decode_character(line, i);
    if (!is_white_space(c.code_point)) return false;
    i += c.length;
  }
  return true;
}

// ---- pairs

/// Keeps the pair or counts why not.
void add_pair(std::string_view source, std::string_view target, const CorpusOptions& options,
              Corpus& corpus) {
  CorpusReport& report = corpus.report;
  const auto has_nul = [](std::string_view side) { return side.find('\0') != std::string_view::npos; };
  const auto is_long = [&](std::string_view side) {
    return static_cast<std::int64_t>(side.size()) > options.max_line_bytes;
  };
  if (has_nul(source) || has_nul(target)) {
    ++report.with_nul;
  } else if (is_long(source) || is_long(target)) {
    ++report.too_long;
  } else if (is_blank(source) || is_blank(target)) {
    ++report.empty;
  } else {
    // In this order, not as arguments of one call: the order in which arguments are computed is unspecified.
    std::string source_text = repaired(source, report);
    std::string target_text = repaired(target, report);
    corpus.pairs.push_back({std::move(source_text), std::move(target_text)});
    ++report.pairs;
  }
}

void check_options(const std::string& op, const CorpusOptions& options) {
  if (options.max_line_bytes <= 0) {
    fail<ValueError>(op, ": max_line_bytes must be positive: ", options.max_line_bytes, ": leave it at ",
                     CorpusOptions{}.max_line_bytes, " unless lines are longer");
  }
}

void refuse_no_pairs(const std::string& op, const Corpus& corpus, const std::string& name) {
  if (corpus.pairs.empty()) {
    fail<FileError>(op, ": no pair is left: ", name, ": ", corpus.report.summary(),
                    ": give a file with sentences and their translations");
  }
}

// ---- sentences about reports

/// "1 line", "2 lines".
std::string counted(std::int64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

struct Item {
  std::int64_t count;
  std::string text;
};

/// Appends "; verb first, second and third" with the items whose count is not 0.
void append_list(std::string& sentence, const std::string& verb, const std::vector<Item>& items) {
  std::vector<std::string> texts;
  for (const Item& item : items) {
    if (item.count > 0) texts.push_back(item.text);
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const bool last = i + 1 == texts.size();
    sentence += i == 0 ? "; " + verb + " " : last ? " and " : ", ";
    sentence += texts[i];
  }
}

Item byte_order_mark_item(std::int64_t count) {
  return {count, counted(count, "byte-order mark", "byte-order marks")};
}
Item carriage_return_item(std::int64_t count) {
  return {count, counted(count, "carriage return", "carriage returns") + " at the ends of lines"};
}
Item invalid_utf8_item(std::int64_t count) {
  return {count, counted(count, "line", "lines") + " that had invalid UTF-8 (now U+FFFD)"};
}

}  // namespace

std::string CorpusReport::summary() const {
  std::string sentence = "read " + counted(lines, "line", "lines") + " and kept ";
  sentence += pairs == lines ? "all as pairs" : counted(pairs, "pair", "pairs");
  append_list(
      sentence, "dropped",
      {{without_tab, std::to_string(without_tab) + " without a tab"},
       {with_more_tabs, std::to_string(with_more_tabs) + " with more than one tab"},
       {with_nul, std::to_string(with_nul) + " with NUL bytes"},
       {too_long, std::to_string(too_long) + " longer than " + std::to_string(max_line_bytes) + " bytes"},
       {empty, std::to_string(empty) + " with an empty side"}});
  append_list(sentence, "removed",
              {byte_order_mark_item(byte_order_marks), carriage_return_item(carriage_returns)});
  append_list(sentence, "repaired", {invalid_utf8_item(invalid_utf8)});
  return sentence;
}

Corpus parse_parallel(std::string_view source, std::string_view target, const std::string& source_name,
                      const std::string& target_name, const CorpusOptions& options) {
  const std::string op = "read_parallel";
  check_options(op, options);
  for (const auto& [text, name] : {std::pair(source, source_name), std::pair(target, target_name)}) {
    refuse_empty(op, text, name);
    refuse_wide_encodings(op, text, name);
  }
  const std::int64_t lines = count_lines(source);
  const std::int64_t target_lines = count_lines(target);
  if (lines != target_lines) {
    fail<FileError>(
        op, ": the files must have the same number of lines: ", source_name, " has ", lines, ", ",
        target_name, " has ", target_lines,
        ": line n of one is the translation of line n of the other, so look for lines missing or split");
  }

  Corpus corpus;
  corpus.report.lines = lines;
  corpus.report.max_line_bytes = options.max_line_bytes;
  corpus.pairs.reserve(static_cast<std::size_t>(lines));
  for (std::int64_t n = 0; n < lines; ++n) {
    const std::string_view source_line = strip_ends(take_line(source), n == 0, corpus.report);
    const std::string_view target_line = strip_ends(take_line(target), n == 0, corpus.report);
    add_pair(source_line, target_line, options, corpus);
  }
  refuse_no_pairs(op, corpus, source_name + " and " + target_name);
  return corpus;
}

Corpus parse_pairs(std::string_view file, const std::string& name, const CorpusOptions& options) {
  const std::string op = "read_pairs";
  check_options(op, options);
  refuse_empty(op, file, name);
  refuse_wide_encodings(op, file, name);

  Corpus corpus;
  CorpusReport& report = corpus.report;
  report.max_line_bytes = options.max_line_bytes;
  report.lines = count_lines(file);
  for (std::int64_t n = 0; n < report.lines; ++n) {
    const std::string_view line = strip_ends(take_line(file), n == 0, report);
    const std::int64_t tabs = std::count(line.begin(), line.end(), '\t');
    if (tabs == 1) {
      const std::size_t tab = line.find('\t');
      add_pair(line.substr(0, tab), line.substr(tab + 1), options, corpus);
    } else if (is_blank(line)) {
      ++report.empty;
    } else {
      ++(tabs == 0 ? report.without_tab : report.with_more_tabs);
    }
  }
  if (2 * (report.without_tab + report.with_more_tabs) > report.lines) {
    fail<FileError>(
        op, ": most lines have not exactly one tab: ", name, " has ", report.lines, " lines, ",
        report.without_tab, " without a tab and ", report.with_more_tabs,
        " with more: write source, tab, target on each line; cut -f1,2 keeps the first two columns");
  }
  refuse_no_pairs(op, corpus, name);
  return corpus;
}

Corpus read_parallel(const std::filesystem::path& source_file, const std::filesystem::path& target_file,
                     const CorpusOptions& options) {
  const std::string source = read_bytes("read_parallel", source_file);
  const std::string target = read_bytes("read_parallel", target_file);
  return parse_parallel(source, target, source_file.string(), target_file.string(), options);
}

Corpus read_pairs(const std::filesystem::path& tab_separated_file, const CorpusOptions& options) {
  return parse_pairs(read_bytes("read_pairs", tab_separated_file), tab_separated_file.string(), options);
}

// ---- line by line

std::string LineReport::summary() const {
  std::string sentence = "read " + counted(lines, "line", "lines");
  append_list(sentence, "removed",
              {byte_order_mark_item(byte_order_marks),
               carriage_return_item(carriage_returns),
               {with_nul, "the NUL bytes of " + counted(with_nul, "line", "lines")}});
  append_list(sentence, "cut",
              {{cut, counted(cut, "line", "lines") + " to " + std::to_string(max_line_bytes) + " bytes"}});
  append_list(sentence, "repaired", {invalid_utf8_item(invalid_utf8)});
  return sentence;
}

LineReader::LineReader(std::istream& in, const CorpusOptions& options) : in_(in) {
  check_options("LineReader", options);
  report_.max_line_bytes = options.max_line_bytes;
}

bool LineReader::next(std::string& line) {
  // Read up to \n, keeping no more than the limit and what may be stripped at the ends.
  const auto limit = static_cast<std::size_t>(report_.max_line_bytes);
  std::string bytes;
  bool any = false;
  bool whole = true;
  for (char c = 0; in_.get(c);) {
    any = true;
    if (c == '\n') break;
    whole = bytes.size() < limit + byte_order_mark.size() + 1;
    if (whole) bytes += c;
  }
  if (!any) return false;

  // Strip the ends. The \r of a line that was not kept to its end is no line end.
  std::string_view kept = strip_ends(bytes, report_.lines == 0, report_, whole);
  ++report_.lines;

  // Cut before a character, not within.
  if (kept.size() > limit) {
    ++report_.cut;
    std::size_t end = limit;
    const auto continues = [&](std::size_t i) {
      return (static_cast<unsigned char>(kept[i]) & 0xC0u) == 0x80u;
    };
    while (end > 0 && limit - end < 3 && continues(end)) --end;
    kept = kept.substr(0, end);
  }
  line = repaired(kept, report_);
  if (line.find('\0') != std::string::npos) {
    ++report_.with_nul;
    line.erase(std::remove(line.begin(), line.end(), '\0'), line.end());
  }
  return true;
}

Lines read_lines(const std::filesystem::path& file) {
  std::istringstream bytes(read_bytes("read_lines", file));
  CorpusOptions unlimited;
  unlimited.max_line_bytes = std::numeric_limits<std::int32_t>::max();
  LineReader reader(bytes, unlimited);
  Lines result;
  for (std::string line; reader.next(line);) result.lines.push_back(line);
  result.report = reader.report();
  return result;
}

// ---- training and validation

namespace {

/// FNV-1a, 64 bits (Fowler, Noll, Vo): the same number everywhere, which std::hash does not promise.
std::uint64_t hash_bytes(std::string_view bytes) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

/// For each pair the sentence that names its group: the smallest source sentence that can be reached from it
/// through pairs with the same source or the same target. Disjoint sets by union and find (Cormen et al.,
/// "Introduction to Algorithms", chapter on data structures for disjoint sets).
std::vector<std::string_view> group_names(const std::vector<SentencePair>& pairs) {
  std::vector<std::size_t> leader(pairs.size());  // a pair of the same group, with a smaller or equal source
  for (std::size_t i = 0; i < pairs.size(); ++i) leader[i] = i;
  const auto find = [&](std::size_t i) {
    while (leader[i] != i) i = leader[i] = leader[leader[i]];
    return i;
  };
  const auto unite = [&](std::size_t a, std::size_t b) {
    a = find(a), b = find(b);
    if (pairs[b].source < pairs[a].source) std::swap(a, b);
    leader[b] = a;
  };
  std::unordered_map<std::string_view, std::size_t> first_with_source, first_with_target;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    unite(i, first_with_source.emplace(pairs[i].source, i).first->second);
    unite(i, first_with_target.emplace(pairs[i].target, i).first->second);
  }
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < pairs.size(); ++i) names.push_back(pairs[find(i)].source);
  return names;
}

}  // namespace

Split hold_out(const std::vector<SentencePair>& pairs, std::int64_t validation_pairs, std::uint64_t seed,
               Together together) {
  const auto total = static_cast<std::int64_t>(pairs.size());
  if (validation_pairs <= 0 || validation_pairs >= total) {
    fail<ValueError>("hold_out: validation_pairs is out of range: ", validation_pairs, " of ", total,
                     " pairs: hold out at least 1 and leave at least 1 to train on");
  }

  std::vector<std::string_view> group;  // of each pair
  if (together == Together::same_sentence) {
    group = group_names(pairs);
  } else {
    for (const SentencePair& pair : pairs) group.push_back(pair.source);
  }

  // Each group draws its number from the seed's stream, at a place that the bytes of its name choose.
  std::unordered_map<std::string_view, std::int64_t> pairs_of;
  for (const std::string_view name : group) ++pairs_of[name];
  const Rng rng(seed);
  std::vector<std::pair<std::uint32_t, std::string_view>> lots;
  lots.reserve(pairs_of.size());
  for (const auto& entry : pairs_of) lots.emplace_back(rng.bits(hash_bytes(entry.first)), entry.first);
  std::sort(lots.begin(), lots.end());

  // The smallest numbers are held out, until there are enough pairs.
  std::unordered_set<std::string_view> held_out;
  // Groups by the sentences of both sides can be a large part of the corpus; such a one goes to training.
  const std::int64_t largest = std::max<std::int64_t>(10, validation_pairs / 10);
  std::int64_t count = 0;
  for (std::size_t i = 0; count < validation_pairs && i < lots.size(); ++i) {
    const std::int64_t size = pairs_of[lots[i].second];
    if (together == Together::same_sentence && size > largest) continue;
    held_out.insert(lots[i].second);
    count += size;
  }
  if (count < validation_pairs)
    fail<ValueError>(
        "hold_out: ", validation_pairs, " of ", total, " pairs cannot be held out: there are ", lots.size(),
        " groups of sentences that stay together, and too many are too large: ", "ask for fewer");
  if (count == total) {
    fail<ValueError>("hold_out: nothing is left to train on: ", total, " pairs have only ", lots.size(),
                     together == Together::same_source ? " different source sentences, which stay together"
                                                       : " groups of sentences that stay together",
                     ": ask for fewer than ", validation_pairs);
  }

  Split split;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    (held_out.count(group[i]) != 0 ? split.validation : split.training).push_back(pairs[i]);
  return split;
}

}  // namespace attune::text
