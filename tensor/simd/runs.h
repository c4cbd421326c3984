#pragma once

#include <cstddef>

#include "tensor/simd/multiply_add.h"
#include "tensor/simd/xsimd_compat.h"

// How every kernel walks over its runs: whole batches, then what is left over.
//
//   each<Arch>(n, [&](std::size_t i, auto extent) {
//     store(f(load<Arch>(x + i, extent)), y + i, extent);
//   });
//
// `extent` is Whole for a full batch and Part for the last one, so one lambda is both the body and the rest
// of the loop: an element's result cannot depend on where it stands.

namespace attune::inline ATTUNE_PRECISION::simd {

struct Whole {};
struct Part {
  std::size_t count;  // 0 < count < lanes
};

template <class Arch>
Batch<Arch> load(const Scalar* x, Whole, Scalar = 0) {
  return Batch<Arch>::load_unaligned(x);
}
template <class Arch>
Batch<Arch> load(const Scalar* x, Part part, Scalar pad = 0) {
  return load_part<Arch>(x, part.count, pad);
}

template <class Arch>
void store(const Batch<Arch>& x, Scalar* y, Whole) {
  x.store_unaligned(y);
}
template <class Arch>
void store(const Batch<Arch>& x, Scalar* y, Part part) {
  store_part<Arch>(x, y, part.count);
}

/// Calls body(i, extent) for every batch of n elements. Flatten: everything is inlined into the one loop.
template <class Arch, class Body>
[[gnu::flatten]] inline void each(std::size_t n, Body body) {
  std::size_t i = 0;
  for (; i + lanes<Arch> <= n; i += lanes<Arch>) body(i, Whole{});
  if (i < n) body(i, Part{n - i});
}

/// An operand that is a run of numbers.
template <class Arch>
struct Run {
  const Scalar* data;
  Scalar pad = 0;  // what the lanes behind the end of the run read as

  template <class Extent>
  Batch<Arch> at(std::size_t i, Extent extent) const {
    return load<Arch>(data + i, extent, pad);
  }
};

/// An operand that is the same number everywhere.
template <class Arch>
struct Single {
  Batch<Arch> value;

  template <class Extent>
  Batch<Arch> at(std::size_t, Extent) const {
    return value;
  }
};

/// Calls use(operand) with a Run for step 1 and a Single for step 0.
template <class Arch, class Use>
[[gnu::flatten]] inline void with_operand(const Scalar* data, int step, Use use) {
  if (step == 0) {
    use(Single<Arch>{Batch<Arch>(*data)});
  } else {
    use(Run<Arch>{data});
  }
}

/// y_i = f(operands_i …)
template <class Arch, class Function, class... Operands>
[[gnu::flatten]] inline void map(Scalar* y, std::size_t n, Function f, Operands... operands) {
  each<Arch>(n,
             [=](std::size_t i, auto extent) { store<Arch>(f(operands.at(i, extent)...), y + i, extent); });
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
