#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "io/line_chart.h"

// A training as one HTML page: figures, curves, translations as they change, and the attention microscope,
// which shows every layer and head at every moment that was recorded. The page is one file: it loads nothing
// from anywhere (and says so to the browser, which then refuses to), needs no server and no library. Its
// parts lie in io/report: page.html, page.css, page.js; CMake puts them into the program.

namespace attune::io {

/// One kind of attention in one sentence: which word looks at which, in every layer and head, at every
/// moment. L layers, H heads, T rows (words that ask), S columns (words that answer).
struct AttentionKind {
  std::string name = {};      // "cross-attention"
  std::string note = {};      // a sentence on how to read it
  std::string row_axis = {};  // what rows and columns are: "German, as it is written"
  std::string column_axis = {};
  std::vector<std::string> rows = {}, columns = {};  // T and S tokens; made visible as HeatMap's labels are
  std::size_t layers = 0, heads = 0;
  /// For each moment the weights (L, H, T, S) of this sentence, a byte each: 255 stands for 1.
  std::vector<std::string> weights = {};
};

/// A sentence that was watched, and what came of it.
struct WatchedSentence {
  std::string source = {}, reference = {};
  std::vector<std::string> translations = {};  // one for each moment
  std::vector<AttentionKind> kinds = {};
};

struct ReportPage {
  std::string title = "Training";
  std::string summary = {};                                     // a paragraph below the title
  std::vector<std::pair<std::string, std::string>> facts = {};  // name and value
  std::vector<LineChart> charts = {};                           // over the steps of training
  std::string moment_name = "epoch";                            // what moments are
  std::vector<int> moments = {};                                // when sentences were recorded, rising
  std::vector<double> moment_steps = {};                        // the step of each, for a mark in the charts
  std::vector<WatchedSentence> sentences = {};
};

/// The weight 0 … 1 as a byte, rounded; what is not finite or outside counts as the nearer end, NaN as 0.
char to_byte(double weight);

/// The page as HTML. The same input gives the same bytes. Text may be anything: it is escaped, and what is
/// not UTF-8 is replaced by U+FFFD. ShapeError where numbers of moments, labels and weights do not fit
/// together.
std::string report_html(const ReportPage& page);

}  // namespace attune::io
