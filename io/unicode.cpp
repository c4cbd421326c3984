#include "io/unicode.h"

#include <cstdint>

namespace attune::io {

namespace {

constexpr char32_t replacement = 0xFFFD;

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

std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const DecodedCharacter next = decode_character(text, at);
    if (!next.valid) return at;
    at += next.length;
  }
  return std::string_view::npos;
}

std::u32string decode_utf8(std::string_view text) {
  std::u32string characters;
  for (std::size_t at = 0; at < text.size();) {
    const DecodedCharacter next = decode_character(text, at);
    characters += next.code_point;
    at += next.length;
  }
  return characters;
}

std::string encode_utf8(std::u32string_view characters) {
  std::string text;
  const auto put = [&](char32_t byte) { text += static_cast<char>(static_cast<std::uint8_t>(byte)); };
  const auto put_rest = [&](char32_t character, int shift) { put(0x80u | ((character >> shift) & 0x3Fu)); };
  for (char32_t c : characters) {
    if ((c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF) c = replacement;
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xC0u | (c >> 6));
      put_rest(c, 0);
    } else if (c < 0x10000) {
      put(0xE0u | (c >> 12));
      put_rest(c, 6);
      put_rest(c, 0);
    } else {
      put(0xF0u | (c >> 18));
      put_rest(c, 12);
      put_rest(c, 6);
      put_rest(c, 0);
    }
  }
  return text;
}

std::u32string visible_label(std::string_view label) {
  std::u32string characters = decode_utf8(label);
  if (characters.empty()) return U"∅";
  for (char32_t& c : characters) {
    if (c == U'\n' || c == U'\r') c = U'↵';
    if (c == U'\t') c = U'⇥';
    const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    // Bidirectional overrides would reorder what stands around them; U+xxFFFE and U+xxFFFF are no characters
    // at all.
    const bool reorders = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
    if (control || reorders || (c & 0xFFFE) == 0xFFFE) c = replacement;
  }
  for (std::size_t i = 0; i < characters.size() && characters[i] == U' '; ++i) characters[i] = U'␣';
  for (std::size_t i = characters.size(); i > 0 && characters[i - 1] == U' '; --i) characters[i - 1] = U'␣';
  return characters;
}

int columns_of(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  static constexpr Range none[] = {
      {0x0300, 0x036F},    // combining accents
      {0x0483, 0x0489},    // Cyrillic
      {0x0591, 0x05BD},    // Hebrew points
      {0x0610, 0x061A},    // Arabic marks
      {0x064B, 0x065F},    // Arabic vowels
      {0x0E34, 0x0E3A},    // Thai vowels
      {0x0E47, 0x0E4E},    // Thai tones
      {0x1AB0, 0x1AFF},    // combining accents, extended
      {0x1DC0, 0x1DFF},    // combining accents, supplement
      {0x200B, 0x200F},    // zero-width space, joiners and direction marks
      {0x2060, 0x2064},    // word joiner
      {0x20D0, 0x20FF},    // combining marks for symbols
      {0xFE00, 0xFE0F},    // variation selectors
      {0xFE20, 0xFE2F},    // combining half marks
      {0xFEFF, 0xFEFF},    // byte order mark
      {0xE0100, 0xE01EF},  // variation selectors, supplement
  };
  static constexpr Range two[] = {
      {0x1100, 0x115F},    // Hangul initials
      {0x231A, 0x231B},    // watch, hourglass
      {0x2E80, 0x303E},    // radicals, Chinese punctuation
      {0x3041, 0x33FF},    // kana, enclosed and compatibility characters
      {0x3400, 0x4DBF},    // ideographs, extension A
      {0x4E00, 0x9FFF},    // ideographs
      {0xA000, 0xA4CF},    // Yi
      {0xA960, 0xA97F},    // Hangul, extended
      {0xAC00, 0xD7A3},    // Hangul syllables
      {0xF900, 0xFAFF},    // compatibility ideographs
      {0xFE30, 0xFE6F},    // compatibility forms
      {0xFF00, 0xFF60},    // full-width forms
      {0xFFE0, 0xFFE6},    // full-width signs
      {0x1F300, 0x1F64F},  // emoji
      {0x1F680, 0x1F6FF},  // transport
      {0x1F900, 0x1F9FF},  // emoji, supplement
      {0x1FA70, 0x1FAFF},  // emoji, extended
      {0x20000, 0x3FFFD},  // ideographs, further extensions
  };
  for (const Range& range : none) {
    if (c >= range.first && c <= range.last) return 0;
  }
  for (const Range& range : two) {
    if (c >= range.first && c <= range.last) return 2;
  }
  return 1;
}

int columns_of(std::u32string_view characters) {
  int columns = 0;
  for (const char32_t c : characters) columns += columns_of(c);
  return columns;
}

std::string show_name(std::string_view name) {
  constexpr std::size_t longest = 80;
  std::u32string characters = decode_utf8(name.substr(0, 4 * longest + 4));
  for (char32_t& c : characters) {
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) c = replacement;
  }
  if (characters.size() > longest) characters = characters.substr(0, longest) + U"…";
  return '"' + encode_utf8(characters) + '"';
}

}  // namespace attune::io
