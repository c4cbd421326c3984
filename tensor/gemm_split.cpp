#include "tensor/gemm_split.h"

#include <algorithm>

#include "tensor/gemm_buffer.h"
#include "tensor/simd/kernels.h"
#include "tensor/thread_pool.h"

// How a product is cut for the matrix unit:
//
//   for each slice of B that fits the second-level cache
//     split it, shared by all threads
//     for each panel of 32 rows of A, on several threads
//       split it, into a buffer of the thread's own
//       for each 256 steps of the inner axis: tiles                   simd/gemm_split.h
//
// To split a panel costs about as much as to multiply it with 30 columns, and a slice of B has hundreds. Rows
// of C are written in long stretches: narrow columns of a large C would miss the cache at each row.
// The sizes change the speed only, but for inner_block.

namespace attune::inline ATTUNE_PRECISION {
namespace {

// As in gemm.cpp: what fixes the bits.
constexpr Index inner_block = 256;
// Split numbers, of 6 bytes each: 1 MiB of the second-level cache.
constexpr Index slice_numbers = (1 << 20) / 6;
// Multiply-adds that are worth a thread, and numbers to split that are.
constexpr Index least_work = 1 << 19;
constexpr Index split_at_once = 1 << 13;
constexpr Index least_rows = 8;
// For the threads to share fairly; and the columns that are worth splitting a panel of A again.
constexpr Index enough_items = 4;
constexpr Index least_columns = 256;

thread_local GemmBuffer slice_buffer;
thread_local GemmBuffer panel_buffer;

Index divide_up(Index x, Index by) {
  return (x + by - 1) / by;
}

// A slice of B, shared out to the threads: panel after panel.
const Scalar* split_slice(const GemmOperand& b, Index column, Index columns, Index step, Index steps,
                          GemmBuffer& buffer) {
  const Index panels = divide_up(columns, split_lines);
  const Index panel_size = divide_up(steps, split_steps) * split_chunk;
  Scalar* const to = buffer.reserve(panels * panel_size);
  parallel_for(panels, divide_up(split_at_once, split_lines * steps), [&](Index begin, Index end) {
    const Index first = begin * split_lines;
    kernels().split_pack(SplitSide::b, std::min(columns, end * split_lines) - first, steps,
                         b.data + (column + first) * b.column_stride + step * b.row_stride, b.column_stride,
                         b.row_stride, to + begin * panel_size);
  });
  return to;
}

}  // namespace

bool worth_splitting(const GemmOperand& a, const GemmOperand& b) {
  return kernels().split_block && a.rows >= least_rows && a.columns >= split_steps &&
         b.columns >= split_lines;
}

void split_matrix(const GemmOperand& b, GemmBuffer& buffer) {
  split_slice(b, 0, b.columns, 0, b.rows, buffer);
}

void split_gemm(const GemmOperand& a, const GemmOperand& b, const Scalar* split_b, const GemmResult& c,
                const GemmStart& start) {
  const Index block = std::min(a.columns, inner_block);
  const Index slice_columns = std::min(b.columns, slice_numbers / block / split_lines * split_lines);
  const Index slice_steps =
      std::min(a.columns, std::max(block, slice_numbers / slice_columns / inner_block * inner_block));

  const Index row_panels = divide_up(a.rows, split_lines);
  Index part = slice_columns;  // of a slice's columns, for a thread
  while (row_panels * divide_up(slice_columns, part) < enough_items && part > least_columns)
    part = divide_up(part / 2, split_lines) * split_lines;

  for (Index column = 0; column < b.columns; column += slice_columns) {
    const Index columns = std::min(slice_columns, b.columns - column);
    for (Index step = 0; step < a.columns; step += slice_steps) {
      const Index steps = std::min(slice_steps, a.columns - step);
      const Index panel_size = divide_up(steps, split_steps) * split_chunk;
      const Index slice_panel_size = split_b ? divide_up(a.columns, split_steps) * split_chunk : panel_size;
      const Scalar* const slice =
          split_b ? split_b + column / split_lines * slice_panel_size + step / split_steps * split_chunk
                  : split_slice(b, column, columns, step, steps, slice_buffer);

      const auto multiply_panel = [&](Index row, Index first) {
        SplitBlock product;
        product.rows = std::min<Index>(split_lines, a.rows - row);
        product.columns = std::min(part, columns - first);
        Scalar* const panel = panel_buffer.reserve(panel_size);
        kernels().split_pack(SplitSide::a, product.rows, steps,
                             a.data + row * a.row_stride + step * a.column_stride, a.row_stride,
                             a.column_stride, panel);
        product.c = c.data + row * c.row_stride + column + first;
        product.c_row_stride = c.row_stride;
        product.a_panel_stride = panel_size;
        product.b_panel_stride = slice_panel_size;
        for (Index done = 0; done < steps; done += inner_block) {
          product.inner = std::min(inner_block, steps - done);
          product.a = panel + done / split_steps * split_chunk;
          product.b = slice + first / split_lines * slice_panel_size + done / split_steps * split_chunk;
          const GemmStart from = step + done > 0 ? GemmStart{c.data, c.row_stride} : start;
          product.start = from.at(row, column + first);
          product.start_row_stride = from.row_stride;
          kernels().split_block(product);
        }
      };
      const Index parts = divide_up(columns, part);
      parallel_for(row_panels * parts, divide_up(least_work, split_lines * std::min(part, columns) * steps),
                   [&](Index begin, Index end) {
                     for (Index item = begin; item < end; ++item)
                       multiply_panel(item / parts * split_lines, item % parts * part);
                   });
    }
  }
}

}  // namespace attune::inline ATTUNE_PRECISION
