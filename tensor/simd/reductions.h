#pragma once

#include <limits>

#include "tensor/simd/batch_math.h"
#include "tensor/simd/runs.h"

// One number from a run.

namespace attune::inline ATTUNE_PRECISION::simd {

/// Σ term(operands_i …). Four accumulators keep the adders busy; the sums of blocks are added up one level
/// higher, so that the rounding error grows with the number of blocks and not with n. The order of the
/// additions is fixed by n and the number of lanes. The operands' pads must make term 0 (behind the end, they
/// are what is read).
template <class Arch, class Term, class... Operands>
[[gnu::flatten]] inline Scalar total(std::size_t n, Term term, Operands... operands) {
  using B = Batch<Arch>;
  constexpr std::size_t L = lanes<Arch>;
  constexpr std::size_t block = 256 * L;
  const B zero(Scalar(0));

  B sum = zero;
  std::size_t i = 0;
  while (i + 4 * L <= n) {
    const std::size_t end = n - i < block ? n : i + block;
    B s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    for (; i + 4 * L <= end; i += 4 * L) {
      s0 += term(operands.at(i, Whole{})...);
      s1 += term(operands.at(i + L, Whole{})...);
      s2 += term(operands.at(i + 2 * L, Whole{})...);
      s3 += term(operands.at(i + 3 * L, Whole{})...);
    }
    sum += (s0 + s1) + (s2 + s3);
  }
  for (; i + L <= n; i += L) sum += term(operands.at(i, Whole{})...);
  if (i < n) sum += term(operands.at(i, Part{n - i})...);
  return sum_of_lanes(sum);
}

template <class Arch>
Scalar sum(const Scalar* x, std::size_t n) {
  return total<Arch>(
      n, [](Batch<Arch> v) { return v; }, Run<Arch>{x});
}

template <class Arch>
Scalar sum_of_squares(const Scalar* x, std::size_t n) {
  return total<Arch>(
      n, [](Batch<Arch> v) { return v * v; }, Run<Arch>{x});
}

template <class Arch>
Scalar dot(const Scalar* a, const Scalar* b, std::size_t n) {
  return total<Arch>(
      n, [](Batch<Arch> u, Batch<Arch> v) { return u * v; }, Run<Arch>{a}, Run<Arch>{b});
}

template <class Arch>
Scalar sum_of_squared_deviations(const Scalar* x, Scalar mean, std::size_t n) {
  const Batch<Arch> centre(mean);
  const auto term = [=](Batch<Arch> v) {
    const Batch<Arch> deviation = v - centre;
    return deviation * deviation;
  };
  return total<Arch>(n, term, Run<Arch>{x, mean});
}

/// The largest (smallest) element; NaN if there is one. The processor's maximum may drop a NaN, so NaN is
/// looked for on the side. The operand's pad must be −∞ (+∞).
template <bool Largest, class Arch, class Operand>
[[gnu::flatten]] inline Scalar extreme(std::size_t n, Operand operand) {
  using B = Batch<Arch>;
  constexpr std::size_t L = lanes<Arch>;
  const Scalar infinity = std::numeric_limits<Scalar>::infinity();
  const B none(Largest ? -infinity : infinity);
  const auto better = [](const B& u, const B& v) { return Largest ? xsimd::max(u, v) : xsimd::min(u, v); };

  B best0 = none, best1 = none;
  BatchBool<Arch> nan0 = xsimd::isnan(none), nan1 = nan0;
  const auto look = [&](const B& v, B& best, BatchBool<Arch>& nan) {
    best = better(best, v);
    nan = nan | xsimd::isnan(v);
  };
  std::size_t i = 0;
  for (; i + 2 * L <= n; i += 2 * L) {
    look(operand.at(i, Whole{}), best0, nan0);
    look(operand.at(i + L, Whole{}), best1, nan1);
  }
  if (i + L <= n) {
    look(operand.at(i, Whole{}), best0, nan0);
    i += L;
  }
  if (i < n) look(operand.at(i, Part{n - i}), best1, nan1);
  if (xsimd::any(nan0 | nan1)) return std::numeric_limits<Scalar>::quiet_NaN();
  return extreme_of_lanes<Largest, Arch>(better(best0, best1));
}

template <class Arch>
Scalar max(const Scalar* x, std::size_t n) {
  return extreme<true, Arch>(n, Run<Arch>{x, -std::numeric_limits<Scalar>::infinity()});
}

template <class Arch>
Scalar min(const Scalar* x, std::size_t n) {
  return extreme<false, Arch>(n, Run<Arch>{x, std::numeric_limits<Scalar>::infinity()});
}

/// 0 · x is 0, but NaN for x = ±∞ or NaN, and a sum that has met NaN stays NaN.
template <class Arch>
bool any_non_finite(const Scalar* x, std::size_t n) {
  const Scalar zero = total<Arch>(
      n, [](Batch<Arch> v) { return v * Batch<Arch>(Scalar(0)); }, Run<Arch>{x});
  return zero != zero;
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
