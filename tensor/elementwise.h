#pragma once

#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

// Element by element: y_i = f(x_i), and y = f(a, b) with broadcasting (shapes aligned at the last axis; sizes
// equal or one of them 1). All throw ShapeError where shapes do not broadcast.

Tensor operator-(const Tensor& x);
Tensor abs(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor tanh(const Tensor& x);
/// 1 / (1 + e^-x)
Tensor sigmoid(const Tensor& x);
/// The error function, 2/√π ∫₀ˣ e^(-t²) dt
Tensor erf(const Tensor& x);
/// max(x, 0)
Tensor relu(const Tensor& x);
/// x Φ(x) with the normal distribution's Φ (Hendrycks & Gimpel 2016): the exact form, not the tanh estimate
Tensor gelu(const Tensor& x);
/// x sigmoid(x) (Elfwing et al. 2018)
Tensor silu(const Tensor& x);

Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);
/// The larger and the smaller of the two; NaN if either is NaN.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
/// a^b as std::pow has it.
Tensor pow(const Tensor& a, const Tensor& b);

// Comparisons give 1 where true and 0 where false.
Tensor operator<(const Tensor& a, const Tensor& b);
Tensor operator<=(const Tensor& a, const Tensor& b);
Tensor operator>(const Tensor& a, const Tensor& b);
Tensor operator>=(const Tensor& a, const Tensor& b);
Tensor equal(const Tensor& a, const Tensor& b);
Tensor not_equal(const Tensor& a, const Tensor& b);

/// condition ≠ 0 ? a : b, all three broadcast. What is not chosen leaves no trace, NaN included.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

/// target += x, in place: both of one shape. The memory of `target` must be its own or is copied first.
void add_in_place(Tensor& target, const Tensor& x);

/// True when any element is NaN or infinite.
bool any_non_finite(const Tensor& x);
/// True when shapes and all numbers are equal.
bool same_values(const Tensor& a, const Tensor& b);

// Derivatives as one kernel each: dx given dy and the input x or the output y of the forward pass, all of one
// shape.
Tensor relu_backward(const Tensor& x, const Tensor& dy);
Tensor gelu_backward(const Tensor& x, const Tensor& dy);
Tensor silu_backward(const Tensor& x, const Tensor& dy);
Tensor tanh_backward(const Tensor& y, const Tensor& dy);
Tensor sigmoid_backward(const Tensor& y, const Tensor& dy);

}  // namespace attune::inline ATTUNE_PRECISION
