// In memory (B, H, T, D) holds all positions of head 0, then all positions of head 1. A reshape moves no
// number: cut into rows of C = H · D, the first row gets positions 0 and 1 of head 0, instead of position 0
// of both heads. H and T must change places first. The shape is (B, T, C) either way.

#include "exercises/exercise.h"

using namespace attune;

// x (B, T, C) to (B, H, T, D)
inline Variable into_heads(const Variable& x, Index heads) {
  return permute(reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), {0, 2, 1, 3});
}

// x (B, H, T, D) to (B, T, H, D) to (B, T, C)
inline Variable out_of_heads(const Variable& x) {
  return reshape(permute(x, {0, 2, 1, 3}), {x.size(0), x.size(2), x.size(1) * x.size(3)});
}

inline Variable leaky_attention(const Variable& x, Index heads) {
  const Variable own = into_heads(x, heads);                       // (B, H, T, D)
  const Variable read = attention(own, own, own, Mask::causal());  // (B, H, T, D)
  return out_of_heads(read);                                       // (B, T, C)
}
