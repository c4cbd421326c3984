#include "examples/translator/chinese.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace attune::examples {
namespace {

// ---------------------------------------------------------------------------------------------------------------
// Words that are not in the lexicon.

std::string_view pronoun_word(Pronoun pronoun) {
  static constexpr std::array<std::string_view, 6> table = {"我", "你", "他", "她", "我们", "他们"};
  return table[static_cast<std::size_t>(pronoun)];
}

/// Whose it is; empty for the other determiners.
std::string_view possessor(Determiner determiner) {
  switch (determiner) {
    case Determiner::my:
      return "我";
    case Determiner::your:
      return "你";
    case Determiner::his:
      return "他";
    case Determiner::her:
      return "她";
    case Determiner::our:
      return "我们";
    case Determiner::their:
      return "他们";
    default:
      return "";
  }
}

/// What a measure word follows; empty for the other determiners.
std::string_view counted(Determiner determiner) {
  switch (determiner) {
    case Determiner::a:
      return "一";
    case Determiner::every:
      return "每";
    case Determiner::several:
      return "好几";
    case Determiner::two:
      return "两";
    case Determiner::three:
      return "三";
    case Determiner::four:
      return "四";
    case Determiner::five:
      return "五";
    case Determiner::ten:
      return "十";
    default:
      return "";
  }
}

bool is_definite(const Participant& participant) {
  if (participant.pronoun) return true;
  const Determiner determiner = participant.phrase.determiner;
  return determiner == Determiner::the || determiner == Determiner::this_ || !possessor(determiner).empty();
}

/// How many bytes the first character of `text` has, in UTF-8.
std::size_t first_character(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text.front());
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

const ChineseAdjective& sense(const Adjective& adjective, Kinds noun) {
  for (const ChineseAdjective& each : adjective.chinese)
    if ((each.of & noun) != 0) return each;
  return adjective.chinese.back();
}

const ChineseVerb& sense(const Verb& verb, const std::optional<Participant>& object) {
  const Kinds kinds = !object ? 0 : object->pronoun ? kind::adult : object->phrase.noun->kinds;
  for (const ChineseVerb& each : verb.chinese)
    if ((each.objects & kinds) != 0) return each;
  return verb.chinese.back();
}

// ---------------------------------------------------------------------------------------------------------------
// Writing.

/// A sentence being written, character by character. They are views of the lexicon or of literals.
struct Draft {
  std::vector<std::string_view> characters;
  Translation translation;

  /// Appends a word that translates the English word at `source`; where its first character stands.
  int add(std::string_view word, int source) {
    const auto position = static_cast<int>(characters.size());
    while (!word.empty()) {
      const std::size_t length = first_character(word);
      characters.push_back(word.substr(0, length));
      translation.alignment.push_back(source);
      word.remove_prefix(length);
    }
    return position;
  }

  Translation finish() {
    for (const std::string_view character : characters) translation.text += character;
    return std::move(translation);
  }
};

constexpr int nothing = -1;  // what a word translates that English does without

class ClauseWriter {
 public:
  ClauseWriter(const Clause& clause, const EnglishClause& at, Draft& draft)
      : clause_(clause), at_(at), draft_(draft), negated_(is_negated(clause)) {}

  // subject (当时|以前) (都) …
  void write() {
    const int subject_noun = subject();
    const bool past = clause_.tense == Tense::past, is = clause_.predicate != nullptr;
    const int past_word = at_.auxiliary >= 0 ? at_.auxiliary : at_.verb;
    if (past && (clause_.adverb != Adverb::none || (is && clause_.form == Form::never))) {
      word("以前", past_word);
    } else if (past && is) {
      word("当时", past_word);
    }
    // 每 before the verb wants 都, whether it is said of the subject or of the place that it is at.
    const auto every = [](const NounPhrase& phrase) { return phrase.determiner == Determiner::every; };
    if (!clause_.subject.pronoun && every(clause_.subject.phrase)) {
      all(at_.subject.determiner);
    } else if (clause_.beside_subject && every(clause_.beside_subject->phrase)) {
      all(at_.beside.determiner);
    }
    if (clause_.location && !all_said_ && every(clause_.location->phrase)) {
      go_to_place();
      all(at_.location.determiner);
    }
    if (is) {
      write_predicate();
    } else {
      write_verb();
    }
    if (beside_noun_ >= 0)
      draft_.translation.crossings.push_back({at_.subject.noun, at_.beside.noun, subject_noun, beside_noun_});
  }

 private:
  int word(std::string_view text, int source) { return draft_.add(text, source); }

  /// 都, once in a clause, and not before 总是.
  void all(int source) {
    if (!all_said_ && clause_.adverb != Adverb::always) word("都", source);
    all_said_ = true;
  }

  /// Says where it happens, unless that has been said.
  void go_to_place() {
    if (!clause_.location || place_noun_ >= 0) return;
    place_noun_ = place(*clause_.location, at_.location, at_.location_preposition, negated_, false, false);
  }

  // --- noun phrases ---

  /// Where the noun stands. `beside`: what it is beside, 在桌子下面的. `bare`: indefinites say nothing.
  int phrase(const NounPhrase& phrase, const EnglishClause::Phrase& at, bool bare = false,
             const Location* beside = nullptr) {
    const Kinds kinds = phrase.noun->kinds;
    const ChineseAdjective* first = phrase.first ? &sense(*phrase.first, kinds) : nullptr;
    const ChineseAdjective* second = phrase.second ? &sense(*phrase.second, kinds) : nullptr;
    using Shape = ChineseAdjective::Shape;
    const bool with_de = (first && first->shape != Shape::bare) || second;  // every second one takes 的

    // 这只, 这些, 一只, 一些, 我的, 我那只
    const auto few_or_measure = [&](int source) {
      phrase.plural ? word("些", source) : word(phrase.noun->measure, nothing);
    };
    const Determiner determiner = phrase.determiner;
    const bool indefinite = determiner == Determiner::a || determiner == Determiner::some;
    if (const std::string_view owner = possessor(determiner); !owner.empty()) {
      word(owner, at.determiner);
      if (beside) {
        word("那", nothing);
        few_or_measure(nothing);
      } else if (!with_de) {
        word("的", at.determiner);
      }
    } else if (determiner == Determiner::this_) {
      word("这", at.determiner);
      few_or_measure(at.determiner);
    } else if (bare && indefinite) {
      // 他不找猫
    } else if (determiner == Determiner::some) {
      word("一些", at.determiner);
    } else if (determiner != Determiner::the) {
      word(counted(determiner), at.determiner);
      word(phrase.noun->measure, nothing);
    }
    if (beside) {
      // Where no determiner is before it, 在 says nothing: 桌子下面的猫, 这只在桌子下面的猫.
      beside_noun_ =
          place(*beside, at_.beside, at_.beside_preposition, false, true, determiner == Determiner::the);
      word("的", nothing);
    }

    // 漂亮的猫, 小猫, 黑色的小猫, 漂亮的黑猫, 年老而聪明的国王
    int first_at = nothing, second_at = nothing;
    const auto followed_by_de = [&](const ChineseAdjective& adjective, int source) {
      const int position = word(adjective.attribute, source);
      word("的", source);
      return position;
    };
    if (first && second && first->shape == Shape::bare) {
      second_at = followed_by_de(*second, at.second);
      first_at = word(first->attribute, at.first);
      draft_.translation.crossings.push_back({at.first, at.second, first_at, second_at});
    } else if (first && second && second->shape == Shape::colour) {
      first_at = followed_by_de(*first, at.first);
      const std::string& noun = phrase.noun->chinese;
      const bool one_character = first_character(noun) == noun.size();
      const std::string_view colour = second->attribute;
      second_at = word(one_character ? colour.substr(0, first_character(colour)) : colour, at.second);
    } else if (first && second) {
      first_at = word(first->attribute, at.first);
      word("而", nothing);
      second_at = followed_by_de(*second, at.second);
    } else if (first) {
      first_at =
          first->shape == Shape::bare ? word(first->attribute, at.first) : followed_by_de(*first, at.first);
    } else if (second) {
      second_at = followed_by_de(*second, at.second);
    }

    const int noun_at = word(phrase.noun->chinese, at.noun);
    auto& pairs = draft_.translation.noun_adjectives;
    if (first) pairs.push_back({at.first, at.noun, first_at, noun_at, false});
    if (second) pairs.push_back({at.second, at.noun, second_at, noun_at, false});
    return noun_at;
  }

  int participant(const Participant& participant, const EnglishClause::Phrase& at, bool bare) {
    if (participant.pronoun) return word(pronoun_word(*participant.pronoun), at.noun);
    return phrase(participant.phrase, at, bare);
  }

  int subject() {
    if (clause_.subject.pronoun) return participant(clause_.subject, at_.subject, false);
    return phrase(clause_.subject.phrase, at_.subject, false,
                  clause_.beside_subject ? &*clause_.beside_subject : nullptr);
  }

  /// 在桌子下面, 和狗一起 (before a verb) or 桌子下面, 在桌子下面, 和狗在一起 (before 的); where the noun
  /// stands.
  int place(const Location& location, const EnglishClause::Phrase& at, int preposition, bool bare,
            bool before_noun, bool first) {
    const auto& [before, behind] = location.preposition->chinese;
    const bool with = before != "在";
    if (with || !first) word(before, preposition);
    const int noun_at = phrase(location.phrase, at, bare);
    if (before_noun && with) word("在", preposition);
    word(behind, preposition);
    return noun_at;
  }

  // --- predicates ---

  // statement   (常常|总是) (会) 很疲倦 · 是黑色的
  // negation    不 · 不会 疲倦 · 是黑色的
  // never       从来不 · 永远不会 …
  // question    as a statement, and 吗 at its end; 很 only behind another word: 猫疲倦吗
  void write_predicate() {
    const Kinds kinds = clause_.subject.pronoun ? kind::adult : clause_.subject.phrase.noun->kinds;
    const ChineseAdjective& adjective = sense(*clause_.predicate, kinds);
    const bool future = clause_.tense == Tense::future;
    go_to_place();
    write_negation_or_future(future);
    if (clause_.form == Form::negation && !future) word("不", at_.negation);
    if (clause_.form == Form::never && !future) word("从来不", at_.negation);
    if (adjective.classed) {
      if (future || clause_.adverb != Adverb::always) word("是", at_.verb);  // never 总是是
      word(adjective.predicate, at_.predicate);
      word("的", at_.predicate);
    } else {
      const bool alone = !future && clause_.adverb == Adverb::none;
      if (!negated_ && !(clause_.form == Form::question && alone)) word("很", at_.verb);
      word(adjective.predicate, at_.predicate);
    }
  }

  /// Adverbs, and what stands before the verb in the future: 常常, 总是, 会, 会常常, 总是会, 不会, 永远不会.
  void write_negation_or_future(bool future) {
    if (clause_.adverb == Adverb::always) word("总是", at_.adverb);
    if (future && clause_.form == Form::negation) word("不", at_.negation);
    if (future && clause_.form == Form::never) word("永远不", at_.negation);
    if (future) word("会", at_.auxiliary);
    if (clause_.adverb == Adverb::often) word("常常", at_.adverb);
  }

  // --- verbs ---

  // (常常|总是|不|没|从来不|会 …) (在 place) (跟 someone) (把 something) stem (不|得) result (了|过) tail
  // (recipient) (object)
  void write_verb() {
    const Verb& verb = *clause_.verb;
    const ChineseVerb& chinese = sense(verb, clause_.object);
    const bool past = clause_.tense == Tense::past, never = clause_.form == Form::never;
    const bool present = clause_.tense == Tense::present, question = clause_.form == Form::question;
    // 看不见, 看得见: whether there is a result, rather than whether one looks.
    const bool possible =
        present && !chinese.result.empty() && (negated_ || (question && clause_.adverb == Adverb::none));

    write_negation_or_future(clause_.tense == Tense::future);
    if (clause_.form == Form::negation && past) word("没", at_.negation);
    if (never && past) word("从来没", at_.negation);
    if (clause_.form == Form::negation && present && !possible) word("不", at_.negation);
    if (never && present && !possible) word("从来不", at_.negation);
    go_to_place();
    if (never && possible) word("从来", at_.negation);

    // Who it is done to, if that stands before the verb; then the rest stands behind it.
    const Participant* receiver = clause_.recipient ? &*clause_.recipient : nullptr;
    const Participant* object = clause_.object ? &*clause_.object : nullptr;
    if (!chinese.coverb.empty()) {
      word(chinese.coverb, at_.to >= 0 ? at_.to : at_.verb);
      if (receiver) {
        participant(*receiver, at_.recipient, negated_);
        receiver = nullptr;
      } else if (object) {
        participant(*object, at_.object, negated_);
        object = nullptr;
      }
    }

    // What is given, if it is a certain thing: 把书给他, but 给他一本书.
    if (receiver && object && is_definite(*object)) {
      word("把", nothing);
      participant(*object, at_.object, false);
      object = nullptr;
    }

    const int verb_at = word(chinese.stem, at_.verb);
    if (possible) word(negated_ ? "不" : "得", negated_ ? at_.negation : at_.auxiliary);
    word(chinese.result, at_.verb);
    if (past && clause_.adverb == Adverb::none) {
      const int source = at_.auxiliary >= 0 ? at_.auxiliary : at_.verb;
      if (never || (negated_ && chinese.past == "过")) {
        word("过", source);
      } else if (!negated_) {
        word(chinese.past, source);
      }
    }
    word(chinese.tail, at_.verb);
    if (receiver) participant(*receiver, at_.recipient, negated_);
    if (object) participant(*object, at_.object, negated_);
    if (place_noun_ >= 0)
      draft_.translation.crossings.push_back({at_.verb, at_.location.noun, verb_at, place_noun_});
  }

  const Clause& clause_;
  const EnglishClause& at_;
  Draft& draft_;
  const bool negated_;
  int beside_noun_ = nothing, place_noun_ = nothing;
  bool all_said_ = false;
};

class Chinese : public TargetLanguage {
 public:
  std::string code() const override { return "zh"; }
  std::string name() const override { return "Chinese"; }
  std::string tokenizer() const override { return "character"; }
  bool in_characters() const override { return true; }
  std::string crossing() const override { return "pairs of words whose order differs"; }

  std::vector<std::string> split(const std::string& text) const override {
    std::vector<std::string> characters;
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t length = first_character(rest);
      characters.emplace_back(rest.substr(0, length));
      rest.remove_prefix(std::min(length, rest.size()));
    }
    return characters;
  }

  std::string join(const std::vector<std::string>& tokens) const override {
    std::string text;
    for (const std::string& token : tokens) text += token;
    return text;
  }

  Translation write(const Sentence& sentence, const English& english) const override {
    Draft draft;
    ClauseWriter(sentence.clause, english.clause, draft).write();
    if (sentence.conjunction) {
      switch (*sentence.conjunction) {
        case Conjunction::and_:
          draft.add("，", english.conjunction);
          break;
        case Conjunction::but:
          draft.add("，", english.comma);
          draft.add("但是", english.conjunction);
          break;
        case Conjunction::because:
          draft.add("，因为", english.conjunction);
          break;
      }
      ClauseWriter(sentence.second, english.second, draft).write();
    }
    if (sentence.clause.form == Form::question) draft.add("吗", english.mark);
    draft.add(sentence.clause.form == Form::question ? "？" : "。", english.mark);
    return draft.finish();
  }
};

}  // namespace

const TargetLanguage& chinese() {
  static const Chinese language;
  return language;
}

}  // namespace attune::examples
