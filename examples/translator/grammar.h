#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "examples/translator/lexicon.h"

/// What the built-in corpus says: sentences described by their structure, in no language. english.h writes
/// them in English, language.h in the language to translate into.
///
/// One English sentence has exactly one translation, so these choices are made once for all languages: "you"
/// is one person, and familiar; "I", "me", "you", "us", "them" and "they" are masculine; there is no "it",
/// whose gender would depend on something outside the sentence.
namespace attune::examples {

enum class Determiner {
  the,
  a,
  some,
  this_,
  my,
  your,
  his,
  her,
  our,
  their,
  every,
  several,
  two,
  three,
  four,
  five,
  ten
};

/// "two small black cats": at most one adjective of size, age or quality (Adjective::before), then one more.
struct NounPhrase {
  Determiner determiner = Determiner::the;
  const Noun* noun = nullptr;
  bool plural = false;
  const Adjective* first = nullptr;
  const Adjective* second = nullptr;
};

enum class Pronoun { i, you, he, she, we, they };

/// A pronoun, or else the noun phrase.
struct Participant {
  std::optional<Pronoun> pronoun = {};
  NounPhrase phrase = {};
};

/// "near the small house".
struct Location {
  const Preposition* preposition = nullptr;
  NounPhrase phrase = {};
};

enum class Tense { present, past, future };
enum class Form { statement, negation, never, question };
enum class Adverb { none, often, always };

/// A subject and what it does or is. A question stands alone; other clauses can be joined.
struct Clause {
  Participant subject = {};
  std::optional<Location> beside_subject = {};  ///< the cat *under the table* sees …
  const Verb* verb = nullptr;
  Tense tense = Tense::present;
  Form form = Form::statement;
  Adverb adverb = Adverb::none;               ///< in statements and questions only
  std::optional<Participant> object = {};     ///< what is seen, given, or (Takes::indirect) talked to
  std::optional<Participant> recipient = {};  ///< whom it is given to (Takes::direct_and_to)
  const Adjective* predicate = nullptr;       ///< what it is (Takes::predicate)
  std::optional<Location> location = {};      ///< at the end of the clause
};

enum class Conjunction { and_, but, because };

struct Sentence {
  Clause clause = {};
  std::optional<Conjunction> conjunction = {};  ///< none: the sentence is the one clause
  Clause second = {};
};

/// What the subject's words and the verb agree with, in languages where anything agrees.
struct Agreement {
  Person person = Person::he;
  bool plural = false, feminine = false;
};
Agreement agreement_of(const Participant& participant);

bool is_negated(const Clause& clause);

/// Under a negation "a" and "some" say nothing before a direct object: i do not see any cats.
bool is_denied(const Clause& clause);

/// A noun with its adjective ("the black cat", "the cat is black"), or with the verb whose subject, object or
/// recipient it is; as indices into nouns() and adjectives() or verbs().
struct Combination {
  enum class With : std::uint8_t { adjective, verb };
  With with = With::adjective;
  std::uint8_t noun = 0, partner = 0;
};

std::vector<Combination> combinations(const Sentence& sentence);

/// SplitMix64 (Steele, Lea and Flood 2014). The standard distributions differ between libraries; this does
/// not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  /// 0 … count - 1. The bias of the multiplication is below count / 2^32.
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(((next() >> 32) * count) >> 32); }
  bool percent(std::size_t chance) { return below(100) < chance; }

 private:
  std::uint64_t state_;
};

/// A sentence as the corpus has them: most have two clauses and four noun phrases, most of these with an
/// adjective. So the same words in other places ("the small dog sees the black cat", "the black dog sees the
/// small cat") have another translation, and one vector for the whole sentence has too much to remember.
Sentence random_sentence(Dice& dice);

}  // namespace attune::examples
