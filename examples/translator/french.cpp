#include "examples/translator/french.h"

#include <array>
#include <string_view>
#include <utility>

namespace attune::examples {
namespace {

// ---------------------------------------------------------------------------------------------------------------
// Words that are not in the lexicon.

/// `vowel` says whether the next word begins with a vowel sound: mon amie, cet homme. The l' of "l'homme" is
/// made later.
std::string_view determiner_word(Determiner determiner, Gender gender, bool plural, bool vowel) {
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
  std::string_view subject, direct, indirect;
  bool plural, feminine;  // for the agreement of participles
};

const PronounForms& forms(Pronoun pronoun) {
  static const std::array<PronounForms, 6> table = {{
      {"je", "me", "me", false, false},
      {"tu", "te", "te", false, false},
      {"il", "le", "lui", false, false},
      {"elle", "la", "lui", false, true},
      {"nous", "nous", "nous", true, false},
      {"ils", "les", "leur", true, false},
  }};
  return table[static_cast<std::size_t>(pronoun)];
}

std::string_view avoir(Person person) {
  static constexpr std::array<std::string_view, 5> table = {"ai", "as", "a", "avons", "ont"};
  return table[static_cast<std::size_t>(person)];
}

// ---------------------------------------------------------------------------------------------------------------
// Writing.

/// A sentence being written. Words are views of the lexicon or of literals.
struct Draft {
  struct Word {
    std::string_view text;
    int source = -1;  // the English word it translates
  };

  std::vector<Word> words;
  std::vector<AdjectiveNoun> pairs;

  Draft() {
    words.reserve(32);
    pairs.reserve(8);
  }

  int add(std::string_view word, int source) {
    words.push_back({word, source});
    return static_cast<int>(words.size()) - 1;
  }

  /// le enfant → l'enfant, and what is not elided contracts: de le → du, à les → aux.
  void fit() {
    static constexpr std::array<std::array<std::string_view, 2>, 8> elisions = {{{"le", "l'"},
                                                                                 {"la", "l'"},
                                                                                 {"de", "d'"},
                                                                                 {"ne", "n'"},
                                                                                 {"que", "qu'"},
                                                                                 {"je", "j'"},
                                                                                 {"me", "m'"},
                                                                                 {"te", "t'"}}};
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      if (!begins_with_vowel_sound(words[i + 1].text)) continue;
      for (const auto& [full, elided] : elisions) {
        if (words[i].text == full) {
          words[i].text = elided;
          break;
        }
      }
    }
    static constexpr std::array<std::array<std::string_view, 3>, 4> contractions = {
        {{"de", "le", "du"}, {"de", "les", "des"}, {"à", "le", "au"}, {"à", "les", "aux"}}};
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      for (const auto& [first, second, contracted] : contractions) {
        if (words[i].text != first || words[i + 1].text != second) continue;
        words[i].text = contracted;
        words.erase(words.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        for (AdjectiveNoun& pair : pairs) {
          if (pair.target_adjective > static_cast<int>(i)) --pair.target_adjective;
          if (pair.target_noun > static_cast<int>(i)) --pair.target_noun;
        }
        break;
      }
    }
  }

  Translation finish() {
    Translation translation;
    translation.text.reserve(96);
    translation.alignment.reserve(words.size());
    for (const Word& word : words) {
      append_word(translation.text, word.text);
      translation.alignment.push_back(word.source);
    }
    // An adjective that stands on the other side of its noun.
    for (const AdjectiveNoun& pair : pairs) {
      if (!pair.order_differs) continue;
      translation.crossings.push_back(
          {pair.source_adjective, pair.source_noun, pair.target_adjective, pair.target_noun});
    }
    translation.noun_adjectives = std::move(pairs);
    return translation;
  }
};

class ClauseWriter {
 public:
  ClauseWriter(const Clause& clause, const EnglishClause& at, Draft& draft)
      : clause_(clause),
        at_(at),
        draft_(draft),
        agreement_(agreement_of(clause.subject)),
        negated_(is_negated(clause)) {}

  // (est-ce que) subject (ne) (pronoun) verb-or-auxiliary (pas|jamais) (souvent|toujours) (participle)
  // (predicate) (object) (à recipient) (location)
  void write() {
    const Verb& verb = *clause_.verb;
    const std::size_t person = static_cast<std::size_t>(agreement_.person);
    if (clause_.form == Form::question) {
      word("est-ce", at_.auxiliary);
      word("que", at_.auxiliary);
    }
    if (clause_.subject.pronoun) {
      word(forms(*clause_.subject.pronoun).subject, at_.subject.noun);
    } else {
      phrase(clause_.subject.phrase, at_.subject);
    }
    if (clause_.beside_subject) location(*clause_.beside_subject, at_.beside, at_.beside_preposition);

    if (negated_) word("ne", at_.negation);
    const bool indirect = verb.takes == Takes::indirect;
    const PronounForms* direct_pronoun = nullptr;
    if (clause_.object && clause_.object->pronoun) {
      const PronounForms& pronoun = forms(*clause_.object->pronoun);
      word(indirect ? pronoun.indirect : pronoun.direct, at_.object.noun);
      if (!indirect) direct_pronoun = &pronoun;
    }
    if (clause_.recipient && clause_.recipient->pronoun) {
      word(forms(*clause_.recipient->pronoun).indirect, at_.recipient.noun);
    }

    const bool compound = clause_.tense == Tense::past && verb.takes != Takes::predicate;
    if (compound) {
      word(avoir(agreement_.person), at_.auxiliary >= 0 ? at_.auxiliary : at_.verb);
    } else if (clause_.tense == Tense::past) {
      word(agreement_.plural ? "étaient" : "était", at_.verb);
    } else {
      word(clause_.tense == Tense::future ? verb.future[person] : verb.present[person], at_.verb);
    }
    if (negated_) word(clause_.form == Form::never ? "jamais" : "pas", at_.negation);
    if (clause_.adverb != Adverb::none) {
      word(clause_.adverb == Adverb::often ? "souvent" : "toujours", at_.adverb);
    }
    if (compound) {
      // The participle agrees with a direct object only if that stands before it: il l'a vue.
      const std::size_t form = direct_pronoun == nullptr ? 0
                                                         : (direct_pronoun->feminine ? 1u : 0u) +
                                                               (direct_pronoun->plural ? 2u : 0u);
      word(verb.participle[form], at_.verb);
    }

    if (clause_.predicate != nullptr) {
      const Gender gender = agreement_.feminine ? Gender::feminine : Gender::masculine;
      word(clause_.predicate->in_french(gender, agreement_.plural), at_.predicate);
    }
    if (clause_.object && !clause_.object->pronoun) {
      if (indirect) word("à", at_.to);
      phrase(clause_.object->phrase, at_.object, is_denied(clause_) ? Article::de : Article::as_it_is);
    }
    if (clause_.recipient && !clause_.recipient->pronoun) {
      word("à", at_.to);
      phrase(clause_.recipient->phrase, at_.recipient);
    }
    if (clause_.location) location(*clause_.location, at_.location, at_.location_preposition);
  }

 private:
  int word(std::string_view text, int source) { return draft_.add(text, source); }

  enum class Article { as_it_is, de, none };

  void phrase(const NounPhrase& phrase, const EnglishClause::Phrase& at,
              Article article = Article::as_it_is) {
    const Gender gender = phrase.noun->gender;
    const std::string& noun = phrase.noun->in_french(phrase.plural);
    const bool bel = phrase.first != nullptr && gender == Gender::masculine && !phrase.plural &&
                     begins_with_vowel_sound(noun);
    const std::string_view before = phrase.first == nullptr ? std::string_view()
                                    : bel                   ? phrase.first->masculine_before_vowel
                                                            : phrase.first->in_french(gender, phrase.plural);
    const bool vowel = begins_with_vowel_sound(phrase.first != nullptr ? before : std::string_view(noun));

    // "Des" is "de" before an adjective: de petits chats.
    const bool some = phrase.determiner == Determiner::some;
    if (article == Article::de || (article == Article::as_it_is && some && phrase.first != nullptr)) {
      word("de", at.determiner);
    } else if (article == Article::as_it_is) {
      word(determiner_word(phrase.determiner, gender, phrase.plural, vowel), at.determiner);
    }
    const int before_at = phrase.first != nullptr ? word(before, at.first) : -1;
    const int noun_at = word(noun, at.noun);
    if (phrase.first != nullptr) draft_.pairs.push_back({at.first, at.noun, before_at, noun_at, false});
    if (phrase.second != nullptr) {
      const int after_at = word(phrase.second->in_french(gender, phrase.plural), at.second);
      draft_.pairs.push_back({at.second, at.noun, after_at, noun_at, true});
    }
  }

  void location(const Location& location, const EnglishClause::Phrase& at, int preposition) {
    const std::vector<std::string>& words = location.preposition->french;
    for (const std::string& text : words) word(text, preposition);
    // "Près de" swallows "des": près d'arbres.
    const bool swallowed = words.back() == "de" && location.phrase.determiner == Determiner::some;
    phrase(location.phrase, at, swallowed ? Article::none : Article::as_it_is);
  }

  const Clause& clause_;
  const EnglishClause& at_;
  Draft& draft_;
  const Agreement agreement_;
  const bool negated_;
};

class French : public TargetLanguage {
 public:
  std::string code() const override { return "fr"; }
  std::string name() const override { return "French"; }
  std::string tokenizer() const override { return "word"; }
  bool in_characters() const override { return false; }
  std::string crossing() const override { return "noun-adjective pairs whose order differs"; }
  std::vector<std::string> split(const std::string& text) const override { return tokenise(text); }
  std::string join(const std::vector<std::string>& tokens) const override { return examples::join(tokens); }

  Translation write(const Sentence& sentence, const English& english) const override {
    Draft draft;
    ClauseWriter(sentence.clause, english.clause, draft).write();
    if (sentence.conjunction) {
      switch (*sentence.conjunction) {
        case Conjunction::and_:
          draft.add("et", english.conjunction);
          break;
        case Conjunction::but:
          draft.add(",", english.comma);
          draft.add("mais", english.conjunction);
          break;
        case Conjunction::because:
          draft.add("parce", english.conjunction);
          draft.add("que", english.conjunction);
          break;
      }
      ClauseWriter(sentence.second, english.second, draft).write();
    }
    draft.add(sentence.clause.form == Form::question ? "?" : ".", english.mark);
    draft.fit();
    return draft.finish();
  }
};

}  // namespace

const TargetLanguage& french() {
  static const French language;
  return language;
}

}  // namespace attune::examples
