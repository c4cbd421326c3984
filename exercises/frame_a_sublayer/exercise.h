// 5.1 Put the frame around a sublayer: the residual connection and the norm, in both placements.
//
//   pre:  x + f(norm(x))        post:  norm(x + f(x))
//
// x is (B, T, C) and so is what f returns. Two lines. docs/transformer.md, "Where the norms stand".
//
// Before you run it: f gives zeros, as a sublayer whose last weights are zero does. What does each placement
// return?

#include <functional>

#include "exercises/exercise.h"

using namespace attune;

using Sublayer = std::function<Variable(const Variable&)>;

inline Variable framed(const Variable& x, const nn::LayerNorm& norm, nn::NormPlacement placement,
                       const Sublayer& f) {
  throw Unsolved("framed");
}
