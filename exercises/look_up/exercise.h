// 4.1 Attention for a few queries, with a temperature.
//
//   softmax(Q Kᵀ / (√D · temperature)) V
//
// query is (T, D), key (S, D), value (S, E). Return the answers (T, E), and for each query which key it looks
// at most, (T). `matmul`, `transpose` and `softmax` on Tensors are in tensor/matmul.h, tensor/tensor.h and
// tensor/rows.h, `argmax` is in tensor/reduce.h.
//
// Before you run it: write the shape at the end of each of your lines. Which axis must the softmax run over?
// What becomes of the weights when the temperature is very low, or very high, and which key is looked at most
// then?

#include <cmath>

#include "exercises/exercise.h"

using namespace attune;

struct LookedUp {
  Tensor answer;  // (T, E)
  Indices most;   // (T): which key each query looks at most
};

inline LookedUp look_up(const Tensor& query, const Tensor& key, const Tensor& value, Scalar temperature) {
  throw Unsolved("look_up");
}
