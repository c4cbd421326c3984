// 4.1 Attention for a few queries, without masks and heads.
//
//   softmax(Q Kᵀ / √D) V
//
// query is (T, D), key (S, D), value (S, E); return (T, E). Three lines: scores, weights, mixture. `matmul`,
// `transpose` and `softmax` on Tensors are in tensor/matmul.h, tensor/tensor.h and tensor/rows.h.
//
// Before you run it: write the shape at the end of each of your lines. Which axis must the softmax run over?

#include <cmath>

#include "exercises/exercise.h"

using namespace attune;

inline Tensor look_up(const Tensor& query, const Tensor& key, const Tensor& value) {
  throw Unsolved("look_up");
}
