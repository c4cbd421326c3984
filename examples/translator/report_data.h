#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/report_page.h"

// What a report is made of, as it lies on the disk: the record of an epoch, and tables of numbers.

namespace attune::examples {

/// One epoch's record.
struct EpochRecord {
  int epoch = 0;
  std::vector<std::pair<std::string, std::string>> facts = {};  // of the model
  std::vector<io::WatchedSentence> sentences = {};  // with one translation, and one moment of weights
};

/// As text and back. FileError, which begins with `name`, for a text that is no record.
std::string to_json(const EpochRecord& record);
EpochRecord from_json(std::string_view text, const std::string& name);

/// Which of `epochs` (rising) are shown when at most `most` can be: all, or else the first, the last, and
/// between them each that comes at least r times as late as the one before (counted from the first), with the
/// smallest r that leaves few enough. So early epochs, when most happens, stay one by one.
std::vector<int> thinned(const std::vector<int>& epochs, std::size_t most);

/// Columns of numbers by name. What is no number, or missing, is NaN. FileError, which begins with `name`,
/// when there is no header.
struct NumberTable {
  std::vector<std::string> names = {};
  std::vector<std::vector<double>> columns = {};

  /// A column; as many NaN as there are rows when there is none of that name.
  std::vector<double> column(const std::string& name) const;
  std::size_t rows() const { return columns.empty() ? 0 : columns.front().size(); }
};
NumberTable read_csv(std::string_view text, const std::string& name);

}  // namespace attune::examples
