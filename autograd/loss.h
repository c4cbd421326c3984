#pragma once

#include "autograd/variable.h"

namespace attune::inline ATTUNE_PRECISION {

enum class Reduction { mean, sum };

struct CrossEntropyOptions {
  /// e of Szegedy et al. 2016, section 7: the share of the target's probability that is spread over all V
  /// classes.
  Scalar label_smoothing = 0;
  /// Targets with this number do not count (padding).
  int ignored = -1;
  /// The mean is per counted target, whatever the shape of the batch; 0 when none counts.
  Reduction reduction = Reduction::mean;
};

/// Cross-entropy from logits: logits (…, V), targets (…) with one class each; the result is one number, in
/// nats.
///   loss = -(1 - e) log p_target - e/V Σ_j log p_j,   p = softmax(logits)
/// From logits, not probabilities, because exp and log cancel there and nothing underflows. A model that
/// knows nothing scores ln V. Throws ShapeError unless there is exactly one target per row, IndexError for a
/// target outside 0 … V-1, ValueError for a smoothing outside [0, 1].
Variable cross_entropy(const Variable& logits, const Indices& targets,
                       const CrossEntropyOptions& options = {});

/// mean((prediction - target)²). Throws ShapeError unless the shapes are equal: a loss that broadcasts is a
/// bug.
Variable mean_squared_error(const Variable& prediction, const Variable& target);

}  // namespace attune::inline ATTUNE_PRECISION
