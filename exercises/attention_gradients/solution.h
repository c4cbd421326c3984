// The mask changes nothing in the formulas: where it forbids, a_ts = 0, and dz_ts has the factor a_ts. In a
// row where nothing is allowed all of dZ is 0, and so are the gradients that come from it.

#include <cmath>

#include "exercises/exercise.h"

using namespace attune;

struct AttentionGradients {
  Tensor dQ, dK, dV;  // (T, D), (S, D), (S, E)
};

inline AttentionGradients attention_gradients(const Tensor& Q, const Tensor& K, const Tensor& V,
                                              const Tensor& allowed, const Tensor& dY) {
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(Q.size(-1)));        // 1 / √D
  const Tensor A = masked_softmax(matmul(Q, transpose(K)) * scale, allowed);  // (T, S)
  const Tensor dA = matmul(dY, transpose(V));                                 // (T, S)
  const Tensor dZ = A * (dA - sum(dA * A, -1, keep_axis));                    // (T, S)
  return {.dQ = matmul(dZ, K) * scale,                                        // (T, S) (S, D)
          .dK = matmul(transpose(dZ), Q) * scale,                             // (S, T) (T, D)
          .dV = matmul(transpose(A), dY)};                                    // (S, T) (T, E)
}
