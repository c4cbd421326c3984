#include "autograd/dropout.h"

#include "autograd/elementwise.h"

namespace attune::inline ATTUNE_PRECISION {

// y = x ⊙ m,   dx = dy ⊙ m,   m = 0 or 1 / (1 - rate)
Variable dropout(const Variable& x, Scalar rate, const Rng& rng) {
  x.value().checked("dropout");
  if (rate == 0) return x;
  const Variable mask = dropout_mask(x.shape(), rate, rng);
  return record("dropout", x.value() * mask.value(), {x},
                [mask](const Variable& dy) { return Gradients{dy * mask}; });
}

}  // namespace attune::inline ATTUNE_PRECISION
