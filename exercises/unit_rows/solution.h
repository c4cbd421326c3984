// With s held still:                 dy_i / s
// y_i = x_i / s:                     ds = Σ_i dy_i · (-x_i / s²) = -(1/s) Σ_i dy_i y_i
// s = √(Σ_j x_j²):                   ∂s/∂x_k = x_k / s = y_k, so x_k gets ds y_k = -(1/s) y_k Σ_i dy_i y_i
// together:                          dx = (dy - y Σ_i dy_i y_i) / s
//
// The sum takes from dy its part along y: a row that only grows longer does not change y.

#include "exercises/exercise.h"

using namespace attune;

inline Variable unit_rows(const Variable& x) {
  const Tensor s = sqrt(sum(square(x.value()), -1, keep_axis));
  return record("unit_rows", x.value() / s, {x}, [x](const Variable& dy, const Variable& y) {
    const Variable length = sqrt(sum(square(x), -1, keep_axis));  // recorded: it depends on x
    return Gradients{(dy - y * sum(dy * y, -1, keep_axis)) / length};
  });
}
