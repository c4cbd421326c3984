#pragma once

// The one number type of the whole library, chosen when it is built.
//
// The library computes in float. The tests build the same sources a second time with double, so that
// gradients can be checked to 1e-7. Each build lives in an inline namespace of its own, f32 or f64: mixing
// the two fails to link instead of computing nonsense.

#if defined(ATTUNE_DOUBLE) && defined(ATTUNE_FLOAT)
#error \
    "attune: ATTUNE_DOUBLE is defined, but the library that this is to be linked with computes in float: leave it undefined"
#endif

#if defined(ATTUNE_DOUBLE)
#define ATTUNE_PRECISION f64
#else
#define ATTUNE_PRECISION f32
#endif

namespace attune::inline ATTUNE_PRECISION {

#if defined(ATTUNE_DOUBLE)
using Scalar = double;
#else
using Scalar = float;
#endif

}  // namespace attune::inline ATTUNE_PRECISION
