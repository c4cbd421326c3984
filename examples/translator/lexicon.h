#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

/// The words of the built-in corpus in English, French and Chinese: what the grammar of each language needs
/// to know to put them into sentences.
namespace attune::examples {

/// What a noun stands for: a set of bits. Verbs, adjectives and prepositions say which of them they go with,
/// so that cakes are eaten, women are not green, and cats sleep under tables that one can be under.
using Kinds = unsigned;
namespace kind {
inline constexpr Kinds adult = 1, young = 2, animal = 4, thing = 8, food = 16, place = 32;
inline constexpr Kinds inside = 64, top = 128, below = 256;  // one can be in it, on it, under it
inline constexpr Kinds person = adult | young, living = person | animal;
inline constexpr Kinds goods = thing | food, anything = living | goods | place;
}  // namespace kind

enum class Gender { masculine, feminine };

struct Noun {
  std::string english, english_plural;
  std::string french, french_plural;
  Gender gender = Gender::masculine;
  Kinds kinds = 0;
  std::string chinese, measure;  ///< 猫, and the measure word that counts it: 一只猫

  const std::string& in_english(bool plural) const { return plural ? english_plural : english; }
  const std::string& in_french(bool plural) const { return plural ? french_plural : french; }
};

/// An adjective in Chinese. What it is depends on what it describes: an old man is 年老, an old hat 旧, an
/// old castle 古老.
struct ChineseAdjective {
  enum class Shape {
    bare,    ///< 小猫: right before the noun
    de,      ///< 漂亮的猫: with 的
    colour,  ///< 黑色的猫, but after another 的: 漂亮的黑猫, 漂亮的黑色老鼠
  };

  Kinds of = 0;           ///< the nouns it describes in this form
  std::string attribute;  ///< before the noun, without 的
  Shape shape = Shape::de;
  std::string predicate;  ///< what the noun is: 猫很漂亮
  bool classed = false;   ///< … said with 是 … 的: 猫是黑色的
};

struct Adjective {
  std::string english;
  bool before = false;  ///< of size, age or quality: the first of two in English, before the noun in French
  std::string masculine, feminine, masculine_plural, feminine_plural;
  std::string masculine_before_vowel;  ///< bel, vieil, nouvel; otherwise the same as masculine
  Kinds describes = 0;
  std::vector<ChineseAdjective> chinese;

  const std::string& in_french(Gender gender, bool plural) const {
    if (gender == Gender::feminine) return plural ? feminine_plural : feminine;
    return plural ? masculine_plural : masculine;
  }
};

/// How a verb takes its object in French, whatever English does: "answers the man" is "répond à l'homme".
enum class Takes {
  direct,         ///< sees the man         voit l'homme              sees him         le voit
  indirect,       ///< talks to the man     parle à l'homme           talks to him     lui parle
  direct_and_to,  ///< gives it to the man  donne … à l'homme         gives … to him   lui donne …
  predicate,      ///< is tired             est fatigué               only the verb "be"
};

/// Grammatical persons, as far as verb forms differ. "You" is always "tu".
enum class Person { i, you, he, we, they };

/// A verb in Chinese: stem, result, 了 or 过, tail, one after the other, around them the objects.
struct ChineseVerb {
  Kinds objects =
      ~Kinds{0};  ///< what it has as its object in this sense: one washes apples and people differently
  std::string coverb = {};  ///< stands before the verb with the one it is done to: 跟老师说话
  std::string stem;         ///< 看
  std::string result = {};  ///< 见 in 看见; "does not see" is 看不见
  std::string tail = {};    ///< 话 in 说话, which is behind the 了: 说了话
  std::string past = "了";  ///< 过 for verbs that have no moment of completion: 爱过
};

/// All verbs but "be" form the passé composé with avoir.
struct Verb {
  std::string base, third, past;  ///< see, sees, saw
  std::string particle;           ///< the "for" of "looks for"; French says it all in the verb
  Takes takes = Takes::direct;
  Kinds subjects = 0, objects = 0, recipients = 0;
  std::array<std::string, 5> present, future;  ///< by Person
  std::array<std::string, 4> participle;       ///< vu, vue, vus, vues: + feminine + 2 · plural
  std::vector<ChineseVerb> chinese;            ///< the first whose objects fit; "be" has none
};

struct Preposition {
  std::vector<std::string> english, french;  ///< {"in", "front", "of"}, {"devant"}
  std::array<std::string, 2> chinese;        ///< around the place: 在 … 里
  Kinds places = 0;
};

const std::vector<Noun>& nouns();
const std::vector<Adjective>& adjectives();
const std::vector<Verb>& verbs();  ///< "be" is not among them
const Verb& be();                  ///< its past is the imparfait: grammar.cpp knows
const std::vector<Preposition>& prepositions();

/// The entry with this English form (singular, base form, first word); throws std::out_of_range naming an
/// unknown word.
const Noun& noun(std::string_view english);
const Adjective& adjective(std::string_view english);
const Verb& verb(std::string_view base, std::string_view particle = "");
const Preposition& preposition(std::string_view english);

/// Whether "le" becomes "l'" before this French word: it begins with a vowel or a mute h (homme, but not
/// hibou).
bool begins_with_vowel_sound(std::string_view french);

}  // namespace attune::examples
