#pragma once

#include <cstdint>

#include "tensor/scalar.h"

namespace attune::inline ATTUNE_PRECISION {

/// What the matrix product asks of one instruction set: C (rows, columns) = start + A (rows, inner) · B
/// (inner, columns), on one thread and without blocking over `inner`. How large matrices are cut is in
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
  // What the product is added to, element (i, j) is start[i * start_row_stride + j]: C itself, a row that all
  // share (stride 0), or nothing (null).
  const Scalar* start = nullptr;
  std::int64_t start_row_stride = 0;
};

// ---- products of split numbers (gemm_split.h)

inline constexpr int split_lines = 32;  // rows of A, or columns of B, in a panel
inline constexpr int split_steps = 32;  // of the inner axis in a chunk of a panel
// Scalars in a chunk: 32 x 32 numbers of three times two bytes.
inline constexpr std::int64_t split_chunk = 1536;

enum class SplitSide { a, b };

/// The same product, of operands that were packed by split_pack. Both stand in panels of 32 lines, rows of A
/// or columns of B, and a panel in chunks of 32 steps of the inner axis, each `split_chunk` long; what is
/// missing to whole chunks is 0. A chunk is six tiles of 16 x 16 pairs of bfloat16, and h, m and l of its
/// first 16 lines stand before those of the others. A pair is what belongs to steps p and p + 16; in tiles of
/// A a row is a line, in those of B a row is a p.
struct SplitBlock {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t inner = 0;

  const Scalar* a = nullptr;
  std::int64_t a_panel_stride = 0;
  const Scalar* b = nullptr;
  std::int64_t b_panel_stride = 0;

  Scalar* c = nullptr;  // C (i, j) is c[i * c_row_stride + j]
  std::int64_t c_row_stride = 0;
  // What the product is added to, element (i, j) is start[i * start_row_stride + j]: C itself, a row that all
  // share (stride 0), or nothing (null).
  const Scalar* start = nullptr;
  std::int64_t start_row_stride = 0;
};

}  // namespace attune::inline ATTUNE_PRECISION
