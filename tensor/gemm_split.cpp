#include "tensor/gemm_split.h"

#include <algorithm>

#include "tensor/gemm_buffer.h"
#include "tensor/simd/kernels.h"
#include "tensor/thread_pool.h"

// How a product is cut for the matrix unit:
//
//   if A is small and B is not: split A, once
//   for each slice of B that fits the second-level cache
//     split it, shared by all threads
//     for each panel of 32 rows of A, on several threads
//       split it, into a buffer of the thread's own, if A was not
//       for each 128 steps of the inner axis: tiles                   simd/gemm_split.h
//
// To split a panel costs as much as to multiply it with some dozens of columns; a slice of B has hundreds.
// Rows of C are written in long stretches: narrow columns of a large C would miss the cache at each row. The
// sizes change the speed only, but for inner_block.

namespace attune::inline ATTUNE_PRECISION {
namespace {

// What fixes the bits. 32 lines and 128 steps of A and of B, 24 KiB each, just fit the nearest cache; with
// twice as many steps tiles would wait for the next one.
constexpr Index inner_block = 128;
// Split numbers, of 6 bytes each: 1 MiB of the second-level cache.
constexpr Index slice_numbers = (1 << 20) / 6;
// Numbers of a C that leaves the second-level cache: 1 MiB.
constexpr Index large_result = 1 << 18;
// Multiply-adds that are worth a thread, and numbers to split that are.
constexpr Index least_work = 1 << 19;
constexpr Index split_at_once = 1 << 13;
constexpr Index least_rows = 8;
// For the threads to share fairly; and the columns that are worth splitting a panel of A again.
constexpr Index enough_items = 4;
constexpr Index least_columns = 256;

thread_local GemmBuffer a_buffer;
thread_local GemmBuffer b_buffer;
thread_local GemmBuffer panel_buffer;

Index divide_up(Index x, Index by) {
  return (x + by - 1) / by;
}

// Lines of a side, rows of A or columns of B, from a first line and step on.
struct Lines {
  SplitSide side;
  const Scalar* data;
  Index line_stride, step_stride;

  Lines at(Index line, Index step) const {
    return {side, data + line * line_stride + step * step_stride, line_stride, step_stride};
  }
  void split(Index lines, Index steps, Scalar* to) const {
    kernels().split_pack(side, lines, steps, data, line_stride, step_stride, to);
  }
};

Index panel_size_of(Index steps) {
  return divide_up(steps, split_steps) * split_chunk;
}

// Lines split for all threads, and by all of them: panel after panel.
const Scalar* split_shared(const Lines& from, Index lines, Index steps, GemmBuffer& buffer) {
  const Index panels = divide_up(lines, split_lines);
  const Index panel_size = panel_size_of(steps);
  Scalar* const to = buffer.reserve(panels * panel_size);
  parallel_for(panels, divide_up(split_at_once, split_lines * steps), [&](Index begin, Index end) {
    const Index first = begin * split_lines;
    from.at(first, 0).split(std::min(lines, end * split_lines) - first, steps, to + begin * panel_size);
  });
  return to;
}

}  // namespace

bool worth_splitting(const GemmOperand& a, const GemmOperand& b) {
  return kernels().split_block && a.rows >= least_rows && a.columns >= split_steps &&
         b.columns >= split_lines;
}

void split_matrix(const GemmOperand& b, GemmBuffer& buffer) {
  split_shared({SplitSide::b, b.data, b.column_stride, b.row_stride}, b.columns, b.rows, buffer);
}

void split_gemm(const GemmOperand& a, const GemmOperand& b, const Scalar* split_b, const GemmResult& c,
                const GemmStart& start) {
  const Lines rows_of_a{SplitSide::a, a.data, a.row_stride, a.column_stride};
  const Lines columns_of_b{SplitSide::b, b.data, b.column_stride, b.row_stride};
  const Index whole_panel = panel_size_of(a.columns);

  // A large C should be written once: then a slice has many steps and few columns. A small one stays in the
  // cache: then it has many columns, so that A is split less often. Where C is added to anyway, half a slice
  // leaves room in the cache for what is split and for C.
  const bool c_is_large = b.columns > large_result / a.rows;
  Index slice_steps = std::min(a.columns, c_is_large ? 4 * inner_block : inner_block);
  const Index slice_columns = std::min(b.columns, slice_numbers / slice_steps / split_lines * split_lines);
  if (slice_steps < a.columns) {
    const Index fitting = slice_numbers / 2 / slice_columns / inner_block * inner_block;
    slice_steps = std::min(a.columns, std::max(inner_block, fitting));
  }

  const Index row_panels = divide_up(a.rows, split_lines);
  Index part = slice_columns;  // of a slice's columns, for a thread
  while (row_panels * divide_up(slice_columns, part) < enough_items && part > least_columns)
    part = divide_up(part / 2, split_lines) * split_lines;

  // A small A is split once for all slices.
  const bool a_is_shared = slice_columns < b.columns && a.rows * a.columns <= 2 * slice_numbers;
  const Scalar* const split_a = a_is_shared ? split_shared(rows_of_a, a.rows, a.columns, a_buffer) : nullptr;

  for (Index column = 0; column < b.columns; column += slice_columns) {
    const Index columns = std::min(slice_columns, b.columns - column);
    for (Index step = 0; step < a.columns; step += slice_steps) {
      const Index steps = std::min(slice_steps, a.columns - step);
      const Index chunks_before = step / split_steps * split_chunk;
      const Index own_panel = panel_size_of(steps);
      const Scalar* const slice = split_b
                                      ? split_b + column / split_lines * whole_panel + chunks_before
                                      : split_shared(columns_of_b.at(column, step), columns, steps, b_buffer);
      const Index slice_panel = split_b ? whole_panel : own_panel;

      const auto multiply_panel = [&](Index row, Index first) {
        SplitBlock product;
        product.rows = std::min<Index>(split_lines, a.rows - row);
        product.columns = std::min(part, columns - first);
        const Scalar* panel = nullptr;
        if (split_a) {
          panel = split_a + row / split_lines * whole_panel + chunks_before;
        } else {
          Scalar* const own = panel_buffer.reserve(own_panel);
          rows_of_a.at(row, step).split(product.rows, steps, own);
          panel = own;
        }
        product.c = c.data + row * c.row_stride + column + first;
        product.c_row_stride = c.row_stride;
        product.b_panel_stride = slice_panel;
        for (Index done = 0; done < steps; done += inner_block) {
          const Index chunks = done / split_steps * split_chunk;
          product.inner = std::min(inner_block, steps - done);
          product.a = panel + chunks;
          product.b = slice + first / split_lines * slice_panel + chunks;
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
