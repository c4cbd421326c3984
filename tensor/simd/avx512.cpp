// The kernels for x86 processors with AVX-512 F, CD, DQ and BW. CMake compiles this file, and only this, for
// that instruction set.

#if defined(__x86_64__)

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own avx512fintrin.h initialises "undefined" registers with themselves, and warns about it.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "tensor/simd/gemm_split.h"
#include "tensor/simd/table.h"
#include "tensor/simd/tables.h"

namespace attune::inline ATTUNE_PRECISION::simd {

constinit const Kernels avx512_table = make_table<xsimd::avx512bw>("avx512");

// The same with Intel's matrix unit for products. Its code is in this file as well, since all else is shared:
// compilers use the unit only where it is written.
constinit const Kernels amx_table =
    with_matrix_unit<xsimd::avx512bw>("amx", make_table<xsimd::avx512bw>("amx"));

}  // namespace attune::inline ATTUNE_PRECISION::simd

#endif
