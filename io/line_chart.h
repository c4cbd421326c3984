#pragma once

#include <string>
#include <vector>

// Curves over time as SVG: a loss, a learning rate, a score.

namespace attune::io {

/// Points from left to right. A point whose x or y is not finite is left out, and the line is broken there.
struct Curve {
  std::string name = {};
  std::vector<double> x = {}, y = {};
  bool faint = false;  // drawn thin and pale, behind the others: the noisy loss of single steps
};

struct LineChart {
  std::string title = {};
  std::string x_axis = {}, y_axis = {};
  std::vector<Curve> curves = {};
  std::string note = {};  // a sentence below the title: what the curve should do
  std::vector<double> x_shown =
      {};                    // the x axis has room for these as well, so that charts can have one axis
  bool logarithmic = false;  // the y axis by powers of ten; points of 0 and less are left out
  int places = 2;            // decimals of y in words and tables
};

/// The chart as an SVG element for a page, as wide as its frame. Its colours are classes that the page's
/// style sheet (report/page.css) gives their light and dark values. The ends and the extremes are in
/// its description, for those who do not see it. `id` makes the ids of its parts unique on the page.
/// ShapeError when a curve has not as many x as y. A chart without a finite point says that there is nothing
/// yet.
std::string line_chart_svg(const LineChart& chart, const std::string& id);

/// Where the round numbers of an axis stand: at most about `count` of them, multiples of 1, 2 or 5 times a
/// power of ten, within low … high. ValueError unless low < high, both finite.
std::vector<double> round_ticks(double low, double high, int count);

/// At most `most` points that follow the curve: means, of x and of y, over equal runs of points. Points that
/// are not finite are left out first.
Curve thin_curve(const Curve& curve, std::size_t most);

}  // namespace attune::io
