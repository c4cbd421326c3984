// 5.1 Put the frame around a sublayer: the residual connection, the norm and dropout, in both placements.
//
//   pre:  x + f(norm(x))        post:  norm(x + f(x))
//
// x is (B, T, C) and so is what f returns. The formulas leave dropout out: it falls on what the sublayer
// returns, and on nothing else. Put it in its place; it is called as `dropout(y, pass)`. Two lines.
// docs/transformer.md, "Where the norms stand".
//
// Before you run it: f gives zeros, as a sublayer whose last weights are zero does. What does each placement
// return? And what would become of x, after twelve sublayers, if dropout fell on the sum?

#include <functional>

#include "exercises/exercise.h"

using namespace attune;

using Sublayer = std::function<Variable(const Variable&)>;

inline Variable framed(const Variable& x, const nn::LayerNorm& norm, nn::NormPlacement placement,
                       const nn::Dropout& dropout, const nn::Pass& pass, const Sublayer& f) {
  throw Unsolved("framed");
}
