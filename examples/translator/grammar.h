#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "examples/translator/lexicon.h"

/// A small grammar of English and French: a sentence is described once, by its structure, and rendered in
/// both languages. One English sentence has exactly one French translation; these choices make it so:
///
///   English                       French
///   sees, saw, will see           voit, a vu, verra       (présent, passé composé, futur simple)
///   was tired                     était fatigué           ("be" alone has the imparfait for its past)
///   you, your                     tu, te, ton             (one person, familiar)
///   I, me, you, us, them, they    masculine               (il m'a vu, ils sont grands; but: il l'a vue, her)
///   his, her (possessive)         son, sa, ses            (French agrees with the thing owned)
///   this, these                   ce, cet, cette, ces
///   some; any after a negation    des; de
///   a question                    est-ce que …?
///
/// There is no "it": its French gender would depend on something outside the sentence.
///
/// Text is lower case. A token is a word, a comma or a final "." or "?"; tokens are separated by one space,
/// except that the final mark is attached to the word before it (in French too: no space before "?"), and
/// that a French word which lost its vowel keeps its apostrophe and is followed by no space: "l'enfant" is
/// "l'", "enfant". Nothing else has an apostrophe. tokenise() and join() are exact inverses on such text.
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

/// "two small black cats": at most one adjective on each side of the French noun.
struct NounPhrase {
  Determiner determiner = Determiner::the;
  const Noun* noun = nullptr;
  bool plural = false;
  const Adjective* before = nullptr;
  const Adjective* after = nullptr;
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

struct SentencePair {
  std::string source, target;  ///< English, French
};

/// Where an adjective and its noun stand, as token indices on both sides.
struct AdjectiveNoun {
  int source_adjective = 0, source_noun = 0;
  int target_adjective = 0, target_noun = 0;
  bool order_differs = false;  ///< the black cat, le chat noir
};

/// A noun with its adjective ("the black cat", "the cat is black"), or with the verb whose subject, object or
/// recipient it is; as indices into nouns() and adjectives() or verbs().
struct Combination {
  enum class With : std::uint8_t { adjective, verb };
  With with = With::adjective;
  std::uint8_t noun = 0, partner = 0;
};

struct Example {
  SentencePair pair;
  std::vector<AdjectiveNoun> noun_adjectives;  ///< every adjective beside its noun (not "the cat is black")
  std::vector<int> alignment;  ///< for each target token the source token it translates, or -1
  std::vector<Combination> combinations;
};

std::vector<Combination> combinations(const Sentence& sentence);

/// The sentence in both languages. The number of each phrase must suit its determiner (a, every: singular;
/// some, several, two …: plural).
Example render(const Sentence& sentence);
inline Example render(const Clause& clause) {
  return render(Sentence{clause});
}

std::vector<std::string> tokenise(const std::string& text);
std::string join(const std::vector<std::string>& tokens);

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
