#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/unicode.h"

// Lines of text as characters. UTF-8 is decoded by io/unicode.h, strictly; here is what tokenisers and corpus
// readers do with it.
//
// Left out: normalisation (e + combining acute stays two code points) and grapheme clusters.

namespace attune::text {

/// U+FFFD in UTF-8.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

using io::decode_character;
using io::decode_utf8;
using io::DecodedCharacter;

/// UTF-8 of one code point; U+FFFD for surrogates and values above U+10FFFF.
std::string encode_utf8(char32_t code_point);

/// The position of the first byte that is not part of a valid character; nothing when all of it is UTF-8.
std::optional<std::size_t> find_invalid_utf8(std::string_view bytes);

/// The text with U+FFFD for each maximal subpart that is invalid.
std::string repair_utf8(std::string_view bytes);

/// The text cut into its code points, as views into `bytes` (or of `replacement_character`, where invalid).
std::vector<std::string_view> characters(std::string_view bytes);

/// White space in Unicode's sense, no-break and ideographic spaces included.
bool is_white_space(char32_t code_point);

/// Space, tab, line feed, vertical tab, form feed and carriage return: the white space of tokenised files.
constexpr bool is_ascii_white_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// The pieces between runs of ASCII white space, as views into `line`; none of them is empty.
std::vector<std::string_view> split_at_white_space(std::string_view line);

/// Small letters for the capitals of Latin, Greek, Cyrillic and Armenian; all else stays, and İ, whose small
/// letter is two characters. Every Σ becomes σ, also at the end of a word, where Greek writes ς. Left out:
/// letters of African languages and of phonetics, ancient Greek, Georgian, Cherokee and other scripts with
/// capitals.
std::string lower_case(std::string_view text);

}  // namespace attune::text
