#pragma once

#include "autograd/variable.h"
#include "tensor/random.h"

namespace attune::inline ATTUNE_PRECISION {

/// Dropout (Srivastava et al. 2014), scaled while training: each element becomes 0 with probability `rate`,
/// else x / (1 - rate). Which ones is a function of the generator and the element's index alone; `rng` is not
/// moved, so give each use a generator of its own: rng.at(step).at(layer).
Variable dropout(const Variable& x, Scalar rate, const Rng& rng);

}  // namespace attune::inline ATTUNE_PRECISION
