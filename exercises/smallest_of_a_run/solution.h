// The lanes behind the rest read as +∞, which is never the smallest; with 0 there, a run of positive numbers
// would have 0 for its smallest. But 0 · ∞ is NaN, so what looks for NaN must not see the padding: it is
// summed up from a second buffer, padded with 0. The kernel of the library asks xsimd::isnan instead, which
// batches of xsimd have: `extreme` in tensor/simd/reductions.h.

#include "exercises/exercise.h"

using namespace attune;

template <class B>
Scalar smallest(const Scalar* x, std::size_t n) {
  const B zero(Scalar(0));
  B best(std::numeric_limits<Scalar>::infinity());
  B zero_or_nan = zero;
  const auto look = [&](const B& v) { best = min(best, v); };
  std::size_t i = 0;
  for (; i + B::size <= n; i += B::size) {
    const B v = B::load_unaligned(x + i);
    look(v);
    zero_or_nan = zero_or_nan + v * zero;
  }
  Scalar rest[B::size], clean[B::size];
  for (std::size_t lane = 0; lane < B::size; ++lane) {
    rest[lane] = i + lane < n ? x[i + lane] : std::numeric_limits<Scalar>::infinity();
    clean[lane] = i + lane < n ? x[i + lane] : Scalar(0);
  }
  look(B::load_unaligned(rest));
  zero_or_nan = zero_or_nan + B::load_unaligned(clean) * zero;

  // The lanes, one after the other: once for a whole run.
  best.store_unaligned(rest);
  zero_or_nan.store_unaligned(clean);
  Scalar result = std::numeric_limits<Scalar>::infinity();
  for (const Scalar lane : rest) result = lane < result ? lane : result;
  for (const Scalar lane : clean) result += lane;  // 0, or NaN
  return result;
}
