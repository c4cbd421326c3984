#include "text/utf8.h"

namespace attune::text {

std::string encode_utf8(char32_t code_point) {
  return io::encode_utf8({&code_point, 1});
}

std::optional<std::size_t> find_invalid_utf8(std::string_view bytes) {
  const std::size_t at = io::find_invalid_utf8(bytes);
  return at == std::string_view::npos ? std::nullopt : std::optional(at);
}

std::string repair_utf8(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  for (const std::string_view c : characters(bytes)) result += c;
  return result;
}

std::vector<std::string_view> characters(std::string_view bytes) {
  std::vector<std::string_view> result;
  result.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    const DecodedCharacter c = decode_character(bytes, i);
    result.push_back(c.valid ? bytes.substr(i, c.length) : replacement_character);
    i += c.length;
  }
  return result;
}

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

std::vector<std::string_view> split_at_white_space(std::string_view line) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < line.size();) {
    std::size_t end = i;
    while (end < line.size() && !is_ascii_white_space(line[end])) ++end;
    if (end > i) pieces.push_back(line.substr(i, end - i));
    i = end + 1;
  }
  return pieces;
}

namespace {

// Capitals from `first` to `last`, each or every second one; their small letters stand `distance` further on.
struct Capitals {
  char32_t first, last;
  char32_t step;
  int distance;
};

// From Unicode's UnicodeData.txt, in ascending order.
constexpr Capitals all_capitals[] = {
    // Latin
    {0x41, 0x5A, 1, 32},      // A to Z
    {0xC0, 0xD6, 1, 32},      // À to Ö
    {0xD8, 0xDE, 1, 32},      // Ø to Þ: × is none
    {0x100, 0x12E, 2, 1},     // Ā ā Ă ă …: İ, whose small letter is two characters, stays
    {0x132, 0x136, 2, 1},     // Ĳ to Ķ
    {0x139, 0x147, 2, 1},     // Ĺ to Ň
    {0x14A, 0x176, 2, 1},     // Ŋ to Ŷ
    {0x178, 0x178, 1, -121},  // Ÿ
    {0x179, 0x17D, 2, 1},     // Ź to Ž
    {0x1A0, 0x1A4, 2, 1},     // Ơ to Ƥ
    {0x1AF, 0x1AF, 1, 1},     // Ư
    {0x1CD, 0x1DB, 2, 1},     // Ǎ to Ǜ: pinyin
    {0x1DE, 0x1EE, 2, 1},     // Ǟ to Ǯ
    {0x1F8, 0x21E, 2, 1},     // Ǹ to Ȟ, with Ș and Ț
    {0x222, 0x232, 2, 1},     // Ȣ to Ȳ
    // Greek
    {0x386, 0x386, 1, 38},
    {0x388, 0x38A, 1, 37},
    {0x38C, 0x38C, 1, 64},
    {0x38E, 0x38F, 1, 63},
    {0x391, 0x3A1, 1, 32},  // Α to Ρ
    {0x3A3, 0x3AB, 1, 32},  // Σ to Ϋ
    // Cyrillic
    {0x400, 0x40F, 1, 80},  // Ѐ to Џ
    {0x410, 0x42F, 1, 32},  // А to Я
    {0x460, 0x480, 2, 1},
    {0x48A, 0x4BE, 2, 1},
    {0x4C0, 0x4C0, 1, 15},
    {0x4C1, 0x4CD, 2, 1},
    {0x4D0, 0x52E, 2, 1},
    // Armenian
    {0x531, 0x556, 1, 48},
    // Latin again
    {0x1E00, 0x1E94, 2, 1},
    {0x1E9E, 0x1E9E, 1, -7615},  // ẞ
    {0x1EA0, 0x1EFE, 2, 1},      // Ạ to Ỿ: Vietnamese
    {0xFF21, 0xFF3A, 1, 32},     // Ａ to Ｚ, as wide as Chinese characters
};

char32_t small_letter(char32_t c) {
  for (const Capitals& range : all_capitals) {
    if (c < range.first) break;
    if (c <= range.last && (c - range.first) % range.step == 0)
      return static_cast<char32_t>(static_cast<int>(c) + range.distance);
  }
  return c;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char32_t c : decode_utf8(text)) result += encode_utf8(small_letter(c));
  return result;
}

}  // namespace attune::text
