// y_rc = x_rc scale_c + shift_c. Each x is in one y, each scale and shift in one y of every row:
//   dx_rc = dy_rc scale_c,   dscale_c = Σ_r dy_rc x_rc,   dshift_c = Σ_r dy_rc
// x has y's shape, so it needs no sum_to.

#include "exercises/exercise.h"

using namespace attune;

inline Variable scale_and_shift(const Variable& x, const Variable& scale, const Variable& shift) {
  return record("scale_and_shift", x.value() * scale.value() + shift.value(), {x, scale, shift},
                [x, scale, shift = shift.shape()](const Variable& dy) {
                  return Gradients{dy * scale, sum_to(dy * x, scale.shape()), sum_to(dy, shift)};
                });
}
