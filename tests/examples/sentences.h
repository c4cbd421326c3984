#pragma once

#include "examples/translator/grammar.h"

// Sentences of the corpus, said in few words: past(no(say(one(D::the, "cat"), verb("see"), P::she))).

namespace attune::examples::sentences {

using D = Determiner;
using P = Pronoun;

inline const Adjective* adjective_or_none(const char* english) {
  return *english ? &adjective(english) : nullptr;
}

inline NounPhrase one(D determiner, const char* english, const char* first = "", const char* second = "") {
  return {determiner, &noun(english), false, adjective_or_none(first), adjective_or_none(second)};
}
inline NounPhrase many(D determiner, const char* english, const char* first = "", const char* second = "") {
  return {determiner, &noun(english), true, adjective_or_none(first), adjective_or_none(second)};
}
inline Participant who(P pronoun) {
  return {.pronoun = pronoun};
}
inline Participant who(const NounPhrase& phrase) {
  return {.phrase = phrase};
}
inline Location where(const char* english, const NounPhrase& phrase) {
  return {&preposition(english), phrase};
}

/// "Subject verb object", to be changed further.
template <typename Subject, typename Object>
inline Clause say(const Subject& subject, const Verb& verb, const Object& object) {
  return {.subject = who(subject), .verb = &verb, .object = who(object)};
}
template <typename Subject>
inline Clause is(const Subject& subject, const char* adjective_name) {
  return {.subject = who(subject), .verb = &be(), .predicate = &adjective(adjective_name)};
}
inline Clause past(Clause sentence) {
  sentence.tense = Tense::past;
  return sentence;
}
inline Clause future(Clause sentence) {
  sentence.tense = Tense::future;
  return sentence;
}
inline Clause no(Clause sentence) {
  sentence.form = Form::negation;
  return sentence;
}
inline Clause never(Clause sentence) {
  sentence.form = Form::never;
  return sentence;
}
inline Clause ask(Clause sentence) {
  sentence.form = Form::question;
  return sentence;
}
inline Clause often(Clause sentence) {
  sentence.adverb = Adverb::often;
  return sentence;
}
inline Clause always(Clause sentence) {
  sentence.adverb = Adverb::always;
  return sentence;
}
inline Clause at(Clause sentence, const char* english, const NounPhrase& phrase) {
  sentence.location = where(english, phrase);
  return sentence;
}
template <typename Recipient>
inline Clause to(Clause sentence, const Recipient& recipient) {
  sentence.recipient = who(recipient);
  return sentence;
}

}  // namespace attune::examples::sentences
