#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "examples/translator/english.h"

// A language that the built-in corpus is translated into. Each is one file that implements TargetLanguage,
// with its words in lexicon.cpp; everything else asks here.

namespace attune::examples {

/// Where an adjective and its noun stand, as token indices on both sides.
struct AdjectiveNoun {
  int source_adjective = 0, source_noun = 0;
  int target_adjective = 0, target_noun = 0;
  bool order_differs = false;  ///< the black cat, le chat noir
};

/// Two words that stand in another order in the translation, as token indices (of their first token): what a
/// model must look across to translate.
struct Crossing {
  int source_first = 0, source_second = 0;  ///< in the order of English, or of the noun phrase
  int target_first = 0, target_second = 0;  ///< the same two words
};

/// A sentence in the target language.
struct Translation {
  std::string text;
  std::vector<int> alignment;                  ///< for each token the English token it translates, or -1
  std::vector<AdjectiveNoun> noun_adjectives;  ///< every adjective beside its noun (not "the cat is black")
  std::vector<Crossing> crossings;
};

class TargetLanguage {
 public:
  virtual ~TargetLanguage() = default;

  virtual std::string code() const = 0;       ///< "fr": what --to takes, and what a model notes down
  virtual std::string name() const = 0;       ///< "French"
  virtual std::string tokenizer() const = 0;  ///< the name of the tokeniser of a model's target side
  virtual bool in_characters() const = 0;     ///< a token is a character, and a word may have several
  virtual std::string crossing() const = 0;   ///< what its crossings are, in the plural

  /// Tokens, as the tokeniser cuts them, and text; exact inverses on the sentences of the corpus.
  virtual std::vector<std::string> split(const std::string& text) const = 0;
  virtual std::string join(const std::vector<std::string>& tokens) const = 0;

  virtual Translation write(const Sentence& sentence, const English& english) const = 0;
};

/// All of them, the one of the tour first.
const std::vector<const TargetLanguage*>& target_languages();

/// The one with this code; throws std::out_of_range for another.
const TargetLanguage& target_language(std::string_view code);

struct SentencePair {
  std::string source, target;
};

/// A sentence in English and in the target language.
struct Example {
  SentencePair pair;
  std::vector<AdjectiveNoun> noun_adjectives;
  std::vector<int> alignment;
  std::vector<Crossing> crossings;
  std::vector<Combination> combinations;
};

Example render(const Sentence& sentence, const TargetLanguage& language);

}  // namespace attune::examples
