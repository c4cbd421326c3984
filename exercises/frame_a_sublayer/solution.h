// With an f that gives zeros, pre returns x itself and post returns norm(x): only pre has a way on which
// nothing touches x, nor its gradient.

#include <functional>

#include "exercises/exercise.h"

using namespace attune;

using Sublayer = std::function<Variable(const Variable&)>;

inline Variable framed(const Variable& x, const nn::LayerNorm& norm, nn::NormPlacement placement,
                       const Sublayer& f) {
  if (placement == nn::NormPlacement::pre) return x + f(norm(x));
  return norm(x + f(x));
}
