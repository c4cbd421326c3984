#include "examples/translator/english.h"

#include <algorithm>
#include <array>

namespace attune::examples {
namespace {

std::string_view determiner_word(Determiner determiner, bool plural) {
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

struct PronounForms {
  std::string_view subject, object;
};

const PronounForms& forms(Pronoun pronoun) {
  static const std::array<PronounForms, 6> table = {
      {{"i", "me"}, {"you", "you"}, {"he", "him"}, {"she", "her"}, {"we", "us"}, {"they", "them"}}};
  return table[static_cast<std::size_t>(pronoun)];
}

class ClauseWriter {
 public:
  ClauseWriter(const Clause& clause, std::vector<std::string_view>& words)
      : clause_(clause), agreement_(agreement_of(clause.subject)), words_(words) {}

  // statement   the dog (often) sees · will (often) see          the dog is · will be
  // never       the dog never sees · will never see              the dog is never · will never be
  // negation    the dog does not see · did not · will not see    the dog is not · will not be
  // question    does the dog (often) see · did · will            is the dog · will the dog be
  EnglishClause write() {
    const Verb& verb = *clause_.verb;
    const bool is = verb.takes == Takes::predicate, future = clause_.tense == Tense::future;
    const bool past = clause_.tense == Tense::past, third = agreement_.person == Person::he;
    const bool helped = future || is || clause_.form == Form::question || clause_.form == Form::negation;

    std::string_view auxiliary = past ? "did" : third ? "does" : "do";
    if (is) auxiliary = past ? (agreement_.plural ? "were" : "was") : agreement_.plural ? "are" : "is";
    if (future) auxiliary = "will";

    if (clause_.form == Form::question) at_.auxiliary = word(auxiliary);
    subject();
    if (helped && clause_.form != Form::question) at_.auxiliary = word(auxiliary);
    if (clause_.form == Form::negation) at_.negation = word("not");
    if (clause_.form == Form::never) at_.negation = word("never");
    if (clause_.adverb == Adverb::often) at_.adverb = word("often");
    if (clause_.adverb == Adverb::always) at_.adverb = word("always");

    if (is) {
      at_.verb = future ? word("be") : at_.auxiliary;
    } else {
      at_.verb = word(helped ? verb.base : past ? verb.past : third ? verb.third : verb.base);
    }
    if (!verb.particle.empty()) at_.to = word(verb.particle);

    if (clause_.predicate != nullptr) at_.predicate = word(clause_.predicate->english);
    const bool any = is_denied(clause_) && clause_.object->phrase.determiner == Determiner::some;
    if (clause_.object) at_.object = participant(*clause_.object, false, any);
    if (clause_.recipient) {
      at_.to = word("to");
      at_.recipient = participant(*clause_.recipient, false);
    }
    if (clause_.location) at_.location = location(*clause_.location, at_.location_preposition);
    return at_;
  }

 private:
  using Phrase = EnglishClause::Phrase;

  int word(std::string_view text) {
    words_.push_back(text);
    return static_cast<int>(words_.size()) - 1;
  }

  Phrase phrase(const NounPhrase& phrase, bool any = false) {
    Phrase at;
    at.determiner = word(any ? "any" : determiner_word(phrase.determiner, phrase.plural));
    if (phrase.first != nullptr) at.first = word(phrase.first->english);
    if (phrase.second != nullptr) at.second = word(phrase.second->english);
    at.noun = word(phrase.noun->in_english(phrase.plural));
    return at;
  }

  Phrase participant(const Participant& participant, bool subject, bool any = false) {
    if (!participant.pronoun) return phrase(participant.phrase, any);
    const PronounForms& pronoun = forms(*participant.pronoun);
    Phrase at;
    at.noun = word(subject ? pronoun.subject : pronoun.object);
    return at;
  }

  Phrase location(const Location& location, int& preposition) {
    for (const std::string& text : location.preposition->english) {
      const int position = word(text);
      if (preposition < 0) preposition = position;
    }
    return phrase(location.phrase);
  }

  void subject() {
    at_.subject = participant(clause_.subject, true);
    if (clause_.beside_subject) at_.beside = location(*clause_.beside_subject, at_.beside_preposition);
  }

  const Clause& clause_;
  const Agreement agreement_;
  std::vector<std::string_view>& words_;
  EnglishClause at_;
};

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

}  // namespace

bool is_mark(std::string_view word) {
  return word == "." || word == "?" || word == ",";
}

void append_word(std::string& text, std::string_view word) {
  const bool attached = text.empty() || text.back() == '\'' || is_mark(word);
  if (!attached) text += ' ';
  text += word;
}

std::string English::text() const {
  std::string text;
  text.reserve(96);
  for (const std::string_view word : words) append_word(text, word);
  return text;
}

English write_english(const Sentence& sentence) {
  English english;
  std::vector<std::string_view>& words = english.words;
  words.reserve(32);
  const auto add = [&](std::string_view word) {
    words.push_back(word);
    return static_cast<int>(words.size()) - 1;
  };
  english.clause = ClauseWriter(sentence.clause, words).write();
  if (sentence.conjunction) {
    if (sentence.conjunction == Conjunction::but) english.comma = add(",");
    english.conjunction = add(sentence.conjunction == Conjunction::and_  ? "and"
                              : sentence.conjunction == Conjunction::but ? "but"
                                                                         : "because");
    english.second = ClauseWriter(sentence.second, words).write();
  }
  english.mark = add(sentence.clause.form == Form::question ? "?" : ".");
  // a apple → an apple.
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const bool vowel = std::string_view("aeiou").find(words[i + 1].front()) != std::string_view::npos;
    if (words[i] == "a" && vowel) words[i] = "an";
  }
  return english;
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
