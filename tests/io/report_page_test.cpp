// The page about a training: what is drawn, and that nothing in it can be more than text.

#include "io/report_page.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "io/markup.h"
#include "tensor/error.h"

using namespace attune;
using namespace attune::io;

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

ReportPage small_page(const std::string& words = "le chat") {
  ReportPage page;
  page.title = "A " + words;
  page.moments = {0, 2};
  page.moment_steps = {0, 200};
  page.charts = {
      {.title = "Loss", .x_axis = "step", .y_axis = "nats", .curves = {{"loss", {1, 2, 3}, {3, 2, 1}}}}};
  page.facts = {{words, words}};
  page.sentences = {{.source = words,
                     .reference = words,
                     .translations = {words, words + "!"},
                     .kinds = {{.name = "cross-attention",
                                .rows = {words, "b"},
                                .columns = {"c", words, "e"},
                                .layers = 1,
                                .heads = 2,
                                .weights = {std::string(12, '\x01'), std::string(12, '\x7f')}}}}};
  return page;
}

}  // namespace

TEST_CASE("base64: RFC 4648's examples, all bytes, and nothing else") {
  const std::vector<std::pair<std::string, std::string>> examples = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}};
  std::string back;
  for (const auto& [bytes, text] : examples) {
    CHECK(to_base64(bytes) == text);
    CHECK(from_base64(text, back));
    CHECK(back == bytes);
  }
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(from_base64(to_base64(all), back));
  CHECK(back == all);
  for (const char* wrong : {"Z", "Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9\n", "Zm9-", "=m9v", "Zh=="})
    CHECK_MESSAGE(!from_base64(wrong, back), wrong);
}

TEST_CASE("a weight becomes a byte: rounded, and never out of range") {
  CHECK(to_byte(0) == '\0');
  CHECK(to_byte(1) == '\xff');
  CHECK(to_byte(0.5) == '\x80');
  CHECK(to_byte(1.0001) == '\xff');
  CHECK(to_byte(-1) == '\0');
  CHECK(to_byte(none) == '\0');
  CHECK(to_byte(std::numeric_limits<double>::infinity()) == '\xff');
}

TEST_CASE("ticks of an axis are round, few, and inside, wherever the axis is") {
  CHECK(round_ticks(0, 1, 5) == std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1});
  CHECK(round_ticks(0, 1200, 5) == std::vector<double>{0, 500, 1000});
  for (const double low : {-1e20, -3.0, 0.0, 1e-9, 0.7, 1e5, 1e18})
    for (const double size : {1e-12, 0.003, 1.0, 7.0, 12345.0, 1e19}) {
      const double high = low + size;
      if (!(low < high)) continue;
      const std::vector<double> ticks = round_ticks(low, high, 5);
      CHECK(ticks.size() <= 7);
      for (const double tick : ticks) CHECK(tick <= high + 1e-6 * size);
    }
  CHECK_THROWS_AS(round_ticks(1, 1, 5), ValueError);
  CHECK_THROWS_AS(round_ticks(0, none, 5), ValueError);
}

TEST_CASE("a curve is thinned to means that keep its area, without what is not finite") {
  Curve curve{.name = "loss"};
  for (int i = 0; i < 1000; ++i) curve.x.push_back(i), curve.y.push_back(2 * i);
  const Curve thin = thin_curve(curve, 100);
  CHECK(thin.x.size() == 100);
  CHECK(thin.x[0] == 4.5);
  CHECK(thin.y[0] == 9);
  CHECK(thin_curve({.x = {1, 2, 3}, .y = {1, none, 3}}, 10).x == std::vector<double>{1, 3});
  CHECK_THROWS_AS(thin_curve({.x = {1}, .y = {}}, 10), ShapeError);
}

TEST_CASE("a chart: one path a curve, broken at a gap, described in words") {
  const LineChart chart{.title = "Loss <1>",
                        .x_axis = "step",
                        .y_axis = "nats",
                        .curves = {{"training", {1, 2, 3, 4}, {4, none, 2, 3}}, {"none", {}, {}}}};
  const std::string svg = line_chart_svg(chart, "c");
  CHECK(count(svg, "class=\"curve-0\"") == 1);
  CHECK(count(svg, "Loss &lt;1&gt;") == 1);
  const std::size_t path = svg.find("class=\"curve-0\" d=\"") + 19;
  CHECK(count(svg.substr(path, svg.find('"', path) - path), "M") == 2);
  CHECK(svg.find("training: from 4 to 3, lowest 2 at step 3, highest 4 at step 1") != std::string::npos);
  CHECK(svg.find("none: nothing yet") != std::string::npos);
  CHECK(svg.find("nan") == std::string::npos);
}

TEST_CASE(
    "a chart of powers of ten puts equal factors at equal distances, and leaves out what is not positive") {
  const std::string svg = line_chart_svg({.x_axis = "step",
                                          .y_axis = "p",
                                          .curves = {{"p", {0, 1, 2, 3}, {1, 10, 100, -5}}},
                                          .logarithmic = true},
                                         "c");
  const std::size_t path = svg.find("class=\"curve-0\" d=\"") + 19;
  std::vector<double> heights;
  for (std::size_t at = svg.find('L', path); at < svg.find('"', path); at = svg.find('L', at + 1))
    heights.push_back(std::stod(svg.substr(svg.find(' ', at))));
  REQUIRE(heights.size() == 3);
  CHECK(std::abs((heights[0] - heights[1]) - (heights[1] - heights[2])) < 0.11);
}

TEST_CASE("a chart without a point, with one, or with one value says so and divides by nothing") {
  CHECK(line_chart_svg({.title = "t"}, "c").find("nothing yet") != std::string::npos);
  for (const double y : {0.0, 5.0, -5.0, 1e-300, 1e300}) {
    const std::string svg = line_chart_svg({.curves = {{"c", {7}, {y}}}}, "c");
    CHECK(svg.find("nan") == std::string::npos);
    CHECK(svg.find("inf") == std::string::npos);
  }
  CHECK_THROWS_AS(line_chart_svg({.curves = {{"c", {1, 2}, {1}}}}, "c"), ShapeError);
}

TEST_CASE("the page: the same input, the same bytes, and nothing from elsewhere") {
  const std::string html = report_html(small_page());
  CHECK(html == report_html(small_page()));
  CHECK(html.starts_with("<!DOCTYPE html>"));
  CHECK(html.find("{{") == html.rfind("{{"));  // none of the template's is left; the script may have one
  for (const char* elsewhere : {"http://", "https://", "src=", "@import", "url("}) {
    std::string rest = html;
    for (const char* own : {"http://www.w3.org/2000/svg", "url(#chart-"})  // a name, and a place in the page
      for (std::size_t at = rest.find(own); at != std::string::npos; at = rest.find(own)) rest.erase(at, 5);
    CHECK_MESSAGE(rest.find(elsewhere) == std::string::npos, elsewhere);
  }
  CHECK(html.find("default-src 'none'") != std::string::npos);
}

TEST_CASE("the page: text that looks like markup, like JSON or like the template stays text") {
  const std::size_t scripts = count(report_html(small_page()), "</script");
  for (const std::string words : {"</script><script>alert(1)</script>", "<!--<script>", "\" onload=\"x",
                                  "{{script}}", "\\", "\"}]", "]]>", "\xff\xfe",
                                  "a\xe2\x80\xa8"
                                  "b",
                                  "\x01\x1b[31m", "</title><b>", "&amp;&lt;"}) {
    const std::string html = report_html(small_page(words));
    CHECK_MESSAGE(count(html, "</script") == scripts, words);
    CHECK_MESSAGE(html.find("<b>") == std::string::npos, words);
    CHECK_MESSAGE(html.find(" onload=\"x") == std::string::npos, words);
    CHECK_MESSAGE(count(html, "\"use strict\";") == 1, words);
    CHECK(html.find('\x01') == std::string::npos);
    CHECK(html.find('\xff') == std::string::npos);
  }
}

TEST_CASE("the page: numbers of moments, words and weights that do not fit are refused") {
  ReportPage page = small_page();
  page.moment_steps.pop_back();
  CHECK_THROWS_WITH_AS(report_html(page),
                       "report_html: each moment has a step: 2 moments, 1 steps: give as many of both",
                       ShapeError);
  page = small_page();
  page.sentences[0].translations.pop_back();
  CHECK_THROWS_AS(report_html(page), ShapeError);
  page = small_page();
  page.sentences[0].kinds[0].weights[1].pop_back();
  CHECK_THROWS_WITH_AS(
      report_html(page),
      "report_html: one byte for each weight of cross-attention: 11 bytes for (1, 2, 2, 3), 12 "
      "weights: pass (L, H, T, S), layers first",
      ShapeError);
  page = small_page();
  page.sentences[0].kinds[0].weights.pop_back();
  CHECK_THROWS_AS(report_html(page), ShapeError);
}

TEST_CASE("the page of a training that has only just begun says that there is nothing yet") {
  const std::string html = report_html({});
  CHECK(html.find("No attention was recorded.") != std::string::npos);
  CHECK(html.find("No sentence was watched.") != std::string::npos);
}
