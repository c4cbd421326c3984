// The kernels for x86 processors with AVX-512 F, CD, DQ and BW. CMake compiles this file, and only this, for
// that instruction set.

#if defined(__x86_64__)

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own avx512fintrin.h initialises "undefined" registers with themselves, and warns about it.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "tensor/simd/table.h"
#include "tensor/simd/tables.h"

namespace attune::inline ATTUNE_PRECISION::simd {

constinit const Kernels avx512_table = make_table<xsimd::avx512bw>("avx512");

}  // namespace attune::inline ATTUNE_PRECISION::simd

#endif
