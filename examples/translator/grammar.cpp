#include "examples/translator/grammar.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace attune::examples {
namespace {

// ---------------------------------------------------------------------------------------------------------------
// Words that are not in the lexicon.

std::string_view english_determiner(Determiner determiner, bool plural) {
  switch (determiner) {
    case Determiner::the:
      return "the";
    case Determiner::a:
      return "a";
    case Determiner::some:
      return "some";
    case Determiner::this_:
      return plural ? "these" : "this";
    case Determiner::my:
      return "my";
    case Determiner::your:
      return "your";
    case Determiner::his:
      return "his";
    case Determiner::her:
      return "her";
    case Determiner::our:
      return "our";
    case Determiner::their:
      return "their";
    case Determiner::every:
      return "every";
    case Determiner::several:
      return "several";
    case Determiner::two:
      return "two";
    case Determiner::three:
      return "three";
    case Determiner::four:
      return "four";
    case Determiner::five:
      return "five";
    case Determiner::ten:
      return "ten";
  }
  return "";
}

/// `vowel` says whether the next word begins with a vowel sound: mon amie, cet homme. The l' of "l'homme" is
/// made later.
std::string_view french_determiner(Determiner determiner, Gender gender, bool plural, bool vowel) {
  const bool feminine = gender == Gender::feminine;
  const auto choose = [&](std::string_view masculine, std::string_view feminine_form, std::string_view both) {
    return plural ? both : feminine ? feminine_form : masculine;
  };
  switch (determiner) {
    case Determiner::the:
      return choose("le", "la", "les");
    case Determiner::a:
      return choose("un", "une", "des");
    case Determiner::some:
      return "des";
    case Determiner::this_:
      return choose(vowel ? "cet" : "ce", "cette", "ces");
    case Determiner::my:
      return choose("mon", vowel ? "mon" : "ma", "mes");
    case Determiner::your:
      return choose("ton", vowel ? "ton" : "ta", "tes");
    case Determiner::his:
    case Determiner::her:
      return choose("son", vowel ? "son" : "sa", "ses");
    case Determiner::our:
      return choose("notre", "notre", "nos");
    case Determiner::their:
      return choose("leur", "leur", "leurs");
    case Determiner::every:
      return "chaque";
    case Determiner::several:
      return "plusieurs";
    case Determiner::two:
      return "deux";
    case Determiner::three:
      return "trois";
    case Determiner::four:
      return "quatre";
    case Determiner::five:
      return "cinq";
    case Determiner::ten:
      return "dix";
  }
  return "";
}

struct PronounForms {
  std::string_view english_subject, english_object;
  std::string_view french_subject, direct, indirect;
  Person person;
  bool plural, feminine;  // for the agreement of participles and adjectives
};

const PronounForms& forms(Pronoun pronoun) {
  static const std::array<PronounForms, 6> table = {{
      {"i", "me", "je", "me", "me", Person::i, false, false},
      {"you", "you", "tu", "te", "te", Person::you, false, false},
      {"he", "him", "il", "le", "lui", Person::he, false, false},
      {"she", "her", "elle", "la", "lui", Person::he, false, true},
      {"we", "us", "nous", "nous", "nous", Person::we, true, false},
      {"they", "them", "ils", "les", "leur", Person::they, true, false},
  }};
  return table[static_cast<std::size_t>(pronoun)];
}

std::string_view avoir(Person person) {
  static constexpr std::array<std::string_view, 5> table = {"ai", "as", "a", "avons", "ont"};
  return table[static_cast<std::size_t>(person)];
}

void append_word(std::string& text, std::string_view word) {
  const bool attached = text.empty() || text.back() == '\'' || word == "." || word == "?";
  if (!attached) text += ' ';
  text += word;
}

// ---------------------------------------------------------------------------------------------------------------
// Rendering.

/// Both languages are written at once: first the English words, whose positions then tell the French words
/// what they translate. Words are views of the lexicon or of literals.
class Renderer {
 public:
  explicit Renderer(const Sentence& sentence) : sentence_(sentence) {
    const bool pronoun = sentence.subject.pronoun.has_value();
    const NounPhrase& phrase = sentence.subject.phrase;
    plural_ = pronoun ? forms(*sentence.subject.pronoun).plural : phrase.plural;
    feminine_ = pronoun ? forms(*sentence.subject.pronoun).feminine : phrase.noun->gender == Gender::feminine;
    person_ = pronoun ? forms(*sentence.subject.pronoun).person : plural_ ? Person::they : Person::he;
    negated_ = sentence.form == Form::negation || sentence.form == Form::never;
    english_.reserve(24);
    french_.reserve(24);
    pairs_.reserve(6);
  }

  Example render() {
    write_english();
    write_french();
    fit_english();
    fit_french();
    return finish();
  }

 private:
  struct Word {
    std::string_view text;
    int source = -1;  // the English word it translates
  };

  /// Where the words of a phrase are in the English sentence.
  struct At {
    int determiner = -1, before = -1, after = -1, noun = -1;
  };

  // --- English ---

  int english(std::string_view word) {
    english_.push_back(word);
    return static_cast<int>(english_.size()) - 1;
  }

  At english_phrase(const NounPhrase& phrase, bool any = false) {
    At at;
    at.determiner = english(any ? "any" : english_determiner(phrase.determiner, phrase.plural));
    if (phrase.before != nullptr) at.before = english(phrase.before->english);
    if (phrase.after != nullptr) at.after = english(phrase.after->english);
    at.noun = english(phrase.noun->in_english(phrase.plural));
    return at;
  }

  At english_participant(const Participant& participant, bool subject, bool any = false) {
    if (!participant.pronoun) return english_phrase(participant.phrase, any);
    const PronounForms& pronoun = forms(*participant.pronoun);
    At at;
    at.noun = english(subject ? pronoun.english_subject : pronoun.english_object);
    return at;
  }

  At english_location(const Location& location, int& preposition) {
    for (const std::string& word : location.preposition->english) {
      const int position = english(word);
      if (preposition < 0) preposition = position;
    }
    return english_phrase(location.phrase);
  }

  void english_subject() {
    at_subject_ = english_participant(sentence_.subject, true);
    if (sentence_.beside_subject)
      at_beside_ = english_location(*sentence_.beside_subject, beside_preposition_);
  }

  // statement   the dog (often) sees · will (often) see          the dog is · will be
  // never       the dog never sees · will never see              the dog is never · will never be
  // negation    the dog does not see · did not · will not see    the dog is not · will not be
  // question    does the dog (often) see · did · will            is the dog · will the dog be
  void write_english() {
    const Verb& verb = *sentence_.verb;
    const bool is = verb.takes == Takes::predicate, future = sentence_.tense == Tense::future;
    const bool past = sentence_.tense == Tense::past, third = person_ == Person::he;
    const bool helped = future || is || sentence_.form == Form::question || sentence_.form == Form::negation;

    std::string_view auxiliary = past ? "did" : third ? "does" : "do";
    if (is) auxiliary = past ? (plural_ ? "were" : "was") : plural_ ? "are" : "is";
    if (future) auxiliary = "will";

    if (sentence_.form == Form::question) at_auxiliary_ = english(auxiliary);
    english_subject();
    if (helped && sentence_.form != Form::question) at_auxiliary_ = english(auxiliary);
    if (sentence_.form == Form::negation) at_negation_ = english("not");
    if (sentence_.form == Form::never) at_negation_ = english("never");
    if (sentence_.adverb == Adverb::often) at_adverb_ = english("often");
    if (sentence_.adverb == Adverb::always) at_adverb_ = english("always");

    if (is) {
      at_verb_ = future ? english("be") : at_auxiliary_;
    } else {
      at_verb_ = english(helped ? verb.base : past ? verb.past : third ? verb.third : verb.base);
    }
    if (!verb.particle.empty()) english_to_ = english(verb.particle);

    if (sentence_.predicate != nullptr) at_predicate_ = english(sentence_.predicate->english);
    if (sentence_.object) at_object_ = english_participant(*sentence_.object, false, any());
    if (sentence_.recipient) {
      english_to_ = english("to");
      at_recipient_ = english_participant(*sentence_.recipient, false);
    }
    if (sentence_.location) at_location_ = english_location(*sentence_.location, location_preposition_);
    at_end_ = english(sentence_.form == Form::question ? "?" : ".");
  }

  /// Under a negation "a" and "any" before a direct object are "de": je ne vois pas de chat.
  bool without_article() const {
    if (!negated_ || !sentence_.object || sentence_.object->pronoun) return false;
    const Determiner determiner = sentence_.object->phrase.determiner;
    return sentence_.verb->takes != Takes::indirect &&
           (determiner == Determiner::a || determiner == Determiner::some);
  }
  bool any() const { return without_article() && sentence_.object->phrase.determiner == Determiner::some; }

  // --- French ---

  int french(std::string_view word, int source) {
    french_.push_back({word, source});
    return static_cast<int>(french_.size()) - 1;
  }

  enum class Article { as_it_is, de, none };

  void french_phrase(const NounPhrase& phrase, const At& at, Article article = Article::as_it_is) {
    const Gender gender = phrase.noun->gender;
    const std::string& noun = phrase.noun->in_french(phrase.plural);
    const bool bel = phrase.before != nullptr && gender == Gender::masculine && !phrase.plural &&
                     begins_with_vowel_sound(noun);
    const std::string_view before = phrase.before == nullptr ? std::string_view()
                                    : bel                    ? phrase.before->masculine_before_vowel
                                          : phrase.before->in_french(gender, phrase.plural);
    const bool vowel = begins_with_vowel_sound(phrase.before != nullptr ? before : std::string_view(noun));

    // "Des" is "de" before an adjective: de petits chats.
    const bool some = phrase.determiner == Determiner::some;
    if (article == Article::de || (article == Article::as_it_is && some && phrase.before != nullptr)) {
      french("de", at.determiner);
    } else if (article == Article::as_it_is) {
      french(french_determiner(phrase.determiner, gender, phrase.plural, vowel), at.determiner);
    }
    const int before_at = phrase.before != nullptr ? french(before, at.before) : -1;
    const int noun_at = french(noun, at.noun);
    if (phrase.before != nullptr) pairs_.push_back({at.before, at.noun, before_at, noun_at, false});
    if (phrase.after != nullptr) {
      const int after_at = french(phrase.after->in_french(gender, phrase.plural), at.after);
      pairs_.push_back({at.after, at.noun, after_at, noun_at, true});
    }
  }

  void french_location(const Location& location, const At& at, int preposition) {
    const std::vector<std::string>& words = location.preposition->french;
    for (const std::string& word : words) french(word, preposition);
    // "Près de" swallows "des": près d'arbres.
    const bool swallowed = words.back() == "de" && location.phrase.determiner == Determiner::some;
    french_phrase(location.phrase, at, swallowed ? Article::none : Article::as_it_is);
  }

  // (est-ce que) subject (ne) (pronoun) verb-or-auxiliary (pas|jamais) (souvent|toujours) (participle)
  // (predicate) (object) (à recipient) (location)
  void write_french() {
    const Verb& verb = *sentence_.verb;
    const std::size_t person = static_cast<std::size_t>(person_);
    if (sentence_.form == Form::question) {
      french("est-ce", at_auxiliary_);
      french("que", at_auxiliary_);
    }
    if (sentence_.subject.pronoun) {
      french(forms(*sentence_.subject.pronoun).french_subject, at_subject_.noun);
    } else {
      french_phrase(sentence_.subject.phrase, at_subject_);
    }
    if (sentence_.beside_subject) french_location(*sentence_.beside_subject, at_beside_, beside_preposition_);

    if (negated_) french("ne", at_negation_);
    const bool indirect = verb.takes == Takes::indirect;
    const PronounForms* direct_pronoun = nullptr;
    if (sentence_.object && sentence_.object->pronoun) {
      const PronounForms& pronoun = forms(*sentence_.object->pronoun);
      french(indirect ? pronoun.indirect : pronoun.direct, at_object_.noun);
      if (!indirect) direct_pronoun = &pronoun;
    }
    if (sentence_.recipient && sentence_.recipient->pronoun) {
      french(forms(*sentence_.recipient->pronoun).indirect, at_recipient_.noun);
    }

    const bool compound = sentence_.tense == Tense::past && verb.takes != Takes::predicate;
    if (compound) {
      french(avoir(person_), at_auxiliary_ >= 0 ? at_auxiliary_ : at_verb_);
    } else if (sentence_.tense == Tense::past) {
      french(plural_ ? "étaient" : "était", at_verb_);
    } else {
      french(sentence_.tense == Tense::future ? verb.future[person] : verb.present[person], at_verb_);
    }
    if (negated_) french(sentence_.form == Form::never ? "jamais" : "pas", at_negation_);
    if (sentence_.adverb != Adverb::none) {
      french(sentence_.adverb == Adverb::often ? "souvent" : "toujours", at_adverb_);
    }
    if (compound) {
      // The participle agrees with a direct object only if that stands before it: il l'a vue.
      const std::size_t form = direct_pronoun == nullptr ? 0
                                                         : (direct_pronoun->feminine ? 1u : 0u) +
                                                               (direct_pronoun->plural ? 2u : 0u);
      french(verb.participle[form], at_verb_);
    }

    if (sentence_.predicate != nullptr) {
      const Gender gender = feminine_ ? Gender::feminine : Gender::masculine;
      french(sentence_.predicate->in_french(gender, plural_), at_predicate_);
    }
    if (sentence_.object && !sentence_.object->pronoun) {
      if (indirect) french("à", english_to_);
      french_phrase(sentence_.object->phrase, at_object_,
                    without_article() ? Article::de : Article::as_it_is);
    }
    if (sentence_.recipient && !sentence_.recipient->pronoun) {
      french("à", english_to_);
      french_phrase(sentence_.recipient->phrase, at_recipient_);
    }
    if (sentence_.location) french_location(*sentence_.location, at_location_, location_preposition_);
    french(english_[static_cast<std::size_t>(at_end_)], at_end_);
  }

  // --- Neighbouring words ---

  /// a apple → an apple.
  void fit_english() {
    for (std::size_t i = 0; i + 1 < english_.size(); ++i) {
      const bool vowel = std::string_view("aeiou").find(english_[i + 1].front()) != std::string_view::npos;
      if (english_[i] == "a" && vowel) english_[i] = "an";
    }
  }

  /// le enfant → l'enfant, and what is not elided contracts: de le → du, à les → aux.
  void fit_french() {
    static constexpr std::array<std::array<std::string_view, 2>, 8> elisions = {{{"le", "l'"},
                                                                                 {"la", "l'"},
                                                                                 {"de", "d'"},
                                                                                 {"ne", "n'"},
                                                                                 {"que", "qu'"},
                                                                                 {"je", "j'"},
                                                                                 {"me", "m'"},
                                                                                 {"te", "t'"}}};
    for (std::size_t i = 0; i + 1 < french_.size(); ++i) {
      if (!begins_with_vowel_sound(french_[i + 1].text)) continue;
      for (const auto& [full, elided] : elisions) {
        if (french_[i].text == full) {
          french_[i].text = elided;
          break;
        }
      }
    }
    static constexpr std::array<std::array<std::string_view, 3>, 4> contractions = {
        {{"de", "le", "du"}, {"de", "les", "des"}, {"à", "le", "au"}, {"à", "les", "aux"}}};
    for (std::size_t i = 0; i + 1 < french_.size(); ++i) {
      for (const auto& [first, second, contracted] : contractions) {
        if (french_[i].text != first || french_[i + 1].text != second) continue;
        french_[i].text = contracted;
        french_.erase(french_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        for (AdjectiveNoun& pair : pairs_) {
          if (pair.target_adjective > static_cast<int>(i)) --pair.target_adjective;
          if (pair.target_noun > static_cast<int>(i)) --pair.target_noun;
        }
        break;
      }
    }
  }

  // --- The result ---

  Example finish() {
    Example example;
    example.pair.source.reserve(96);
    example.pair.target.reserve(96);
    example.alignment.reserve(french_.size());
    for (const std::string_view word : english_) append_word(example.pair.source, word);
    for (const Word& word : french_) {
      append_word(example.pair.target, word.text);
      example.alignment.push_back(word.source);
    }
    example.noun_adjectives = std::move(pairs_);
    example.combinations = combinations(sentence_);
    return example;
  }

  const Sentence& sentence_;
  bool plural_ = false, feminine_ = false, negated_ = false;
  Person person_ = Person::he;
  std::vector<std::string_view> english_;
  std::vector<Word> french_;
  std::vector<AdjectiveNoun> pairs_;
  At at_subject_, at_beside_, at_object_, at_recipient_, at_location_;
  int at_auxiliary_ = -1, at_negation_ = -1, at_adverb_ = -1, at_verb_ = -1, at_predicate_ = -1, at_end_ = -1;
  int english_to_ = -1, beside_preposition_ = -1, location_preposition_ = -1;
};

// ---------------------------------------------------------------------------------------------------------------
// Random sentences.

/// Chooses words that go together, no noun and no adjective twice in a sentence.
class Author {
 public:
  explicit Author(Dice& dice) : dice_(dice) {}

  Sentence sentence() {
    Sentence sentence;
    sentence.tense = static_cast<Tense>(dice_.below(3));
    const std::size_t form = dice_.below(100);
    sentence.form = form < 52   ? Form::statement
                    : form < 75 ? Form::negation
                    : form < 81 ? Form::never
                                : Form::question;
    negated_ = sentence.form == Form::negation || sentence.form == Form::never;
    if (!negated_ && dice_.percent(12)) sentence.adverb = dice_.percent(50) ? Adverb::often : Adverb::always;
    sentence.verb = dice_.percent(8) ? &be() : &verbs()[dice_.below(verbs().size())];

    const bool predicate = sentence.verb->takes == Takes::predicate;
    int phrases = 0;
    if (dice_.percent(predicate ? 15 : 32)) {
      // He, she and they share their verb forms with all nouns; the other persons need the practice.
      const bool third = predicate || dice_.percent(33);
      sentence.subject.pronoun = third ? choose({Pronoun::he, Pronoun::she, Pronoun::they})
                                       : choose({Pronoun::i, Pronoun::you, Pronoun::we});
    } else {
      sentence.subject.phrase = phrase(sentence.verb->subjects, Role::subject);
      ++phrases;
    }
    switch (sentence.verb->takes) {
      case Takes::predicate:
        sentence.predicate = &adjective(
            sentence.subject.pronoun ? kind::adult : sentence.subject.phrase.noun->kinds, dice_.percent(30));
        break;
      case Takes::direct_and_to:
        sentence.object.emplace();
        sentence.object->phrase = phrase(sentence.verb->objects, Role::direct_object);
        sentence.recipient = object(sentence, sentence.verb->recipients, 40, Role::other);
        phrases += sentence.recipient->pronoun ? 1 : 2;
        break;
      case Takes::direct:
      case Takes::indirect:
        // A pronoun stands for him or her or them: only where the verb's objects can be people.
        const bool direct = sentence.verb->takes == Takes::direct;
        const std::size_t chance = (sentence.verb->objects & kind::young) != 0 ? 30 : 0;
        sentence.object =
            object(sentence, sentence.verb->objects, chance, direct ? Role::direct_object : Role::other);
        if (!sentence.object->pronoun) ++phrases;
        break;
    }
    // A second or third noun phrase, so that few sentences are short.
    if (!dice_.percent(phrases < 2 ? 80 : 8)) return sentence;
    if (!sentence.subject.pronoun && (predicate || dice_.percent(40))) {
      sentence.beside_subject = location();
    } else if (!predicate) {
      sentence.location = location();
    }
    return sentence;
  }

 private:
  enum class Role { subject, direct_object, other };

  template <typename Value>
  Value choose(std::initializer_list<Value> values) {
    return values.begin()[dice_.below(values.size())];
  }

  const Noun& noun(Kinds kinds) {
    while (true) {
      const Noun& candidate = nouns()[dice_.below(nouns().size())];
      if ((candidate.kinds & kinds) != 0 && unused(&candidate)) return candidate;
    }
  }

  const Adjective& adjective(Kinds noun, bool before) {
    while (true) {
      const Adjective& candidate = adjectives()[dice_.below(adjectives().size())];
      if (candidate.before == before && (candidate.describes & noun) != 0 && unused(&candidate))
        return candidate;
    }
  }

  bool unused(const void* word) {
    for (std::size_t i = 0; i < used_count_; ++i) {
      if (used_[i] == word) return false;
    }
    assert(used_count_ < used_.size());
    used_[used_count_++] = word;
    return true;
  }

  NounPhrase phrase(Kinds kinds, Role role) {
    NounPhrase phrase;
    phrase.noun = &noun(kinds);
    phrase.plural = dice_.percent(42);
    phrase.determiner = determiner(phrase.plural, role);
    const std::size_t shape =
        dice_.below(100);  // 10 % no adjective, 35 % one before, 38 % one after, 17 % both
    if (shape >= 10 && (shape < 45 || shape >= 83)) phrase.before = &adjective(phrase.noun->kinds, true);
    if (shape >= 45) phrase.after = &adjective(phrase.noun->kinds, false);
    return phrase;
  }

  /// "Some" would be unnatural after most prepositions, "every" and "several" within a negation.
  Determiner determiner(bool plural, Role role) {
    const std::size_t draw = dice_.below(100);
    if (draw < 33) return Determiner::the;
    if (draw < 45) return Determiner::this_;
    if (draw < 68) {
      return choose({Determiner::my, Determiner::your, Determiner::his, Determiner::her, Determiner::our,
                     Determiner::their});
    }
    if (!plural) return draw < 93 || negated_ ? Determiner::a : Determiner::every;
    if (draw < 84 && role != Role::other) return Determiner::some;
    if (draw < 89 && !negated_) return Determiner::several;
    return choose({Determiner::two, Determiner::three, Determiner::four, Determiner::five, Determiner::ten});
  }

  /// Nobody sees himself here: that would need reflexive pronouns.
  Participant object(const Sentence& sentence, Kinds kinds, std::size_t pronoun_chance, Role role) {
    Participant participant;
    if (!dice_.percent(pronoun_chance)) {
      participant.phrase = phrase(kinds, role);
      return participant;
    }
    const auto first_person = [](Pronoun pronoun) { return pronoun == Pronoun::i || pronoun == Pronoun::we; };
    const std::optional<Pronoun>& subject = sentence.subject.pronoun;
    while (true) {
      const Pronoun pronoun = static_cast<Pronoun>(dice_.below(6));
      if (subject && first_person(*subject) && first_person(pronoun)) continue;
      if (subject == Pronoun::you && pronoun == Pronoun::you) continue;
      participant.pronoun = pronoun;
      return participant;
    }
  }

  Location location() {
    Location location;
    location.preposition = &prepositions()[dice_.below(prepositions().size())];
    location.phrase = phrase(location.preposition->places, Role::other);
    return location;
  }

  Dice& dice_;
  bool negated_ = false;
  std::array<const void*, 16> used_{};  // at most 4 nouns and 9 adjectives
  std::size_t used_count_ = 0;
};

void append_piece(std::vector<std::string>& tokens, std::string_view piece) {
  const bool marked = piece.size() > 1 && (piece.back() == '.' || piece.back() == '?');
  std::string_view word = marked ? piece.substr(0, piece.size() - 1) : piece;
  for (std::size_t apostrophe = word.find('\'');
       apostrophe != std::string_view::npos && apostrophe + 1 < word.size(); apostrophe = word.find('\'')) {
    tokens.emplace_back(word.substr(0, apostrophe + 1));
    word.remove_prefix(apostrophe + 1);
  }
  if (!word.empty()) tokens.emplace_back(word);
  if (marked) tokens.emplace_back(piece.substr(piece.size() - 1));
}

}  // namespace

std::vector<Combination> combinations(const Sentence& sentence) {
  std::vector<Combination> found;
  found.reserve(12);
  const auto add_adjective = [&](const NounPhrase& phrase, const Adjective* adjective) {
    if (adjective == nullptr) return;
    found.push_back({Combination::With::adjective, static_cast<std::uint8_t>(phrase.noun - nouns().data()),
                     static_cast<std::uint8_t>(adjective - adjectives().data())});
  };
  const auto add_phrase = [&](const NounPhrase& phrase) {
    add_adjective(phrase, phrase.before);
    add_adjective(phrase, phrase.after);
  };
  const auto add_participant = [&](const Participant& participant) {
    if (participant.pronoun) return;
    add_phrase(participant.phrase);
    if (sentence.predicate != nullptr) return;
    found.push_back({Combination::With::verb,
                     static_cast<std::uint8_t>(participant.phrase.noun - nouns().data()),
                     static_cast<std::uint8_t>(sentence.verb - verbs().data())});
  };
  add_participant(sentence.subject);
  if (!sentence.subject.pronoun) add_adjective(sentence.subject.phrase, sentence.predicate);
  if (sentence.object) add_participant(*sentence.object);
  if (sentence.recipient) add_participant(*sentence.recipient);
  if (sentence.beside_subject) add_phrase(sentence.beside_subject->phrase);
  if (sentence.location) add_phrase(sentence.location->phrase);
  return found;
}

Example render(const Sentence& sentence) {
  return Renderer(sentence).render();
}

Sentence random_sentence(Dice& dice) {
  return Author(dice).sentence();
}

std::vector<std::string> tokenise(const std::string& text) {
  std::vector<std::string> tokens;
  const std::string_view view = text;
  for (std::size_t begin = 0; begin < view.size();) {
    const std::size_t end = std::min(view.find(' ', begin), view.size());
    if (end > begin) append_piece(tokens, view.substr(begin, end - begin));
    begin = end + 1;
  }
  return tokens;
}

std::string join(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) append_word(text, token);
  return text;
}

}  // namespace attune::examples
