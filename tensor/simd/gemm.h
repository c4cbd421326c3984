#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "tensor/simd/gemm_block.h"
#include "tensor/simd/multiply_add.h"
#include "tensor/simd/xsimd_compat.h"

// The innermost part of the matrix product. A tile of C, a few rows by a few vectors, stays in registers
// while the inner axis is walked once; each step loads one row of B's panel and multiplies it with one number
// of A per row:
//
//   c[r][v] += a(r, k) · b(k, v)        r < Rows, v < Vectors, for k = 0, 1, …
//
// The structure around it (panels of B packed so that they are read in order, and kept in the nearest caches)
// is that of Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), sections 4
// and 5. Deviation: A is not packed for the tile, because single numbers of it are broadcast straight from
// where they stand.
//
// Each element is one chain of multiply-adds in the order of k, in tiles of every size. So it does not matter
// to a single bit in which tile an element falls.
//
// Every function here is a template over the instruction set: see README.md about symbols.

// Loops over the rows and vectors of a tile must be unrolled in full: only then can its sums be registers.
#define ATTUNE_UNROLL _Pragma("GCC unroll 16")

namespace attune::inline ATTUNE_PRECISION::simd {

template <class Arch>
struct GemmShape {
  static constexpr int lanes = static_cast<int>(simd::lanes<Arch>);
  // Vector registers: AVX-512 and 64-bit ARM have 32, the others 16.
  static constexpr int registers = has_avx512<Arch> || std::is_base_of_v<xsimd::neon, Arch> ? 32 : 16;
  static constexpr int most_vectors = registers == 32 ? 4 : 2;

  // A tile needs rows * vectors sums, a row of B and a number of A. Why 4 and 2: docs/speed.md.
  static constexpr int most_rows(int vectors) {
    const int fitting = (registers - vectors - 2) / vectors;
    return fitting < 16 ? fitting : 16;
  }
  static constexpr int rows = most_rows(most_vectors);  // of a tile of full width: 6 everywhere
  static constexpr int columns = most_vectors * lanes;  // the width of a panel of B
};

/// One tile: C (Rows, Vectors * lanes) at a row and column of the block; of its last vector only the first
/// `last_lanes` columns exist. `b` is the panel.
template <class Arch, int Rows, int Vectors>
void gemm_tile(const GemmBlock& block, std::int64_t row, std::int64_t column, const Scalar* b,
               int last_lanes) {
  constexpr int lanes = GemmShape<Arch>::lanes;
  const Scalar* a = block.a + row * block.a_row_stride;
  Scalar* c = block.c + row * block.c_row_stride + column;
  const Scalar* start = block.start ? block.start + row * block.start_row_stride + column : nullptr;
  const std::int64_t a_row = block.a_row_stride;
  const std::int64_t a_step = block.a_column_stride;
  const std::int64_t b_step = block.b_row_stride;

  // C is only touched at the end: fetch it while the sums are made.
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) __builtin_prefetch(c + r * block.c_row_stride + v * lanes, 1);
  }
  Batch<Arch> sum[Rows][Vectors];
  ATTUNE_UNROLL
  for (int r = 0; r < Rows; ++r) {
    ATTUNE_UNROLL
    for (int v = 0; v < Vectors; ++v) sum[r][v] = Batch<Arch>(Scalar(0));
  }
#pragma GCC unroll 2
  for (std::int64_t k = 0; k < block.inner; ++k) {
    Batch<Arch> b_row[Vectors];
    ATTUNE_UNROLL
    for (int v = 0; v < Vectors; ++v) b_row[v] = Batch<Arch>::load_unaligned(b + v * lanes);
    ATTUNE_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const Batch<Arch> number(a[r * a_row]);
      ATTUNE_UNROLL
      for (int v = 0; v < Vectors; ++v) sum[r][v] = multiply_add<Arch>(number, b_row[v], sum[r][v]);
    }
    a += a_step;
    b += b_step;
  }

  const std::int64_t c_step = block.c_row_stride;
  const std::int64_t start_step = block.start_row_stride;
  if (start) {
    ATTUNE_UNROLL
    for (int r = 0; r < Rows; ++r, start += start_step) {
      ATTUNE_UNROLL
      for (int v = 0; v + 1 < Vectors; ++v)
        sum[r][v] = Batch<Arch>::load_unaligned(start + v * lanes) + sum[r][v];
      const Scalar* last = start + (Vectors - 1) * lanes;
      sum[r][Vectors - 1] =
          (last_lanes == lanes ? Batch<Arch>::load_unaligned(last)
                               : load_part<Arch>(last, static_cast<std::size_t>(last_lanes), 0)) +
          sum[r][Vectors - 1];
    }
  }
  ATTUNE_UNROLL
  for (int r = 0; r < Rows; ++r, c += c_step) {
    ATTUNE_UNROLL
    for (int v = 0; v + 1 < Vectors; ++v) sum[r][v].store_unaligned(c + v * lanes);
    if (last_lanes == lanes) {
      sum[r][Vectors - 1].store_unaligned(c + (Vectors - 1) * lanes);
    } else {
      store_part<Arch>(sum[r][Vectors - 1], c + (Vectors - 1) * lanes, static_cast<std::size_t>(last_lanes));
    }
  }
}

using GemmTile = void (*)(const GemmBlock& block, std::int64_t row, std::int64_t column, const Scalar* b,
                          int last_lanes);

template <class Arch, int Vectors, int... Less>
constexpr void gemm_fill_tiles(GemmTile* tiles, std::integer_sequence<int, Less...>) {
  ((tiles[Less + 1] = gemm_tile<Arch, Less + 1, Vectors>), ...);
}

/// The tiles of `Vectors` vectors by their number of rows.
template <class Arch, int Vectors>
struct GemmTiles {
  GemmTile of_rows[GemmShape<Arch>::most_rows(Vectors) + 1] = {};
  constexpr GemmTiles() {
    gemm_fill_tiles<Arch, Vectors>(of_rows,
                                   std::make_integer_sequence<int, GemmShape<Arch>::most_rows(Vectors)>());
  }
};

/// One panel of C, `Vectors` vectors wide, cut into tiles of nearly equal height.
template <class Arch, int Vectors>
void gemm_panel(const GemmBlock& block, std::int64_t column, const Scalar* b, int last_lanes) {
  static constexpr GemmTiles<Arch, Vectors> tiles;
  constexpr int most_rows = GemmShape<Arch>::most_rows(Vectors);
  const auto all = static_cast<std::uint32_t>(block.rows);  // divided faster than 64 bits
  const std::uint32_t count = (all + most_rows - 1) / most_rows;
  const std::uint32_t height = all / count;
  const std::uint32_t taller = all % count;  // so many tiles have one row more
  std::int64_t row = 0;
  for (std::uint32_t tile = 0; tile < count; ++tile) {
    const std::uint32_t rows = height + (tile < taller ? 1 : 0);
    tiles.of_rows[rows](block, row, column, b, last_lanes);
    row += rows;
  }
}

/// C = start + A · B for one block. Formula and layout at GemmBlock.
template <class Arch>
void gemm_block(const GemmBlock& block) {
  using Shape = GemmShape<Arch>;
  if (block.rows == 0) return;
  for (std::int64_t column = 0; column < block.columns; column += Shape::columns) {
    const std::int64_t left = block.columns - column;
    const int width = left < Shape::columns ? static_cast<int>(left) : Shape::columns;
    const int vectors = (width + Shape::lanes - 1) / Shape::lanes;
    const int last_lanes = width - (vectors - 1) * Shape::lanes;
    const Scalar* b = block.b + column / Shape::columns * block.b_panel_stride;
    if (vectors == 1) gemm_panel<Arch, 1>(block, column, b, last_lanes);
    if (vectors == 2) gemm_panel<Arch, 2>(block, column, b, last_lanes);
    if constexpr (Shape::most_vectors >= 3) {
      if (vectors == 3) gemm_panel<Arch, 3>(block, column, b, last_lanes);
    }
    if constexpr (Shape::most_vectors >= 4) {
      if (vectors == 4) gemm_panel<Arch, 4>(block, column, b, last_lanes);
    }
  }
}

// One of the log2(lanes) rounds of a transposition in registers. Rows i and i + Step exchange those of their
// elements whose lane number has the bit `Step` wrong:  (a0 a1 a2 a3), (b0 b1 b2 b3)  becomes, with Step = 1,
// (a0 b0 a2 b2), (a1 b1 a3 b3).
template <class Arch, int Step, int... Lane>
void gemm_transpose_round(Batch<Arch>* rows, std::integer_sequence<int, Lane...> lane_list) {
  using Register = typename Batch<Arch>::register_type;
  constexpr int lanes = static_cast<int>(sizeof...(Lane));
  ATTUNE_UNROLL
  for (int i = 0; i < lanes; ++i) {
    if ((i & Step) != 0) continue;
    const Register low = rows[i];
    const Register high = rows[i + Step];
    rows[i] = Register(__builtin_shufflevector(low, high, ((Lane & Step) ? Lane - Step + lanes : Lane)...));
    rows[i + Step] =
        Register(__builtin_shufflevector(low, high, ((Lane & Step) ? Lane + lanes : Lane + Step)...));
  }
  if constexpr (2 * Step < lanes) gemm_transpose_round<Arch, 2 * Step>(rows, lane_list);
}

/// Packs columns [0, columns) of B (inner, columns), at most a panel wide, into a panel: row k begins at
/// panel[k * GemmShape::columns]. What is missing to a whole number of vectors is filled with zeros.
template <class Arch>
void gemm_pack(std::int64_t inner, int columns, const Scalar* b, std::int64_t row_stride,
               std::int64_t column_stride, Scalar* panel) {
  constexpr int lanes = GemmShape<Arch>::lanes;
  constexpr int width = GemmShape<Arch>::columns;

  if (column_stride == 1) {  // rows are copied
    for (std::int64_t k = 0; k < inner; ++k, b += row_stride, panel += width) {
      int j = 0;
      for (; j + lanes <= columns; j += lanes) Batch<Arch>::load_unaligned(b + j).store_unaligned(panel + j);
      if (j < columns) {
        load_part<Arch>(b + j, static_cast<std::size_t>(columns - j), 0).store_unaligned(panel + j);
      }
    }
    return;
  }
  if (row_stride == 1 &&
      inner >= lanes) {  // columns are contiguous: squares of lanes by lanes are transposed
    for (int j = 0; j < columns; j += lanes) {
      for (std::int64_t k = 0; k < inner; k += lanes) {
        const std::int64_t from = k + lanes <= inner ? k : inner - lanes;  // the last overlaps the one before
        const Scalar* const corner = b + from + j * column_stride;
        Batch<Arch> square[lanes];
        ATTUNE_UNROLL
        for (int i = 0; i < lanes; ++i) {
          square[i] = j + i < columns ? Batch<Arch>::load_unaligned(corner + i * column_stride)
                                      : Batch<Arch>(Scalar(0));
        }
        gemm_transpose_round<Arch, 1>(square, std::make_integer_sequence<int, lanes>());
        ATTUNE_UNROLL
        for (int i = 0; i < lanes; ++i) square[i].store_unaligned(panel + (from + i) * width + j);
      }
    }
    return;
  }
  const int padded = (columns + lanes - 1) / lanes * lanes;
  for (std::int64_t k = 0; k < inner; ++k, b += row_stride, panel += width) {
    for (int j = 0; j < columns; ++j) panel[j] = b[j * column_stride];
    for (int j = columns; j < padded; ++j) panel[j] = 0;
  }
}

/// Multiply-adds in as many independent chains as hide their latency, nothing else: what the processor can do
/// at most. Each of `rounds` rounds is 12 batches of them. Returns a number that depends on all.
template <class Arch>
Scalar gemm_peak(std::int64_t rounds) {
  constexpr int chains = 12;
  Batch<Arch> sum[chains];
  for (int i = 0; i < chains; ++i) sum[i] = Batch<Arch>(Scalar(i));
  const Batch<Arch> factor(Scalar(0.5));
  const Batch<Arch> term(Scalar(1));
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < chains; ++i) sum[i] = multiply_add<Arch>(sum[i], factor, term);
  }
  Batch<Arch> total = sum[0];
  for (int i = 1; i < chains; ++i) total = total + sum[i];
  return sum_of_lanes<Arch>(total);
}

}  // namespace attune::inline ATTUNE_PRECISION::simd

#undef ATTUNE_UNROLL
