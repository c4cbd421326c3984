#pragma once

#include "autograd/variable.h"

namespace attune::inline ATTUNE_PRECISION {

// The differentiable twins of tensor/elementwise.h, with the same broadcasting and the same errors.

Variable operator-(const Variable& x);
/// Derivative at 0: 0.
Variable abs(const Variable& x);
Variable exp(const Variable& x);
Variable log(const Variable& x);
Variable sqrt(const Variable& x);
Variable square(const Variable& x);
Variable reciprocal(const Variable& x);
Variable tanh(const Variable& x);
Variable sigmoid(const Variable& x);
Variable erf(const Variable& x);
/// Derivative at 0: 0.
Variable relu(const Variable& x);
Variable gelu(const Variable& x);
Variable silu(const Variable& x);

Variable operator+(const Variable& a, const Variable& b);
Variable operator-(const Variable& a, const Variable& b);
Variable operator*(const Variable& a, const Variable& b);
Variable operator/(const Variable& a, const Variable& b);
/// Where the two are equal, each gets half the gradient.
Variable maximum(const Variable& a, const Variable& b);
Variable minimum(const Variable& a, const Variable& b);
/// a^b. The gradient of the exponent needs a > 0; where a = 0 it is taken as 0.
Variable pow(const Variable& a, const Variable& b);

/// condition ≠ 0 ? a : b. No gradient flows into what is not chosen, nor into the condition.
Variable where(const Tensor& condition, const Variable& a, const Variable& b);

// Comparisons have no derivative: they give tensors of 0 and 1.
Tensor operator<(const Variable& a, const Variable& b);
Tensor operator<=(const Variable& a, const Variable& b);
Tensor operator>(const Variable& a, const Variable& b);
Tensor operator>=(const Variable& a, const Variable& b);

}  // namespace attune::inline ATTUNE_PRECISION
