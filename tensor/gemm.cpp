#include "tensor/gemm.h"

#include <algorithm>

#include "tensor/error.h"
#include "tensor/gemm_buffer.h"
#include "tensor/gemm_split.h"
#include "tensor/shape.h"
#include "tensor/simd/kernels.h"
#include "tensor/thread_pool.h"

// How large matrices are cut, after Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication"
// (2008):
//
//   for each slice of B that fits a cache                         multiply()
//     pack the slice into panels, shared by all threads           pack_slice()
//     for each slice of A: pack it too, if its stride asks for it
//       for each block of C, on several threads                   multiply_block()
//         for each 256 steps of the inner axis: tiles in registers    simd/gemm.h
//
// The sizes here change the speed only. What fixes the bits is `inner_block` alone: each element of C adds up
// sums over 256 steps, in order. The inner axis is never split between threads.

namespace attune::inline ATTUNE_PRECISION {
namespace {

// Rows of a panel of B: with 64 columns 64 KiB, read from the second-level cache.
constexpr Index inner_block = 256;
// Of packed B or A: 512 KiB of the second-level cache.
constexpr Index slice_elements = 1 << 17;
// Rows of a panel of A at most. A block of C is as high as a panel, or as an equal part of one.
constexpr Index panel_rows = 48;
// Multiply-adds of a block of C: some 10 µs, far more than it takes to hand it to a thread.
constexpr Index block_work = 1 << 20;
// Below this a block is not worth a thread of its own.
constexpr Index least_work = 1 << 18;
// For the threads to share fairly.
constexpr Index enough_blocks = 8;
// Packed at once: all panels take theirs before these rows leave the cache.
constexpr Index pack_steps = 32;
// Elements to pack that are worth a thread.
constexpr Index copied_at_once = 1 << 15;

Index divide_up(Index x, Index by) {
  return (x + by - 1) / by;
}
Index round_up(Index x, Index multiple) {
  return divide_up(x, multiple) * multiple;
}

// a · b · c, or a number larger than all limits here if that is too large for exact counting.
Index work_of(Index a, Index b, Index c) {
  constexpr double most = 1e18;
  const double product = static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
  return static_cast<Index>(std::min(product, most));
}

thread_local GemmBuffer packed_a_buffer;
thread_local GemmBuffer packed_b_buffer;

// How one product is cut. It depends on sizes and strides, not on data: entries of a batch share one plan.
struct Plan {
  const Kernels* kernel = nullptr;
  Index rows = 0, columns = 0, inner = 0;  // M, N, K
  bool pack_a = false;
  bool pack_b = true;
  Index slice_rows = 0, slice_columns = 0, slice_inner = 0;
  Index panel_rows = 0;                     // of A
  Index block_rows = 0, block_columns = 0;  // of C
};

// `is_packed`: B is, all of it.
Plan make_plan(const GemmOperand& a, const GemmOperand& b, bool is_packed = false) {
  Plan plan;
  plan.kernel = &kernels();
  plan.rows = a.rows;
  plan.columns = b.columns;
  plan.inner = a.columns;
  const Index width = plan.kernel->gemm_columns;
  const Index tile_rows = std::min<Index>(plan.kernel->gemm_rows, width);

  // B need not be packed if its rows are contiguous and a whole number of vectors, and if it is read so few
  // times, or is so small, that a copy would not pay (the limits are measured).
  const Index worth_a_copy = work_of(b.rows, b.columns, 1) > 1 << 14 ? 24 : 128;
  plan.pack_b =
      is_packed || b.column_stride != 1 || b.columns % plan.kernel->lanes != 0 || a.rows > worth_a_copy;
  // The tiles read A as it is. That is slow only where neighbours along the inner axis are far apart.
  plan.pack_a = a.column_stride != 1 && work_of(a.rows, a.columns, 1) > 4096 && b.columns >= 32;

  plan.slice_columns = b.columns;
  plan.slice_inner = a.columns;
  const bool read_once = is_packed && a.rows <= panel_rows;  // nothing comes back to what a cache would hold
  if (work_of(a.columns, b.columns, 1) > slice_elements && (plan.pack_a || plan.pack_b) && !read_once) {
    const Index fitting = slice_elements / std::min(a.columns, inner_block) / width * width;
    plan.slice_columns = std::min(b.columns, std::max(width, fitting));
    const Index steps = slice_elements / round_up(plan.slice_columns, width) / inner_block * inner_block;
    plan.slice_inner = std::min(a.columns, std::max(inner_block, steps));
  }

  // Panels of A of nearly equal height. A block of C is as high as a panel and wide enough to be worth a
  // thread; if that makes too few blocks for several threads, it is an equal part of a panel.
  const Index most_rows = plan.pack_a ? std::min(panel_rows, width / tile_rows * tile_rows) : panel_rows;
  plan.panel_rows = round_up(divide_up(a.rows, divide_up(a.rows, most_rows)), tile_rows);
  plan.block_rows = plan.panel_rows;
  plan.block_columns = round_up(plan.slice_columns, width);
  const Index work = work_of(a.rows, plan.slice_columns, plan.slice_inner);
  if (work >= 2 * least_work) {
    const Index column_work = work_of(plan.panel_rows, width, plan.slice_inner);
    plan.block_columns = std::min(plan.block_columns, std::max<Index>(1, block_work / column_work) * width);
    const Index across = divide_up(plan.slice_columns, plan.block_columns);
    const Index wanted = std::min(enough_blocks, work / least_work);
    const Index tiles = plan.panel_rows / tile_rows;
    for (Index parts = 1; parts <= tiles; ++parts) {
      if (tiles % parts != 0) continue;
      plan.block_rows = plan.panel_rows / parts;
      if (divide_up(a.rows, plan.block_rows) * across >= wanted) break;
    }
    // A row or two cannot be cut: their columns are.
    while (divide_up(a.rows, plan.block_rows) * divide_up(plan.slice_columns, plan.block_columns) < wanted &&
           plan.block_columns > width)
      plan.block_columns = round_up(plan.block_columns / 2, width);
  }
  plan.slice_rows = a.rows;
  if (plan.pack_a) {
    plan.slice_rows =
        std::max<Index>(1, slice_elements / plan.slice_inner / plan.panel_rows) * plan.panel_rows;
  }
  return plan;
}

struct Range {
  Index begin = 0;
  Index end = 0;
  Index size() const { return end - begin; }
};

// A slice of a matrix, cut into panels of `panel_columns` columns. Packed, rows of a panel are as long as a
// tile is wide; one stretch of `inner_block` rows follows the other, and in it one panel the other.
Scalar* pack_slice(const Plan& plan, const GemmOperand& from, Range inner, Range columns, Index panel_columns,
                   GemmBuffer& buffer) {
  const Index width = plan.kernel->gemm_columns;
  const Index panels = divide_up(columns.size(), panel_columns);
  const Index parts = divide_up(inner.size(), pack_steps);
  Scalar* const packed = buffer.reserve(panels * width * inner.size());
  parallel_for(
      parts, std::max<Index>(1, copied_at_once / (pack_steps * columns.size())), [&](Index begin, Index end) {
        for (Index item = begin * panels; item < end * panels; ++item) {
          const Index step = item / panels * pack_steps;
          const Index panel = item % panels;
          const Index stretch = step / inner_block * inner_block;  // where it begins and how long it is
          const Index length = std::min(inner_block, inner.size() - stretch);
          const Index column = panel * panel_columns;
          plan.kernel->gemm_pack(std::min(pack_steps, inner.size() - step),
                                 static_cast<int>(std::min(panel_columns, columns.size() - column)),
                                 from.data + (inner.begin + step) * from.row_stride +
                                     (columns.begin + column) * from.column_stride,
                                 from.row_stride, from.column_stride,
                                 packed + (stretch * panels + panel * length + step - stretch) * width);
        }
      });
  return packed;
}

// What multiplies a slice of A with a slice of B: where they are, and where they begin in A and B. Packed may
// be more of B than the slice.
struct Slices {
  const Scalar* packed_a = nullptr;  // null if read in place
  const Scalar* packed_b = nullptr;
  Range packed_columns;
  Index packed_step = 0;
  Range rows, columns, inner;
  GemmStart start;
};

// C (rows, columns) = or += A (rows, inner) · B (inner, columns) for one block of the slices.
void multiply_block(const Plan& plan, const GemmOperand& a, const GemmOperand& b, const GemmResult& c,
                    const Slices& slices, Range rows, Range columns) {
  const Index width = plan.kernel->gemm_columns;
  const Index a_panels = divide_up(slices.rows.size(), plan.panel_rows);
  const Index b_panels = divide_up(slices.packed_columns.size(), width);
  GemmBlock block;
  block.rows = rows.size();
  block.columns = columns.size();
  block.c = c.data + rows.begin * c.row_stride + columns.begin;
  block.c_row_stride = c.row_stride;
  for (Index first = 0; first < slices.inner.size(); first += inner_block) {
    block.inner = std::min(inner_block, slices.inner.size() - first);
    if (plan.pack_a) {  // panels of the transpose of A
      const Index row = rows.begin - slices.rows.begin;
      block.a = slices.packed_a + (first * a_panels + row / plan.panel_rows * block.inner) * width +
                row % plan.panel_rows;
      block.a_row_stride = 1;
      block.a_column_stride = width;
    } else {
      block.a = a.data + rows.begin * a.row_stride + (slices.inner.begin + first) * a.column_stride;
      block.a_row_stride = a.row_stride;
      block.a_column_stride = a.column_stride;
    }
    if (plan.pack_b) {
      const Index panel = (columns.begin - slices.packed_columns.begin) / width;
      const Index stretch = slices.inner.begin + first - slices.packed_step;
      block.b = slices.packed_b + (stretch * b_panels + panel * block.inner) * width;
      block.b_row_stride = width;
      block.b_panel_stride = width * block.inner;
    } else {
      block.b = b.data + (slices.inner.begin + first) * b.row_stride + columns.begin;
      block.b_row_stride = b.row_stride;
      block.b_panel_stride = width;
    }
    const GemmStart start = first > 0 ? GemmStart{c.data, c.row_stride} : slices.start;
    block.start = start.at(rows.begin, columns.begin);
    block.start_row_stride = start.row_stride;
    plan.kernel->gemm_block(block);
  }
}

// One product, on as many threads as its size is worth. `packed_b` is all of B packed, or null.
void multiply(const Plan& plan, const GemmOperand& a, const GemmOperand& b, const Scalar* packed_b,
              const GemmResult& c, const GemmStart& start) {
  const auto part = [](Index begin, Index size, Index end) {
    return Range{begin, std::min(end, begin + size)};
  };
  Slices slices;
  for (Index column = 0; column < plan.columns; column += plan.slice_columns) {
    slices.columns = part(column, plan.slice_columns, plan.columns);
    for (Index step = 0; step < plan.inner; step += plan.slice_inner) {
      slices.inner = part(step, plan.slice_inner, plan.inner);
      slices.start = step > 0 ? GemmStart{c.data, c.row_stride} : start;
      if (packed_b) {
        slices.packed_b = packed_b;
        slices.packed_columns = {0, plan.columns};
      } else if (plan.pack_b) {
        slices.packed_b =
            pack_slice(plan, b, slices.inner, slices.columns, plan.kernel->gemm_columns, packed_b_buffer);
        slices.packed_columns = slices.columns;
        slices.packed_step = step;
      }
      for (Index row = 0; row < plan.rows; row += plan.slice_rows) {
        slices.rows = part(row, plan.slice_rows, plan.rows);
        if (plan.pack_a) {
          slices.packed_a =
              pack_slice(plan, a.transposed(), slices.inner, slices.rows, plan.panel_rows, packed_a_buffer);
        }
        const Index across = divide_up(slices.columns.size(), plan.block_columns);
        const Index down = divide_up(slices.rows.size(), plan.block_rows);
        parallel_for(down * across, 1, [&](Index begin, Index end) {
          for (Index item = begin; item < end; ++item) {
            multiply_block(
                plan, a, b, c, slices,
                part(row + item / across * plan.block_rows, plan.block_rows, slices.rows.end),
                part(column + item % across * plan.block_columns, plan.block_columns, slices.columns.end));
          }
        });
      }
    }
  }
}

void check_sizes(const GemmOperand& a, const GemmOperand& b) {
  if (a.columns != b.rows) {
    fail<ShapeError>("gemm: inner sizes differ: (", a.rows, ", ", a.columns, ") and (", b.rows, ", ",
                     b.columns, "): the columns of A must be as many as the rows of B");
  }
}

// The product when there is nothing to add up.
void write_start(const GemmStart& start, const GemmResult& c, Index rows, Index columns) {
  for (Index row = 0; row < rows; ++row) {
    for (Index column = 0; column < columns; ++column)
      c.data[row * c.row_stride + column] = start.data ? *start.at(row, column) : 0;
  }
}

// A product of a single block, as the entries of attention's batches are: for these even the divisions that
// cut a larger one would be felt.
void multiply_small(const Plan& plan, const GemmOperand& a, const GemmOperand& b, const GemmResult& c,
                    const GemmStart& start) {
  GemmBlock block{.rows = a.rows, .columns = b.columns, .inner = a.columns};
  block.a = a.data;
  block.a_row_stride = a.row_stride;
  block.a_column_stride = a.column_stride;
  block.b = b.data;
  block.b_row_stride = b.row_stride;
  block.b_panel_stride = plan.kernel->gemm_columns;
  if (plan.pack_b) {
    const Index width = plan.kernel->gemm_columns;
    Scalar* const packed = packed_b_buffer.reserve(round_up(b.columns, width) * b.rows);
    for (Index column = 0; column < b.columns; column += width)
      plan.kernel->gemm_pack(b.rows, static_cast<int>(std::min(width, b.columns - column)),
                             b.data + column * b.column_stride, b.row_stride, b.column_stride,
                             packed + column * b.rows);
    block.b = packed;
    block.b_row_stride = width;
    block.b_panel_stride = width * b.rows;
  }
  block.c = c.data;
  block.c_row_stride = c.row_stride;
  block.start = start.data;
  block.start_row_stride = start.row_stride;
  plan.kernel->gemm_block(block);
}

// Where an entry of a batch begins in A, B and C.
struct Position {
  Index a = 0, b = 0, c = 0;

  Position(const GemmBatchAxis* axes, int axis_count, Index entry) : axes_(axes), axis_count_(axis_count) {
    for (int axis = axis_count - 1; axis >= 0; --axis) {
      at_[axis] = entry % axes[axis].size;
      entry /= axes[axis].size;
      move(axes[axis], at_[axis]);
    }
  }
  void advance() {  // counts up, carrying into the axis before
    for (int axis = axis_count_ - 1; axis >= 0; --axis) {
      move(axes_[axis], 1);
      if (++at_[axis] < axes_[axis].size) return;
      move(axes_[axis], -at_[axis]);
      at_[axis] = 0;
    }
  }

 private:
  void move(const GemmBatchAxis& axis, Index steps) {
    a += steps * axis.a_stride;
    b += steps * axis.b_stride;
    c += steps * axis.c_stride;
  }
  const GemmBatchAxis* axes_;
  int axis_count_;
  Index at_[Shape::max_rank] = {};
};

GemmOperand moved(const GemmOperand& x, Index elements) {
  return {x.data + elements, x.rows, x.columns, x.row_stride, x.column_stride};
}

GemmStart start_of(GemmMode mode, const GemmResult& c) {
  return mode == GemmMode::add ? GemmStart{c.data, c.row_stride} : GemmStart{};
}

}  // namespace

void gemm(const GemmOperand& a, const GemmOperand& b, const GemmResult& c, GemmMode mode) {
  gemm(a, b, c, start_of(mode, c));
}

void gemm(const GemmOperand& a, const GemmOperand& b, const GemmResult& c, const GemmStart& start) {
  check_sizes(a, b);
  if (a.rows == 0 || b.columns == 0) return;
  if (a.columns == 0) return write_start(start, c, a.rows, b.columns);
  if (worth_splitting(a, b)) return split_gemm(a, b, nullptr, c, start);
  multiply(make_plan(a, b), a, b, nullptr, c, start);
}

PackedMatrix::PackedMatrix(const GemmOperand& b) : kernels_(&kernels()), source_(b) {}

bool PackedMatrix::is_of(const GemmOperand& b) const {
  return kernels_ == &kernels() && b.data == source_.data && b.rows == source_.rows &&
         b.columns == source_.columns && b.row_stride == source_.row_stride &&
         b.column_stride == source_.column_stride;
}

void gemm(const GemmOperand& a, const PackedMatrix& b, const GemmResult& c, const GemmStart& start) {
  const GemmOperand& source = b.source_;
  check_sizes(a, source);
  if (a.rows == 0 || source.columns == 0) return;
  if (a.columns == 0) return write_start(start, c, a.rows, source.columns);
  if (worth_splitting(a, source)) {
    std::call_once(b.split_once_, [&] { split_matrix(source, b.split_); });
    return split_gemm(a, source, b.split_.data(), c, start);
  }
  const Plan plan = make_plan(a, source, true);
  std::call_once(b.packed_once_, [&] {
    pack_slice(plan, source, {0, source.rows}, {0, source.columns}, plan.kernel->gemm_columns, b.packed_);
  });
  multiply(plan, a, source, b.packed_.data(), c, start);
}

void batched_gemm(const GemmOperand& a_given, const GemmOperand& b, const GemmResult& c_given,
                  const GemmBatchAxis* axes, int axis_count, GemmMode mode) {
  GemmOperand a = a_given;
  GemmResult c = c_given;
  check_sizes(a, b);

  // Entries that share B and stand below each other in A and C are just more rows.
  while (axis_count > 0) {
    const GemmBatchAxis& axis = axes[axis_count - 1];
    const bool below = axis.b_stride == 0 &&
                       (axis.size == 1 || a.rows == 1 ||
                        (axis.a_stride == a.rows * a.row_stride && axis.c_stride == a.rows * c.row_stride));
    if (!below) break;
    if (axis.size != 1 && a.rows == 1) {
      a.row_stride = axis.a_stride;
      c.row_stride = axis.c_stride;
    }
    a.rows *= axis.size;
    --axis_count;
  }
  if (axis_count == 0) return gemm(a, b, c, mode);
  Index entries = 1;
  for (int axis = 0; axis < axis_count; ++axis) entries *= axes[axis].size;
  if (entries == 0 || a.rows == 0 || b.columns == 0) return;

  const Plan plan = make_plan(a, b);
  const bool one_block = a.columns > 0 && a.columns <= inner_block && !plan.pack_a &&
                         plan.block_rows >= a.rows && plan.block_columns >= b.columns;
  const auto multiply_entries = [&](Index begin, Index end) {
    Position position(axes, axis_count, begin);
    for (Index entry = begin; entry < end; ++entry, position.advance()) {
      const GemmOperand a_entry = moved(a, position.a);
      const GemmOperand b_entry = moved(b, position.b);
      const GemmResult c_entry{c.data + position.c, c.row_stride};
      const GemmStart start = start_of(mode, c_entry);
      if (one_block) {
        multiply_small(plan, a_entry, b_entry, c_entry, start);
      } else if (a.columns == 0) {
        write_start(start, c_entry, a.rows, b.columns);
      } else {
        multiply(plan, a_entry, b_entry, nullptr, c_entry, start);
      }
    }
  };

  // Small entries are shared out between the threads, several at a time; large ones are cut themselves.
  const Index entry_work = std::max<Index>(1, work_of(a.rows, b.columns, a.columns));
  if (entry_work >= enough_blocks * least_work * 2) {
    multiply_entries(0, entries);
  } else {
    parallel_for(entries, std::max<Index>(1, least_work / entry_work), multiply_entries);
  }
}

}  // namespace attune::inline ATTUNE_PRECISION
