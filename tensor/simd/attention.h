#pragma once

#include <utility>

#include "tensor/simd/rows.h"

// What attention does to one row of a tile of scores: autograd/streaming_attention.cpp.

namespace attune::inline ATTUNE_PRECISION::simd {

template <class Arch>
[[gnu::flatten]] inline Scalar exp_minus(const Scalar* x, Scalar shift, Scalar* y, std::size_t n) {
  Batch<Arch> sum(Scalar(0));
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const Batch<Arch> e = math::exp(load<Arch>(x + i, extent, minus_infinity) - Batch<Arch>(shift));
    store<Arch>(e, y + i, extent);
    sum += e;
  });
  return sum_of_lanes(sum);
}

/// Where a = 0, da is not looked at, as in softmax_backward.
template <class Arch>
[[gnu::flatten]] inline void attention_backward(Scalar largest, Scalar inverse, const Scalar* common,
                                                Scalar* z, Scalar* da, std::size_t n) {
  using B = Batch<Arch>;
  const B shift(largest), factor(inverse), zero(Scalar(0));
  B sum = zero;
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const B a = math::exp(load<Arch>(z + i, extent, minus_infinity) - shift) * factor;
    store<Arch>(a, z + i, extent);
    sum += xsimd::select(a == zero, zero, a * load<Arch>(da + i, extent));
  });
  const B of_row(common ? *common : sum_of_lanes(sum));
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const B a = load<Arch>(z + i, extent);
    store<Arch>(xsimd::select(a == zero, zero, a * (load<Arch>(da + i, extent) - of_row)), da + i, extent);
  });
}

// One of the log2(lanes) rounds that add up `2 Step` batches, each to a single number: rows i and i + Step
// become one, which holds sums of row i in the lanes without the bit `Step`, and of row i + Step in the
// others.
template <class Arch, int Step, int... Lane>
[[gnu::always_inline]] inline void sum_round(Batch<Arch>* rows,
                                             std::integer_sequence<int, Lane...> lane_list) {
  using Register = typename Batch<Arch>::register_type;
  constexpr int lanes = static_cast<int>(sizeof...(Lane));
  for (int i = 0; i < Step; ++i) {
    const Register low = rows[i];
    const Register high = rows[i + Step];
    const Batch<Arch> own(
        Register(__builtin_shufflevector(low, high, ((Lane & Step) ? Lane + lanes : Lane)...)));
    const Batch<Arch> other(
        Register(__builtin_shufflevector(low, high, ((Lane & Step) ? Lane - Step + lanes : Lane + Step)...)));
    rows[i] = own + other;
  }
  if constexpr (Step > 1) sum_round<Arch, Step / 2>(rows, lane_list);
}

/// As many rows at a time as there are lanes: their sums become one batch.
template <class Arch>
[[gnu::flatten]] inline void dot_rows(const Scalar* a, const Scalar* rows, std::int64_t stride,
                                      std::size_t count, Scalar* y, std::size_t n) {
  constexpr std::size_t L = lanes<Arch>;
  for (std::size_t first = 0; first < count; first += L) {
    const std::size_t group = count - first < L ? count - first : L;
    Batch<Arch> sums[L];
    for (std::size_t r = 0; r < L; ++r) sums[r] = Batch<Arch>(Scalar(0));
    each<Arch>(n, [&](std::size_t i, auto extent) {
      const Batch<Arch> part = load<Arch>(a + i, extent);
      for (std::size_t r = 0; r < group; ++r)
        sums[r] = multiply_add<Arch>(
            part, load<Arch>(rows + static_cast<std::int64_t>(first + r) * stride + i, extent), sums[r]);
    });
    if constexpr (L > 1)
      sum_round<Arch, static_cast<int>(L / 2)>(sums, std::make_integer_sequence<int, static_cast<int>(L)>());
    if (group == L) {
      sums[0].store_unaligned(y + first);
    } else {
      store_part<Arch>(sums[0], y + first, group);
    }
  }
}

/// Four sums at a time, as an addition has to wait for the one before it.
template <class Arch>
[[gnu::flatten]] inline void sum_rows(const Scalar* weights, const Scalar* rows, std::int64_t stride,
                                      std::size_t count, Scalar* y, std::size_t n) {
  using B = Batch<Arch>;
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const auto row = [&](std::size_t r) {
      return load<Arch>(rows + static_cast<std::int64_t>(r) * stride + i, extent);
    };
    B s0 = load<Arch>(y + i, extent), s1(Scalar(0)), s2(Scalar(0)), s3(Scalar(0));
    std::size_t r = 0;
    for (; r + 4 <= count; r += 4) {
      s0 = multiply_add<Arch>(B(weights[r]), row(r), s0);
      s1 = multiply_add<Arch>(B(weights[r + 1]), row(r + 1), s1);
      s2 = multiply_add<Arch>(B(weights[r + 2]), row(r + 2), s2);
      s3 = multiply_add<Arch>(B(weights[r + 3]), row(r + 3), s3);
    }
    for (; r < count; ++r) s0 = multiply_add<Arch>(B(weights[r]), row(r), s0);
    store<Arch>((s0 + s1) + (s2 + s3), y + i, extent);
  });
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
