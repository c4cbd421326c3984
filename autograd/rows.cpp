#include "autograd/rows.h"

#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "autograd/views.h"
#include "tensor/rows.h"

// The forward pass of each is one kernel, and so is the derivative; where the derivative is itself to be
// differentiated, the same formula is written out in recorded operations. A test holds the two equal.

namespace attune::inline ATTUNE_PRECISION {

// dx = y ⊙ (dy - Σ_j dy_j y_j)
// Where y = 0 (a forbidden place, or one that underflowed) dy is not looked at: NaN or infinity there would
// make 0 · dy NaN, and with it the whole row. The kernel does the same.
Variable softmax_gradient(const Variable& dy, const Variable& y) {
  if (!recording()) return softmax_backward(y.value(), dy.value());
  const Variable heard = where(equal(y.value(), 0), 0, dy);
  return y * (heard - sum(heard * y, -1, keep_axis));
}

// y_i = exp(x_i) / Σ_j exp(x_j),   dx = y ⊙ (dy - Σ_j dy_j y_j)
// A derivation: ∂y_i/∂x_k = y_i ([i = k] - y_k); summed against dy, that is the line above.
Variable softmax(const Variable& x, int axis) {
  const int at = x.value().checked("softmax").shape().checked_axis(axis, "softmax");
  if (at != x.rank() - 1) return transpose(softmax(transpose(x, at, -1)), at, -1);
  return record("softmax", softmax(x.value()), {x},
                [](const Variable& dy, const Variable& y) { return Gradients{softmax_gradient(dy, y)}; });
}

// y = x - log Σ_j exp(x_j),   dx = dy - exp(y) Σ_j dy_j        as ∂y_i/∂x_k = [i = k] - exp(y_k)
Variable log_softmax(const Variable& x, int axis) {
  const int at = x.value().checked("log_softmax").shape().checked_axis(axis, "log_softmax");
  if (at != x.rank() - 1) return transpose(log_softmax(transpose(x, at, -1)), at, -1);
  return record("log_softmax", log_softmax(x.value()), {x}, [](const Variable& dy, const Variable& y) {
    if (!recording()) return Gradients{Variable(log_softmax_backward(y.value(), dy.value()))};
    return Gradients{dy - exp(y) * sum(dy, -1, keep_axis)};
  });
}

// As softmax: where nothing is allowed y is 0, and so is dx.
Variable masked_softmax(const Variable& x, const Tensor& allowed) {
  return record("masked_softmax", masked_softmax(x.value(), allowed), {x},
                [](const Variable& dy, const Variable& y) { return Gradients{softmax_gradient(dy, y)}; });
}

// With x̂ = (x - mean) / σ, σ = √(variance + ε), and g = dy ⊙ scale:
//   dx = (g - mean(g) - x̂ mean(g x̂)) / σ,   dscale = Σ_rows dy ⊙ x̂,   dshift = Σ_rows dy
// The two means in dx are there because every x of the row moves the row's mean and its variance. In short,
// with d = x - mean(x), so that x̂ = d / σ and σ² = mean(d²) + ε:
//
//   σ divides every d                dσ = Σ_i g_i (-d_i / σ²) = -(C/σ) mean(g x̂)
//   and depends on each              ∂σ/∂d = d / (C σ) = x̂ / C
//   so d moves x̂ in two ways         dd = g / σ + dσ x̂ / C = (g - x̂ mean(g x̂)) / σ
//   x moves its own d and the mean   dx = dd - mean(dd), where mean(dd) = mean(g) / σ, as mean(x̂) = 0
//
// Step by step: "Layer norm" in README.md. The fused form is layer_norm_backward in tensor/simd/rows.h.
Variable layer_norm(const Variable& x, const Variable& scale, const Variable& shift, Scalar epsilon) {
  LayerNormResult forward = layer_norm(x.value(), scale.value(), shift.value(), epsilon);
  Tensor y = std::move(forward.y);
  return record(
      "layer_norm", std::move(y), {x, scale, shift}, [x, scale, epsilon, forward](const Variable& dy) {
        if (!recording() || x.elements() == 0) {  // rows of no numbers have no mean
          const LayerNormGradients fused = layer_norm_backward(x.value(), scale.value(), forward, dy.value());
          return Gradients{Variable(fused.dx), Variable(fused.dscale), Variable(fused.dshift)};
        }
        const Variable centred = x - mean(x, -1, keep_axis);
        const Variable deviation = sqrt(mean(square(centred), -1, keep_axis) + epsilon);
        const Variable normed = centred / deviation;
        const Variable g = dy * scale;
        const Variable dx =
            (g - mean(g, -1, keep_axis) - normed * mean(g * normed, -1, keep_axis)) / deviation;
        return Gradients{dx, sum_to(dy * normed, scale.shape()), sum_to(dy, scale.shape())};
      });
}

// With r = √(mean(x²) + ε), x̂ = x / r and g = dy ⊙ scale:
//   dx = (g - x̂ mean(g x̂)) / r,   dscale = Σ_rows dy ⊙ x̂
Variable rms_norm(const Variable& x, const Variable& scale, Scalar epsilon) {
  RmsNormResult forward = rms_norm(x.value(), scale.value(), epsilon);
  Tensor y = std::move(forward.y);
  return record("rms_norm", std::move(y), {x, scale}, [x, scale, epsilon, forward](const Variable& dy) {
    if (!recording() || x.elements() == 0) {
      const RmsNormGradients fused = rms_norm_backward(x.value(), scale.value(), forward, dy.value());
      return Gradients{Variable(fused.dx), Variable(fused.dscale)};
    }
    const Variable root = sqrt(mean(square(x), -1, keep_axis) + epsilon);
    const Variable normed = x / root;
    const Variable g = dy * scale;
    const Variable dx = (g - normed * mean(g * normed, -1, keep_axis)) / root;
    return Gradients{dx, sum_to(dy * normed, scale.shape())};
  });
}

}  // namespace attune::inline ATTUNE_PRECISION
