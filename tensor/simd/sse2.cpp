// The kernels for every 64-bit x86 processor. CMake compiles this file, and only this, for that instruction
// set.

#if defined(__x86_64__)

#include "tensor/simd/table.h"
#include "tensor/simd/tables.h"

namespace attune::inline ATTUNE_PRECISION::simd {

constinit const Kernels sse2_table = make_table<xsimd::sse2>("sse2");

}  // namespace attune::inline ATTUNE_PRECISION::simd

#endif
