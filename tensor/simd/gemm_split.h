#pragma once

#include <cstdint>
#include <utility>

#include "tensor/simd/gemm.h"
#include "tensor/simd/kernels.h"

#if (defined(__AMX_BF16__) || defined(__AMXBF16__)) && !defined(ATTUNE_DOUBLE)  // GCC, Clang 14
#define ATTUNE_MATRIX_UNIT
#include <immintrin.h>
#endif

// Products of floats on a matrix unit that multiplies only bfloat16, numbers of 8 bits (Intel's AMX).
//
// A float has 24 bits, so it is the sum of three such numbers, exactly:
//
//   x = h + m + l      h = x rounded to 8 bits,   m = x − h rounded to 8 bits,   l = the rest
//
// and a product is the sum of nine, of which the three smallest may be left out:
//
//   x y ≈ h h' + h m' + m h' + h l' + m m' + l h'      left out: at most 2^−23 |x y|, as |m| ≤ 2^−8 |x|
//                                                      and |l| ≤ 2^−16 |x|; in the mean far less
//
// Each of the six is exact in the unit, which adds up 32 of them at a time in float. That makes up for it: a
// test holds the error of sums to at most that of a loop of multiply-adds.
// "Split" here always means: as h, m and l. The idea: Henry et al. 2019, "Leveraging the bfloat16 Artificial
// Intelligence Datatype For Higher-Precision Computations".
//
// What differs from multiply-adds: parts below 2^−126 count as zero, as do such results, and an infinite
// operand (or one that rounds to it, from 3.39e38 on) gives NaN where it would have given infinity.

#define ATTUNE_UNROLL _Pragma("GCC unroll 16")

namespace attune::inline ATTUNE_PRECISION::simd {

#if defined(ATTUNE_MATRIX_UNIT)

// A tile register: 16 rows of 64 bytes. Here always 16 x 16 pairs of bfloat16, or 16 x 16 floats.
inline constexpr int split_tile = 16;
inline constexpr std::int64_t split_tile_numbers = 256;  // in floats
inline constexpr std::int64_t split_tile_bytes = 64;     // from row to row

// ---- packing

/// Sixteen bits are kept, half of the last one added first: rounding to nearest. What is beyond the largest
/// number becomes infinite.
template <class Arch>
__m512i split_head(__m512i bits) {
  return _mm512_and_si512(_mm512_add_epi32(bits, _mm512_set1_epi32(0x8000)),
                          _mm512_set1_epi32(static_cast<int>(0xffff0000)));
}

/// Splits two batches and writes them as pairs, x in the lower and y in the higher half of each 32 bits:
/// their h to the first tile, their m to the second, their l to the third.
template <class Arch>
void split_store(__m512 x, __m512 y, Scalar* tile) {
  const auto pairs = [](__m512i low, __m512i high) {  // of heads, or of numbers that are no longer
    return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(low, 16), high);
  };
  const __m512i x_h = split_head<Arch>(_mm512_castps_si512(x));
  const __m512i y_h = split_head<Arch>(_mm512_castps_si512(y));
  _mm512_store_si512(tile, pairs(x_h, y_h));
  const __m512 x_rest = _mm512_sub_ps(x, _mm512_castsi512_ps(x_h));
  const __m512 y_rest = _mm512_sub_ps(y, _mm512_castsi512_ps(y_h));
  const __m512i x_m = split_head<Arch>(_mm512_castps_si512(x_rest));
  const __m512i y_m = split_head<Arch>(_mm512_castps_si512(y_rest));
  _mm512_store_si512(tile + split_tile_numbers, pairs(x_m, y_m));
  const __m512 x_l = _mm512_sub_ps(x_rest, _mm512_castsi512_ps(x_m));
  const __m512 y_l = _mm512_sub_ps(y_rest, _mm512_castsi512_ps(y_m));
  _mm512_store_si512(tile + 2 * split_tile_numbers,
                     pairs(_mm512_castps_si512(x_l), _mm512_castps_si512(y_l)));
}

/// Part of a matrix: `rows` by `lanes` numbers, of which at most 16 by 16 are looked at; the others are 0.
struct SplitSquare {
  const Scalar* data;
  std::int64_t rows, lanes;
  std::int64_t row_stride, lane_stride;

  SplitSquare below(std::int64_t count) const {
    return {data + count * row_stride, rows - count, lanes, row_stride, lane_stride};
  }
  SplitSquare beside(std::int64_t count) const {
    return {data + count * lane_stride, rows, lanes - count, row_stride, lane_stride};
  }
};

template <class Arch>
__m512 split_row(const SplitSquare& s, std::int64_t row) {
  if (row >= s.rows || s.lanes <= 0) return _mm512_setzero_ps();
  const auto lanes = s.lanes < split_tile ? static_cast<__mmask16>((1u << s.lanes) - 1u) : __mmask16(0xffff);
  return _mm512_maskz_loadu_ps(lanes, s.data + row * s.row_stride);
}

/// The rows of a square as batches, however it lies in memory.
template <class Arch>
[[gnu::always_inline]] inline void split_load(const SplitSquare& s, Batch<Arch>* rows) {
  if (s.row_stride == 1) {  // what is contiguous are the lanes' columns
    const SplitSquare turned{s.data, s.lanes, s.rows, s.lane_stride, 1};
    ATTUNE_UNROLL
    for (int i = 0; i < split_tile; ++i) rows[i] = Batch<Arch>(split_row<Arch>(turned, i));
    gemm_transpose_round<Arch, 1>(rows, std::make_integer_sequence<int, split_tile>());
    return;
  }
  for (int i = 0; i < split_tile; ++i) {
    alignas(64) Scalar buffer[split_tile] = {};
    for (int j = 0; j < split_tile; ++j)
      if (i < s.rows && j < s.lanes) buffer[j] = s.data[i * s.row_stride + j * s.lane_stride];
    rows[i] = Batch<Arch>::load_aligned(buffer);
  }
}

/// Two squares as the pairs of three tiles.
template <class Arch>
void split_squares(const SplitSquare& x, const SplitSquare& y, Scalar* tile) {
  if (x.lane_stride == 1) {
    const bool whole =
        x.lanes >= split_tile && y.lanes >= split_tile && x.rows >= split_tile && y.rows >= split_tile;
    if (whole) {
#pragma GCC unroll 4
      for (int i = 0; i < split_tile; ++i)
        split_store<Arch>(_mm512_loadu_ps(x.data + i * x.row_stride),
                          _mm512_loadu_ps(y.data + i * y.row_stride), tile + i * split_tile);
    } else {
      for (int i = 0; i < split_tile; ++i)
        split_store<Arch>(split_row<Arch>(x, i), split_row<Arch>(y, i), tile + i * split_tile);
    }
    return;
  }
  Batch<Arch> x_rows[split_tile], y_rows[split_tile];
  split_load<Arch>(x, x_rows);
  split_load<Arch>(y, y_rows);
  for (int i = 0; i < split_tile; ++i) split_store<Arch>(x_rows[i], y_rows[i], tile + i * split_tile);
}

/// Rows of A as they lie, whole chunks: each is read from its beginning to its end, and the next one asked
/// for.
template <class Arch>
void split_rows(std::int64_t lines, std::int64_t inner, const Scalar* from, std::int64_t line_stride,
                Scalar* panels) {
  const std::int64_t panel_size = inner / split_steps * split_chunk;
  for (std::int64_t line = 0; line < lines; ++line, from += line_stride) {
    Scalar* tile = panels + line / split_lines * panel_size +
                   line % split_lines / split_tile * 3 * split_tile_numbers + line % split_tile * split_tile;
    for (std::int64_t step = 0; step < inner; step += split_steps, tile += split_chunk) {
      if (line + 1 < lines) {
        __builtin_prefetch(from + line_stride + step);
        __builtin_prefetch(from + line_stride + step + split_tile);
      }
      split_store<Arch>(_mm512_loadu_ps(from + step), _mm512_loadu_ps(from + step + split_tile), tile);
    }
  }
}

/// Columns of B that stand side by side, whole chunks and tiles: rows of B are read from their beginning to
/// their end, one after the other of sixteen, and with each the one that it forms pairs with; the next chunk
/// is asked for.
template <class Arch>
void split_side_by_side(std::int64_t lines, std::int64_t inner, const Scalar* from, std::int64_t step_stride,
                        Scalar* panels) {
  const std::int64_t panel_size = inner / split_steps * split_chunk;
  for (std::int64_t step = 0; step < inner; step += split_steps, panels += split_chunk) {
    const std::int64_t next = step + split_steps < inner ? split_steps * step_stride : 0;
    for (std::int64_t row = 0; row < split_tile; ++row) {
      const Scalar* const upper = from + (step + row) * step_stride;
      const Scalar* const lower = upper + split_tile * step_stride;
      Scalar* const to = panels + row * split_tile;
      for (std::int64_t line = 0; line < lines; line += split_tile) {
        __builtin_prefetch(upper + next + line);
        __builtin_prefetch(lower + next + line);
        split_store<Arch>(
            _mm512_loadu_ps(upper + line), _mm512_loadu_ps(lower + line),
            to + line / split_lines * panel_size + line % split_lines / split_tile * 3 * split_tile_numbers);
      }
    }
  }
}

/// Asks for a later chunk, whose steps stand far from each other: the processor does not foresee that.
template <class Arch>
void split_prefetch(const Scalar* from, std::int64_t lines, std::int64_t step_stride) {
  constexpr int cache_line = 64 / sizeof(Scalar);
  for (int step = 0; step < split_steps; ++step, from += step_stride)
    for (std::int64_t line = 0; line < lines; line += cache_line) __builtin_prefetch(from + line);
}

/// Layout at SplitBlock. Panels are filled together, chunk by chunk: where the lines stand side by side,
/// whole stretches of memory are read.
template <class Arch>
void split_pack(SplitSide side, std::int64_t lines, std::int64_t inner, const Scalar* from,
                std::int64_t line_stride, std::int64_t step_stride, Scalar* panels) {
  if (side == SplitSide::a && step_stride == 1 && inner % split_steps == 0)
    return split_rows<Arch>(lines, inner, from, line_stride, panels);
  if (side == SplitSide::b && line_stride == 1 && inner % split_steps == 0 && lines % split_tile == 0)
    return split_side_by_side<Arch>(lines, inner, from, step_stride, panels);
  const std::int64_t panel_size = (inner + split_steps - 1) / split_steps * split_chunk;
  for (std::int64_t step = 0; step < inner; step += split_steps, panels += split_chunk) {
    if (line_stride == 1 && step + 3 * split_steps <= inner)
      split_prefetch<Arch>(from + (step + 2 * split_steps) * step_stride, lines, step_stride);
    for (std::int64_t first = 0; first < lines; first += split_tile) {
      const Scalar* const corner = from + first * line_stride + step * step_stride;
      Scalar* const tile = panels + first / split_lines * panel_size +
                           first % split_lines / split_tile * 3 * split_tile_numbers;
      if (side == SplitSide::a) {
        const SplitSquare square{corner, lines - first, inner - step, line_stride, step_stride};
        split_squares<Arch>(square, square.beside(split_tile), tile);
      } else {
        const SplitSquare square{corner, inner - step, lines - first, step_stride, line_stride};
        split_squares<Arch>(square, square.below(split_tile), tile);
      }
    }
  }
}

// ---- multiplying
//
// Eight tile registers: 0 to 3 the sums, C (32, 32) as 2 x 2 tiles; 4 and 5 of A; 6 and 7 of B.

/// How many rows each tile register has. Palette 1 is the only one there is.
struct alignas(64) SplitTiles {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

template <class Arch>
void split_configure(int rows) {
  SplitTiles tiles;
  const int upper = rows < split_tile ? rows : split_tile;
  const int lower = rows - upper;
  const int height[8] = {upper, upper, lower, lower, upper, lower, split_tile, split_tile};
  for (int i = 0; i < 8; ++i) {
    tiles.rows[i] = static_cast<std::uint8_t>(height[i]);
    tiles.row_bytes[i] = height[i] > 0 ? split_tile_bytes : 0;
  }
  _tile_loadconfig(&tiles);
}

template <class Arch, bool TwoRows, bool TwoColumns>
[[gnu::always_inline]] inline void split_load_a(const Scalar* part) {
  _tile_loadd(4, part, split_tile_bytes);
  if constexpr (TwoRows) _tile_loadd(5, part + 3 * split_tile_numbers, split_tile_bytes);
}
template <class Arch, bool TwoRows, bool TwoColumns>
[[gnu::always_inline]] inline void split_load_b(const Scalar* part) {
  _tile_loadd(6, part, split_tile_bytes);
  if constexpr (TwoColumns) _tile_loadd(7, part + 3 * split_tile_numbers, split_tile_bytes);
}
template <class Arch, bool TwoRows, bool TwoColumns>
[[gnu::always_inline]] inline void split_multiply() {
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (TwoColumns) _tile_dpbf16ps(1, 4, 7);
  if constexpr (TwoRows) _tile_dpbf16ps(2, 5, 6);
  if constexpr (TwoRows && TwoColumns) _tile_dpbf16ps(3, 5, 7);
}

/// The number of a tile register must stand in the text: compilers paste it into the instruction.
template <class Arch, int Tile>
[[gnu::always_inline]] inline void split_store_tile(Scalar* to, std::int64_t row_bytes) {
  if constexpr (Tile == 0) _tile_stored(0, to, row_bytes);
  if constexpr (Tile == 1) _tile_stored(1, to, row_bytes);
  if constexpr (Tile == 2) _tile_stored(2, to, row_bytes);
  if constexpr (Tile == 3) _tile_stored(3, to, row_bytes);
}

/// Writes the sums in tile register `Tile`, `rows` by `columns` of them, to a row and column of C.
template <class Arch, int Tile>
[[gnu::always_inline]] inline void split_write(const SplitBlock& block, std::int64_t row, std::int64_t column,
                                               int rows, std::int64_t columns) {
  Scalar* c = block.c + row * block.c_row_stride + column;
  if (columns >= split_tile && !block.start) {
    split_store_tile<Arch, Tile>(c, block.c_row_stride * static_cast<std::int64_t>(sizeof(Scalar)));
    return;
  }
  alignas(64) Scalar sums[split_tile_numbers];
  split_store_tile<Arch, Tile>(sums, split_tile_bytes);
  const auto count = static_cast<std::size_t>(columns);
  const Scalar* start = block.start ? block.start + row * block.start_row_stride + column : nullptr;
  for (int i = 0; i < rows; ++i, c += block.c_row_stride, start += block.start_row_stride) {
    Batch<Arch> sum = Batch<Arch>::load_aligned(sums + i * split_tile);
    if (columns >= split_tile) {
      (Batch<Arch>::load_unaligned(start) + sum).store_unaligned(c);
    } else {
      if (start) sum = load_part<Arch>(start, count, 0) + sum;
      store_part<Arch>(sum, c, count);
    }
  }
}

/// Asks for the cache lines of C while the unit multiplies, a few at a time: none, and every store would wait
/// for its own; all at once, and the loads behind them would.
struct SplitAhead {
  const Scalar* c;
  std::int64_t row_stride;
  std::int64_t rows_left, columns;

  static constexpr int times = 4;  // that `ask` is called for each 32 steps
  static int rows_at_once(std::int64_t inner) {
    const auto calls = static_cast<int>(inner > split_steps ? inner / split_steps * times : times);
    return (split_lines + calls - 1) / calls;
  }
  [[gnu::always_inline]] void ask(int rows) {
    for (; rows > 0 && rows_left > 0; --rows, --rows_left, c += row_stride) {
      __builtin_prefetch(c, 1);
      if (columns > split_tile) __builtin_prefetch(c + split_tile, 1);
    }
  }
};

/// One panel of A with one of B: C (rows, columns), at most 32 each, at a row and column of the block.
template <class Arch, bool TwoRows, bool TwoColumns>
void split_product(const SplitBlock& block, const Scalar* a, const Scalar* b, std::int64_t row,
                   std::int64_t column, int rows, std::int64_t columns) {
  _tile_zero(0);
  if constexpr (TwoColumns) _tile_zero(1);
  if constexpr (TwoRows) _tile_zero(2);
  if constexpr (TwoRows && TwoColumns) _tile_zero(3);
  constexpr std::int64_t m = split_tile_numbers, l = 2 * split_tile_numbers;
  SplitAhead ahead{block.c + row * block.c_row_stride + column, block.c_row_stride, rows, columns};
  const int at_once = ahead.rows_at_once(block.inner);
  for (std::int64_t step = 0; step < block.inner; step += split_steps) {
    split_load_a<Arch, TwoRows, TwoColumns>(a + l);
    split_load_b<Arch, TwoRows, TwoColumns>(b);
    split_multiply<Arch, TwoRows, TwoColumns>();  // l h'
    ahead.ask(at_once);
    split_load_a<Arch, TwoRows, TwoColumns>(a + m);
    split_multiply<Arch, TwoRows, TwoColumns>();  // m h'
    ahead.ask(at_once);
    split_load_b<Arch, TwoRows, TwoColumns>(b + m);
    split_multiply<Arch, TwoRows, TwoColumns>();  // m m'
    ahead.ask(at_once);
    split_load_a<Arch, TwoRows, TwoColumns>(a);
    split_multiply<Arch, TwoRows, TwoColumns>();  // h m'
    ahead.ask(at_once);
    split_load_b<Arch, TwoRows, TwoColumns>(b + l);
    split_multiply<Arch, TwoRows, TwoColumns>();  // h l'
    split_load_b<Arch, TwoRows, TwoColumns>(b);
    split_multiply<Arch, TwoRows, TwoColumns>();  // h h'
    a += split_chunk;
    b += split_chunk;
  }
  const int upper = TwoRows ? split_tile : rows;
  const std::int64_t left = TwoColumns ? split_tile : columns;
  split_write<Arch, 0>(block, row, column, upper, left);
  if constexpr (TwoColumns)
    split_write<Arch, 1>(block, row, column + split_tile, upper, columns - split_tile);
  if constexpr (TwoRows) split_write<Arch, 2>(block, row + split_tile, column, rows - split_tile, left);
  if constexpr (TwoRows && TwoColumns)
    split_write<Arch, 3>(block, row + split_tile, column + split_tile, rows - split_tile,
                         columns - split_tile);
}

/// C = start + A · B for one block. Formula and layout at SplitBlock.
template <class Arch>
void split_block(const SplitBlock& block) {
  asm volatile("" ::: "memory");  // what was packed is in memory before the unit reads it
  int configured = 0;
  const Scalar* a = block.a;
  for (std::int64_t row = 0; row < block.rows; row += split_lines, a += block.a_panel_stride) {
    const int rows = static_cast<int>(block.rows - row < split_lines ? block.rows - row : split_lines);
    if (rows != configured) split_configure<Arch>(configured = rows);
    const Scalar* b = block.b;
    for (std::int64_t column = 0; column < block.columns; column += split_lines, b += block.b_panel_stride) {
      const std::int64_t columns =
          block.columns - column < split_lines ? block.columns - column : split_lines;
      if (rows > split_tile && columns > split_tile)
        split_product<Arch, true, true>(block, a, b, row, column, rows, columns);
      if (rows > split_tile && columns <= split_tile)
        split_product<Arch, true, false>(block, a, b, row, column, rows, columns);
      if (rows <= split_tile && columns > split_tile)
        split_product<Arch, false, true>(block, a, b, row, column, rows, columns);
      if (rows <= split_tile && columns <= split_tile)
        split_product<Arch, false, false>(block, a, b, row, column, rows, columns);
    }
  }
  _tile_release();  // a thread whose tiles are in use is dearer to put aside
}

#endif

/// Adds the matrix unit to a table of kernels, where there is one and its numbers are floats.
template <class Arch>
constexpr Kernels with_matrix_unit(const char* name, Kernels kernels) {
  kernels.name = name;
#if defined(ATTUNE_MATRIX_UNIT)
  kernels.split_pack = split_pack<Arch>;
  kernels.split_block = split_block<Arch>;
#endif
  return kernels;
}

}  // namespace attune::inline ATTUNE_PRECISION::simd

#undef ATTUNE_UNROLL
