// 2.2 Derive the pullback of dividing each row by its length, and write it.
//
// y_i = x_i / s with s = √(Σ_j x_j²), each row of x (…, C) by itself. The value is there.
//
// Every x of a row moves the row's s, and s moves every y of the row: as in layer norm ("Layer norm" in
// autograd/README.md), only shorter. On paper, in three steps:
//   1. x_i reaches y_i directly, with s held still: dy_i / s.
//   2. What is ds, from y_i = x_i / s?
//   3. What does x_k get through s, from s = √(Σ_j x_j²)?
// Then add up, and write the sum with y where you can. `sum(…, -1, keep_axis)` is a sum along each row.

#include "exercises/exercise.h"

using namespace attune;

inline Variable unit_rows(const Variable& x) {
  const Tensor s = sqrt(sum(square(x.value()), -1, keep_axis));
  return record("unit_rows", x.value() / s, {x},
                [x](const Variable& dy, const Variable& y) -> Gradients { throw Unsolved("unit_rows"); });
}
