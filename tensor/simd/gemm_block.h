#pragma once

#include <cstdint>

#include "tensor/scalar.h"

namespace attune::inline ATTUNE_PRECISION {

/// What the matrix product asks of one instruction set: C (rows, columns) = A (rows, inner) · B (inner,
/// columns), or C += A · B, on one thread and without blocking over `inner`. How large matrices are cut is in
/// tensor/gemm.cpp.
struct GemmBlock {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t inner = 0;

  const Scalar* a = nullptr;  // A (i, k) is a[i * a_row_stride + k * a_column_stride]
  std::int64_t a_row_stride = 0;
  std::int64_t a_column_stride = 0;

  // B stands in panels, each as wide as a tile: columns [0, width), [width, 2 width), … Element (k, j) of
  // panel p is b[p * b_panel_stride + k * b_row_stride + j]. Whole vectors are read, so where the last panel
  // is not full it must be readable up to a multiple of the lanes.
  const Scalar* b = nullptr;
  std::int64_t b_row_stride = 0;
  std::int64_t b_panel_stride = 0;

  Scalar* c = nullptr;  // C (i, j) is c[i * c_row_stride + j]
  std::int64_t c_row_stride = 0;
  bool add = false;
};

}  // namespace attune::inline ATTUNE_PRECISION
