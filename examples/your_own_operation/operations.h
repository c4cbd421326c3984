#pragma once

#include "attune.h"

// Two operations that attune does not have.

namespace attune::examples {

// Squared ReLU (So et al. 2021, "Primer"):
//   y = max(x, 0)²,   dx = 2 max(x, 0) dy
//
// The derivative needs the operand, so the pullback captures x and takes (dy). (square(relu(x)) is the same,
// and wants no derivative written: compose first. This is here because it is the smallest.)
inline Variable squared_relu(const Variable& x) {
  return record("squared_relu", square(relu(x.value())), {x},
                [x](const Variable& dy) { return Gradients{2 * relu(x) * dy}; });
}

// Sparsemax (Martins & Astudillo 2016): the point of the simplex that is nearest to z, along the last axis.
//   p = argmin ‖p − z‖²  with  p_i ≥ 0, Σ_i p_i = 1
// Each p_i is z_i less a threshold τ, or 0 (section 2.2). The places that are not 0 are the support:
//   p_i = max(z_i − τ, 0),   τ = (Σ_{j in support} z_j − 1) / |support|
inline Tensor sparsemax(const Tensor& scores) {
  const Tensor z = scores - max(scores, -1, keep_axis);  // changes no p, and large scores keep their digits
  Tensor support = ones(z.shape());
  while (true) {  // share the 1 among those left; who would get less than nothing leaves (Michelot 1986)
    const Tensor inside = where(support, z, 0);
    const Tensor threshold = (sum(inside, -1, keep_axis) - 1) / sum(support, -1, keep_axis);  // (…, 1)
    const Tensor left = support * (z > threshold);
    if (same_values(left, support)) return relu(z - threshold);
    support = left;
  }
}

// The derivative by cases (section 2.5). Outside the support p stays 0. Inside it dp_i = dz_i − dτ, and dτ is
// the mean of dz over the support. That is a symmetric matrix, [i = j] − 1 / |support|, so the way back is
// the same once more, with dp for the gradient of p and dz for that of z:
//   dz_i = dp_i − mean of dp over the support   where p_i > 0,   else 0
//
// The derivative needs the result only, so the pullback captures nothing and takes (dp, p): nothing of z is
// kept alive. Where z is just at the threshold p has a kink; the derivative there is taken as outside, 0.
inline Variable sparsemax(const Variable& scores) {
  return record("sparsemax", sparsemax(scores.value()), {scores}, [](const Variable& dp, const Variable& p) {
    const Tensor support = p.value() > 0;          // 1 inside, 0 outside: a constant
    const Variable heard = where(support, dp, 0);  // not support * dp: 0 times infinity is NaN
    const Variable mean = sum(heard, -1, keep_axis) / sum(support, -1, keep_axis);  // (…, 1)
    return Gradients{where(support, heard - mean, 0)};
  });
}

}  // namespace attune::examples
