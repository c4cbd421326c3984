#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "tensor/scalar.h"

// Pictures of attention: which source token each target token looked at, as SVG for people and papers and as
// text for the terminal. Legend: T rows (target tokens, which ask), S columns (source tokens, which answer).

namespace attune::io {

/// One matrix of weights with a token at every row and column.
///
/// Labels are shown as they are, in any script. What could not be seen is made visible: a space at either end
/// becomes ␣, a line break ↵, a tab ⇥, other control characters and bytes that are not UTF-8 become � (tokens
/// of bytes may be such).
struct HeatMap {
  std::vector<Scalar> weights = {};             // (T, S), row-major
  std::vector<std::string> row_labels = {};     // T target tokens
  std::vector<std::string> column_labels = {};  // S source tokens
  std::string title = {};                       // of this panel: "head 1"
};

struct HeatMapOptions {
  std::string title = {};           // of the page
  std::string row_axis = "target";  // what rows and columns are
  std::string column_axis = "source";
  std::string legend = "attention weight";  // what the colours mean
  double low = 0;                           // the weight of the lightest and of the darkest colour
  double high = 1;
  bool numbers = true;     // in the cells, where these are large enough
  double cell = 0;         // the side of a cell in pixels, 8 to 200; 0 chooses one
  int panels_per_row = 0;  // 0 chooses
  int text_width = 0;      // of print_heat_map: wider maps are printed in parts below each other; 0: no limit
};

/// The page as SVG: the panels side by side, all on one scale of colours, every cell with its number as a
/// tooltip. The same input gives the same bytes; nothing in it is a script or is loaded from elsewhere.
/// ShapeError where weights and labels do not fit, a matrix is empty, there is no panel or there are more
/// than 250,000 cells; ValueError for weights that are not finite or lie outside low … high, and for options
/// that make no sense.
std::string heat_map_svg(const std::vector<HeatMap>& panels, const HeatMapOptions& options = {});

/// Writes that page to a file, atomically. Errors as above, and FileError.
void write_heat_map(const std::filesystem::path& path, const std::vector<HeatMap>& panels,
                    const HeatMapOptions& options = {});

/// The matrix as text: a row per target token, cells shaded ░▒▓█ from 5, 25, 50 and 75 % of the scale on.
/// Columns stay aligned under wide (Chinese, Japanese, Korean) characters. Errors as above; labels longer
/// than 16 columns are cut.
void print_heat_map(std::ostream& out, const HeatMap& map, const HeatMapOptions& options = {});

/// The colour for a fraction of the scale, 0 lightest to 1 darkest, as "#rrggbb". Values outside are taken as
/// the ends.
std::string heat_colour(double fraction);

}  // namespace attune::io
