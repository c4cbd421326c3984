#include "io/report_page.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "io/heat_map.h"
#include "io/markup.h"
#include "io/report/parts.h"
#include "io/unicode.h"
#include "tensor/error.h"

namespace attune::io {

namespace {

using Json = nlohmann::ordered_json;

// ---- what is asked for ----

void check(const ReportPage& page) {
  const std::size_t moments = page.moments.size();
  if (page.moment_steps.size() != moments)
    fail<ShapeError>("report_html: each moment has a step: ", moments, " moments, ", page.moment_steps.size(),
                     " steps: give as many of both");
  for (const WatchedSentence& sentence : page.sentences) {
    if (sentence.translations.size() != moments)
      fail<ShapeError>("report_html: a sentence has a translation for each moment: ", moments, " moments, ",
                       sentence.translations.size(), " translations of ", show_name(sentence.source),
                       ": give as many of both");
    for (const AttentionKind& kind : sentence.kinds) {
      const std::size_t bytes = kind.layers * kind.heads * kind.rows.size() * kind.columns.size();
      if (kind.weights.size() != moments || bytes == 0)
        fail<ShapeError>("report_html: ", kind.name,
                         " needs layers, heads, rows, columns and weights for each of ", moments,
                         " moments: got ", kind.layers, ", ", kind.heads, ", ", kind.rows.size(), ", ",
                         kind.columns.size(), " and ", kind.weights.size(), " of ",
                         show_name(sentence.source), ": leave out a kind that was not recorded");
      for (const std::string& weights : kind.weights)
        if (weights.size() != bytes)
          fail<ShapeError>("report_html: one byte for each weight of ", kind.name, ": ", weights.size(),
                           " bytes for (", kind.layers, ", ", kind.heads, ", ", kind.rows.size(), ", ",
                           kind.columns.size(), "), ", bytes, " weights: pass (L, H, T, S), layers first");
    }
  }
}

// ---- text ----

// Anything as text of a page: valid UTF-8 without control characters.
std::string clean(const std::string& text) {
  std::u32string characters = decode_utf8(text);
  for (char32_t& c : characters)
    if ((c < 0x20 && c != U'\n' && c != U'\t') || (c >= 0x7f && c < 0xa0)) c = 0xfffd;
  return encode_utf8(characters);
}

std::string shown(const std::string& text) {
  return escape_markup(clean(text));
}

// `language` of a sentence is not known, and each may run from right to left.
std::string sentence_text(const std::string& text) {
  return text.empty() ? "<span class=\"quiet\">(nothing)</span>" : "<bdi>" + shown(text) + "</bdi>";
}

// "{{name}}" in a template, once or more.
std::string fill(const std::string& text, const std::vector<std::pair<std::string, std::string>>& values) {
  std::string filled;
  std::size_t from = 0;
  while (true) {
    const std::size_t open = text.find("{{", from), close = text.find("}}", open);
    if (open == std::string::npos || close == std::string::npos) return filled + text.substr(from);
    const std::string name = text.substr(open + 2, close - open - 2);
    const auto value =
        std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == name; });
    filled += text.substr(from, open - from) + (value == values.end() ? "" : value->second);
    from = close + 2;
  }
}

// ---- figures and curves ----

std::string facts_html(const ReportPage& page) {
  std::string out;
  for (const auto& [name, value] : page.facts)
    out += "<div><dt>" + shown(name) + "</dt><dd>" + shown(value) + "</dd></div>\n";
  return out;
}

// How many points of a curve can be drawn.
std::size_t all_points(const Curve& curve) {
  return curve.x.empty() ? 0 : thin_curve(curve, curve.x.size()).x.size();
}

// The numbers behind a chart: of single steps a few means, of the rest every point.
std::string chart_table(const LineChart& chart) {
  constexpr std::size_t most_rows = 40;
  std::string out;
  for (const Curve& whole : chart.curves) {
    const Curve curve = thin_curve(whole, whole.faint ? most_rows / 2 : most_rows);
    out += "<table><caption>" + shown(curve.name) + (curve.x.size() < all_points(whole) ? ", means" : "") +
           "</caption><thead><tr><th scope=\"col\">" + shown(chart.x_axis) + "</th><th scope=\"col\">" +
           shown(chart.y_axis) + "</th></tr></thead><tbody>\n";
    for (std::size_t i = 0; i < curve.x.size(); ++i)
      out += "<tr><td>" + short_decimal(curve.x[i], 0) + "</td><td>" + decimal(curve.y[i], chart.places) +
             "</td></tr>\n";
    out += "</tbody></table>\n";
  }
  return out;
}

std::string charts_html(const ReportPage& page) {
  std::string out;
  for (std::size_t c = 0; c < page.charts.size(); ++c) {
    const LineChart& chart = page.charts[c];
    out += "<figure class=\"curve-figure\" id=\"chart-" + std::to_string(c) + "\">\n<figcaption><h3>" +
           shown(chart.title) + "</h3>" + (chart.note.empty() ? "" : "<p>" + shown(chart.note) + "</p>") +
           "</figcaption>\n" + line_chart_svg(chart, "chart-" + std::to_string(c)) + "<p class=\"legend\">";
    for (std::size_t i = 0; i < chart.curves.size(); ++i)
      out += "<span class=\"key curve-" + std::to_string(i) + (chart.curves[i].faint ? " faint" : "") +
             "\">" + shown(chart.curves[i].name) + "</span> ";
    out += "</p>\n<p class=\"readout\" hidden=\"\"></p>\n<details><summary>" + shown(chart.title) +
           " in numbers</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" +
           shown(chart.title) + " in numbers\">" + chart_table(chart) + "</div></details>\n</figure>\n";
  }
  return out;
}

// ---- translations ----

// "epoch 3", "epochs 3 to 7".
std::string span_of(const ReportPage& page, std::size_t first, std::size_t last) {
  const std::string name = shown(page.moment_name);
  if (first == last) return name + " " + std::to_string(page.moments[first]);
  return name + "s " + std::to_string(page.moments[first]) + " to " + std::to_string(page.moments[last]);
}

// Each sentence with every translation that it had, the ones that stayed the same told once.
std::string translations_html(const ReportPage& page) {
  std::string out;
  for (std::size_t s = 0; s < page.sentences.size(); ++s) {
    const WatchedSentence& sentence = page.sentences[s];
    out += "<article class=\"translation\" id=\"translation-" + std::to_string(s) + "\">\n<h3>" +
           sentence_text(sentence.source) + "</h3>\n<dl>\n<div><dt>reference</dt><dd>" +
           sentence_text(sentence.reference) + "</dd></div>\n";
    if (!page.moments.empty())
      out += "<div><dt>" + span_of(page, page.moments.size() - 1, page.moments.size() - 1) + "</dt><dd>" +
             sentence_text(sentence.translations.back()) + "</dd></div>\n";
    out += "</dl>\n";
    std::string rows;
    int different = 0;
    for (std::size_t first = 0; first < page.moments.size();) {
      std::size_t last = first;
      while (last + 1 < page.moments.size() &&
             sentence.translations[last + 1] == sentence.translations[first])
        ++last;
      rows += "<tr><th scope=\"row\">" + span_of(page, first, last) + "</th><td>" +
              sentence_text(sentence.translations[first]) + "</td></tr>\n";
      ++different;
      first = last + 1;
    }
    if (different > 1)
      out += "<details><summary>How it came about: " + std::to_string(different) +
             " versions</summary>\n<table><thead class=\"for-ears\"><tr><th scope=\"col\">when</th><th "
             "scope=\"col\">translation</th></tr></thead><tbody>\n" +
             rows + "</tbody></table></details>\n";
    out += "</article>\n";
  }
  return out.empty() ? "<p>No sentence was watched.</p>\n" : out;
}

// ---- what the script works with ----

std::string data_json(const ReportPage& page) {
  Json data;
  data["moment_name"] = clean(page.moment_name);
  data["moments"] = page.moments;
  data["moment_steps"] = page.moment_steps;
  data["charts"] = Json::array();
  for (const LineChart& chart : page.charts) {
    Json curves = Json::array();
    for (const Curve& whole : chart.curves) {
      Json x = Json::array(), y = Json::array();
      for (std::size_t i = 0; i < whole.x.size(); ++i) {
        if (!std::isfinite(whole.x[i]) || !std::isfinite(whole.y[i])) continue;
        x.push_back(std::round(whole.x[i]));
        y.push_back(Json::parse(short_decimal(whole.y[i], chart.places)));
      }
      curves.push_back({{"name", clean(whole.name)}, {"x", x}, {"y", y}});
    }
    data["charts"].push_back({{"x_axis", clean(chart.x_axis)}, {"curves", curves}});
  }
  const auto labels = [](const std::vector<std::string>& tokens) {
    Json list = Json::array();
    for (const std::string& token : tokens) list.push_back(encode_utf8(visible_label(token)));
    return list;
  };
  data["sentences"] = Json::array();
  for (const WatchedSentence& sentence : page.sentences) {
    Json kinds = Json::array();
    for (const AttentionKind& kind : sentence.kinds) {
      Json weights = Json::array();
      for (const std::string& bytes : kind.weights) weights.push_back(to_base64(bytes));
      kinds.push_back({{"name", clean(kind.name)},
                       {"note", clean(kind.note)},
                       {"row_axis", clean(kind.row_axis)},
                       {"column_axis", clean(kind.column_axis)},
                       {"rows", labels(kind.rows)},
                       {"columns", labels(kind.columns)},
                       {"layers", kind.layers},
                       {"heads", kind.heads},
                       {"weights", weights}});
    }
    Json translations = Json::array();
    for (const std::string& translation : sentence.translations) translations.push_back(clean(translation));
    data["sentences"].push_back({{"source", clean(sentence.source)},
                                 {"reference", clean(sentence.reference)},
                                 {"translations", translations},
                                 {"kinds", kinds}});
  }
  return escape_json_in_script(data.dump());
}

// The scale of the pictures of attention, as the style sheet's light values.
std::string heat_scale_css() {
  std::string out;
  for (int i = 0; i <= 8; ++i) out += "--heat-" + std::to_string(i) + ":" + heat_colour(i / 8.0) + ";";
  return out;
}

}  // namespace

char to_byte(double weight) {
  if (!(weight > 0)) return 0;
  return static_cast<char>(static_cast<unsigned char>(std::lround(255 * std::min(weight, 1.0))));
}

std::string report_html(const ReportPage& page) {
  check(page);
  const bool microscope =
      !page.moments.empty() && std::any_of(page.sentences.begin(), page.sentences.end(),
                                           [](const auto& s) { return !s.kinds.empty(); });
  return fill(report_html_template, {{"title", shown(page.title)},
                                     {"summary", shown(page.summary)},
                                     {"facts", facts_html(page)},
                                     {"charts", charts_html(page)},
                                     {"translations", translations_html(page)},
                                     {"no-microscope", microscope ? "" : "<p>No attention was recorded.</p>"},
                                     {"style", ":root{" + heat_scale_css() + "}\n" + report_css},
                                     {"data", data_json(page)},
                                     {"script", microscope || !page.charts.empty() ? report_js : ""}});
}

}  // namespace attune::io
