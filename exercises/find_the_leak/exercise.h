// 4.3 A causal attention that sees the future: find out why, and mend it.
//
// This self-attention has a causal mask, and every shape is right. Trained to predict the next token, its
// loss falls far below what is possible: position t is told of positions behind it. The test pokes it as
// docs/attention.md does, "A test that nothing leaks". One line is wrong.
//
// Before you change anything: write the shape into each line, with H = 2, T = 4, D = 3. Then follow one
// number, head 0 of position 1, through out_of_heads.

#include "exercises/exercise.h"

using namespace attune;

// x (B, T, C) to (B, H, T, D)
inline Variable into_heads(const Variable& x, Index heads) {
  return permute(reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), {0, 2, 1, 3});
}

// x (B, H, T, D) to (B, T, C)
inline Variable out_of_heads(const Variable& x) {
  return reshape(x, {x.size(0), x.size(2), x.size(1) * x.size(3)});
}

inline Variable leaky_attention(const Variable& x, Index heads) {
  const Variable own = into_heads(x, heads);
  const Variable read = attention(own, own, own, Mask::causal());
  return out_of_heads(read);
}
