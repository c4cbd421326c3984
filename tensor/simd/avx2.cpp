// The kernels for x86 processors with AVX2 and FMA (from 2013 on). CMake compiles this file, and only this,
// for that instruction set.

#if defined(__x86_64__)

#include "tensor/simd/table.h"
#include "tensor/simd/tables.h"

namespace attune::inline ATTUNE_PRECISION::simd {

constinit const Kernels avx2_table = make_table<xsimd::fma3<xsimd::avx2>>("avx2");

}  // namespace attune::inline ATTUNE_PRECISION::simd

#endif
