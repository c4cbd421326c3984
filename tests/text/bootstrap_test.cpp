#include "text/bootstrap.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "tensor/error.h"
#include "tensor/random.h"
#include "tests/support/measured.h"
#include "text/bleu.h"
#include "text/chrf.h"

using namespace attune::text;
using attune::Rng;

namespace {

// Sentences that are right or wrong; the score is the share that is right, in per cent.
ScoredSentences right_or_wrong(std::size_t count, double share, std::uint64_t seed) {
  ScoredSentences sentences;
  Rng rng(seed);
  for (std::size_t i = 0; i < count; ++i) sentences.counts.push_back({rng.uniform() < share ? 1 : 0, 1});
  sentences.score = [](const ScoredSentences::Counts& sum) {
    return 100 * static_cast<double>(sum[0]) / static_cast<double>(sum[1]);
  };
  return sentences;
}

double score(const ScoredSentences& sentences) {
  return sentences.score(sentences.sum());
}

std::vector<std::string> lines_of(int count, std::uint64_t seed) {
  const std::vector<std::string> words = {"the",   "cat", "sees",   "a",  "dog",
                                          "house", "and", "sleeps", "in", "it"};
  std::vector<std::string> lines;
  Rng rng(seed);
  for (int i = 0; i < count; ++i) {
    std::string line;
    for (std::uint64_t k = 4 + rng.below(9); k > 0; --k) line += words[rng.below(words.size())] + " ";
    lines.push_back(line + ".");
  }
  return lines;
}

}  // namespace

TEST_CASE("bootstrap: a resample scores as a file of its lines does") {
  const std::vector<std::string> hypotheses = lines_of(12, 1), references = lines_of(12, 2);
  const int resamples = 39;  // fewer than 40: none is left out, so low and high are the worst and the best
  const BootstrapOptions options{.resamples = resamples, .seed = 7};
  Interval bleus{0, 101, -1}, chrfs{0, 101, -1};
  for (int i = 0; i < resamples; ++i) {
    Rng draw = Rng(7).at(static_cast<std::uint64_t>(i));
    std::vector<std::string> drawn, wanted;
    for (std::size_t k = 0; k < 12; ++k) {
      const std::uint64_t sentence = draw.below(12);
      drawn.push_back(hypotheses[sentence]);
      wanted.push_back(references[sentence]);
    }
    const auto note = [](Interval& interval, double value) {
      interval.mean += value / resamples;
      interval.low = std::min(interval.low, value);
      interval.high = std::max(interval.high, value);
    };
    note(bleus, bleu(drawn, wanted).score);
    note(chrfs, chrf(drawn, wanted).score);
  }
  const auto check = [](const Interval& found, const Interval& expected) {
    CHECK(found.mean == doctest::Approx(expected.mean).epsilon(1e-12));
    CHECK(found.low == doctest::Approx(expected.low).epsilon(1e-12));
    CHECK(found.high == doctest::Approx(expected.high).epsilon(1e-12));
    CHECK(found.low < found.high);
  };
  check(confidence_interval(bleu_sentences(hypotheses, references), options), bleus);
  check(confidence_interval(chrf_sentences(hypotheses, references), options), chrfs);
}

TEST_CASE("bootstrap: the interval of a share is that of the binomial distribution, 1.96 standard errors") {
  const ScoredSentences sentences = right_or_wrong(1000, 0.3, 1);
  const double p = score(sentences) / 100;
  const Interval interval = confidence_interval(sentences, {.resamples = 2000, .seed = 3});
  CHECK(interval.half_width() == doctest::Approx(196 * std::sqrt(p * (1 - p) / 1000)).epsilon(0.08));
  CHECK(interval.mean == doctest::Approx(100 * p).epsilon(0.01));
  CHECK(interval.low < 100 * p);
  CHECK(interval.high > 100 * p);
}

TEST_CASE("bootstrap: one seed, one interval; another seed, nearly the same") {
  const ScoredSentences sentences = right_or_wrong(300, 0.5, 1);
  const Interval once = confidence_interval(sentences), twice = confidence_interval(sentences);
  CHECK(once.mean == twice.mean);
  CHECK(once.low == twice.low);
  CHECK(once.high == twice.high);
  const Interval other = confidence_interval(sentences, {.seed = 2});
  CHECK(other.mean != once.mean);
  CHECK(other.low == doctest::Approx(once.low).epsilon(0.03));
}

TEST_CASE("compare: outputs are scored on the same sentences, so a small gain everywhere is seen") {
  // Right in 10 to 90 of 100 words; the second has one more right in each sentence. Alone, each has a wide
  // interval.
  ScoredSentences worse = right_or_wrong(200, 0.5, 1), better = worse;
  Rng rng(2);
  for (std::size_t i = 0; i < 200; ++i) {
    const auto right = static_cast<std::int64_t>(10 + rng.below(80));
    worse.counts[i] = {right, 100};
    better.counts[i] = {right + 1, 100};
  }
  const Comparison result = compare(worse, better);
  CHECK(result.baseline_score == score(worse));
  CHECK(result.score == doctest::Approx(score(worse) + 1));
  CHECK(result.interval.low < result.baseline_score);  // the intervals overlap
  CHECK(result.baseline_interval.high > result.score);
  CHECK(result.difference.low == doctest::Approx(1));
  CHECK(result.difference.high == doctest::Approx(1));
  CHECK(result.better_share == 1);
  CHECK(result.p_value == doctest::Approx(1 / 1001.0));

  const Comparison reversed = compare(better, worse);
  CHECK(reversed.better_share == 0);
  CHECK(reversed.difference.mean == doctest::Approx(-1));
  CHECK(reversed.p_value == result.p_value);
}

TEST_CASE("compare: p and the share of wins follow from the resamples as their formulas say") {
  const ScoredSentences a = right_or_wrong(50, 0.5, 1), b = right_or_wrong(50, 0.55, 9);
  const int n = 200;
  std::vector<double> differences;
  double mean_size = 0;
  for (int i = 0; i < n; ++i) {
    Rng draw = Rng(4).at(static_cast<std::uint64_t>(i));
    double difference = 0;
    for (int k = 0; k < 50; ++k) {
      const std::uint64_t sentence = draw.below(50);
      difference += 2.0 * static_cast<double>(b.counts[sentence][0] - a.counts[sentence][0]);
    }
    differences.push_back(difference);
    mean_size += std::abs(difference) / n;
  }
  int by_chance = 0, wins = 0;
  for (const double difference : differences) {
    by_chance += std::abs(difference) - mean_size > std::abs(score(b) - score(a)) ? 1 : 0;
    wins += difference > 0 ? 1 : 0;
  }
  const Comparison result = compare(a, b, {.resamples = n, .seed = 4});
  CHECK(by_chance > 0);
  CHECK(result.p_value == doctest::Approx((by_chance + 1.0) / (n + 1)));
  CHECK(result.better_share == doctest::Approx(static_cast<double>(wins) / n));
}

TEST_CASE("compare: equal outputs do not differ") {
  const ScoredSentences sentences = right_or_wrong(100, 0.5, 1);
  const Comparison result = compare(sentences, sentences);
  CHECK(result.p_value == 1);
  CHECK(result.better_share == 0);
  CHECK(result.difference.low == 0);
  CHECK(result.difference.high == 0);
}

TEST_CASE("compare: how often two systems that are equally good seem to differ" * doctest::skip()) {
  // 2000 pairs of systems that are right by chance, half of the time each: any difference is luck.
  int by_p = 0, by_interval = 0;
  const int trials = 2000;
  for (std::uint64_t i = 0; i < trials; ++i) {
    const Comparison result = compare(right_or_wrong(200, 0.5, 2 * i), right_or_wrong(200, 0.5, 2 * i + 1),
                                      {.resamples = 400, .seed = i});
    by_p += result.p_value < 0.05 ? 1 : 0;
    by_interval += result.difference.low > 0 || result.difference.high < 0 ? 1 : 0;
  }
  attune::testing::measured(
      "bootstrap: of %d pairs of equally good systems, %.1f %% have p < 0.05, and of %.1f %% "
      "the interval of the difference leaves out 0",
      trials, 100.0 * by_p / trials, 100.0 * by_interval / trials);
  CHECK(by_interval < 0.08 * trials);
}

TEST_CASE("bootstrap: what cannot be resampled or compared is refused") {
  const ScoredSentences none = right_or_wrong(0, 0.5, 1), three = right_or_wrong(3, 0.5, 1);
  CHECK_THROWS_WITH_AS(confidence_interval(none),
                       "bootstrap: there is nothing to draw from: 0 sentences: give at least one",
                       attune::ValueError);
  CHECK_THROWS_WITH_AS(confidence_interval(three, {.resamples = 0}),
                       "bootstrap: 0 resamples say nothing: draw at least one, usually 1000",
                       attune::ValueError);
  CHECK_THROWS_WITH_AS(
      compare(three, right_or_wrong(4, 0.5, 1)),
      "compare: two outputs for the same sentences are needed: 3 and 4 sentences: give files with "
      "the same number of lines",
      attune::ValueError);
  CHECK_THROWS_AS(none.sum(), attune::ValueError);
}
