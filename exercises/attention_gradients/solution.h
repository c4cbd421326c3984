// The mask changes nothing in the formulas: where it forbids, a_ts = 0, and dz_ts has the factor a_ts. In a
// row where nothing is allowed all of dZ is 0, and so are the gradients that come from it.
//
// bias_ts was used in the score z_bts of every entry b, with the factor 1 (the division by √D comes before
// it): so dbias_ts = Σ_b dz_bts.

#include <cmath>

#include "exercises/exercise.h"

using namespace attune;

struct AttentionGradients {
  Tensor dQ, dK, dV;  // (B, T, D), (B, S, D), (B, S, E)
  Tensor dbias;       // (T, S)
};

inline AttentionGradients attention_gradients(const Tensor& Q, const Tensor& K, const Tensor& V,
                                              const Tensor& bias, const Tensor& allowed, const Tensor& dY) {
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(Q.size(-1)));  // 1 / √D
  const Tensor Z = matmul(Q, transpose(K)) * scale + bias;              // (B, T, S)
  const Tensor A = masked_softmax(Z, allowed);                          // (B, T, S)
  const Tensor dA = matmul(dY, transpose(V));                           // (B, T, S)
  const Tensor dZ = A * (dA - sum(dA * A, -1, keep_axis));              // (B, T, S)
  return {.dQ = matmul(dZ, K) * scale,                                  // (B, T, S) (B, S, D)
          .dK = matmul(transpose(dZ), Q) * scale,                       // (B, S, T) (B, T, D)
          .dV = matmul(transpose(A), dY),                               // (B, S, T) (B, T, E)
          .dbias = sum(dZ, 0)};                                         // (T, S)
}
