#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "examples/translator/grammar.h"

// The English side of the corpus: every sentence as words, and where each part of it stands, which is what
// tells the words of a translation what they translate.
//
// Text is lower case. A token is a word, a comma or a final "." or "?"; tokens are separated by one space,
// except that marks are attached to the word before them.

namespace attune::examples {

/// Where a clause has its words: positions in the sentence, -1 for what is not there.
struct EnglishClause {
  struct Phrase {
    int determiner = -1, first = -1, second = -1, noun = -1;  // a pronoun is a noun
  };

  Phrase subject, beside, object, recipient, location;
  int auxiliary = -1;  // does, did, will; is, was
  int negation = -1;   // not, never
  int adverb = -1;
  int verb = -1;
  int predicate = -1;
  int to = -1;  // the particle of the verb, or the "to" of a recipient
  int beside_preposition = -1, location_preposition = -1;  // their first word
};

struct English {
  std::vector<std::string_view> words;
  EnglishClause clause, second;
  int comma = -1, conjunction = -1, mark = -1;

  std::string text() const;
};

/// The number of each phrase must suit its determiner (a, every: singular; some, several, two …: plural).
English write_english(const Sentence& sentence);

/// A word, with a space before it where one belongs.
void append_word(std::string& text, std::string_view word);
bool is_mark(std::string_view word);

/// Text and tokens, of English and of French: exact inverses on the sentences of the corpus. A French word
/// that lost its vowel keeps its apostrophe and is followed by no space: "l'enfant" is "l'", "enfant".
/// Nothing else has an apostrophe.
std::vector<std::string> tokenise(const std::string& text);
std::string join(const std::vector<std::string>& tokens);

}  // namespace attune::examples
