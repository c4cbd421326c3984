#include "io/heat_map.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"
#include "io/unicode.h"
#include "tensor/error.h"
#include "tests/io/scratch.h"

using namespace attune;
using namespace attune::io;

namespace {

HeatMap two_by_three() {
  return {{Scalar(0.9), Scalar(0.1), 0, Scalar(0.25), Scalar(0.25), Scalar(0.5)},
          {"le", "chat"},
          {"the", "black", "cat"},
          "head 1"};
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

// Why a text is no well-formed XML of the simple kind written here; empty if it is.
std::string xml_fault(const std::string& xml) {
  if (find_invalid_utf8(xml) != std::string::npos) return "not UTF-8";
  std::vector<std::string> open;
  for (std::size_t at = 0; at < xml.size(); ++at) {
    const char c = xml[at];
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return "a control character";
    if (c == '&') {
      const std::string entity = xml.substr(at, xml.find(';', at) - at + 1);
      if (entity != "&amp;" && entity != "&lt;" && entity != "&gt;" && entity != "&quot;")
        return "entity " + entity;
    }
    if (c == '>') return "a stray >";
    if (c != '<') continue;
    const std::size_t end = xml.find('>', at);
    if (end == std::string::npos) return "a tag that does not end";
    const std::string tag = xml.substr(at + 1, end - at - 1);
    if (tag.find('<') != std::string::npos) return "a < in <" + tag;
    if (count(tag, "\"") % 2 != 0) return "quotes in <" + tag;
    const std::string name =
        tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" /", 1) - (tag[0] == '/' ? 1 : 0));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != name) return "</" + name + "> closes nothing";
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    at = end;
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

double attribute(const std::string& svg, const std::string& name) {
  const std::size_t at = svg.find(" " + name + "=\"");
  REQUIRE(at != std::string::npos);
  return std::strtod(svg.c_str() + at + name.size() + 3, nullptr);
}

template <class Kind>
std::string error_of(const std::vector<HeatMap>& panels, const HeatMapOptions& options = {}) {
  try {
    heat_map_svg(panels, options);
  } catch (const Kind& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("heat map: one cell for each pair of tokens, each with its number as a tooltip") {
  const std::string svg = heat_map_svg({two_by_three()}, {.title = "Attention"});
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "<rect ") == 6 + 2);  // cells, the page and the legend
  CHECK(contains(svg, "<title>le ← the: 0.900</title>"));
  CHECK(contains(svg, "<title>le ← black: 0.100</title>"));
  CHECK(contains(svg, "<title>chat ← the: 0.250</title>"));
  CHECK(contains(svg, "<title>chat ← cat: 0.500</title>"));
  for (const char* label :
       {">le</text>", ">chat</text>", ">the</text>", ">black</text>", ">head 1</text>", ">Attention</text>",
        ">source →</text>", ">target ↓</text>", ">attention weight</text>"}) {
    CHECK(count(svg, label) == 1);
  }
  CHECK(contains(svg, " fill=\"" + heat_colour(0.9) + "\"><title>le ← the"));
}

TEST_CASE("heat map: it has a title and a description in words for those who cannot see it") {
  const std::string svg = heat_map_svg({two_by_three()}, {.title = "Attention"});
  CHECK(contains(svg, " role=\"img\""));
  CHECK(svg.find("<title>Attention</title>") < svg.find("<rect"));
  CHECK(contains(
      svg,
      "<desc>Rows: target. Columns: source. Darker is more. The largest of each row: head 1: le ← the "
      "0.900; chat ← cat 0.500.</desc>"));
  CHECK(contains(heat_map_svg({two_by_three()}), "<title>Heat map</title>"));
}

TEST_CASE("heat map: several heads stand on one page, with one scale") {
  std::vector<HeatMap> heads(4, two_by_three());
  for (std::size_t h = 0; h < heads.size(); ++h) heads[h].title = "head " + std::to_string(h + 1);
  const std::string svg = heat_map_svg(heads);
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "<rect ") == 4 * 6 + 2);
  CHECK(count(svg, "<linearGradient ") == 1);
  CHECK(count(svg, ">head 3</text>") == 1);
  const std::string stacked = heat_map_svg(heads, {.panels_per_row = 1});
  CHECK(attribute(stacked, "height") > 2 * attribute(svg, "height"));
  CHECK(attribute(stacked, "width") < attribute(svg, "width"));
}

TEST_CASE("heat map: labels, titles and axes of any content give well-formed XML") {
  const std::vector<std::string> nasty = {"<script>alert(1)</script>",
                                          "a&b",
                                          "\"quoted\"",
                                          "'",
                                          "]]>",
                                          "<!--",
                                          "&amp;",
                                          std::string("nul\0byte", 8),
                                          "\x1b[31mred",
                                          "line\nbreak",
                                          "tab\there",
                                          " lead",
                                          "",
                                          "\xff\xfe",
                                          "\xed\xa0\x80",
                                          "\xef\xbf\xbf",
                                          "e\xcc\x81"};
  for (const std::string& label : nasty) {
    CAPTURE(label);
    const std::string svg =
        heat_map_svg({{{Scalar(0.5)}, {label}, {label}, label}},
                     {.title = label, .row_axis = label, .column_axis = label, .legend = label});
    CHECK(xml_fault(svg) == "");
    CHECK(!contains(svg, "<script"));
  }
  const std::string svg = heat_map_svg({{{Scalar(0.5)}, {"<unk>"}, {"a&b"}, ""}});
  CHECK(contains(svg, ">&lt;unk&gt;</text>"));
  CHECK(contains(svg, ">a&amp;b</text>"));
  CHECK(contains(heat_map_svg({{{Scalar(0.5)}, {"\""}, {"b"}, ""}}), ">&quot;</text>"));
}

TEST_CASE("heat map: what cannot be seen is made visible") {
  const auto shown = [](std::string_view label) { return encode_utf8(visible_label(label)); };
  CHECK(shown(" ") == "␣");
  CHECK(shown(" the cat ") == "␣the cat␣");
  CHECK(shown("\n") == "↵");
  CHECK(shown("a\tb") == "a⇥b");
  CHECK(shown("") == "∅");
  CHECK(shown("\xe4\xb8") == "�");
  CHECK(shown(std::string("\0", 1)) == "�");
  CHECK(shown("\xe2\x80\xaehidden") == "�hidden");  // a right-to-left override
  CHECK(shown("\xef\xbf\xbf") == "�");              // U+FFFF, which XML does not allow
  CHECK(shown("猫") == "猫");
}

TEST_CASE("heat map: Chinese labels are kept, get fonts that have them and the room they need") {
  const std::vector<Scalar> weights = {1, 0, 0, 1};
  const std::string chinese = heat_map_svg({{weights, {"图书馆", "看书"}, {"I", "read"}, ""}});
  const std::string latin = heat_map_svg({{weights, {"abc", "de"}, {"I", "read"}, ""}});
  CHECK(contains(chinese, ">图书馆</text>"));
  CHECK(contains(chinese, "'Noto Sans CJK SC'"));
  // No axis names, so that the row labels alone decide.
  const HeatMapOptions bare{.row_axis = "", .column_axis = "", .legend = ""};
  const std::string wide =
      heat_map_svg({{weights, {"图书馆的的的的的的的的", "看书"}, {"I", "read"}, ""}}, bare);
  const std::string narrow = heat_map_svg({{weights, {"abcdefghijk", "de"}, {"I", "read"}, ""}}, bare);
  CHECK(attribute(wide, "width") > attribute(narrow, "width") + 30);
  CHECK(xml_fault(chinese) == "");
  CHECK(xml_fault(latin) == "");
}

TEST_CASE("heat map: column labels are slanted only where they do not fit over their columns") {
  const std::vector<Scalar> weights = {1, 0, 0, 1};
  CHECK(contains(heat_map_svg({{weights, {"a", "b"}, {"a", "longer"}, ""}}), "rotate(-45)"));
  CHECK(!contains(heat_map_svg({{weights, {"a", "b"}, {"a", "猫"}, ""}}), "rotate"));
}

TEST_CASE("heat map: a label of any length is cut for the eye and whole in its tooltip") {
  const std::string longest(5000, 'x');
  const std::string svg = heat_map_svg({{{1}, {longest}, {longest}, longest}}, {.title = longest});
  CHECK(xml_fault(svg) == "");
  CHECK(contains(svg, "x…<title>" + longest + "</title></text>"));
  CHECK(attribute(svg, "width") < 1000);
  CHECK(attribute(svg, "height") < 1000);
}

TEST_CASE("heat map: numbers stand in cells that have room for them") {
  const std::string svg = heat_map_svg({two_by_three()});
  CHECK(contains(svg, ">.90</text>"));
  CHECK(contains(svg, ">.25</text>"));
  CHECK(!contains(svg, ">.00</text>"));
  CHECK(!contains(heat_map_svg({two_by_three()}, {.numbers = false}), ">.90</text>"));
  CHECK(!contains(heat_map_svg({two_by_three()}, {.cell = 10}), ">.90</text>"));
  CHECK(contains(heat_map_svg({{{1}, {"a"}, {"b"}, ""}}), ">1</text>"));
  const HeatMap scores{{Scalar(-1.5), 0, Scalar(-0.25), 2}, {"a", "b"}, {"c", "d"}, ""};
  const std::string signs = heat_map_svg({scores}, {.low = -2, .high = 2});
  for (const char* number : {">-1.50<", ">0<", ">-.25<", ">2<"}) CHECK(contains(signs, number));
}

TEST_CASE("heat map: the same input gives the same bytes, without scripts or anything from elsewhere") {
  const std::string svg = heat_map_svg({two_by_three()}, {.title = "t"});
  CHECK(svg == heat_map_svg({two_by_three()}, {.title = "t"}));
  CHECK(count(svg, "http") == 1);  // the name of the SVG namespace
  for (const char* word : {"<script", "href", "<style", "<image", "onload", "@import"})
    CHECK(!contains(svg, word));
}

TEST_CASE("heat map: colours step evenly for the eye and only darken") {
  // OKLab, as published by Björn Ottosson.
  const auto oklab = [](const std::string& hex) {
    std::array<double, 3> linear{};
    for (std::size_t i = 0; i < 3; ++i) {
      const double s = static_cast<double>(std::stoi(hex.substr(1 + 2 * i, 2), nullptr, 16)) / 255;
      linear[i] = s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
    }
    const auto [r, g, b] = linear;
    const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return std::array<double, 3>{0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
                                 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
                                 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
  };
  double smallest = 1, largest = 0;
  for (int i = 0; i < 20; ++i) {
    const auto a = oklab(heat_colour(0.05 * i)), b = oklab(heat_colour(0.05 * (i + 1)));
    const double step = std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
    smallest = std::min(smallest, step);
    largest = std::max(largest, step);
    CHECK(b[0] < a[0] - 0.02);
  }
  CHECK(largest < 1.2 * smallest);
  CHECK(heat_colour(0) == "#f0f9fb");
  CHECK(heat_colour(1) == "#272853");
  CHECK(heat_colour(-1) == heat_colour(0));
  CHECK(heat_colour(2) == heat_colour(1));
}

TEST_CASE("heat map: sizes that do not fit are refused with both sizes") {
  HeatMap map = two_by_three();
  map.weights.pop_back();
  CHECK(error_of<ShapeError>({map}) ==
        "heat_map_svg: one weight for each pair of labels: 5 weights, 2 row labels x 3 column labels = 6 in "
        "panel "
        "\"head 1\": pass one head's (T, S) weights, rows first");
  CHECK(contains(error_of<ShapeError>({{{}, {}, {"a"}, ""}}), "0 x 1"));
  CHECK(contains(error_of<ShapeError>({}), "there is no panel"));
  const std::vector<std::string> many(600, "x");
  const HeatMap huge{std::vector<Scalar>(360000), many, many, ""};
  CHECK(contains(error_of<ShapeError>({huge}), "too many cells for one picture: 360000"));
}

TEST_CASE("heat map: weights that are not finite or off the scale are refused with their place") {
  for (const Scalar bad : {std::numeric_limits<Scalar>::quiet_NaN(), std::numeric_limits<Scalar>::infinity(),
                           Scalar(1.01), Scalar(-0.01)}) {
    HeatMap map = two_by_three();
    map.weights[5] = bad;
    CHECK(contains(error_of<ValueError>({map}), " at row 1, column 2 in panel \"head 1\""));
    std::ostringstream out;
    CHECK_THROWS_AS(print_heat_map(out, map), ValueError);
    CHECK(out.str().empty());
  }
  HeatMap rounded = two_by_three();
  rounded.weights[0] = Scalar(1.0000002);
  CHECK(error_of<ValueError>({rounded}) == "");
}

TEST_CASE("heat map: options that make no sense are refused") {
  const auto map = two_by_three();
  CHECK(contains(error_of<ValueError>({map}, {.low = 1, .high = 1}), "low must be less than high"));
  CHECK(contains(error_of<ValueError>({map}, {.high = std::numeric_limits<double>::quiet_NaN()}),
                 "low must be"));
  CHECK(contains(error_of<ValueError>({map}, {.cell = 4}), "8 to 200 pixels: 4"));
  CHECK(contains(error_of<ValueError>({map}, {.panels_per_row = -1}), "cannot be negative"));
}

TEST_CASE("heat map: the file is the page, and a wrong matrix leaves no file") {
  const Scratch scratch;
  write_heat_map(scratch / "a.svg", {two_by_three()}, {.title = "t"});
  CHECK(read_file(scratch / "a.svg", 1 << 20) == heat_map_svg({two_by_three()}, {.title = "t"}));
  CHECK_THROWS_AS(write_heat_map(scratch / "b.svg", {}), ShapeError);
  CHECK(!std::filesystem::exists(scratch / "b.svg"));
}

TEST_CASE("heat map: as text, columns stay under their labels") {
  std::ostringstream out;
  print_heat_map(out, two_by_three());
  CHECK(out.str() ==
        "head 1\n"
        "     the black cat\n"
        "  le ███ ░░░░░\n"
        "chat ▒▒▒ ▒▒▒▒▒ ▓▓▓\n"
        "     ░ from 0.05  ▒ from 0.25  ▓ from 0.50  █ from 0.75\n");
}

TEST_CASE("heat map: as text, wide characters take two columns and long labels are cut") {
  std::ostringstream out;
  print_heat_map(out, {{1, 0, 0, 1}, {"图书馆", "a"}, {"猫", "incomprehensibilities"}, ""},
                 {.low = 0, .high = 2});
  CHECK(out.str() ==
        "       猫 incomprehensibi…\n"
        "图书馆 ▓▓\n"
        "     a    ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓\n"
        "       ░ from 0.10  ▒ from 0.50  ▓ from 1.00  █ from 1.50\n");
  CHECK(columns_of(decode_utf8("e\xcc\x81")) == 1);
  CHECK(columns_of(decode_utf8("한국어")) == 6);
  CHECK(columns_of(decode_utf8("ねこ")) == 4);
}

TEST_CASE("unicode: decoding and encoding are inverse on every character, and each broken byte is replaced") {
  std::u32string all;
  for (char32_t c = 1; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 37) {
    if (c < 0xD800 || c > 0xDFFF) all += c;
  }
  CHECK(find_invalid_utf8(encode_utf8(all)) == std::string::npos);
  CHECK((decode_utf8(encode_utf8(all)) == all));
  CHECK(find_invalid_utf8("ab\xff") == 2);
  for (const char* broken : {"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                             "\xf8\x88\x80", "\xed\xbf\xbf"}) {
    CAPTURE(broken);
    CHECK(find_invalid_utf8(broken) == 0);
    CHECK((decode_utf8(broken) == std::u32string(std::string_view(broken).size(), U'\xFFFD')));
  }
  CHECK(find_invalid_utf8("\xe2\x82") == 0);
  CHECK((decode_utf8("\xe2\x82") == U"\uFFFD"));  // a character cut short is one
}

TEST_CASE("print_heat_map: a map that is too wide for the terminal comes in parts that fit") {
  const auto printed = [](int width) {
    HeatMapOptions options;
    options.text_width = width;
    std::ostringstream out;
    print_heat_map(out, two_by_three(), options);
    const std::string text = out.str();
    return text.substr(0, text.find("     ░ from"));  // without the legend
  };
  const std::string title = "head 1\n";
  CHECK(printed(0) == title + "     the black cat\n  le ███ ░░░░░\nchat ▒▒▒ ▒▒▒▒▒ ▓▓▓\n");
  CHECK(printed(18) == printed(0));
  CHECK(printed(17) ==
        title + "     the black\n  le ███ ░░░░░\nchat ▒▒▒ ▒▒▒▒▒\n\n     cat\n  le\nchat ▓▓▓\n");
  CHECK(printed(1) == title +  // one column at a time is the least there is
                          "     the\n  le ███\nchat ▒▒▒\n\n     black\n  le ░░░░░\nchat ▒▒▒▒▒\n\n"
                          "     cat\n  le\nchat ▓▓▓\n");
}
