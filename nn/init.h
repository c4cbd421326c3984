#pragma once

#include "tensor/random.h"

namespace attune::nn {

// Initial values of weights (out, in).

/// Uniform in ±√(6 / (in + out)) (Glorot & Bengio 2010, equation 16): keeps the variance of signals and of
/// gradients.
Tensor xavier_uniform(const Shape& shape, Rng& rng);
/// Normal with variance 2 / in (He et al. 2015, equation 10): for layers followed by a ReLU.
Tensor kaiming_normal(const Shape& shape, Rng& rng);

}  // namespace attune::nn
