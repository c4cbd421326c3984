#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// As much of Unicode as labels in pictures, names in files and the tokenisers of text/ need: decoding,
// encoding and the width of characters.
//
// UTF-8 is read strictly: no overlong forms, no surrogates, nothing above U+10FFFF (Unicode Standard, table
// 3-7). What is not UTF-8 reads as U+FFFD, one for each maximal subpart: the longest run of bytes that could
// have begun a character (Unicode Standard, section 3.9). Python's bytes.decode('utf-8', errors='replace')
// does the same, so a file reads alike in both.

namespace attune::io {

/// One step of the decoder.
struct DecodedCharacter {
  char32_t code_point;  // U+FFFD when not valid
  std::size_t length;   // bytes used, at least 1
  bool valid;
};

/// Decodes the character that begins at `position`, which must lie inside `bytes`.
DecodedCharacter decode_character(std::string_view bytes, std::size_t position = 0);

/// The position of the first byte that is not part of a valid character, or npos.
std::size_t find_invalid_utf8(std::string_view text);

/// All characters of a text, U+FFFD for what is invalid.
std::u32string decode_utf8(std::string_view text);

/// UTF-8 of characters; U+FFFD for surrogates and values above U+10FFFF.
std::string encode_utf8(std::u32string_view characters);

/// A label whose every character can be seen and is allowed in XML: spaces at either end become ␣, a line
/// break ↵, a tab ⇥, other control characters and bytes that are not UTF-8 become �, an empty label ∅.
std::u32string visible_label(std::string_view label);

/// Columns that a character takes in a terminal: 0 if it is drawn onto the one before it (accents, joiners),
/// 2 if it is wide (Chinese, Japanese, Korean, emoji), else 1. The main blocks of Unicode's EastAsianWidth
/// table, not all of it.
int columns_of(char32_t character);
int columns_of(std::u32string_view characters);

/// "name" in quotes for an error text, control characters as �, cut after 80 characters.
std::string show_name(std::string_view name);

}  // namespace attune::io
