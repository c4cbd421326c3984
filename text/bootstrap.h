#pragma once

#include <cstdint>
#include <functional>
#include <vector>

// How sure is a score? Bootstrap resampling (Koehn 2004, "Statistical Significance Tests for Machine
// Translation Evaluation"): had the test set been another one of its kind, the score would have been another.
// Other test sets are drawn from this one: as many sentences, each any of them, so that some come twice and
// some not at all. The scores of a thousand such sets show how far chance reaches.

namespace attune::text {

/// The counts of every sentence, and the score of their sum: all that is needed to score any selection of the
/// sentences (`bleu_sentences`, `chrf_sentences`).
struct ScoredSentences {
  using Counts = std::vector<std::int64_t>;

  std::vector<Counts> counts;  // one row per sentence, all of one length
  std::function<double(const Counts& sum)> score;

  /// The counts of all sentences added up. ValueError when there are none.
  Counts sum() const;
};

struct BootstrapOptions {
  int resamples = 1000;
  std::uint64_t seed = 12345;
};

/// The middle 95 % of resampled scores: of n in ascending order, all but the first and the last n / 40.
struct Interval {
  double mean = 0;
  double low = 0;
  double high = 0;

  double half_width() const { return (high - low) / 2; }
};

/// ValueError when there are no sentences or resamples.
Interval confidence_interval(const ScoredSentences& sentences, const BootstrapOptions& options = {});

/// Two outputs for the same sentences, scored on the same resamples (paired: a hard selection is hard for
/// both).
struct Comparison {
  double baseline_score = 0;
  double score = 0;
  Interval baseline_interval;
  Interval interval;
  Interval difference;      // of score - baseline
  double better_share = 0;  // the share (0 to 1) of resamples on which the output beats the baseline
  double p_value = 1;       // see `compare`
};

/// Compares an output with a baseline. With d_i the difference on resample i of n, and d that on all
/// sentences,
///
///   p = (1 + #{i : |d_i| − mean_j |d_j| > |d|}) / (n + 1)
///
/// is how often chance alone would reach a difference as large as d, as sacreBLEU's paired bootstrap computes
/// it; below 0.05 a difference is usually called significant. Where d = 0, p is 1. `better_share` is what
/// Koehn counts. ValueError as above, and when the two have not the same number of sentences.
Comparison compare(const ScoredSentences& baseline, const ScoredSentences& output,
                   const BootstrapOptions& options = {});

}  // namespace attune::text
