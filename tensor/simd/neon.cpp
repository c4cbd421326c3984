// The kernels for 64-bit ARM processors. CMake compiles this file, and only this, for that instruction set.

#if defined(__aarch64__)

#include "tensor/simd/table.h"
#include "tensor/simd/tables.h"

namespace attune::inline ATTUNE_PRECISION::simd {

constinit const Kernels neon_table = make_table<xsimd::neon64>("neon");

}  // namespace attune::inline ATTUNE_PRECISION::simd

#endif
