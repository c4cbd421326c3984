#include "examples/translator/grammar.h"

namespace attune::examples {
namespace {

void add_combinations(const Clause& clause, std::vector<Combination>& found) {
  const auto add_adjective = [&](const NounPhrase& phrase, const Adjective* adjective) {
    if (adjective == nullptr) return;
    found.push_back({Combination::With::adjective, static_cast<std::uint8_t>(phrase.noun - nouns().data()),
                     static_cast<std::uint8_t>(adjective - adjectives().data())});
  };
  const auto add_phrase = [&](const NounPhrase& phrase) {
    add_adjective(phrase, phrase.first);
    add_adjective(phrase, phrase.second);
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

Agreement agreement_of(const Participant& participant) {
  if (!participant.pronoun) {
    const NounPhrase& phrase = participant.phrase;
    return {phrase.plural ? Person::they : Person::he, phrase.plural,
            phrase.noun->gender == Gender::feminine};
  }
  switch (*participant.pronoun) {
    case Pronoun::i:
      return {Person::i, false, false};
    case Pronoun::you:
      return {Person::you, false, false};
    case Pronoun::he:
      break;
    case Pronoun::she:
      return {Person::he, false, true};
    case Pronoun::we:
      return {Person::we, true, false};
    case Pronoun::they:
      return {Person::they, true, false};
  }
  return {Person::he, false, false};
}

bool is_negated(const Clause& clause) {
  return clause.form == Form::negation || clause.form == Form::never;
}

bool is_denied(const Clause& clause) {
  if (!is_negated(clause) || !clause.object || clause.object->pronoun) return false;
  const Determiner determiner = clause.object->phrase.determiner;
  return clause.verb->takes != Takes::indirect &&
         (determiner == Determiner::a || determiner == Determiner::some);
}

std::vector<Combination> combinations(const Sentence& sentence) {
  std::vector<Combination> found;
  found.reserve(20);
  add_combinations(sentence.clause, found);
  if (sentence.conjunction) add_combinations(sentence.second, found);
  return found;
}

}  // namespace attune::examples
