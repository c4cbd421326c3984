#pragma once

#include "autograd/mask.h"
#include "autograd/variable.h"

namespace attune::inline ATTUNE_PRECISION {

/// Scaled dot-product attention ("Attention Is All You Need", section 3.2.1):
///   Attention(Q, K, V) = softmax(Q Kᵀ / √D + bias) V
///
/// query (B, H, T, D), key (B, H, S, D), value (B, H, S, E); the result is (B, H, T, E). The axis H may be
/// missing from all three. The softmax runs over the keys that `mask` allows. A query that may attend to
/// nothing gets zeros, and zero gradients. A key that no query of its batch entry may attend to (padding),
/// and a query that may attend to nothing, leave no trace, even where they are NaN. A query in the padding
/// that may attend to keys is computed like any other: it changes nothing as long as no loss listens to it
/// and its scores are finite, but NaN in it is NaN in the gradients of those keys. `bias`, if defined, is
/// added to the scores and broadcasts to (B, H, T, S). Where `weights` is given, the softmax's values are
/// stored there, (B, H, T, S); that changes no bit of the result. Throws ShapeError when the shapes do not
/// fit.
Variable attention(const Variable& query, const Variable& key, const Variable& value, const Mask& mask = {},
                   const Variable& bias = {}, Tensor* weights = nullptr);

// `attention` takes the one of these two that is faster, by the sizes T and S alone. They give the same
// results.

/// As the formula reads: each of its steps is an operation of its own, and the weights are a tensor. For long
/// sequences these are what memory is spent on: T · S numbers for each head.
Variable composed_attention(const Variable& query, const Variable& key, const Variable& value,
                            const Mask& mask = {}, const Variable& bias = {}, Tensor* weights = nullptr);
/// Tile by tile, so that the weights are never in memory as a whole, backward neither: what is kept grows
/// with T + S, not with T · S (autograd/streaming_attention.h). Where gradients are recorded, or the bias has
/// one, the backward pass is the composed one.
Variable streaming_attention(const Variable& query, const Variable& key, const Variable& value,
                             const Mask& mask = {}, const Variable& bias = {});

/// Keys or values (B, S, D) with the rows that no query may attend to set to 0 where one of them is not
/// finite: their weight is 0, but 0 · NaN is NaN. `allowed` (B or 1, T, S), as Mask::to_tensor gives it. For
/// attention layers that compute their scores in another way; `attention` does it by itself.
Variable hide_unseen(const Variable& rows, const Tensor& allowed);

}  // namespace attune::inline ATTUNE_PRECISION
