#pragma once

#include "autograd/variable.h"

namespace attune::inline ATTUNE_PRECISION {

// Differentiable operations on rows: along the last axis, each row by itself.

Variable softmax(const Variable& x, int axis = -1);
Variable log_softmax(const Variable& x, int axis = -1);
/// Softmax over the last axis among the positions with allowed ≠ 0 (broadcast to x's shape). The others get
/// exactly 0, whatever x holds there, and pass no gradient; a row where nothing is allowed becomes zeros.
Variable masked_softmax(const Variable& x, const Tensor& allowed);
/// The gradient of all of them by x: y ⊙ (dy - Σ_j dy_j y_j). Where y = 0, dy is not looked at.
Variable softmax_gradient(const Variable& dy, const Variable& y);

/// Layer norm (Ba et al. 2016): y = (x - mean) / √(variance + ε) ⊙ scale + shift, with the biased variance.
/// x (…, C), scale (C), shift (C).
Variable layer_norm(const Variable& x, const Variable& scale, const Variable& shift,
                    Scalar epsilon = Scalar(1e-5));
/// RMS norm (Zhang & Sennrich 2019): y = x / √(mean(x²) + ε) ⊙ scale. x (…, C), scale (C).
Variable rms_norm(const Variable& x, const Variable& scale, Scalar epsilon = Scalar(1e-5));

}  // namespace attune::inline ATTUNE_PRECISION
