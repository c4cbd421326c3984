// 4.2 The gradients of attention, without backward.
//
// Q is (B, T, D), K (B, S, D), V (B, S, E), allowed (T, S): 1 where query t may attend to key s, 0 elsewhere.
// A bias (T, S) is added to the scores: one for all entries of the batch. With
//
//   Z = Q Kᵀ / √D + bias,   A = masked_softmax(Z, allowed),   Y = A V
//
// and dY (B, T, E), return dQ, dK, dV and dbias. docs/attention.md, "The gradient", derives the first three
// without mask and bias. What does a mask change in them? Ask first what dz_ts is where a_ts = 0. And in how
// many scores was bias_ts used, with which factor?
//
// Tensors only: masked_softmax (tensor/rows.h), matmul, transpose, and `sum` over an axis (tensor/reduce.h).

#include <cmath>

#include "exercises/exercise.h"

using namespace attune;

struct AttentionGradients {
  Tensor dQ, dK, dV;  // (B, T, D), (B, S, D), (B, S, E)
  Tensor dbias;       // (T, S)
};

inline AttentionGradients attention_gradients(const Tensor& Q, const Tensor& K, const Tensor& V,
                                              const Tensor& bias, const Tensor& allowed, const Tensor& dY) {
  throw Unsolved("attention_gradients");
}
