#include "tensor/indexing.h"

#include <algorithm>
#include <cstring>

#include "tensor/elementwise.h"
#include "tensor/error.h"
#include "tensor/loops.h"
#include "tensor/simd/kernels.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

// rows.sizes followed by the sizes of one row.
Shape rows_shape(const char* op, const Indices& rows, const Shape& table) {
  if (table.rank() == 0)
    fail<ShapeError>(op, ": a table with rows is wanted: ", table, ": give it a first axis");
  std::vector<Index> sizes(rows.sizes);
  sizes.insert(sizes.end(), table.begin() + 1, table.end());
  return Shape(sizes);
}

void check_rows(const char* op, const Indices& rows, Index count) {
  rows.checked(op);
  for (const std::int32_t row : rows.values)
    if (row < 0 || row >= count)
      fail<IndexError>(op, ": row ", row, " is outside a table of ", count,
                       " rows: is the id from another vocabulary?");
}

Shape positions_shape(const char* op, const Tensor& x, const Indices& positions, Index width) {
  const Shape shape(positions.checked(op).sizes);
  if (!(x.shape() == shape))
    fail<ShapeError>(op, ": one position for each row is wanted: rows ", x.shape(), " and positions ", shape);
  for (const std::int32_t position : positions.values)
    if (position < 0 || position >= width)
      fail<IndexError>(op, ": position ", position, " is outside a row of ", width, ": use 0 to ", width - 1);
  return shape;
}

// Calls body(run in the whole, run in the part, length) for the runs of `part` as it lies inside `whole`
// along an axis.
template <class Body>
void for_each_slice_run(const Shape& whole, const Shape& part, int axis, Index begin, Index step,
                        Body&& body) {
  Index inner = 1;
  for (int i = axis + 1; i < whole.rank(); ++i) inner *= whole[i];
  Index outer = 1;
  for (int i = 0; i < axis; ++i) outer *= whole[i];
  const Index count = part[axis];
  for (Index o = 0; o < outer; ++o) {
    if (step == 1) {
      body((o * whole[axis] + begin) * inner, o * count * inner, count * inner);
    } else {
      for (Index i = 0; i < count; ++i)
        body((o * whole[axis] + begin + i * step) * inner, (o * count + i) * inner, inner);
    }
  }
}

void check_slice_fits(const char* op, const Shape& whole, const Shape& part, int axis, Index begin,
                      Index step) {
  Index end = part[axis] == 0 ? begin : begin + (part[axis] - 1) * step + 1;
  Index from = begin;
  int at = axis;
  detail::check_slice(whole, at, from, end, step);
  if (!(whole.with(axis, part[axis]) == part))
    fail<ShapeError>(op, ": a slice along axis ", axis, " must have the other sizes: ", part, " into ",
                     whole);
}

}  // namespace

Tensor gather_rows(const Tensor& table, const Indices& rows) {
  const Shape shape = rows_shape("gather_rows", rows, table.checked("gather_rows").shape());
  check_rows("gather_rows", rows, table.size(0));
  const ContiguousElements from(table);
  Tensor y = Tensor::uninitialised(shape);
  Scalar* out = y.writable();
  const Index width = table.shape().with(0, 1).elements();
  const std::int32_t* row = rows.values.data();
  parallel_for(static_cast<Index>(rows.values.size()),
               std::max<Index>(1, Loop<1>::chunk / std::max<Index>(width, 1)), [&](Index begin, Index end) {
                 for (Index i = begin; i < end; ++i)
                   std::copy(from.data() + row[i] * width, from.data() + (row[i] + 1) * width,
                             out + i * width);
               });
  return y;
}

Tensor scatter_add_rows(const Tensor& x, const Indices& rows, Index row_count) {
  const int extra = x.checked("scatter_add_rows").rank() - rows.rank();
  if (extra < 0)
    fail<ShapeError>("scatter_add_rows: a row for each index is wanted: ", x.shape(), " and indices ",
                     Shape(rows.sizes));
  std::vector<Index> sizes{row_count};
  sizes.insert(sizes.end(), x.shape().end() - extra, x.shape().end());
  Tensor table = zeros(Shape(sizes));
  scatter_add_rows_in_place(table, x, rows);
  return table;
}

void scatter_add_rows_in_place(Tensor& table, const Tensor& x, const Indices& rows) {
  const Shape shape = rows_shape("scatter_add_rows", rows, table.checked("scatter_add_rows").shape());
  if (!(x.checked("scatter_add_rows").shape() == shape))
    fail<ShapeError>("scatter_add_rows: rows do not fit the table: ", x.shape(), " where ", shape,
                     " is wanted");
  check_rows("scatter_add_rows", rows, table.size(0));
  const ContiguousElements in(x);
  Scalar* out = table.writable();
  const Index width = table.shape().with(0, 1).elements();
  const std::int32_t* row = rows.values.data();
  // One after the other, in the order of the indices: the same row may be named many times. So threads share
  // the columns, not the rows.
  const Index count = static_cast<Index>(rows.values.size());
  const Index columns = std::max<Index>(64, Loop<1>::chunk / std::max<Index>(count, 1));
  const auto kernel = kernels().add_to;
  parallel_for(width, columns, [&](Index begin, Index end) {
    for (Index i = 0; i < count; ++i)
      kernel(in.data() + i * width + begin, out + row[i] * width + begin,
             static_cast<std::size_t>(end - begin));
  });
}

Tensor pick(const Tensor& x, const Indices& positions) {
  if (x.checked("pick").rank() == 0) fail<ShapeError>("pick: rows are wanted: ", x.shape());
  const Index width = x.size(-1);
  const Tensor in = contiguous(x);
  Tensor y = Tensor::uninitialised(x.shape().removed(-1));
  positions_shape("pick", y, positions, width);
  Scalar* out = y.writable();
  for (Index row = 0; row < y.elements(); ++row)
    out[row] = in.data()[row * width + positions.values[static_cast<std::size_t>(row)]];
  return y;
}

Tensor unpick(const Tensor& y, const Indices& positions, Index width) {
  const Shape shape = positions_shape("unpick", y.checked("unpick"), positions, width);
  const Tensor in = contiguous(y);
  Tensor x = zeros(shape.inserted(-1, width));
  Scalar* out = x.writable();
  for (Index row = 0; row < y.elements(); ++row)
    out[row * width + positions.values[static_cast<std::size_t>(row)]] = in.data()[row];
  return x;
}

Tensor concatenate(const std::vector<Tensor>& parts, int axis) {
  if (parts.empty()) fail<ShapeError>("concatenate: no tensors given: give at least one");
  const Shape& first = parts.front().checked("concatenate").shape();
  const int at = first.checked_axis(axis, "concatenate");
  Index total = 0;
  for (const Tensor& part : parts) {
    if (part.checked("concatenate").rank() != first.rank() ||
        !(part.shape().with(at, 0) == first.with(at, 0)))
      fail<ShapeError>("concatenate: all sizes but that of axis ", axis, " must be equal: ", first, " and ",
                       part.shape());
    total += part.size(at);
  }
  Tensor y = Tensor::uninitialised(first.with(at, total));
  Scalar* out = y.writable();
  Index begin = 0;
  for (const Tensor& part : parts) {
    const Tensor in = contiguous(part);
    for_each_slice_run(y.shape(), part.shape(), at, begin, 1, [&](Index whole, Index run, Index n) {
      std::copy(in.data() + run, in.data() + run + n, out + whole);
    });
    begin += part.size(at);
  }
  return y;
}

Tensor stack(const std::vector<Tensor>& parts, int axis) {
  if (parts.empty()) fail<ShapeError>("stack: no tensors given: give at least one");
  const Shape& first = parts.front().checked("stack").shape();
  std::vector<Tensor> wider;
  for (const Tensor& part : parts) {
    if (!(part.checked("stack").shape() == first))
      fail<ShapeError>("stack: shapes differ: ", first, " and ", part.shape(), ": stack needs equal shapes");
    wider.push_back(unsqueeze(part, axis));
  }
  return concatenate(wider, axis < 0 ? axis + first.rank() + 1 : axis);
}

std::vector<Tensor> split(const Tensor& x, Index count, int axis) {
  const int at = x.checked("split").shape().checked_axis(axis, "split");
  if (count < 1 || x.size(at) % count != 0)
    fail<ShapeError>("split: axis ", axis, " does not split into ", count, " equal parts: ", x.shape(),
                     ": give a number that divides its size");
  const Index part = x.size(at) / count;
  std::vector<Tensor> result;
  for (Index i = 0; i < count; ++i) result.push_back(slice(x, at, i * part, (i + 1) * part));
  return result;
}

Tensor embed_slice(const Tensor& x, const Shape& shape, int axis, Index begin, Index step) {
  Tensor y = zeros(shape);
  add_to_slice_in_place(y, x, axis, begin, step);
  return y;
}

void add_to_slice_in_place(Tensor& target, const Tensor& x, int axis, Index begin, Index step) {
  const int at = target.checked("add_to_slice").shape().checked_axis(axis, "add_to_slice");
  check_slice_fits("add_to_slice", target.shape(), x.checked("add_to_slice").shape(), at, begin, step);
  const ContiguousElements in(x);
  Scalar* out = target.writable();
  for_each_slice_run(target.shape(), x.shape(), at, begin, step, [&](Index whole, Index run, Index n) {
    kernels().add_to(in.data() + run, out + whole, static_cast<std::size_t>(n));
  });
}

}  // namespace attune::inline ATTUNE_PRECISION
