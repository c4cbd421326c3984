// 2.1 Write the pullback of an operation whose operands are broadcast.
//
// y = x ⊙ scale + shift, with x (…, C), scale (C) and shift (C): every row of x is multiplied by the same
// numbers, and the same numbers are added to it. The value is there. Return the gradients of x, scale and
// shift, in this order, from dy, which has y's shape.
//
// Write the three formulas as a comment first. Each gradient must have its operand's shape: `sum_to(gradient,
// shape)` (autograd/reduce.h). Use operations on Variables, not on their value(), so that gradients of
// gradients work.

#include "exercises/exercise.h"

using namespace attune;

inline Variable scale_and_shift(const Variable& x, const Variable& scale, const Variable& shift) {
  return record("scale_and_shift", x.value() * scale.value() + shift.value(), {x, scale, shift},
                [x, scale, shift](const Variable& dy) -> Gradients { throw Unsolved("scale_and_shift"); });
}
