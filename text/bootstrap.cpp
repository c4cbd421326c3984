#include "text/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tensor/error.h"
#include "tensor/random.h"

namespace attune::text {
namespace {

using Counts = ScoredSentences::Counts;

void add(Counts& sum, const Counts& row) {
  for (std::size_t i = 0; i < row.size(); ++i) sum[i] += row[i];
}

// The scores of resamples 0, 1, …: sentence k of resample i is a function of the seed, i and k alone, so two
// outputs for the same sentences are scored on the same ones.
std::vector<double> resampled_scores(const ScoredSentences& sentences, const BootstrapOptions& options) {
  const std::size_t count = sentences.counts.size();
  if (count == 0)
    fail<ValueError>("bootstrap: there is nothing to draw from: 0 sentences: give at least one");
  if (options.resamples < 1)
    fail<ValueError>("bootstrap: ", options.resamples,
                     " resamples say nothing: draw at least one, usually 1000");
  std::vector<double> scores;
  for (int i = 0; i < options.resamples; ++i) {
    Rng draw = Rng(options.seed).at(static_cast<std::uint64_t>(i));
    Counts sum(sentences.counts.front().size(), 0);
    for (std::size_t k = 0; k < count; ++k) add(sum, sentences.counts[draw.below(count)]);
    scores.push_back(sentences.score(sum));
  }
  return scores;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Interval middle_95_percent(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t left_out = values.size() / 40;  // 2.5 % at either end
  return {mean(values), values[left_out], values[values.size() - 1 - left_out]};
}

}  // namespace

Counts ScoredSentences::sum() const {
  if (counts.empty()) fail<ValueError>("score: there is nothing to score: 0 sentences: give at least one");
  Counts sum(counts.front().size(), 0);
  for (const Counts& row : counts) add(sum, row);
  return sum;
}

Interval confidence_interval(const ScoredSentences& sentences, const BootstrapOptions& options) {
  return middle_95_percent(resampled_scores(sentences, options));
}

Comparison compare(const ScoredSentences& baseline, const ScoredSentences& output,
                   const BootstrapOptions& options) {
  if (baseline.counts.size() != output.counts.size())
    fail<ValueError>("compare: two outputs for the same sentences are needed: ", baseline.counts.size(),
                     " and ", output.counts.size(), " sentences: give files with the same number of lines");
  const std::vector<double> baseline_scores = resampled_scores(baseline, options);
  const std::vector<double> scores = resampled_scores(output, options);
  std::vector<double> differences, sizes;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    differences.push_back(scores[i] - baseline_scores[i]);
    sizes.push_back(std::abs(differences.back()));
  }

  Comparison result;
  result.baseline_score = baseline.score(baseline.sum());
  result.score = output.score(output.sum());
  result.baseline_interval = middle_95_percent(baseline_scores);
  result.interval = middle_95_percent(scores);
  result.difference = middle_95_percent(differences);

  const auto n = static_cast<double>(scores.size());
  const auto better = std::count_if(differences.begin(), differences.end(), [](double d) { return d > 0; });
  result.better_share = static_cast<double>(better) / n;

  // p = (1 + #{|d_i| − mean |d_j| > |d|}) / (n + 1)
  const double observed = std::abs(result.score - result.baseline_score);
  if (observed == 0) return result;
  const double expected = mean(sizes);
  const auto by_chance =
      std::count_if(sizes.begin(), sizes.end(), [&](double size) { return size - expected > observed; });
  result.p_value = (1 + static_cast<double>(by_chance)) / (n + 1);
  return result;
}

}  // namespace attune::text
