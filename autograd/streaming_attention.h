#pragma once

#include "autograd/mask.h"
#include "tensor/tensor.h"

// Attention tile by tile ("FlashAttention", Dao et al. 2022, section 3.1, after the online softmax of Milakov
// & Gimelshein 2018): scores, mask, softmax and the product with the values are done while they are in a
// cache, and the (B, H, T, S) weights are never in memory as a whole. The composed form in attention.cpp is
// its twin.

namespace attune::inline ATTUNE_PRECISION {

/// The result, and what backward needs to make any weight again: a_ts = exp(z_ts − largest_t) · inverse_t.
struct StreamedAttention {
  Tensor y;                 // (B, H, T, E), in memory (B, T, H, E): joining the heads takes no copy
  Tensor largest, inverse;  // (B, H, T): the row's largest score, and 1 / Σ_s exp(z_ts − largest_t)
};

/// query (B, H, T, D), key (B, H, S, D), value (B, H, S, E), in memory of any order; `bias` is undefined or
/// broadcasts to (B, H, T, S). A key that no query may attend to must be finite where the mask has gaps; else
/// it is never read.
StreamedAttention stream_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const Mask& mask, const Tensor& bias);

struct AttentionGradients {
  Tensor dquery, dkey, dvalue;
};
AttentionGradients stream_attention_backward(const Tensor& query, const Tensor& key, const Tensor& value,
                                             const Mask& mask, const Tensor& bias,
                                             const StreamedAttention& forward, const Tensor& dy);

}  // namespace attune::inline ATTUNE_PRECISION
