#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

// How text is cut before BLEU is counted. BLEU of the same text differs by points between these, so the name
// is part of the score's signature. They only cut; nothing is joined again, so they are no Tokenizers.
//
// clang-format off
//   name   "Well-known: 3,5 % (2-3)." becomes           for
//   13a    Well-known : 3,5 % ( 2 - 3 ) .               languages that put spaces between words: the usual one
//   zh     the same, each Chinese character by itself   Chinese
//   char   W e l l - k n o w n : 3 , 5 % ( 2 - 3 ) .    comparing languages of any kind
//   none   Well-known: 3,5 % (2-3).                     text that is tokenised already
// clang-format on
//
// The rules are those of sacreBLEU 2 (Post 2018, "A Call for Clarity in Reporting BLEU Scores"), whose 13a is
// that of NIST's mteval-v13a.pl, character for character, including those that look like mistakes.
//
// Left out: intl (needs the tables of Unicode), ja-mecab, ko-mecab and spm (need dictionaries and models).

namespace attune::text {

/// The tokens of one line; no white space is left, Unicode's included. White space at the end is cut off
/// first. What is not UTF-8 reads as U+FFFD. ValueError for a name that is not one of
/// `bleu_tokenizer_names()`.
Tokens split_for_bleu(std::string_view line, std::string_view tokenizer);

std::vector<std::string> bleu_tokenizer_names();

/// The one that sacreBLEU would take, were it told the language of these references: "zh" when most of their
/// characters are Chinese (white space left out), else "13a".
std::string usual_bleu_tokenizer(const std::vector<std::string>& references);

/// White space as Python's str.split() has it: Unicode's, and the separators U+001C to U+001F.
bool is_python_white_space(char32_t character);

}  // namespace attune::text
