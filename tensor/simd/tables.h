#pragma once

#include "tensor/simd/kernels.h"

// The tables that exist, one per file of its name. Which of them the machine can run is asked in kernels.cpp.

namespace attune::inline ATTUNE_PRECISION::simd {

extern const Kernels scalar_table;
#if defined(__x86_64__)
extern const Kernels sse2_table;
extern const Kernels avx2_table;
extern const Kernels avx512_table;
extern const Kernels amx_table;  // in avx512.cpp
#endif
#if defined(__aarch64__)
extern const Kernels neon_table;
#endif

}  // namespace attune::inline ATTUNE_PRECISION::simd
