#include "examples/translator/grammar.h"

#include <algorithm>
#include <array>
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

bool is_mark(std::string_view word) {
  return word == "." || word == "?" || word == ",";
}

void append_word(std::string& text, std::string_view word) {
  const bool attached = text.empty() || text.back() == '\'' || is_mark(word);
  if (!attached) text += ' ';
  text += word;
}

// ---------------------------------------------------------------------------------------------------------------
// Rendering.

/// A sentence being written in both languages. Words are views of the lexicon or of literals.
struct Draft {
  struct Word {
    std::string_view text;
    int source = -1;  // the English word it translates
  };

  std::vector<std::string_view> english;
  std::vector<Word> french;
  std::vector<AdjectiveNoun> pairs;

  Draft() {
    english.reserve(32);
    french.reserve(32);
    pairs.reserve(8);
  }

  int add_english(std::string_view word) {
    english.push_back(word);
    return static_cast<int>(english.size()) - 1;
  }

  int add_french(std::string_view word, int source) {
    french.push_back({word, source});
    return static_cast<int>(french.size()) - 1;
  }

  /// a apple → an apple.
  void fit_english() {
    for (std::size_t i = 0; i + 1 < english.size(); ++i) {
      const bool vowel = std::string_view("aeiou").find(english[i + 1].front()) != std::string_view::npos;
      if (english[i] == "a" && vowel) english[i] = "an";
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
    for (std::size_t i = 0; i + 1 < french.size(); ++i) {
      if (!begins_with_vowel_sound(french[i + 1].text)) continue;
      for (const auto& [full, elided] : elisions) {
        if (french[i].text == full) {
          french[i].text = elided;
          break;
        }
      }
    }
    static constexpr std::array<std::array<std::string_view, 3>, 4> contractions = {
        {{"de", "le", "du"}, {"de", "les", "des"}, {"à", "le", "au"}, {"à", "les", "aux"}}};
    for (std::size_t i = 0; i + 1 < french.size(); ++i) {
      for (const auto& [first, second, contracted] : contractions) {
        if (french[i].text != first || french[i + 1].text != second) continue;
        french[i].text = contracted;
        french.erase(french.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        for (AdjectiveNoun& pair : pairs) {
          if (pair.target_adjective > static_cast<int>(i)) --pair.target_adjective;
          if (pair.target_noun > static_cast<int>(i)) --pair.target_noun;
        }
        break;
      }
    }
  }

  Example finish() {
    Example example;
    example.pair.source.reserve(96);
    example.pair.target.reserve(96);
    example.alignment.reserve(french.size());
    for (const std::string_view word : english) append_word(example.pair.source, word);
    for (const Word& word : french) {
      append_word(example.pair.target, word.text);
      example.alignment.push_back(word.source);
    }
    example.noun_adjectives = std::move(pairs);
    return example;
  }
};

/// Writes one clause: first the English words, whose positions then tell the French words what they
/// translate.
class ClauseWriter {
 public:
  ClauseWriter(const Clause& clause, Draft& draft) : clause_(clause), draft_(draft) {
    const bool pronoun = clause.subject.pronoun.has_value();
    const NounPhrase& phrase = clause.subject.phrase;
    plural_ = pronoun ? forms(*clause.subject.pronoun).plural : phrase.plural;
    feminine_ = pronoun ? forms(*clause.subject.pronoun).feminine : phrase.noun->gender == Gender::feminine;
    person_ = pronoun ? forms(*clause.subject.pronoun).person : plural_ ? Person::they : Person::he;
    negated_ = clause.form == Form::negation || clause.form == Form::never;
  }

  void write() {
    write_english();
    write_french();
  }

 private:
  /// Where the words of a phrase are in the English clause.
  struct At {
    int determiner = -1, before = -1, after = -1, noun = -1;
  };

  // --- English ---

  int english(std::string_view word) { return draft_.add_english(word); }

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
    at_subject_ = english_participant(clause_.subject, true);
    if (clause_.beside_subject) at_beside_ = english_location(*clause_.beside_subject, beside_preposition_);
  }

  // statement   the dog (often) sees · will (often) see          the dog is · will be
  // never       the dog never sees · will never see              the dog is never · will never be
  // negation    the dog does not see · did not · will not see    the dog is not · will not be
  // question    does the dog (often) see · did · will            is the dog · will the dog be
  void write_english() {
    const Verb& verb = *clause_.verb;
    const bool is = verb.takes == Takes::predicate, future = clause_.tense == Tense::future;
    const bool past = clause_.tense == Tense::past, third = person_ == Person::he;
    const bool helped = future || is || clause_.form == Form::question || clause_.form == Form::negation;

    std::string_view auxiliary = past ? "did" : third ? "does" : "do";
    if (is) auxiliary = past ? (plural_ ? "were" : "was") : plural_ ? "are" : "is";
    if (future) auxiliary = "will";

    if (clause_.form == Form::question) at_auxiliary_ = english(auxiliary);
    english_subject();
    if (helped && clause_.form != Form::question) at_auxiliary_ = english(auxiliary);
    if (clause_.form == Form::negation) at_negation_ = english("not");
    if (clause_.form == Form::never) at_negation_ = english("never");
    if (clause_.adverb == Adverb::often) at_adverb_ = english("often");
    if (clause_.adverb == Adverb::always) at_adverb_ = english("always");

    if (is) {
      at_verb_ = future ? english("be") : at_auxiliary_;
    } else {
      at_verb_ = english(helped ? verb.base : past ? verb.past : third ? verb.third : verb.base);
    }
    if (!verb.particle.empty()) english_to_ = english(verb.particle);

    if (clause_.predicate != nullptr) at_predicate_ = english(clause_.predicate->english);
    if (clause_.object) at_object_ = english_participant(*clause_.object, false, any());
    if (clause_.recipient) {
      english_to_ = english("to");
      at_recipient_ = english_participant(*clause_.recipient, false);
    }
    if (clause_.location) at_location_ = english_location(*clause_.location, location_preposition_);
  }

  /// Under a negation "a" and "any" before a direct object are "de": je ne vois pas de chat.
  bool without_article() const {
    if (!negated_ || !clause_.object || clause_.object->pronoun) return false;
    const Determiner determiner = clause_.object->phrase.determiner;
    return clause_.verb->takes != Takes::indirect &&
           (determiner == Determiner::a || determiner == Determiner::some);
  }
  bool any() const { return without_article() && clause_.object->phrase.determiner == Determiner::some; }

  // --- French ---

  int french(std::string_view word, int source) { return draft_.add_french(word, source); }

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
    if (phrase.before != nullptr) draft_.pairs.push_back({at.before, at.noun, before_at, noun_at, false});
    if (phrase.after != nullptr) {
      const int after_at = french(phrase.after->in_french(gender, phrase.plural), at.after);
      draft_.pairs.push_back({at.after, at.noun, after_at, noun_at, true});
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
    const Verb& verb = *clause_.verb;
    const std::size_t person = static_cast<std::size_t>(person_);
    if (clause_.form == Form::question) {
      french("est-ce", at_auxiliary_);
      french("que", at_auxiliary_);
    }
    if (clause_.subject.pronoun) {
      french(forms(*clause_.subject.pronoun).french_subject, at_subject_.noun);
    } else {
      french_phrase(clause_.subject.phrase, at_subject_);
    }
    if (clause_.beside_subject) french_location(*clause_.beside_subject, at_beside_, beside_preposition_);

    if (negated_) french("ne", at_negation_);
    const bool indirect = verb.takes == Takes::indirect;
    const PronounForms* direct_pronoun = nullptr;
    if (clause_.object && clause_.object->pronoun) {
      const PronounForms& pronoun = forms(*clause_.object->pronoun);
      french(indirect ? pronoun.indirect : pronoun.direct, at_object_.noun);
      if (!indirect) direct_pronoun = &pronoun;
    }
    if (clause_.recipient && clause_.recipient->pronoun) {
      french(forms(*clause_.recipient->pronoun).indirect, at_recipient_.noun);
    }

    const bool compound = clause_.tense == Tense::past && verb.takes != Takes::predicate;
    if (compound) {
      french(avoir(person_), at_auxiliary_ >= 0 ? at_auxiliary_ : at_verb_);
    } else if (clause_.tense == Tense::past) {
      french(plural_ ? "étaient" : "était", at_verb_);
    } else {
      french(clause_.tense == Tense::future ? verb.future[person] : verb.present[person], at_verb_);
    }
    if (negated_) french(clause_.form == Form::never ? "jamais" : "pas", at_negation_);
    if (clause_.adverb != Adverb::none) {
      french(clause_.adverb == Adverb::often ? "souvent" : "toujours", at_adverb_);
    }
    if (compound) {
      // The participle agrees with a direct object only if that stands before it: il l'a vue.
      const std::size_t form = direct_pronoun == nullptr ? 0
                                                         : (direct_pronoun->feminine ? 1u : 0u) +
                                                               (direct_pronoun->plural ? 2u : 0u);
      french(verb.participle[form], at_verb_);
    }

    if (clause_.predicate != nullptr) {
      const Gender gender = feminine_ ? Gender::feminine : Gender::masculine;
      french(clause_.predicate->in_french(gender, plural_), at_predicate_);
    }
    if (clause_.object && !clause_.object->pronoun) {
      if (indirect) french("à", english_to_);
      french_phrase(clause_.object->phrase, at_object_, without_article() ? Article::de : Article::as_it_is);
    }
    if (clause_.recipient && !clause_.recipient->pronoun) {
      french("à", english_to_);
      french_phrase(clause_.recipient->phrase, at_recipient_);
    }
    if (clause_.location) french_location(*clause_.location, at_location_, location_preposition_);
  }

  const Clause& clause_;
  Draft& draft_;
  bool plural_ = false, feminine_ = false, negated_ = false;
  Person person_ = Person::he;
  At at_subject_, at_beside_, at_object_, at_recipient_, at_location_;
  int at_auxiliary_ = -1, at_negation_ = -1, at_adverb_ = -1, at_verb_ = -1, at_predicate_ = -1;
  int english_to_ = -1, beside_preposition_ = -1, location_preposition_ = -1;
};

/// The finished text, without the combinations.
Example write(const Sentence& sentence) {
  Draft draft;
  ClauseWriter(sentence.clause, draft).write();
  if (sentence.conjunction) {
    switch (*sentence.conjunction) {
      case Conjunction::and_:
        draft.add_french("et", draft.add_english("and"));
        break;
      case Conjunction::but:
        draft.add_french(",", draft.add_english(","));
        draft.add_french("mais", draft.add_english("but"));
        break;
      case Conjunction::because: {
        const int because = draft.add_english("because");
        draft.add_french("parce", because);
        draft.add_french("que", because);
        break;
      }
    }
    ClauseWriter(sentence.second, draft).write();
  }
  const std::string_view mark = sentence.clause.form == Form::question ? "?" : ".";
  draft.add_french(mark, draft.add_english(mark));
  draft.fit_english();
  draft.fit_french();
  return draft.finish();
}

void append_piece(std::vector<std::string>& tokens, std::string_view piece) {
  const bool marked = piece.size() > 1 && (is_mark(piece.substr(piece.size() - 1)));
  std::string_view word = marked ? piece.substr(0, piece.size() - 1) : piece;
  for (std::size_t apostrophe = word.find('\'');
       apostrophe != std::string_view::npos && apostrophe + 1 < word.size(); apostrophe = word.find('\'')) {
    tokens.emplace_back(word.substr(0, apostrophe + 1));
    word.remove_prefix(apostrophe + 1);
  }
  if (!word.empty()) tokens.emplace_back(word);
  if (marked) tokens.emplace_back(piece.substr(piece.size() - 1));
}

void add_combinations(const Clause& clause, std::vector<Combination>& found) {
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
    if (clause.predicate != nullptr) return;
    found.push_back({Combination::With::verb,
                     static_cast<std::uint8_t>(participant.phrase.noun - nouns().data()),
                     static_cast<std::uint8_t>(clause.verb - verbs().data())});
  };
  add_participant(clause.subject);
  if (!clause.subject.pronoun) add_adjective(clause.subject.phrase, clause.predicate);
  if (clause.object) add_participant(*clause.object);
  if (clause.recipient) add_participant(*clause.recipient);
  if (clause.beside_subject) add_phrase(clause.beside_subject->phrase);
  if (clause.location) add_phrase(clause.location->phrase);
}

}  // namespace

std::vector<Combination> combinations(const Sentence& sentence) {
  std::vector<Combination> found;
  found.reserve(20);
  add_combinations(sentence.clause, found);
  if (sentence.conjunction) add_combinations(sentence.second, found);
  return found;
}

Example render(const Sentence& sentence) {
  Example example = write(sentence);
  example.combinations = combinations(sentence);
  return example;
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
