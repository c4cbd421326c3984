#pragma once

#include <cmath>
#include <limits>

#include "tensor/simd/multiply_add.h"
#include "tensor/simd/xsimd_compat.h"

// The functions of mathematics over whole batches, in float. README.md lists the measured errors.
//
// Why not xsimd's own: version 8.1 gives e^x = ∞ from 88.376 on and flushes subnormal results, and its exp
// and erf are several times slower than these. The polynomials were fitted for the smallest largest error
// (Lawson's method, weighted for relative error) and then rounded to float.
//
// In double, which is built for checking gradients and not for speed, each lane goes through the C library.

namespace attune::inline ATTUNE_PRECISION::simd {

/// c0 + c1 x + c2 x² + …, by Horner's rule.
template <class Arch>
Batch<Arch> polynomial(const Batch<Arch>&, float constant) {
  return Batch<Arch>(static_cast<Scalar>(constant));
}
template <class Arch, class... More>
Batch<Arch> polynomial(const Batch<Arch>& x, float constant, More... more) {
  return multiply_add(polynomial(x, more...), x, Batch<Arch>(static_cast<Scalar>(constant)));
}

/// f of each lane.
template <class Arch, class Function>
Batch<Arch> lane_by_lane(const Batch<Arch>& x, Function f) {
  alignas(Arch::alignment()) Scalar buffer[lanes<Arch>];
  x.store_aligned(buffer);
  for (Scalar& lane : buffer) lane = f(lane);
  return Batch<Arch>::load_aligned(buffer);
}

namespace math {  // called as math::exp(x): a plain exp(x) would find xsimd's

inline constexpr bool in_double = sizeof(Scalar) == 8;

/// e^x for −104 ≤ x ≤ 89. With x = k ln 2 + r, |r| ≤ (ln 2) / 2:
///   e^x = 2^k e^r,   e^r = 1 + r + r² P(r)
/// ln 2 is split in two, so that k times its first part is exact and r loses nothing.
template <class Arch>
Batch<Arch> exp_in_range(const Batch<Arch>& x) {
  using B = Batch<Arch>;
  const B magic(Scalar(12582912));  // 1.5 · 2^23: a float this large has no fraction, so adding it rounds
  const B k = multiply_add(x, B(Scalar(1.44269504088896341)), magic) - magic;
  B r = multiply_add(k, B(Scalar(-0.693359375)), x);
  r = multiply_add(k, B(Scalar(2.12194440054690583e-4)), r);
  const B p = polynomial(r, 0.49999994f, 0.166665196f, 0.0416684076f, 0.00836889911f, 0.0013814189f);
  return times_two_to_the(k, multiply_add(r * r, p, r) + B(Scalar(1)));
}

/// e^x: ∞ from 88.73 on, subnormal below −87.34, 0 below −103.98.
/// What is far below is set to 0, not computed: masked scores are such numbers, and processors take a hundred
/// times as long over a result that underflows.
template <class Arch>
Batch<Arch> exp(const Batch<Arch>& x) {
  if constexpr (in_double) {
    return lane_by_lane(x, [](Scalar lane) { return std::exp(lane); });
  } else {
    const Batch<Arch> zero(Scalar(0));
    const auto vanishes = x < Batch<Arch>(Scalar(-104));
    return xsimd::select(vanishes, zero, exp_in_range(xsimd::select(vanishes, zero, at_most(x, 89))));
  }
}

/// log x: −∞ at ±0, NaN below. With x = 2^k (1 + f), √½ ≤ 1 + f < √2:
///   log x = k ln 2 + f − f²/2 + f³ P(f)
template <class Arch>
Batch<Arch> log(const Batch<Arch>& x) {
  if constexpr (in_double) {
    return lane_by_lane(x, [](Scalar lane) { return std::log(lane); });
  } else {
    using B = Batch<Arch>;
    using Integers = xsimd::batch<std::int32_t, Arch>;
    constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();

    // Bring subnormal numbers into the normal range: their exponent cannot be read from their bits.
    const auto subnormal = x < B(std::numeric_limits<Scalar>::min());
    const Integers bits = bits_as<Integers>(xsimd::select(subnormal, x * B(Scalar(8388608)), x));  // 2^23

    const Integers exponent = (bits - Integers(0x3f3504f3)) >> 23;  // the bits of √½
    const B f = bits_as<B>(bits - (exponent << 23)) - B(Scalar(1));
    const B k = xsimd::to_float(exponent) - xsimd::select(subnormal, B(Scalar(23)), B(Scalar(0)));

    const B p = polynomial(f, 0.333333135f, -0.250000089f, 0.200021178f, -0.166679874f, 0.142195761f,
                           -0.124057606f, 0.118881606f, -0.116746031f, 0.0674536303f);
    const B f2 = f * f;
    B tail = multiply_add(f2 * f, p, k * B(Scalar(-2.12194440054690583e-4)));
    tail = multiply_add(f2, B(Scalar(-0.5)), tail);
    const B y = multiply_add(k, B(Scalar(0.693359375)), f + tail);

    const B special =
        xsimd::select(x == B(Scalar(0)), B(-infinity), B(std::numeric_limits<Scalar>::quiet_NaN()));
    return xsimd::select(x > B(Scalar(0)), xsimd::select(x == B(infinity), x, y), special);
  }
}

/// tanh x = 1 − 2 / (e^(2x) + 1), which loses its digits near 0; there tanh x = x + x³ P(x²).
template <class Arch>
Batch<Arch> tanh(const Batch<Arch>& x) {
  if constexpr (in_double) {
    return lane_by_lane(x, [](Scalar lane) { return std::tanh(lane); });
  } else {
    using B = Batch<Arch>;
    const B size = xsimd::abs(x);
    const B x2 = x * x;
    const B p = polynomial(x2, -0.333332777f, 0.133313313f, -0.0537300147f, 0.0206062049f, -0.00566701218f);
    const B near = multiply_add(size * x2, p, size);
    const B one(Scalar(1));
    const B far = one - quotient(B(Scalar(2)), exp_in_range(at_most(size + size, 40)) + one);
    return with_sign_of(xsimd::select(size < B(Scalar(0.625)), near, far), x);
  }
}

/// 1 / (1 + e^−x). Flushes to 0 below −88.73, where the result would be subnormal.
template <class Arch>
Batch<Arch> sigmoid(const Batch<Arch>& x) {
  const Batch<Arch> one(Scalar(1));
  return quotient(one, one + exp(negated(x)));
}

/// The error function. |x| < 0.92: erf x = x + x P(x²). Beyond: erf |x| = 1 − e^Q(|x|), where Q = log erfc is
/// smooth and need be known only as exactly as erfc is large; from 4 on the result is 1.
template <class Arch>
Batch<Arch> erf(const Batch<Arch>& x) {
  if constexpr (in_double) {
    return lane_by_lane(x, [](Scalar lane) { return std::erf(lane); });
  } else {
    using B = Batch<Arch>;
    const B size = xsimd::abs(x);
    const B p = polynomial(x * x, 0.128379151f, -0.376124829f, 0.112816848f, -0.0267617814f, 0.00498601375f,
                           -0.000595406746f);
    const B near = multiply_add(size, p, size);
    const B q = polynomial(at_most(size, 4), -0.000196250418f, -1.12767327f, -0.63718617f, -0.103928238f,
                           0.0222253334f, -0.00304282852f, 0.000195898596f);
    const B far = B(Scalar(1)) - exp_in_range(q);
    return with_sign_of(xsimd::select(size < B(Scalar(0.92)), near, far), x);
  }
}

/// Φ(x) = (1 + erf(x / √2)) / 2, the normal distribution function, to an absolute error of about 1 ULP of 1.
template <class Arch>
Batch<Arch> normal_distribution(const Batch<Arch>& x) {
  const Batch<Arch> half(Scalar(0.5));
  return multiply_add(half, erf(x * Batch<Arch>(Scalar(0.70710678118654752440))), half);
}

}  // namespace math

}  // namespace attune::inline ATTUNE_PRECISION::simd
