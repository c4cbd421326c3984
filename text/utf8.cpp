#include "text/utf8.h"

namespace attune::text {
namespace {

struct ByteRange {
  unsigned char low, high;
  bool has(unsigned char byte) const { return byte >= low && byte <= high; }
};

// What may follow a lead byte. Only the second byte has special ranges; they keep out overlong forms (E0,
// F0), surrogates (ED) and values above U+10FFFF (F4). The Unicode Standard, table 3-7.
struct Lead {
  std::size_t length;  // of the whole character, 0 for a byte that begins none
  ByteRange second;
  unsigned char bits;  // of the lead byte that belong to the code point
};

Lead lead_of(unsigned char byte) {
  if (byte <= 0x7F) return {1, {0x80, 0xBF}, 0x7F};
  if (byte <= 0xC1) return {0, {0x80, 0xBF}, 0};
  if (byte <= 0xDF) return {2, {0x80, 0xBF}, 0x1F};
  if (byte == 0xE0) return {3, {0xA0, 0xBF}, 0x0F};
  if (byte == 0xED) return {3, {0x80, 0x9F}, 0x0F};
  if (byte <= 0xEF) return {3, {0x80, 0xBF}, 0x0F};
  if (byte == 0xF0) return {4, {0x90, 0xBF}, 0x07};
  if (byte <= 0xF3) return {4, {0x80, 0xBF}, 0x07};
  if (byte == 0xF4) return {4, {0x80, 0x8F}, 0x07};
  return {0, {0x80, 0xBF}, 0};
}

constexpr char32_t replacement = 0xFFFD;

}  // namespace

DecodedCharacter decode_character(std::string_view bytes, std::size_t position) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const Lead lead = lead_of(byte_at(position));
  if (lead.length == 0) return {replacement, 1, false};

  char32_t code_point = byte_at(position) & lead.bits;
  ByteRange allowed = lead.second;
  for (std::size_t i = 1; i < lead.length; ++i) {
    // The bytes so far could have begun a character, so they are one maximal subpart, replaced together.
    if (position + i >= bytes.size() || !allowed.has(byte_at(position + i))) return {replacement, i, false};
    code_point = (code_point << 6) | (byte_at(position + i) & 0x3Fu);
    allowed = {0x80, 0xBF};
  }
  return {code_point, lead.length, true};
}

std::u32string decode_utf8(std::string_view bytes) {
  std::u32string result;
  for (std::size_t i = 0; i < bytes.size();) {
    const DecodedCharacter c = decode_character(bytes, i);
    result += c.code_point;
    i += c.length;
  }
  return result;
}

std::string encode_utf8(char32_t code_point) {
  const auto byte = [](char32_t value) { return static_cast<char>(static_cast<unsigned char>(value)); };
  const auto tail = [&](int shift) { return byte(0x80u | ((code_point >> shift) & 0x3Fu)); };
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (surrogate || code_point > 0x10FFFF) return std::string(replacement_character);
  if (code_point < 0x80) return {byte(code_point)};
  if (code_point < 0x800) return {byte(0xC0u | (code_point >> 6)), tail(0)};
  if (code_point < 0x10000) return {byte(0xE0u | (code_point >> 12)), tail(6), tail(0)};
  return {byte(0xF0u | (code_point >> 18)), tail(12), tail(6), tail(0)};
}

std::optional<std::size_t> find_invalid_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const DecodedCharacter c = decode_character(bytes, i);
    if (!c.valid) return i;
    i += c.length;
  }
  return std::nullopt;
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
