#include "text/utf8.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

using namespace attune::text;
using namespace std::string_literals;

namespace {

std::uint64_t fnv(std::uint64_t hash, std::uint64_t value) {
  return (hash ^ value) * 0x100000001B3u;
}
constexpr std::uint64_t fnv_start = 0xCBF29CE484222325u;

}  // namespace

TEST_CASE("utf8: 390,625 strings of boundary bytes decode as in Python") {
  // Every string of four of these bytes, which stand at the borders of all ranges of the definition. The
  // number is the hash of Python's bytes.decode('utf-8', errors='replace'), with 0x110000 after each string.
  const std::initializer_list<unsigned char> bytes = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                                      0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                                      0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
  std::uint64_t hash = fnv_start;
  std::string text(4, '\0');
  for (const unsigned char a : bytes) {
    for (const unsigned char b : bytes) {
      for (const unsigned char c : bytes) {
        for (const unsigned char d : bytes) {
          text[0] = static_cast<char>(a);
          text[1] = static_cast<char>(b);
          text[2] = static_cast<char>(c);
          text[3] = static_cast<char>(d);
          for (const char32_t code_point : decode_utf8(text)) hash = fnv(hash, code_point);
          hash = fnv(hash, 0x110000);
        }
      }
    }
  }
  CHECK(hash == 0xf105fc17c7ae73a5u);
}

TEST_CASE("utf8: each maximal subpart that is invalid becomes one U+FFFD") {
  CHECK(repair_utf8("a\xff"
                    "b") == "a\uFFFDb");
  CHECK(repair_utf8("\xe2\x82") == "\uFFFD");  // a character cut short
  CHECK(repair_utf8("\xe2\x82"
                    "A\xe2\x82\xac") == "\uFFFDA\u20AC");  // cut short, and the next one is whole
  CHECK(repair_utf8("\xf0\x9f\x98") == "\uFFFD");
  CHECK(repair_utf8("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");            // a surrogate
  CHECK(repair_utf8("\xc0\xaf") == "\uFFFD\uFFFD");                      // overlong
  CHECK(repair_utf8("\xf4\x90\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD");  // above U+10FFFF
}

TEST_CASE("utf8: every code point survives encoding and decoding") {
  std::size_t wrong = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    const std::u32string expected(1, surrogate ? 0xFFFD : c);
    if (decode_utf8(encode_utf8(c)) != expected) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(encode_utf8(0x110000) == replacement_character);
}

TEST_CASE("utf8: the first invalid byte is found") {
  CHECK_FALSE(find_invalid_utf8(""));
  CHECK_FALSE(find_invalid_utf8("déjà vu 嗨 😀"));
  CHECK(find_invalid_utf8("d\xC3\xA9j\xE0 vu") == 4);
  CHECK(find_invalid_utf8("abc\xE2\x82") == 3);
}

TEST_CASE("utf8: characters are code points, U+FFFD where invalid") {
  const std::vector<std::string_view> expected = {"a", "é", "嗨", "😀", "\uFFFD"};
  CHECK(characters("aé嗨😀\xff") == expected);
}

TEST_CASE("utf8: lower case of Latin, Greek, Cyrillic and Armenian is Python's, but for İ") {
  // Blocks of which every letter is covered, from the first to behind the last.
  const std::initializer_list<std::pair<char32_t, char32_t>> blocks = {
      {0, 0x180},     {0x1CD, 0x1DD},   {0x1F8, 0x220},  {0x386, 0x3CF},
      {0x400, 0x590}, {0x1E00, 0x1F00}, {0xFF00, 0xFFF0}};
  std::uint64_t hash = fnv_start;
  for (const auto& block : blocks)
    for (char32_t c = block.first; c < block.second; ++c)
      hash = fnv(hash, decode_utf8(lower_case(encode_utf8(c)))[0]);
  CHECK(hash == 0xc521699a89123bd0u);
  CHECK(lower_case("ÊTRE Œuvre Ÿ ÇA × ẞ") == "être œuvre ÿ ça × ß");
  CHECK(lower_case("ДВА Ёжика, ΛΌΓΟΣ, Ơ Ư Ạ, İ") == "два ёжика, λόγοσ, ơ ư ạ, İ");
}

TEST_CASE("utf8: white space splits a line, wherever it stands") {
  const std::vector<std::string_view> expected = {"a", "b\xC2\xA0", "c"};
  CHECK(split_at_white_space(" a\t b\xC2\xA0 \r\vc ") == expected);  // a no-break space is not ASCII
  CHECK(split_at_white_space("").empty());
  CHECK(split_at_white_space(" \t ").empty());
  CHECK(is_white_space(0xA0));
  CHECK(is_white_space(0x3000));
  CHECK_FALSE(is_white_space(U'a'));
  CHECK_FALSE(is_white_space(0x200B));  // zero width space: not white space in Unicode's sense
}
