#pragma once

#include <limits>

#include "tensor/simd/batch_math.h"
#include "tensor/simd/runs.h"

// One number from a run.

namespace attune::inline ATTUNE_PRECISION::simd {

/// Several sums in one pass: add(sums, operands_i …) adds element i's part to each of sums[0 … Count − 1].
/// Four sets of accumulators keep the adders busy; the sums of blocks are added up one level higher, so that
/// the rounding error grows with the number of blocks and not with n. The order of the additions is fixed by
/// n and the number of lanes. The operands' pads must add 0 (behind the end, they are what is read).
template <class Arch, std::size_t Count, class Add, class... Operands>
[[gnu::flatten]] inline void totals(std::size_t n, Scalar (&result)[Count], Add add, Operands... operands) {
  using B = Batch<Arch>;
  constexpr std::size_t L = lanes<Arch>;
  constexpr std::size_t block = 256 * L;
  const B zero(Scalar(0));
  const auto clear = [=](B* sums) {
    for (std::size_t k = 0; k < Count; ++k) sums[k] = zero;
  };

  B sums[Count];
  clear(sums);
  std::size_t i = 0;
  while (i + 4 * L <= n) {
    const std::size_t end = n - i < block ? n : i + block;
    B s0[Count], s1[Count], s2[Count], s3[Count];
    clear(s0), clear(s1), clear(s2), clear(s3);
    for (; i + 4 * L <= end; i += 4 * L) {
      add(s0, operands.at(i, Whole{})...);
      add(s1, operands.at(i + L, Whole{})...);
      add(s2, operands.at(i + 2 * L, Whole{})...);
      add(s3, operands.at(i + 3 * L, Whole{})...);
    }
    for (std::size_t k = 0; k < Count; ++k) sums[k] += (s0[k] + s1[k]) + (s2[k] + s3[k]);
  }
  for (; i + L <= n; i += L) add(sums, operands.at(i, Whole{})...);
  if (i < n) add(sums, operands.at(i, Part{n - i})...);
  for (std::size_t k = 0; k < Count; ++k) result[k] = sum_of_lanes(sums[k]);
}

/// Σ term(operands_i …)
template <class Arch, class Term, class... Operands>
[[gnu::flatten]] inline Scalar total(std::size_t n, Term term, Operands... operands) {
  Scalar result[1];
  totals<Arch>(
      n, result, [=](Batch<Arch>* sum, auto... values) { sum[0] += term(values...); }, operands...);
  return result[0];
}

template <class Arch>
Scalar sum(const Scalar* x, std::size_t n) {
  return total<Arch>(
      n, [](Batch<Arch> v) { return v; }, Run<Arch>{x});
}

/// The squares of as many numbers as a batch of doubles holds.
template <class Arch>
xsimd::batch<double, Arch> squares_in_double(const Scalar* x) {
  using Doubles = xsimd::batch<double, Arch>;
  alignas(Arch::alignment()) double wide[Doubles::size];
  for (std::size_t lane = 0; lane < Doubles::size; ++lane) wide[lane] = static_cast<double>(x[lane]);
  const Doubles v = Doubles::load_aligned(wide);  // compilers keep it in a register
  return v * v;
}

template <class Arch>
[[gnu::flatten]] inline double sum_of_squares(const Scalar* x, std::size_t n) {
  using Doubles = xsimd::batch<double, Arch>;
  constexpr std::size_t side_by_side = 32, L = Doubles::size;
  Doubles parts[side_by_side / L];
  for (Doubles& part : parts) part = Doubles(0.0);
  std::size_t i = 0;
  for (; i + side_by_side <= n; i += side_by_side)
    for (std::size_t k = 0; k < side_by_side / L; ++k) parts[k] += squares_in_double<Arch>(x + i + k * L);
  alignas(Arch::alignment()) double sums[side_by_side];
  for (std::size_t k = 0; k < side_by_side / L; ++k) parts[k].store_aligned(sums + k * L);
  for (std::size_t k = 0; i < n; ++i, ++k) sums[k] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  for (std::size_t half = side_by_side / 2; half > 0; half /= 2)
    for (std::size_t k = 0; k < half; ++k) sums[k] += sums[k + half];
  return sums[0];
}

template <class Arch>
Scalar dot(const Scalar* a, const Scalar* b, std::size_t n) {
  return total<Arch>(
      n, [](Batch<Arch> u, Batch<Arch> v) { return u * v; }, Run<Arch>{a}, Run<Arch>{b});
}

/// What extreme() does with a NaN: return it, or whatever it likes.
enum class NanIs { returned, not_looked_for };

/// The largest (smallest) element. The processor's maximum may drop a NaN, so NaN is looked for on the side,
/// unless the caller finds it later by itself. The operand's pad must be −∞ (+∞).
template <bool Largest, class Arch, NanIs Nan = NanIs::returned, class Operand>
[[gnu::flatten]] inline Scalar extreme(std::size_t n, Operand operand) {
  using B = Batch<Arch>;
  constexpr std::size_t L = lanes<Arch>;
  const Scalar infinity = std::numeric_limits<Scalar>::infinity();
  const B none(Largest ? -infinity : infinity);
  const auto better = [](const B& u, const B& v) { return Largest ? xsimd::max(u, v) : xsimd::min(u, v); };

  B best0 = none, best1 = none, best2 = none, best3 = none;
  BatchBool<Arch> nan0 = xsimd::isnan(none), nan1 = nan0;
  const auto look = [&](const B& v, B& best, BatchBool<Arch>& nan) {
    best = better(best, v);
    if constexpr (Nan == NanIs::returned) nan = nan | xsimd::isnan(v);
  };
  std::size_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
    look(operand.at(i, Whole{}), best0, nan0);
    look(operand.at(i + L, Whole{}), best1, nan1);
    look(operand.at(i + 2 * L, Whole{}), best2, nan0);
    look(operand.at(i + 3 * L, Whole{}), best3, nan1);
  }
  for (; i + L <= n; i += L) look(operand.at(i, Whole{}), best0, nan0);
  if (i < n) look(operand.at(i, Part{n - i}), best1, nan1);
  if constexpr (Nan == NanIs::returned)
    if (xsimd::any(nan0 | nan1)) return std::numeric_limits<Scalar>::quiet_NaN();
  return extreme_of_lanes<Largest, Arch>(better(better(best0, best1), better(best2, best3)));
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
