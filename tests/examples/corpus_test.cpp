#include "examples/translator/corpus.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

using namespace attune::examples;

namespace {

constexpr int train_pairs = 210'000, held_out_pairs = 2'000;

/// Made once for all tests of this file.
const Corpus& corpus() {
  static const Corpus made = make_corpus(1, train_pairs, held_out_pairs);
  return made;
}

using Key = std::tuple<int, int, int>;
Key key(const Combination& combination) {
  return {static_cast<int>(combination.with), combination.noun, combination.partner};
}

using Counts = std::unordered_map<std::string, int>;
Counts count_words(const std::vector<Example>& examples, bool english) {
  Counts counts;
  for (const Example& example : examples) {
    for (const std::string& word : tokenise(english ? example.pair.source : example.pair.target))
      ++counts[word];
  }
  return counts;
}

/// The share of the examples that `translate` gets exactly right.
template <typename Translate>
double exactly_right(const std::vector<Example>& examples, Translate translate) {
  const auto right = std::count_if(examples.begin(), examples.end(), [&](const Example& example) {
    return translate(example.pair.source) == example.pair.target;
  });
  return static_cast<double>(right) / static_cast<double>(examples.size());
}

}  // namespace

TEST_CASE("corpus: it has as many distinct pairs as asked for, more than 200,000") {
  std::unordered_set<std::string> sources;
  for (const Example& example : corpus().train) sources.insert(example.pair.source);
  for (const Example& example : corpus().held_out) sources.insert(example.pair.source);
  CHECK(corpus().train.size() == train_pairs);
  CHECK(corpus().held_out.size() == held_out_pairs);
  CHECK(sources.size() == train_pairs + held_out_pairs);
}

TEST_CASE("corpus: no sentence, English or French, is in both training and held-out pairs") {
  std::unordered_set<std::string> sources, targets;
  for (const Example& example : corpus().train) {
    sources.insert(example.pair.source);
    targets.insert(example.pair.target);
  }
  int shared = 0;
  for (const Example& example : corpus().held_out) {
    shared += sources.count(example.pair.source) > 0 || targets.count(example.pair.target) > 0;
  }
  CHECK(shared == 0);
}

TEST_CASE("corpus: every held-out pair combines a noun with an adjective or verb as training never does") {
  std::set<Key> trained;
  for (const Example& example : corpus().train) {
    for (const Combination& combination : example.combinations) trained.insert(key(combination));
  }
  int known = 0, new_adjective = 0, new_verb = 0;
  for (const Example& example : corpus().held_out) {
    bool adjective = false, verb = false;
    for (const Combination& combination : example.combinations) {
      if (trained.count(key(combination)) > 0) continue;
      (combination.with == Combination::With::adjective ? adjective : verb) = true;
    }
    known += !adjective && !verb;
    new_adjective += adjective;
    new_verb += verb;
  }
  CHECK(known == 0);
  CHECK(new_adjective > held_out_pairs / 4);
  CHECK(new_verb > held_out_pairs / 4);
  MESSAGE("of ", held_out_pairs, " held-out pairs, ", new_adjective, " have a new noun with adjective, ",
          new_verb, " a new noun with verb; training has ", trained.size(), " combinations");
}

TEST_CASE("corpus: every held-out word is a training word, even for a tiny corpus") {
  for (const bool english : {true, false}) {
    const Counts trained = count_words(corpus().train, english);
    for (const auto& entry : count_words(corpus().held_out, english)) {
      CHECK_MESSAGE(trained.count(entry.first) > 0, entry.first);
    }
    int rarest = train_pairs;
    for (const auto& [word, count] : trained) rarest = std::min(rarest, count);
    CHECK(rarest >= 20);
    const std::string language = english ? "English" : "French";
    MESSAGE(trained.size(), " different tokens in ", language, ", the rarest seen ", rarest, " times");
  }
  const Corpus tiny = make_corpus(1, 300, 50);
  for (const bool english : {true, false}) {
    const Counts trained = count_words(tiny.train, english);
    for (const auto& entry : count_words(tiny.held_out, english)) {
      CHECK_MESSAGE(trained.count(entry.first) > 0, entry.first);
    }
  }
}

TEST_CASE("corpus: most held-out sentences have two nouns with adjectives: a bag of words is ambiguous") {
  double tokens = 0;
  int ambiguous = 0;
  std::size_t longest = 0;
  for (const Example& example : corpus().held_out) {
    std::set<int> nouns_with_adjective;
    for (const AdjectiveNoun& pair : example.noun_adjectives) nouns_with_adjective.insert(pair.source_noun);
    ambiguous += nouns_with_adjective.size() > 1;
    const std::size_t length = tokenise(example.pair.target).size();
    tokens += static_cast<double>(length);
    longest = std::max(longest, length);
  }
  CHECK(ambiguous > held_out_pairs * 8 / 10);
  MESSAGE(ambiguous, " of ", held_out_pairs, " have two nouns with adjectives; ", tokens / held_out_pairs,
          " French tokens on average, ", longest, " at most");
}

TEST_CASE("corpus: a word-by-word dictionary gets fewer than 5 % of the held-out sentences exactly right") {
  const Dictionary dictionary = make_dictionary(corpus());
  CHECK(dictionary.words.at("cats") == "chats");
  CHECK(dictionary.words.at("black") == "noir");
  CHECK(dictionary.words.at("hears") == "entend");
  CHECK(translate_word_by_word(dictionary, "black unicorns in two gardens?") ==
        "noir unicorns dans deux jardins?");
  const double right = exactly_right(corpus().held_out, [&](const std::string& source) {
    return translate_word_by_word(dictionary, source);
  });
  CHECK(right < 0.05);
  MESSAGE("word by word, ", 100 * right, " % are exactly right");
}

TEST_CASE("corpus: the French pairs are those that the figures and pictures of the text were made with") {
  const Corpus made = make_corpus(1, 5'000, 500);
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const std::vector<Example>* examples : {&made.train, &made.held_out}) {
    for (const Example& example : *examples) {
      for (const char c : example.pair.source + "\t" + example.pair.target + "\n")
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }
  }
  CHECK(hash == 2340026310532371053u);
}

TEST_CASE("corpus: the same seed gives the same pairs, another seed others") {
  const Corpus one = make_corpus(7, 2'000, 200), same = make_corpus(7, 2'000, 200),
               other = make_corpus(8, 2'000, 200);
  int different = 0;
  for (std::size_t i = 0; i < one.train.size(); ++i) {
    REQUIRE(one.train[i].pair.source == same.train[i].pair.source);
    REQUIRE(one.train[i].pair.target == same.train[i].pair.target);
    different += one.train[i].pair.source != other.train[i].pair.source;
  }
  for (std::size_t i = 0; i < one.held_out.size(); ++i) {
    REQUIRE(one.held_out[i].pair.source == same.held_out[i].pair.source);
  }
  CHECK(different > 1'990);
}

TEST_CASE("corpus: impossible numbers of pairs are refused in words") {
  CHECK_THROWS_WITH_AS(
      make_corpus(1, -1, 0),
      "make_corpus: the numbers of pairs must be between 0 and 5000000: got -1 and 0: ask for fewer",
      std::invalid_argument);
  CHECK_THROWS_AS(make_corpus(1, 0, 10), std::invalid_argument);
  CHECK(make_corpus(1, 0, 0).train.empty());
}

TEST_CASE("corpus: 200,000 pairs take about a second of work") {
  const std::clock_t start = std::clock();
  make_corpus(2, 200'000, 0);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  CHECK(seconds < 30);  // loose, for builds with sanitizers
  MESSAGE(seconds, " s of processor time for 200000 pairs");
}
