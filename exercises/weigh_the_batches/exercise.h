// 6.2 One step from several batches: the gradient of all of their rows together.
//
// inputs[i] has shape (N_i, C) and targets[i] one class for each of its rows, or -1 where the row is padding
// and does not count (-1 is what `cross_entropy` ignores by default). All batches together are too large for
// memory, so call backward once for each. When you are done, the gradients of `model` must be those of the
// mean cross-entropy over all rows that count, as if they had been one batch. Do not step.
//
// There is a batch with many rows that count and one with few. Should both count alike?
// (optim/README.md, "Batches, and several of them per step")

#include "exercises/exercise.h"

using namespace attune;

inline void backward_over(const std::vector<Tensor>& inputs, const std::vector<Indices>& targets,
                          const nn::Linear& model) {
  throw Unsolved("backward_over");
}
