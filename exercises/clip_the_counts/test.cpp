#include EXERCISE

#include <doctest/doctest.h>

#include <sstream>

#include "exercises/crash_hint.h"

namespace {

std::vector<text::Tokens> tokens(const std::vector<std::string>& lines) {
  std::vector<text::Tokens> result;
  for (const std::string& line : lines) result.push_back(text::SpaceTokenizer().split(line));
  return result;
}

// "a" and "x x", one sentence after the other.
std::string shown(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += (all.empty() ? "\"" : " and \"") + line + "\"";
  return all;
}

void expect(const std::vector<std::string>& hypotheses, const std::vector<std::string>& references,
            std::size_t n, double expected, const std::string& hint) {
  const double given = ngram_precision(tokens(hypotheses), tokens(references), n);
  static bool told = false;  // once is enough
  const bool cut = given == 0 && expected > 0 && !told;
  told = told || cut;
  CHECK_MESSAGE(
      std::abs(given - expected) < 1e-12, "for n = ", n, ", ", shown(hypotheses), " against ",
      shown(references), " should give ", expected, " and gave ", given, ". ", hint,
      std::string(cut ? " Is an integer divided by an integer? That gives a whole number: 3 / 4 is 0. "
                        "Count in doubles."
                      : ""));
}

}  // namespace

TEST_CASE("tokens, pairs, triples of one sentence") {
  expect({"a b c d"}, {"a b x d"}, 1, 3.0 / 4, "a, b and d are there, c is not.");
  expect({"a b c d"}, {"a b x d"}, 2, 1.0 / 3, "Of \"a b\", \"b c\", \"c d\" only the first is there.");
  expect({"a b c d"}, {"a b x d"}, 3, 0, "No run of three is there.");
}

TEST_CASE("an n-gram counts as often as the reference has it, and no more") {
  expect({"the the the"}, {"the cat"}, 1, 1.0 / 3, "The reference has one \"the\" to give.");
  expect({"a b a b a b"}, {"a b a b"}, 2, 3.0 / 5, "\"a b\" is there twice and \"b a\" once, of 3 and 2.");
}

TEST_CASE("order does not matter within n, nor does what the reference has besides") {
  expect({"b a"}, {"a b"}, 1, 1, "Single tokens have no order.");
  expect({"a"}, {"a b c d e f"}, 1, 1,
         "A short hypothesis is the business of the brevity penalty, not of this.");
}

TEST_CASE("counts are added up over the sentences, and divided once") {
  expect({"a", "x x x x x x x x x"}, {"a", "y"}, 1, 1.0 / 10,
         "One token of ten is right. The mean of the sentences' precisions, 1 and 0, would be 0.5.");
}

TEST_CASE("a sentence with fewer than n tokens has no n-gram") {
  const CrashHint hint(
      "What was read ended outside of the sentence. size() is unsigned: for a single token, size() - 2 is "
      "not -1, but the largest number there is, and a loop up to size() - n or size() - n + 1 never ends. "
      "Compare i + n <= size().");
  expect({"a", "a b c"}, {"a", "a b c"}, 2, 1, "\"a\" has no pair, and neither helps nor harms.");
  expect({"a"}, {"a b"}, 2, 0, "No pair at all: 0, and no division by 0.");
  expect({""}, {"a"}, 1, 0, "An empty hypothesis has no n-gram.");
  expect({"a"}, {"a b c"}, 3, 0, "No run of three at all.");
  expect({"a b c"}, {"a"}, 3, 0, "The reference has no run of three.");
}

TEST_CASE("agrees with text::corpus_bleu") {
  Rng dice(1);
  std::vector<text::Tokens> hypotheses, references;
  for (int i = 0; i < 30; ++i)
    for (auto* side : {&hypotheses, &references}) {
      side->emplace_back();
      for (std::uint64_t left = dice.below(9); left > 0; --left)
        side->back().push_back(std::string(1, static_cast<char>('a' + dice.below(3))));
    }
  const text::Bleu bleu = text::corpus_bleu(hypotheses, references);
  std::ostringstream wrong;
  for (std::size_t n = 1; n <= 4; ++n) {
    const double given = ngram_precision(hypotheses, references, n), expected = bleu.precisions[n - 1] / 100;
    if (given != doctest::Approx(expected))
      wrong << "\nn = " << n << ": should be " << expected << " and is " << given;
  }
  CHECK_MESSAGE(wrong.str().empty(), "30 pairs of random sentences, of 0 to 8 tokens:", wrong.str());
}
