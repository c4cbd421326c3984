#pragma once

#include "tensor/indices.h"
#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

// Operations along the last axis: each row by itself, in one fused kernel. For another axis, transpose before
// and after (softmax and log_softmax do that themselves).

/// y_i = exp(x_i) / Σ_j exp(x_j) along `axis`, with the maximum subtracted first so that nothing overflows.
Tensor softmax(const Tensor& x, int axis = -1);
/// log softmax(x), without ever forming the softmax, so that small probabilities keep their digits.
Tensor log_softmax(const Tensor& x, int axis = -1);
/// Softmax over the last axis among the positions with allowed ≠ 0; `allowed` broadcasts to x's shape. The
/// other positions get exactly 0 whatever x holds there, NaN included; a row where nothing is allowed becomes
/// zeros.
Tensor masked_softmax(const Tensor& x, const Tensor& allowed);
/// dx = y ⊙ (dy - Σ_j dy_j y_j): the derivative of all softmaxes over the last axis.
Tensor softmax_backward(const Tensor& y, const Tensor& dy);
/// dx = dy - exp(y) Σ_j dy_j
Tensor log_softmax_backward(const Tensor& y, const Tensor& dy);

/// Layer norm (Ba et al. 2016) over the last axis: y = (x - mean) / √(variance + ε) ⊙ scale + shift, variance
/// biased. x (…, C), scale (C), shift (C). `inverse_deviation` and `mean` (each x.shape without its last
/// axis) serve backward.
struct LayerNormResult {
  Tensor y, mean, inverse_deviation;
};
LayerNormResult layer_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, Scalar epsilon);
struct LayerNormGradients {
  Tensor dx, dscale, dshift;
};
LayerNormGradients layer_norm_backward(const Tensor& x, const Tensor& scale, const LayerNormResult& forward,
                                       const Tensor& dy);

/// RMS norm (Zhang & Sennrich 2019) over the last axis: y = x / √(mean(x²) + ε) ⊙ scale.
struct RmsNormResult {
  Tensor y, inverse_root;
};
RmsNormResult rms_norm(const Tensor& x, const Tensor& scale, Scalar epsilon);
struct RmsNormGradients {
  Tensor dx, dscale;
};
RmsNormGradients rms_norm_backward(const Tensor& x, const Tensor& scale, const RmsNormResult& forward,
                                   const Tensor& dy);

/// Cross-entropy of each row of logits (…, V) with its target class, smoothed as in Szegedy et al. 2016,
/// section 7:
///   loss = -(1 - e) log p_target - e/V Σ_j log p_j
/// `losses` and `logsumexp` have the targets' shape; a row whose target is `ignored` has loss 0.
struct CrossEntropyRows {
  Tensor losses, logsumexp;
};
CrossEntropyRows cross_entropy_rows(const Tensor& logits, const Indices& targets, Scalar smoothing,
                                    int ignored);
/// The derivative by the logits, given that of each row's loss (the targets' shape).
Tensor cross_entropy_rows_backward(const Tensor& logits, const Indices& targets, Scalar smoothing,
                                   int ignored, const Tensor& logsumexp, const Tensor& dlosses);

}  // namespace attune::inline ATTUNE_PRECISION
