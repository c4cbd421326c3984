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

char32_t small_letter(char32_t c) {
  if (c >= U'A' && c <= U'Z') return c + 0x20;
  if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 0x20;  // À to Þ, but not ×

  // Latin Extended-A: capital and small letter side by side, the capital first.
  const bool even_capitals = (c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14A && c <= 0x177);
  const bool odd_capitals = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
  if (even_capitals && c % 2 == 0) return c + 1;
  if (odd_capitals && c % 2 == 1) return c + 1;
  if (c == 0x178) return 0xFF;  // Ÿ
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
