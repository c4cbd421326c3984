#pragma once

#include <vector>

#include "attune.h"

namespace attune::examples {

/// What one step found out.
struct StepGradient {
  double loss = 0;  // mean over all target tokens, nats
  double norm = 0;  // of the gradient, before it was clipped
  std::int64_t target_tokens = 0;
};

struct GradientSettings {
  Scalar label_smoothing = 0;
  double clip = 1;  // the largest norm; 0: any
};

/// Leaves in the model the gradient of the mean loss over all target tokens of `batches`, clipped: one large
/// batch, computed in parts that fit into memory. `rng` is that of the training; dropout in batch i takes the
/// numbers of rng.at(first_batch + i).
///
/// ValueError when the loss or a gradient is not finite. It names `step`, and the operation and the layer in
/// which that began; no weight has changed.
StepGradient compute_gradient(const nn::Transformer& model, const std::vector<text::Batch>& batches,
                              const GradientSettings& settings, const Rng& rng, Index first_batch,
                              Index step);

}  // namespace attune::examples
