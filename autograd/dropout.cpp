#include "autograd/dropout.h"

namespace attune::inline ATTUNE_PRECISION {

// y = x ⊙ m,   dx = dy ⊙ m,   m = 0 or 1 / (1 - rate)
// So dx is the same dropout of dy. The generator gives the same bits again, and nothing need be kept of m.
Variable dropout(const Variable& x, Scalar rate, const Rng& rng) {
  x.value().checked("dropout");
  if (rate == 0) return x;
  return record("dropout", dropout(x.value(), rate, rng), {x},
                [rate, rng](const Variable& dy) { return Gradients{dropout(dy, rate, rng)}; });
}

}  // namespace attune::inline ATTUNE_PRECISION
