#include "io/heat_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <ostream>
#include <string_view>

#include "io/file.h"
#include "io/markup.h"
#include "io/unicode.h"
#include "tensor/error.h"

namespace attune::io {

namespace {

// ---- numbers and colours ----

// A coordinate, to a hundredth of a pixel.
std::string px(double value) {
  return short_decimal(value, 2);
}

struct Rgb {
  int red, green, blue;
};

// From almost white to dark indigo. The stops divide the path L = 0.975 − 0.675 t, C = 0.01 + 0.115 sin(0.8 π
// t), h = 220° + 60° t through OKLCh (Björn Ottosson, "A perceptual color space for image processing", 2020)
// into steps that look alike. Lightness only falls: it reads the same in grey print and for colour-blind
// eyes.
constexpr std::array<Rgb, 9> scale = {{{0xf0, 0xf9, 0xfb},
                                       {0xbd, 0xe2, 0xf3},
                                       {0x8e, 0xc8, 0xeb},
                                       {0x68, 0xad, 0xe1},
                                       {0x4e, 0x90, 0xd1},
                                       {0x40, 0x72, 0xba},
                                       {0x39, 0x56, 0x9d},
                                       {0x32, 0x3d, 0x7a},
                                       {0x27, 0x28, 0x53}}};
constexpr Rgb white = {0xff, 0xff, 0xff}, ink = {0x1c, 0x21, 0x36}, faint_ink = {0x5b, 0x63, 0x78};

Rgb colour_at(double fraction) {
  const double place = std::clamp(fraction, 0.0, 1.0) * (scale.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), scale.size() - 2);
  const double part = place - static_cast<double>(below);
  const auto mix = [&](int a, int b) { return static_cast<int>(std::lround(a + part * (b - a))); };
  const Rgb &a = scale[below], &b = scale[below + 1];
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

std::string hex(Rgb colour) {
  std::string text = "#";
  for (const int part : {colour.red, colour.green, colour.blue}) {
    text += "0123456789abcdef"[part / 16];
    text += "0123456789abcdef"[part % 16];
  }
  return text;
}

// Contrast between two colours, 1 to 21 (WCAG 2.1, "contrast ratio" and "relative luminance").
double contrast(Rgb one, Rgb other) {
  const auto linear = [](int part) {
    const double s = part / 255.0;
    return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
  };
  const auto luminance = [&](Rgb c) {
    return 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
  };
  const auto [low, high] = std::minmax({luminance(one), luminance(other)});
  return (high + 0.05) / (low + 0.05);
}

Rgb readable_on(Rgb background) {
  return contrast(white, background) > contrast(ink, background) ? white : ink;
}

// ---- what is asked for ----

std::size_t cells(const HeatMap& map) {
  return map.row_labels.size() * map.column_labels.size();
}

double fraction_of(double weight, const HeatMapOptions& options) {
  return (weight - options.low) / (options.high - options.low);
}

// Decimals that tell a thousandth of the scale apart: 3 for 0 … 1.
int tooltip_places(const HeatMapOptions& options) {
  return std::clamp(3 - static_cast<int>(std::floor(std::log10(options.high - options.low))), 0, 12);
}

void check_options(const char* op, const HeatMapOptions& options) {
  if (!std::isfinite(options.low) || !std::isfinite(options.high) || !(options.low < options.high) ||
      !std::isfinite(options.high - options.low)) {
    fail<ValueError>(op, ": low must be less than high, both finite: ", options.low, " and ", options.high,
                     ": set them to the ends of the scale, 0 and 1 for attention");
  }
  if (options.cell != 0 && !(options.cell >= 8 && options.cell <= 200)) {
    fail<ValueError>(op, ": a cell has 8 to 200 pixels: ", options.cell, ": 0 chooses a size");
  }
  if (options.panels_per_row < 0) {
    fail<ValueError>(op, ": panels_per_row cannot be negative: ", options.panels_per_row,
                     ": 0 chooses a number");
  }
}

void check_map(const char* op, const HeatMap& map, const HeatMapOptions& options) {
  const std::size_t rows = map.row_labels.size(), columns = map.column_labels.size();
  const std::string panel = map.title.empty() ? "" : " in panel " + show_name(map.title);
  if (rows == 0 || columns == 0) {
    fail<ShapeError>(op, ": a heat map needs a row and a column at least: ", rows, " x ", columns, panel,
                     ": give labels for both sides");
  }
  if (map.weights.size() != rows * columns) {
    fail<ShapeError>(op, ": one weight for each pair of labels: ", map.weights.size(), " weights, ", rows,
                     " row labels x ", columns, " column labels = ", rows * columns, panel,
                     ": pass one head's (T, S) weights, rows first");
  }
  const double slack = 1e-3 * (options.high - options.low);  // rounding may push a softmax a little over 1
  for (std::size_t i = 0; i < map.weights.size(); ++i) {
    const auto weight = static_cast<double>(map.weights[i]);
    if (!std::isfinite(weight)) {
      fail<ValueError>(op, ": weights must be finite: ", weight, " at row ", i / columns, ", column ",
                       i % columns, panel, ": find where it comes from before drawing it");
    }
    if (weight < options.low - slack || weight > options.high + slack) {
      fail<ValueError>(op, ": weights must lie within the scale: ", weight, " at row ", i / columns,
                       ", column ", i % columns, panel, ", the scale is ", options.low, " to ", options.high,
                       ": set low and high in the options");
    }
  }
}

// ---- text ----

// An estimate on the wide side, in units of the font size: which font will draw it, only the reader's machine
// knows.
double width_of(std::u32string_view characters) {
  double width = 0;
  for (const char32_t c : characters) {
    if (columns_of(c) != 1) {
      width += columns_of(c) == 2 ? 1.0 : 0.0;
    } else if (std::u32string_view(U"iljI.,:;'|!").find(c) != std::u32string_view::npos) {
      width += 0.32;
    } else if (std::u32string_view(U"ftr()[]{}-/\" ").find(c) != std::u32string_view::npos) {
      width += 0.41;
    } else if (std::u32string_view(U"mwMW@%—").find(c) != std::u32string_view::npos) {
      width += 0.93;
    } else if ((c >= U'A' && c <= U'Z') || c >= 0x2190) {
      width += c >= 0x2190 ? 1.0 : 0.7;  // capitals; arrows and other signs
    } else {
      width += 0.61;
    }
  }
  return width;
}

// The beginning of a text that fits, with an ellipsis where something was left out.
std::u32string shorten(const std::u32string& text, double fits) {
  if (width_of(text) <= fits) return text;
  std::u32string kept = text;
  while (!kept.empty() && width_of(kept) + 1.0 > fits) kept.pop_back();
  return kept + U'…';
}

std::string escape(std::u32string_view text) {
  return escape_markup(encode_utf8(text));
}

// Text that a person wrote, a title say: an empty one stays empty.
std::u32string visible_text(const std::string& text) {
  return text.empty() ? std::u32string() : visible_label(text);
}

// ---- layout ----

constexpr double margin = 24, gap = 6, panel_gap = 36;
constexpr double title_size = 17, panel_title_size = 13, note_size = 11;
constexpr double longest_label = 170, widest_page = 1180, legend_width = 190;
constexpr double pi = 3.14159265358979323846;

struct Labels {
  std::vector<std::u32string> full, shown;
};

Labels prepare(const std::vector<std::string>& labels, double size) {
  Labels prepared;
  for (const std::string& label : labels) {
    prepared.full.push_back(visible_label(label));
    prepared.shown.push_back(shorten(prepared.full.back(), longest_label / size));
  }
  return prepared;
}

// Everything in pixels, measured from the top left corner of a panel. All panels have the same measures.
struct Layout {
  double cell, label_size;
  double angle;      // of the column labels, in degrees; 0 where all of them fit over their columns
  double left, top;  // where the cells begin
  double panel_width, panel_height;
  int per_row, rows_of_panels;
  double page_width, page_height;
  double page_left, panels_top;  // where the first panel begins

  std::vector<Labels> rows, columns;  // of each panel
};

double axis_width(const HeatMapOptions& options) {
  return note_size *
         (std::max(width_of(visible_text(options.row_axis)), width_of(visible_text(options.column_axis))) +
          1.5);
}

Layout lay_out(const std::vector<HeatMap>& panels, const HeatMapOptions& options) {
  Layout layout{};
  std::size_t longest = 1;
  for (const HeatMap& map : panels)
    longest = std::max({longest, map.row_labels.size(), map.column_labels.size()});
  const auto cells_of_side = static_cast<double>(longest);
  layout.cell = options.cell != 0    ? options.cell
                : panels.size() == 1 ? std::clamp(std::floor(560 / cells_of_side), 12.0, 36.0)
                                     : std::clamp(std::floor(300 / cells_of_side), 10.0, 28.0);
  layout.label_size = std::clamp(0.5 * layout.cell, 8.0, 13.0);

  double row_label_width = 0, column_label_width = 0;
  bool fit_across = true;
  for (const HeatMap& map : panels) {
    layout.rows.push_back(prepare(map.row_labels, layout.label_size));
    layout.columns.push_back(prepare(map.column_labels, layout.label_size));
    for (const auto& label : layout.rows.back().shown)
      row_label_width = std::max(row_label_width, width_of(label));
    for (const auto& label : layout.columns.back().shown) {
      column_label_width = std::max(column_label_width, width_of(label));
      fit_across = fit_across && width_of(label) * layout.label_size <= layout.cell - 2;
    }
  }
  // Slanted labels lean over their neighbours' columns: steep enough that lines of text stay apart.
  const bool can_lean = layout.cell * std::sin(pi / 4) >= 1.15 * layout.label_size;
  layout.angle = fit_across ? 0 : can_lean ? 45 : 62;
  const double slope = layout.angle * pi / 180;

  const double label_height = layout.label_size * (column_label_width * std::sin(slope) + std::cos(slope));
  const bool panel_titles =
      std::any_of(panels.begin(), panels.end(), [](const HeatMap& m) { return !m.title.empty(); });
  const double axes_height = 2.6 * note_size;
  layout.left = std::ceil(row_label_width * layout.label_size + gap);
  layout.page_left = margin + std::max(0.0, std::ceil(axis_width(options) + gap - layout.left));
  layout.top =
      std::ceil((panel_titles ? panel_title_size + 8 : 0) + std::max(label_height, axes_height) + gap);
  for (std::size_t p = 0; p < panels.size(); ++p) {
    const double matrix_width = layout.cell * static_cast<double>(panels[p].column_labels.size());
    const double matrix_height = layout.cell * static_cast<double>(panels[p].row_labels.size());
    double right = matrix_width;  // the last labels may reach beyond the cells
    for (std::size_t j = 0; layout.angle != 0 && j < layout.columns[p].shown.size(); ++j) {
      const double start = layout.cell * (static_cast<double>(j) + 0.5);
      const double run = layout.label_size * width_of(layout.columns[p].shown[j]) * std::cos(slope);
      right = std::max(right, start + run + layout.label_size * std::sin(slope));
    }
    right = std::max(
        right, panel_title_size * width_of(shorten(visible_text(panels[p].title), matrix_width / 8 + 12)));
    layout.panel_width = std::max(layout.panel_width, std::ceil(layout.left + right));
    layout.panel_height = std::max(layout.panel_height, layout.top + std::ceil(matrix_height));
  }

  // Panels in a grid, its rows as even as the number allows: four go 4, or 2 and 2, never 3 and 1.
  const int count = static_cast<int>(panels.size());
  const int most = static_cast<int>((widest_page - margin - layout.page_left + panel_gap) /
                                    (layout.panel_width + panel_gap));
  layout.per_row = std::clamp(options.panels_per_row != 0 ? options.panels_per_row : most, 1, count);
  layout.rows_of_panels = (count + layout.per_row - 1) / layout.per_row;
  if (options.panels_per_row == 0)
    layout.per_row = (count + layout.rows_of_panels - 1) / layout.rows_of_panels;

  const std::u32string title = visible_text(options.title);
  const double title_width = std::min(width_of(title) * title_size, 640.0);
  const double legend_end =
      layout.left + std::max(legend_width, note_size * width_of(visible_text(options.legend))) + gap;
  layout.page_width = margin + layout.page_left +
                      std::ceil(std::max({layout.per_row * (layout.panel_width + panel_gap) - panel_gap,
                                          title_width, legend_end}));
  layout.panels_top = margin + (title.empty() ? 0 : title_size + 18);
  layout.page_height =
      layout.panels_top + layout.rows_of_panels * (layout.panel_height + panel_gap) + 36 + margin;
  return layout;
}

// ---- drawing ----

// Opens a group of texts: what a group says once, its members need not repeat.
std::string text_group(double size, Rgb colour, const char* anchor, const char* more = "") {
  return "<g font-size=\"" + px(size) + "\" fill=\"" + hex(colour) + "\" text-anchor=\"" + anchor + "\"" +
         more + ">\n";
}

std::string text_at(double x, double y, std::u32string_view text, const std::string& more = "") {
  return "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\"" + more + ">" + escape(text) + "</text>\n";
}

// A label that had to be cut tells the whole of it when pointed at.
std::string label_at(double x, double y, const Labels& labels, std::size_t i, const std::string& more = "") {
  std::string text = text_at(x, y, labels.shown[i], more);
  if (labels.shown[i] != labels.full[i]) {
    text.insert(text.rfind("</text>"), "<title>" + escape(labels.full[i]) + "</title>");
  }
  return text;
}

// ".87" or "1": two decimals for a scale of 0 … 1, without what goes without saying; nothing for what
// rounds to zero where zero is the light end.
std::string cell_number(double weight, const HeatMapOptions& options) {
  std::string text = decimal(weight, std::max(tooltip_places(options) - 1, 0));
  const bool is_zero = text.find_first_not_of("0.") == std::string::npos;
  if (is_zero && options.low == 0) return "";
  // Whole numbers stand alone, and so do fractions without the zero before the point.
  const std::size_t point = text.find('.');
  if (point != std::string::npos && text.find_first_not_of('0', point + 1) == std::string::npos)
    text.resize(point);
  const std::size_t start = text[0] == '-' ? 1 : 0;
  if (text.compare(start, 2, "0.") == 0) text.erase(start, 1);
  return text;
}

std::string draw_cells(const HeatMap& map, const Labels& rows, const Labels& columns, const Layout& layout,
                       const HeatMapOptions& options) {
  const double space = layout.cell >= 16 ? 1 : 0;  // between cells
  const double number_size = std::min(0.36 * layout.cell, 11.0);
  const std::size_t width = columns.full.size();
  std::string rects = "<g stroke=\"none\" shape-rendering=\"crispEdges\">\n", on_light, on_dark;
  for (std::size_t i = 0; i < rows.full.size(); ++i) {
    for (std::size_t j = 0; j < width; ++j) {
      const auto weight = static_cast<double>(map.weights[i * width + j]);
      const Rgb colour = colour_at(fraction_of(weight, options));
      const double x = layout.left + layout.cell * static_cast<double>(j);
      const double y = layout.top + layout.cell * static_cast<double>(i);
      rects += "<rect x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"" + px(layout.cell - space) +
               "\" height=\"" + px(layout.cell - space) + "\" fill=\"" + hex(colour) + "\"><title>" +
               escape(rows.full[i]) + " ← " + escape(columns.full[j]) + ": " +
               decimal(weight, tooltip_places(options)) + "</title></rect>\n";
      if (!options.numbers || layout.cell < 24) continue;
      const std::u32string number = decode_utf8(cell_number(weight, options));
      if (number.empty() || width_of(number) * number_size > layout.cell - 3) continue;
      (readable_on(colour).red == white.red ? on_dark : on_light) += text_at(
          x + 0.5 * (layout.cell - space), y + 0.5 * (layout.cell - space) + 0.36 * number_size, number);
    }
  }
  rects += "</g>\n";
  const char* pass_through = " pointer-events=\"none\"";  // the tooltip is the cell's
  if (!on_light.empty()) rects += text_group(number_size, ink, "middle", pass_through) + on_light + "</g>\n";
  if (!on_dark.empty()) rects += text_group(number_size, white, "middle", pass_through) + on_dark + "</g>\n";
  return rects;
}

std::string draw_panel(const HeatMap& map, const Labels& rows, const Labels& columns, const Layout& layout,
                       const HeatMapOptions& options, bool with_axes) {
  std::string out;
  if (!map.title.empty()) {
    const double fits = (layout.panel_width - layout.left) / panel_title_size;
    out += text_group(panel_title_size, ink, "start", " font-weight=\"600\"") +
           text_at(layout.left, panel_title_size, shorten(visible_text(map.title), fits)) + "</g>\n";
  }
  if (with_axes) {
    const std::u32string across = visible_text(options.column_axis), down = visible_text(options.row_axis);
    out += text_group(note_size, faint_ink, "end", " font-style=\"italic\"");
    if (!across.empty())
      out += text_at(layout.left - gap, layout.top - gap - 1.35 * note_size, across + U" →");
    if (!down.empty()) out += text_at(layout.left - gap, layout.top - gap, down + U" ↓");
    out += "</g>\n";
  }

  // Columns: over their cells, or slanted up from the middle of them.
  out += text_group(layout.label_size, ink, layout.angle == 0 ? "middle" : "start");
  for (std::size_t j = 0; j < columns.shown.size(); ++j) {
    const double x = layout.left + layout.cell * (static_cast<double>(j) + 0.5), y = layout.top - gap;
    if (layout.angle == 0) {
      out += label_at(x - 0.5, y, columns, j);
    } else {
      out +=
          label_at(0, 0.36 * layout.label_size, columns, j,
                   " transform=\"translate(" + px(x) + " " + px(y) + ") rotate(-" + px(layout.angle) + ")\"");
    }
  }
  out += "</g>\n" + text_group(layout.label_size, ink, "end");
  for (std::size_t i = 0; i < rows.shown.size(); ++i) {
    const double y = layout.top + layout.cell * (static_cast<double>(i) + 0.5) + 0.34 * layout.label_size;
    out += label_at(layout.left - gap, y, rows, i);
  }
  return out + "</g>\n" + draw_cells(map, rows, columns, layout, options);
}

std::string draw_legend(double x, double y, const HeatMapOptions& options) {
  std::string out = "<defs><linearGradient id=\"attune-scale\">";
  for (std::size_t i = 0; i < scale.size(); ++i) {
    out += "<stop offset=\"" + px(static_cast<double>(i) / (scale.size() - 1)) + "\" stop-color=\"" +
           hex(scale[i]) + "\"/>";
  }
  out += "</linearGradient></defs>\n<g transform=\"translate(" + px(x) + " " + px(y) + ")\">\n";
  out += text_group(note_size, faint_ink, "start") + text_at(0, 0, visible_text(options.legend)) + "</g>\n";
  out += "<rect x=\"0\" y=\"7\" width=\"" + px(legend_width) +
         "\" height=\"10\" fill=\"url(#attune-scale)\" stroke=\"#c9d2de\" stroke-width=\"0.5\"/>\n";
  const char* anchors[] = {"start", "middle", "end"};
  for (int i = 0; i < 3; ++i) {
    const double value = options.low + 0.5 * i * (options.high - options.low);
    const std::string number = short_decimal(value, tooltip_places(options));
    out += text_group(note_size, faint_ink, anchors[i]) +
           text_at(0.5 * i * legend_width, 30, decode_utf8(number)) + "</g>\n";
  }
  return out + "</g>\n";
}

// The picture in words: where each row looks most.
std::string describe(const std::vector<HeatMap>& panels, const Layout& layout,
                     const HeatMapOptions& options) {
  constexpr std::size_t most_rows = 200;
  std::size_t told = 0;
  std::string out = "Rows: " + escape(visible_text(options.row_axis)) +
                    ". Columns: " + escape(visible_text(options.column_axis)) +
                    ". Darker is more. The largest of each row:";
  for (std::size_t p = 0; p < panels.size(); ++p) {
    const std::size_t width = layout.columns[p].full.size();
    if (!panels[p].title.empty()) out += " " + escape(visible_text(panels[p].title)) + ":";
    for (std::size_t i = 0; i < layout.rows[p].full.size(); ++i, ++told) {
      if (told == most_rows) return out + " …";
      const auto row = panels[p].weights.begin() + static_cast<std::ptrdiff_t>(i * width);
      const auto peak = std::max_element(row, row + static_cast<std::ptrdiff_t>(width));
      out += " " + escape(layout.rows[p].full[i]) + " ← " +
             escape(layout.columns[p].full[static_cast<std::size_t>(peak - row)]) + " " +
             decimal(static_cast<double>(*peak), tooltip_places(options)) + ";";
    }
  }
  out.back() = '.';
  return out;
}

}  // namespace

std::string heat_colour(double fraction) {
  return hex(colour_at(fraction));
}

std::string heat_map_svg(const std::vector<HeatMap>& panels, const HeatMapOptions& options) {
  constexpr std::size_t most_cells = 250'000;
  check_options("heat_map_svg", options);
  if (panels.empty()) fail<ShapeError>("heat_map_svg: there is no panel: 0 heat maps: pass one at least");
  std::size_t count = 0;
  for (const HeatMap& map : panels) {
    check_map("heat_map_svg", map, options);
    count += cells(map);
  }
  if (count > most_cells) {
    fail<ShapeError>("heat_map_svg: too many cells for one picture: ", count, ", at most ", most_cells,
                     ": draw fewer tokens or fewer heads");
  }

  const Layout layout = lay_out(panels, options);
  const std::string size = px(layout.page_width) + "\" height=\"" + px(layout.page_height);
  const std::u32string title = visible_text(options.title);
  // Fonts for Latin script first, then for Chinese, Japanese and Korean: a viewer takes each character from
  // the first that has it.
  std::string out =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + size + "\" viewBox=\"0 0 " +
      px(layout.page_width) + " " + px(layout.page_height) + "\" role=\"img\"" +
      " font-family=\"Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'Noto Sans', "
      "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Source Han Sans SC', 'WenQuanYi Micro Hei', "
      "'DejaVu Sans', sans-serif\">\n";
  out += "<title>" + (title.empty() ? std::string("Heat map") : escape(title)) + "</title>\n";
  out += "<desc>" + describe(panels, layout, options) + "</desc>\n";
  out += "<rect width=\"" + size + "\" fill=\"#ffffff\"/>\n";
  if (!title.empty()) {
    const double fits = (layout.page_width - 2 * margin) / title_size;
    out += text_group(title_size, ink, "start", " font-weight=\"600\"") +
           text_at(margin, margin + 0.8 * title_size, shorten(title, fits)) + "</g>\n";
  }
  for (std::size_t p = 0; p < panels.size(); ++p) {
    const int row = static_cast<int>(p) / layout.per_row, column = static_cast<int>(p) % layout.per_row;
    const double x = layout.page_left + column * (layout.panel_width + panel_gap);
    const double y = layout.panels_top + row * (layout.panel_height + panel_gap);
    out += "<g transform=\"translate(" + px(x) + " " + px(y) + ")\">\n" +
           draw_panel(panels[p], layout.rows[p], layout.columns[p], layout, options, p == 0) + "</g>\n";
  }
  return out + draw_legend(layout.page_left + layout.left, layout.page_height - margin - 36, options) +
         "</svg>\n";
}

void write_heat_map(const std::filesystem::path& path, const std::vector<HeatMap>& panels,
                    const HeatMapOptions& options) {
  write_atomically(path, heat_map_svg(panels, options));
}

void print_heat_map(std::ostream& out, const HeatMap& map, const HeatMapOptions& options) {
  check_options("print_heat_map", options);
  check_map("print_heat_map", map, options);
  constexpr int longest = 16;
  static constexpr std::array<std::string_view, 5> shades = {" ", "░", "▒", "▓", "█"};
  static constexpr std::array<double, 5> thresholds = {0, 0.05, 0.25, 0.5, 0.75};

  const auto cut = [](const std::string& label) {
    std::u32string shown = visible_label(label);
    if (columns_of(shown) <= longest) return shown;
    while (columns_of(shown) > longest - 1) shown.pop_back();
    return shown + U'…';
  };
  const auto spaces = [](int count) {
    return std::string(static_cast<std::size_t>(std::max(count, 0)), ' ');
  };

  int margin_columns = 0;
  std::vector<std::u32string> rows;
  for (const std::string& label : map.row_labels) {
    rows.push_back(cut(label));
    margin_columns = std::max(margin_columns, columns_of(rows.back()));
  }
  const auto put_line = [&](std::string line) {
    line.resize(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  };

  if (!map.title.empty()) put_line(encode_utf8(visible_label(map.title)));
  std::vector<int> widths;  // a column is as wide as its label
  std::vector<std::string> columns;
  for (const std::string& label : map.column_labels) {
    const std::u32string shown = cut(label);
    widths.push_back(std::max(columns_of(shown), 2));
    columns.push_back(encode_utf8(shown) + spaces(widths.back() - columns_of(shown)));
  }
  for (std::size_t begin = 0; begin < columns.size();) {
    // As many columns as there is room for, one at least.
    std::size_t end = begin;
    int used = margin_columns;
    do used += 1 + widths[end++];
    while (end < columns.size() && (options.text_width == 0 || used + 1 + widths[end] <= options.text_width));
    if (begin > 0) put_line("");
    std::string header = spaces(margin_columns);
    for (std::size_t j = begin; j < end; ++j) header += " " + columns[j];
    put_line(header);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::string row = spaces(margin_columns - columns_of(rows[i])) + encode_utf8(rows[i]);
      for (std::size_t j = begin; j < end; ++j) {
        const double fraction = fraction_of(static_cast<double>(map.weights[i * widths.size() + j]), options);
        std::size_t shade = 0;
        while (shade + 1 < shades.size() && fraction >= thresholds[shade + 1]) ++shade;
        row += ' ';
        for (int k = 0; k < widths[j]; ++k) row += shades[shade];
      }
      put_line(row);
    }
    begin = end;
  }
  std::string legend = spaces(margin_columns);
  for (std::size_t shade = 1; shade < shades.size(); ++shade) {
    const double from = options.low + thresholds[shade] * (options.high - options.low);
    legend += " " + std::string(shades[shade]) + " from " +
              decimal(from, std::max(tooltip_places(options) - 1, 0)) + " ";
  }
  put_line(legend);
}

}  // namespace attune::io
