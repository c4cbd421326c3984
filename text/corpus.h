#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

// Parallel corpora: sentences and their translations, from two files whose line n belong together, or from
// one tab-separated file. Nothing is changed or left out silently; what is repaired or dropped is counted:
//
//   byte-order mark at the start    removed, counted
//   carriage return before \n       removed, counted; also the last byte of the file
//   invalid UTF-8                   U+FFFD, line counted
//   UTF-16 or UTF-32                FileError
//   empty side (or white space)     pair dropped, counted
//   NUL byte in a line              pair dropped, counted
//   longer than max_line_bytes      pair dropped, counted
//   no tab, or more than one        pair dropped, counted
//   different numbers of lines      FileError
//   no file, a folder, unreadable   FileError
//
// Lines end at \n and nowhere else: not at U+2028, form feed or a lone carriage return, so line numbers agree
// with `wc -l`, `sed -n` and every other tool. The last line may lack its \n. LineReader, from which a line
// may not go missing, removes NUL bytes from a line and cuts it where it is too long.

namespace attune::text {

struct SentencePair {
  std::string source;
  std::string target;

  bool operator==(const SentencePair& other) const = default;
};

struct CorpusOptions {
  std::int64_t max_line_bytes = 8192;  // of one side; a longer one is hardly a sentence
};

/// What happened to the lines. `lines` = `pairs` + everything dropped.
struct CorpusReport {
  std::int64_t lines = 0;  // of the tab-separated file, or of each of the two files
  std::int64_t pairs = 0;  // kept

  // Dropped, counted under the first reason of this order.
  std::int64_t without_tab = 0;
  std::int64_t with_more_tabs = 0;
  std::int64_t with_nul = 0;
  std::int64_t too_long = 0;
  std::int64_t empty = 0;

  // Repaired, counted per line of each side.
  std::int64_t byte_order_marks = 0;
  std::int64_t carriage_returns = 0;
  std::int64_t invalid_utf8 = 0;

  std::int64_t max_line_bytes = 0;  // the limit that was used

  /// One sentence for people.
  std::string summary() const;
};

struct Corpus {
  std::vector<SentencePair> pairs;
  CorpusReport report;
};

/// Line n of one file is the translation of line n of the other. FileError when a file is missing,
/// unreadable, a folder or empty, when the files have different numbers of lines, and when no pair is left.
Corpus read_parallel(const std::filesystem::path& source_file, const std::filesystem::path& target_file,
                     const CorpusOptions& options = {});

/// One pair per line: source, tab, target. FileError as above, and when most lines have not exactly one tab.
Corpus read_pairs(const std::filesystem::path& tab_separated_file, const CorpusOptions& options = {});

/// The same from memory; the names are what errors call the texts.
Corpus parse_parallel(std::string_view source, std::string_view target, const std::string& source_name,
                      const std::string& target_name, const CorpusOptions& options = {});
Corpus parse_pairs(std::string_view file, const std::string& name, const CorpusOptions& options = {});

/// What a LineReader met.
struct LineReport {
  std::int64_t lines = 0;
  std::int64_t byte_order_marks = 0;
  std::int64_t carriage_returns = 0;
  std::int64_t invalid_utf8 = 0;  // lines with at least one U+FFFD put in
  std::int64_t with_nul = 0;      // lines with NUL bytes, which are removed
  std::int64_t cut = 0;           // lines cut to max_line_bytes
  std::int64_t max_line_bytes = 0;

  /// One sentence for people.
  std::string summary() const;
};

/// Lines from a stream, one by one: exactly one for each line of the input, also for empty ones and for a
/// last one without \n. Nothing is dropped, since the n-th answer must belong to the n-th line: what a corpus
/// would drop is repaired. However long a line is, no more of it than the limit is
/// kept in memory.
///
///     text::LineReader lines(std::cin);
///     while (lines.next(line)) std::cout << translate(line) << '\n';
class LineReader {
 public:
  explicit LineReader(std::istream& in, const CorpusOptions& options = {});

  /// The next line, without its end; false when there is none.
  bool next(std::string& line);

  const LineReport& report() const { return report_; }

 private:
  std::istream& in_;
  LineReport report_;
};

/// All lines of a file, repaired as LineReader does, none cut: for files to be scored or translated, where
/// line n must stay line n. An empty file has no lines; FileError when it is missing, unreadable or a folder.
struct Lines {
  std::vector<std::string> lines;
  LineReport report;
};
Lines read_lines(const std::filesystem::path& file);

struct Split {
  std::vector<SentencePair> training;
  std::vector<SentencePair> validation;
};

/// Which pairs stay together, on one side of a split.
enum class Together {
  same_source,    // those with the same source sentence
  same_sentence,  // those with the same source or the same target, and whatever these lead to in turn
};

/// Holds out about `validation_pairs` pairs. Whole groups move, so validation can get a few pairs more than
/// asked for (those of its last group). With `same_source`, no source sentence of the validation was trained
/// on, but the same target may stand on both sides; with `same_sentence` none does. A group of more than ten
/// pairs and a tenth of what is asked for then goes to training: it may be a large part of the corpus.
///
/// Which sentences are held out depends on the seed and on the sentences, not on their order in the file: the
/// held-out ones have the smallest hashes of (seed, source; of a group, its first source in order of bytes).
/// Both sides keep the order of the file.
///
/// ValueError when the count is not positive, when nothing would be left to train on, or when so many pairs
/// cannot be held out without one of those large groups.
Split hold_out(const std::vector<SentencePair>& pairs, std::int64_t validation_pairs, std::uint64_t seed,
               Together together = Together::same_source);

}  // namespace attune::text
