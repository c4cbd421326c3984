#pragma once

#include "tensor/simd/xsimd_compat.h"

namespace attune::inline ATTUNE_PRECISION::simd {

/// x · y + z, rounded once where the instruction set can (all but SSE2).
///
/// Not xsimd::fma: in version 8.1 that is a multiplication and an addition on AVX-512, and on 64-bit ARM for
/// float.
template <class Arch>
Batch<Arch> multiply_add(const Batch<Arch>& x, const Batch<Arch>& y, const Batch<Arch>& z) {
  [[maybe_unused]] constexpr bool is_float = sizeof(Scalar) == 4;
#if defined(__AVX512F__)
  if constexpr (has_avx512<Arch> && is_float) return Batch<Arch>(_mm512_fmadd_ps(x, y, z));
  if constexpr (has_avx512<Arch> && !is_float) return Batch<Arch>(_mm512_fmadd_pd(x, y, z));
#endif
#if defined(__aarch64__)
  if constexpr (is_float) return Batch<Arch>(vfmaq_f32(z, x, y));
  if constexpr (!is_float) return Batch<Arch>(vfmaq_f64(z, x, y));
#endif
  return xsimd::fma(x, y, z);
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
