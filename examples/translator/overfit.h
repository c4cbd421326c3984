#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "examples/translator/train.h"

// The first thing to try when a model does not learn: one small batch, again and again, until it is known by
// heart. A model that works gets there in seconds; one that cannot learn these few sentences has a mistake in
// it, and no amount of data will help.

namespace attune::examples {

/// The loss, in nats per token, below which a batch counts as known by heart.
inline constexpr double overfit_bar = 0.01;

/// What became of it, in nats per token where nothing else is said.
struct OverfitResult {
  Index steps = 0;         // that changed the weights
  double guessing = 0;     // ln V: what the first loss should be near
  double frequencies = 0;  // what a model pays that knows how often each token occurs, and nothing else
  double start = 0, half = 0, loss = 0;  // before the first step, at half of the steps, after the last
  int sentences = 0, reproduced = 0;     // how many there are, and how many greedy search gets exactly right
  int contradictions = 0;                // sentences whose source stands in the batch with another target too
  std::string problem = {};              // why training stopped, if a gradient was not finite
  double seconds = 0;

  /// The loss is below the bar and greedy search reproduces every sentence.
  bool learnt() const { return problem.empty() && loss < overfit_bar && reproduced == sentences; }
};

/// The first batch of at most `settings.batch_tokens` tokens of what training would see.
std::vector<text::EncodedPair> one_batch(const std::vector<text::EncodedPair>& pairs,
                                         const TrainingSettings& settings);

/// Trains on `pairs` alone, as one batch, without dropout and label smoothing, until the loss is below the
/// bar or `steps` are done, and prints the curve. The rate is `settings.rate` after a few steps of warm-up.
OverfitResult overfit(Translator& translator, const std::vector<text::EncodedPair>& pairs,
                      const TrainingSettings& settings, Index steps, std::ostream& out);

/// One line that says whether it learnt; and if not, what that means and where to look.
std::string verdict(const OverfitResult& result);

}  // namespace attune::examples
