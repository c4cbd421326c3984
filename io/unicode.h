#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// As much of Unicode as labels in pictures and names in files need: decoding, encoding and the width of
// characters.

namespace attune::io {

/// The position of the first byte that is not well-formed UTF-8 (Unicode standard, table 3-7: no overlong
/// forms, no surrogates, nothing above U+10FFFF), or npos.
std::size_t find_invalid_utf8(std::string_view text);

/// The characters of a text. Every byte that is not part of well-formed UTF-8 becomes U+FFFD.
std::u32string decode_utf8(std::string_view text);

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
