#include "io/line_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "io/markup.h"
#include "tensor/error.h"

namespace attune::io {

namespace {

// In pixels of the drawing, which the page scales to its frame.
constexpr double page_width = 400, page_height = 230;
constexpr double left = 48, right = 12, top = 10, bottom = 40;
constexpr double plot_width = page_width - left - right, plot_height = page_height - top - bottom;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void add(double value) { low = std::min(low, value), high = std::max(high, value); }
  bool empty() const { return low > high; }
};

bool finite_at(const Curve& curve, std::size_t i) {
  return std::isfinite(curve.x[i]) && std::isfinite(curve.y[i]);
}

// What can be drawn on this chart's axes.
bool drawn_at(const LineChart& chart, const Curve& curve, std::size_t i) {
  return finite_at(curve, i) && (!chart.logarithmic || curve.y[i] > 0);
}

// The height of a value, before it is scaled to the drawing.
double height(const LineChart& chart, double y) {
  return chart.logarithmic ? std::log10(y) : y;
}

std::string px(double value) {
  return short_decimal(value, 1);
}

// 12000 as "12k", 0.0005 as "5e-4": short enough for an axis.
std::string tick_label(double value) {
  const double size = std::abs(value);
  if (size >= 1e6) return short_decimal(value / 1e6, 2) + "M";
  if (size >= 1e4) return short_decimal(value / 1e3, 1) + "k";
  if (size == 0 || size >= 1e-3) return short_decimal(value, 4);
  const double power = std::floor(std::log10(size) + 1e-9);
  return short_decimal(value / std::pow(10.0, power), 2) + "e" + decimal(power, 0);
}

struct Frame {
  Range x, y;
  double to_x(double value) const { return left + plot_width * (value - x.low) / (x.high - x.low); }
  double to_y(double value) const { return top + plot_height * (1 - (value - y.low) / (y.high - y.low)); }
};

// Room around what is drawn; a single value gets some as well.
void widen(Range& range, double share) {
  const double size = range.high - range.low;
  const double room = size > 0 ? share * size : std::max(std::abs(range.high), 1e-9);
  range.low = range.low >= 0 ? std::max(0.0, range.low - room) : range.low - room;
  range.high += room;
}

Frame frame_of(const LineChart& chart) {
  Frame frame;
  for (const Curve& curve : chart.curves) {
    std::vector<double> values;
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!drawn_at(chart, curve, i)) continue;
      frame.x.add(curve.x[i]);
      values.push_back(height(chart, curve.y[i]));
    }
    if (values.empty()) continue;
    // The noise of single steps may leave the frame: its outermost hundredths are not worth the room.
    std::sort(values.begin(), values.end());
    const std::size_t cut = curve.faint ? values.size() / 100 : 0;
    frame.y.add(values[cut]);
    frame.y.add(values[values.size() - 1 - cut]);
  }
  if (frame.x.empty()) return frame;
  for (const double x : chart.x_shown)
    if (std::isfinite(x)) frame.x.add(x);
  widen(frame.x, 0);
  widen(frame.y, 0.05);
  return frame;
}

std::vector<double> ticks_of_y(const LineChart& chart, const Frame& frame) {
  if (!chart.logarithmic) return round_ticks(frame.y.low, frame.y.high, 5);
  std::vector<double> ticks;
  const double decades = frame.y.high - frame.y.low;
  if (decades < 1) return round_ticks(std::pow(10.0, frame.y.low), std::pow(10.0, frame.y.high), 4);
  for (double power = std::floor(frame.y.low); power <= frame.y.high; ++power)
    for (const double multiple : {1.0, 2.0, 5.0}) {
      const double tick = multiple * std::pow(10.0, power), place = std::log10(tick);
      const bool wanted = decades < 2 || (multiple < 2 && (decades < 8 || std::fmod(power, 10) == 0));
      if (wanted && place >= frame.y.low && place <= frame.y.high) ticks.push_back(tick);
    }
  return ticks;
}

// The points of a curve as SVG path data; a lone point becomes a line of no length, which a round cap shows
// as a dot.
std::string path_of(const LineChart& chart, const Curve& curve, const Frame& frame) {
  std::string path;
  bool broken = true;
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    if (!drawn_at(chart, curve, i)) {
      broken = true;
      continue;
    }
    const std::string point = px(frame.to_x(curve.x[i])) + " " + px(frame.to_y(height(chart, curve.y[i])));
    if (broken) path.append("M").append(point);
    path.append("L").append(point);
    broken = false;
  }
  return path;
}

// "validation: from 6.52 to 1.93, lowest 1.91 at step 1200, highest 6.52 at step 100".
std::string describe(const Curve& curve, const LineChart& chart) {
  constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t first = none, last = none, lowest = none, highest = none;
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    if (!drawn_at(chart, curve, i)) continue;
    if (first == none) first = lowest = highest = i;
    last = i;
    if (curve.y[i] < curve.y[lowest]) lowest = i;
    if (curve.y[i] > curve.y[highest]) highest = i;
  }
  if (first == none) return curve.name + ": nothing yet";
  const auto number = [&](std::size_t i) { return short_decimal(curve.y[i], chart.places); };
  const auto place = [&](std::size_t i) {
    return " at " + chart.x_axis + " " + short_decimal(curve.x[i], 0);
  };
  return curve.name + ": from " + number(first) + " to " + number(last) + ", lowest " + number(lowest) +
         place(lowest) + ", highest " + number(highest) + place(highest);
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int count) {
  if (!std::isfinite(low) || !std::isfinite(high) || !(low < high) || count < 1)
    fail<ValueError>("round_ticks: low must be less than high, both finite, and count positive: ", low, ", ",
                     high, ", ", count, ": give the ends of an axis");
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double multiple : {5.0, 2.0, 1.0})
    if (multiple * power >= rough * (1 - 1e-9)) step = multiple * power;
  std::vector<double> ticks;
  const double first = std::ceil(low / step - 1e-9);
  for (int i = 0; i <= count + 1; ++i)  // counted in integers: far from zero, k + 1 may be k
    if (const double tick = (first + i) * step; tick <= high + 1e-9 * step) ticks.push_back(tick);
  return ticks;
}

Curve thin_curve(const Curve& curve, std::size_t most) {
  if (curve.x.size() != curve.y.size() || most == 0)
    fail<ShapeError>("thin_curve: ", curve.x.size(), " x, ", curve.y.size(), " y, at most ", most,
                     " points: give as many x as y, and leave a point at least");
  Curve kept{.name = curve.name, .faint = curve.faint};
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    if (!finite_at(curve, i)) continue;
    kept.x.push_back(curve.x[i]);
    kept.y.push_back(curve.y[i]);
  }
  const std::size_t run = (kept.x.size() + most - 1) / most;  // points that become one
  if (run <= 1) return kept;
  Curve thin{.name = curve.name, .faint = curve.faint};
  for (std::size_t first = 0; first < kept.x.size(); first += run) {
    const std::size_t end = std::min(first + run, kept.x.size());
    double x = 0, y = 0;
    for (std::size_t i = first; i < end; ++i) x += kept.x[i], y += kept.y[i];
    thin.x.push_back(x / static_cast<double>(end - first));
    thin.y.push_back(y / static_cast<double>(end - first));
  }
  return thin;
}

std::string line_chart_svg(const LineChart& chart, const std::string& id) {
  for (const Curve& curve : chart.curves)
    if (curve.x.size() != curve.y.size())
      fail<ShapeError>("line_chart_svg: each point has an x and a y: ", curve.x.size(), " x, ",
                       curve.y.size(), " y in \"", curve.name, "\": give as many of both");
  const Frame frame = frame_of(chart);
  const std::string title = "<title id=\"" + id + "-title\">" + escape_markup(chart.title) + "</title>\n";
  std::string out = "<svg class=\"chart\" viewBox=\"0 0 " + px(page_width) + " " + px(page_height) +
                    "\" role=\"img\" aria-labelledby=\"" + id + "-title\" aria-describedby=\"" + id +
                    "-words\"";
  if (frame.x.empty())
    return out + ">\n" + title + "<desc id=\"" + id +
           "-words\">Nothing yet.</desc>\n<text class=\"tick\" x=\"" + px(page_width / 2) + "\" y=\"" +
           px(page_height / 2) + "\" text-anchor=\"middle\">nothing yet</text>\n</svg>\n";

  // What the page's script needs to find the place of an x.
  out += " data-left=\"" + px(left) + "\" data-right=\"" + px(page_width - right) + "\" data-low=\"" +
         short_decimal(frame.x.low, 6) + "\" data-high=\"" + short_decimal(frame.x.high, 6) + "\">\n" + title;
  out += "<desc id=\"" + id + "-words\">" + escape_markup(chart.y_axis) + " by " +
         escape_markup(chart.x_axis) + ".";
  for (const Curve& curve : chart.curves) out += " " + escape_markup(describe(curve, chart)) + ".";
  out += "</desc>\n<g class=\"grid\">\n";

  std::string labels;
  for (const double tick : ticks_of_y(chart, frame)) {
    const double place = frame.to_y(height(chart, tick));
    const std::string y = px(place);
    out += "<path d=\"M" + px(left) + " " + y + "H" + px(page_width - right) + "\"/>\n";
    labels += "<text x=\"" + px(left - 6) + "\" y=\"" + px(place + 4) + "\" text-anchor=\"end\">" +
              tick_label(tick) + "</text>\n";
  }
  for (const double tick : round_ticks(frame.x.low, frame.x.high, 5)) {
    const double x = frame.to_x(tick);
    out += "<path d=\"M" + px(x) + " " + px(top + plot_height) + "v4\"/>\n";
    labels += "<text x=\"" + px(std::min(x, page_width - right - 8)) + "\" y=\"" +
              px(top + plot_height + 17) + "\" text-anchor=\"middle\">" + tick_label(tick) + "</text>\n";
  }
  labels += "<text x=\"" + px(left + plot_width / 2) + "\" y=\"" + px(page_height - 6) +
            "\" text-anchor=\"middle\">" + escape_markup(chart.x_axis) + "</text>\n";
  out += "</g>\n<g class=\"tick\">\n" + labels + "</g>\n";

  // The noise may leave the frame, so it is cut off there.
  out += "<clipPath id=\"" + id + "-frame\"><rect x=\"" + px(left - 3) + "\" y=\"" + px(top - 3) +
         "\" width=\"" + px(plot_width + 6) + "\" height=\"" + px(plot_height + 6) +
         "\"/></clipPath>\n<g class=\"curves\" clip-path=\"url(#" + id + "-frame)\">\n";
  for (const bool faint : {true, false})
    for (std::size_t i = 0; i < chart.curves.size(); ++i)
      if (chart.curves[i].faint == faint)
        out += "<path class=\"curve-" + std::to_string(i) + (faint ? " faint" : "") + "\" d=\"" +
               path_of(chart, chart.curves[i], frame) + "\"/>\n";
  return out + "</g>\n<path class=\"now\" d=\"M0 " + px(top) + "v" + px(plot_height) +
         "\" hidden=\"\"/>\n</svg>\n";
}

}  // namespace attune::io
