#pragma once

#include "autograd/variable.h"
#include "tensor/reduce.h"

namespace attune::inline ATTUNE_PRECISION {

// The differentiable twins of tensor/reduce.h.

Variable sum(const Variable& x, const Axes& axes = {}, KeepAxis keep = drop_axis);
Variable mean(const Variable& x, const Axes& axes = {}, KeepAxis keep = drop_axis);
/// The biased variance.
Variable variance(const Variable& x, const Axes& axes = {}, KeepAxis keep = drop_axis);
/// Where several numbers are largest, they share the gradient equally.
Variable max(const Variable& x, const Axes& axes = {}, KeepAxis keep = drop_axis);
Variable min(const Variable& x, const Axes& axes = {}, KeepAxis keep = drop_axis);
/// The reverse of broadcasting, to `shape`.
Variable sum_to(const Variable& x, const Shape& shape);

}  // namespace attune::inline ATTUNE_PRECISION
