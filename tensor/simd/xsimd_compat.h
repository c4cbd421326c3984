#pragma once

#include <xsimd/xsimd.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "tensor/scalar.h"

// Everything that depends on the version of xsimd or on one instruction set, so that the kernels need not
// know.
//
// All functions are templates over the instruction set, here and in the kernels: each instantiation then has
// the instruction set in its name, and the linker cannot take one that was compiled for a newer machine than
// this one.

namespace attune::inline ATTUNE_PRECISION::simd {

template <class Arch>
using Batch = xsimd::batch<Scalar, Arch>;

template <class Arch>
using BatchBool = xsimd::batch_bool<Scalar, Arch>;

template <class Arch>
inline constexpr std::size_t lanes = Batch<Arch>::size;

template <class Arch>
inline constexpr bool has_avx512 = std::is_base_of_v<xsimd::avx512f, Arch>;

template <class Arch>
inline constexpr bool has_avx2 = std::is_base_of_v<xsimd::avx2, Arch> && !has_avx512<Arch>;

/// The bits of x as another type of the same size: xsimd::bitwise_cast has changed its template parameters.
template <class To, class From>
To bits_as(const From& x) {
  return __builtin_bit_cast(To, x);
}

/// The sum of the lanes: called hadd in xsimd 8, reduce_add from 9 on.
template <class Arch>
Scalar sum_of_lanes(const Batch<Arch>& x) {
#if defined(__AVX512F__)  // xsimd 8.1 takes twice as many instructions
  if constexpr (has_avx512<Arch> && sizeof(Scalar) == 4) return _mm512_reduce_add_ps(bits_as<__m512>(x));
#endif
#if XSIMD_VERSION_MAJOR < 9
  return xsimd::hadd(x);
#else
  return xsimd::reduce_add(x);
#endif
}

/// The value of the first lane.
template <class Arch>
Scalar first_lane(const Batch<Arch>& x) {
  typedef Scalar Vector __attribute__((vector_size(sizeof(Batch<Arch>))));
  return bits_as<Vector>(x)[0];
}

/// min(x, limit), NaN where x is NaN. The order of the operands matters: x86 returns the second of them if
/// either is NaN. xsimd passes them on as they come, but from 14 on the other way round, as std::min has it.
template <class Arch>
Batch<Arch> at_most(const Batch<Arch>& x, Scalar limit) {
#if XSIMD_VERSION_MAJOR < 14
  return xsimd::min(Batch<Arch>(limit), x);
#else
  return xsimd::min(x, Batch<Arch>(limit));
#endif
}

/// max(x, limit), NaN where x is NaN.
template <class Arch>
Batch<Arch> at_least(const Batch<Arch>& x, Scalar limit) {
#if XSIMD_VERSION_MAJOR < 14
  return xsimd::max(Batch<Arch>(limit), x);
#else
  return xsimd::max(x, Batch<Arch>(limit));
#endif
}

/// x / y. xsimd 8.1 estimates it for ARM and float.
template <class Arch>
Batch<Arch> quotient(const Batch<Arch>& x, const Batch<Arch>& y) {
#if defined(__aarch64__)
  if constexpr (sizeof(Scalar) == 4) return Batch<Arch>(vdivq_f32(x, y));
#endif
  return x / y;
}

/// √x. xsimd 8.1 estimates it for ARM and float, and √∞ is NaN then.
template <class Arch>
Batch<Arch> square_root(const Batch<Arch>& x) {
#if defined(__aarch64__)
  if constexpr (sizeof(Scalar) == 4) return Batch<Arch>(vsqrtq_f32(x));
#endif
  return xsimd::sqrt(x);
}

/// √x of one number: a whole batch takes several times as long.
template <class Arch>
Scalar square_root_of(Scalar x) {
#if defined(__x86_64__)
  if constexpr (sizeof(Scalar) == 4) return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(static_cast<float>(x))));
#endif
  return first_lane(square_root(Batch<Arch>(x)));
}

/// −x, with the sign of zero: xsimd 8.1 computes 0 − x for AVX-512, and that is +0 for x = +0.
template <class Arch>
Batch<Arch> negated(const Batch<Arch>& x) {
  return x ^ Batch<Arch>(Scalar(-0.0));
}

/// x, which must not be negative, with the sign of y.
template <class Arch>
Batch<Arch> with_sign_of(const Batch<Arch>& x, const Batch<Arch>& y) {
  return x | (y & Batch<Arch>(Scalar(-0.0)));
}

// ---- the rest of a run
//
// A run's last batch is read and written in part: its first `count` lanes, 0 < count < lanes. Nothing outside
// is touched, and the arithmetic in between is that of a whole batch. The other lanes read as `pad`.

template <class Arch>
Batch<Arch> load_part(const Scalar* x, std::size_t count, Scalar pad) {
#if defined(__AVX512F__)
  if constexpr (has_avx512<Arch> && sizeof(Scalar) == 4) {
    return Batch<Arch>(_mm512_mask_loadu_ps(_mm512_set1_ps(static_cast<float>(pad)),
                                            static_cast<__mmask16>((1u << count) - 1u), x));
  } else if constexpr (has_avx512<Arch>) {
    return Batch<Arch>(
        _mm512_mask_loadu_pd(_mm512_set1_pd(pad), static_cast<__mmask8>((1u << count) - 1u), x));
  }
#endif
#if defined(__AVX2__)
  if constexpr (has_avx2<Arch> && sizeof(Scalar) == 4) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
    const __m256 loaded = _mm256_maskload_ps(reinterpret_cast<const float*>(x), mask);
    return bits_as<Batch<Arch>>(
        _mm256_blendv_ps(_mm256_set1_ps(static_cast<float>(pad)), loaded, _mm256_castsi256_ps(mask)));
  }
#endif
  if constexpr (!has_avx512<Arch> && !(has_avx2<Arch> && sizeof(Scalar) == 4)) {
    alignas(Arch::alignment()) Scalar buffer[lanes<Arch>];
    Batch<Arch>(pad).store_aligned(buffer);
    for (std::size_t lane = 0; lane + 1 < lanes<Arch>; ++lane) {  // a known count: no call of memcpy
      if (lane < count) buffer[lane] = x[lane];
    }
    return Batch<Arch>::load_aligned(buffer);
  }
}

template <class Arch>
void store_part(const Batch<Arch>& x, Scalar* y, std::size_t count) {
#if defined(__AVX512F__)
  if constexpr (has_avx512<Arch> && sizeof(Scalar) == 4) {
    _mm512_mask_storeu_ps(y, static_cast<__mmask16>((1u << count) - 1u), bits_as<__m512>(x));
  } else if constexpr (has_avx512<Arch>) {
    _mm512_mask_storeu_pd(y, static_cast<__mmask8>((1u << count) - 1u), bits_as<__m512d>(x));
  }
#endif
#if defined(__AVX2__)
  if constexpr (has_avx2<Arch> && sizeof(Scalar) == 4) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
    _mm256_maskstore_ps(reinterpret_cast<float*>(y), mask, bits_as<__m256>(x));
  }
#endif
  if constexpr (!has_avx512<Arch> && !(has_avx2<Arch> && sizeof(Scalar) == 4)) {
    alignas(Arch::alignment()) Scalar buffer[lanes<Arch>];
    x.store_aligned(buffer);
    for (std::size_t lane = 0; lane + 1 < lanes<Arch>; ++lane) {
      if (lane < count) y[lane] = buffer[lane];
    }
  }
}

/// The largest lane (the smallest for Largest = false); lanes must not be NaN.
template <bool Largest, class Arch>
Scalar extreme_of_lanes(const Batch<Arch>& x) {
#if defined(__AVX512F__)
  if constexpr (has_avx512<Arch> && sizeof(Scalar) == 4) {
    return Largest ? _mm512_reduce_max_ps(bits_as<__m512>(x)) : _mm512_reduce_min_ps(bits_as<__m512>(x));
  }
#endif
  alignas(Arch::alignment()) Scalar buffer[lanes<Arch>];
  x.store_aligned(buffer);
  for (std::size_t half = lanes<Arch> / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) {
      const Scalar other = buffer[lane + half];
      if (Largest ? other > buffer[lane] : other < buffer[lane]) buffer[lane] = other;
    }
  }
  return buffer[0];
}

/// x · 2^k for a whole number k, also where the result is subnormal or infinite. AVX-512 has an instruction
/// for this. Elsewhere the power is made from the bits of a float, and in two halves, because 2^k itself may
/// be out of range. Only for float.
template <class Arch>
Batch<Arch> times_two_to_the(const Batch<Arch>& k, const Batch<Arch>& x) {
#if defined(__AVX512F__)
  if constexpr (has_avx512<Arch>)
    return Batch<Arch>(_mm512_scalef_ps(bits_as<__m512>(x), bits_as<__m512>(k)));
#endif
  if constexpr (!has_avx512<Arch>) {
    using Integers = xsimd::batch<std::int32_t, Arch>;
    const Integers whole = xsimd::to_int(k);
    const Integers first = whole >> 1;
    const Integers second = whole - first;
    const auto power = [](const Integers& exponent) {
      return bits_as<Batch<Arch>>((exponent + Integers(127)) << 23);
    };
    return x * power(first) * power(second);
  }
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
