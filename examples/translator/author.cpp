#include <array>
#include <cassert>
#include <initializer_list>

#include "examples/translator/grammar.h"

// What the corpus talks about: random choices within the grammar.

namespace attune::examples {
namespace {

/// Chooses words that go together, no verb, noun or adjective twice in a sentence.
class Author {
 public:
  explicit Author(Dice& dice) : dice_(dice) {}

  Sentence sentence() {
    Sentence sentence;
    const bool alone = dice_.percent(40);
    sentence.clause = clause(alone);
    if (!alone) {
      sentence.conjunction = choose({Conjunction::and_, Conjunction::but, Conjunction::because});
      sentence.second = clause(false);
    }
    return sentence;
  }

 private:
  enum class Role { subject, direct_object, other };

  Clause clause(bool alone) {
    Clause clause;
    clause.tense = static_cast<Tense>(dice_.below(3));
    const std::size_t form = dice_.below(100);
    clause.form = alone && form < 40 ? Form::question
                  : form < 70        ? Form::statement
                  : form < 93        ? Form::negation
                                     : Form::never;
    negated_ = clause.form == Form::negation || clause.form == Form::never;
    if (!negated_ && dice_.percent(12)) clause.adverb = dice_.percent(50) ? Adverb::often : Adverb::always;
    clause.verb = dice_.percent(8) ? &be() : &verb();

    const bool predicate = clause.verb->takes == Takes::predicate;
    int phrases = 0;
    if (dice_.percent(predicate ? 15 : 32)) {
      // He, she and they share their verb forms with all nouns; the other persons need the practice.
      const bool third = predicate || dice_.percent(33);
      clause.subject.pronoun = third ? choose({Pronoun::he, Pronoun::she, Pronoun::they})
                                     : choose({Pronoun::i, Pronoun::you, Pronoun::we});
    } else {
      clause.subject.phrase = phrase(clause.verb->subjects, Role::subject);
      ++phrases;
    }
    switch (clause.verb->takes) {
      case Takes::predicate:
        clause.predicate = adjective(clause.subject.pronoun ? kind::adult : clause.subject.phrase.noun->kinds,
                                     dice_.percent(30));
        if (clause.predicate == nullptr) return this->clause(alone);  // of another noun
        break;
      case Takes::direct_and_to:
        clause.object.emplace();
        clause.object->phrase = phrase(clause.verb->objects, Role::direct_object);
        clause.recipient = object(clause, clause.verb->recipients, 40, Role::other);
        phrases += clause.recipient->pronoun ? 1 : 2;
        break;
      case Takes::direct:
      case Takes::indirect:
        // A pronoun stands for him or her or them: only where the verb's objects can be people.
        const bool direct = clause.verb->takes == Takes::direct;
        const std::size_t chance = (clause.verb->objects & kind::young) != 0 ? 30 : 0;
        clause.object =
            object(clause, clause.verb->objects, chance, direct ? Role::direct_object : Role::other);
        if (!clause.object->pronoun) ++phrases;
        break;
    }
    // More noun phrases, above all where there is only one.
    const std::size_t place = phrases > 2 ? 0 : phrases == 2 ? (alone ? 40 : 5) : alone ? 90 : 30;
    if (!dice_.percent(place)) return clause;
    if (!clause.subject.pronoun && (predicate || dice_.percent(40))) {
      clause.beside_subject = location();
    } else if (!predicate) {
      clause.location = location();
    }
    return clause;
  }

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

  /// Null when a long sentence has used up all that fit: about never, but a sentence must end.
  const Adjective* adjective(Kinds noun, bool before) {
    for (int attempt = 0; attempt < 200; ++attempt) {
      const Adjective& candidate = adjectives()[dice_.below(adjectives().size())];
      if (candidate.before == before && (candidate.describes & noun) != 0 && unused(&candidate))
        return &candidate;
    }
    return nullptr;
  }

  const Verb& verb() {
    while (true) {
      const Verb& candidate = verbs()[dice_.below(verbs().size())];
      if (unused(&candidate)) return candidate;
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
    if (shape >= 10 && (shape < 45 || shape >= 83)) phrase.first = adjective(phrase.noun->kinds, true);
    if (shape >= 45) phrase.second = adjective(phrase.noun->kinds, false);
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
  Participant object(const Clause& clause, Kinds kinds, std::size_t pronoun_chance, Role role) {
    Participant participant;
    if (!dice_.percent(pronoun_chance)) {
      participant.phrase = phrase(kinds, role);
      return participant;
    }
    const auto first_person = [](Pronoun pronoun) { return pronoun == Pronoun::i || pronoun == Pronoun::we; };
    const std::optional<Pronoun>& subject = clause.subject.pronoun;
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
  std::array<const void*, 64> used_{};  // two clauses have at most 2 verbs, 8 nouns and 18 adjectives
  std::size_t used_count_ = 0;
};

}  // namespace

Sentence random_sentence(Dice& dice) {
  return Author(dice).sentence();
}

}  // namespace attune::examples
