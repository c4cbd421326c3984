// 4.2 The gradients of attention, without backward.
//
// Q is (T, D), K (S, D), V (S, E), allowed (T, S): 1 where query t may attend to key s, 0 elsewhere. With
//
//   Z = Q Kᵀ / √D,   A = masked_softmax(Z, allowed),   Y = A V
//
// and dY (T, E), return dQ, dK and dV. docs/attention.md, "The gradient", derives the formulas without a
// mask. What does a mask change in them? Ask first what dz_ts is where a_ts = 0.
//
// Tensors only: masked_softmax (tensor/rows.h), matmul, transpose, and `sum` over an axis with keep_axis.

#include <cmath>

#include "exercises/exercise.h"

using namespace attune;

struct AttentionGradients {
  Tensor dQ, dK, dV;  // (T, D), (S, D), (S, E)
};

inline AttentionGradients attention_gradients(const Tensor& Q, const Tensor& K, const Tensor& V,
                                              const Tensor& allowed, const Tensor& dY) {
  throw Unsolved("attention_gradients");
}
