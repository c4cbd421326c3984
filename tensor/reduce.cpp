#include "tensor/reduce.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "tensor/elementwise.h"
#include "tensor/error.h"
#include "tensor/loops.h"
#include "tensor/simd/kernels.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

// How one kind of reduction works on runs: a whole run to one number, and a run joined into an accumulator.
struct Reducer {
  const char* op;
  Scalar start;
  Kernels::Reduction run;                                             // one number from a run
  void (*join)(const Scalar* x, Scalar* accumulator, std::size_t n);  // accumulator_i ∘= x_i
  Scalar (*combine)(Scalar a, Scalar b);
};

// Sums this long or longer are cut into blocks whose results are then joined: rounding errors grow with the
// length of a block instead of that of the whole, and blocks can go to different threads.
constexpr Index block = 128;
constexpr Index long_run = 65536;

Reducer sum_reducer() {
  return {"sum", 0, kernels().sum, kernels().add_to, [](Scalar a, Scalar b) { return a + b; }};
}
Reducer max_reducer() {
  return {"max", -std::numeric_limits<Scalar>::infinity(), kernels().max,
          [](const Scalar* x, Scalar* y, std::size_t n) { kernels().maximum(x, 1, y, 1, y, n); },
          [](Scalar a, Scalar b) { return a > b || a != a ? a : b; }};
}
Reducer min_reducer() {
  return {"min", std::numeric_limits<Scalar>::infinity(), kernels().min,
          [](const Scalar* x, Scalar* y, std::size_t n) { kernels().minimum(x, 1, y, 1, y, n); },
          [](Scalar a, Scalar b) { return a < b || a != a ? a : b; }};
}

Scalar reduce_run(const Reducer& reducer, const Scalar* x, Index n) {
  Scalar result = reducer.start;
  for (Index at = 0; at < n; at += long_run)
    result =
        reducer.combine(result, reducer.run(x + at, static_cast<std::size_t>(std::min(long_run, n - at))));
  return result;
}

// `x` has its kept axes in front and its reduced axes behind; `rows` kept positions, `columns` reduced ones;
// contiguous.
void reduce_rows(const Reducer& reducer, const Scalar* x, Index rows, Index columns, Scalar* out) {
  if (rows == 1) {  // one long row: its parts in parallel, joined in order
    out[0] = parallel_reduce(
        columns, long_run, reducer.start,
        [&](Index begin, Index end) { return reducer.run(x + begin, static_cast<std::size_t>(end - begin)); },
        reducer.combine);
    return;
  }
  parallel_for(rows, std::max<Index>(1, Loop<1>::chunk / std::max<Index>(columns, 1)),
               [&](Index begin, Index end) {
                 for (Index row = begin; row < end; ++row)
                   out[row] = reduce_run(reducer, x + row * columns, columns);
               });
}

constexpr Index strip = 512;  // columns handled at once, so that accumulators stay in the nearest cache

// Joins `width` neighbouring columns over all rows into `to`: in blocks, blocks of blocks, and so on.
void join_rows(const Reducer& reducer, const Scalar* from, Index rows, Index columns, std::size_t width,
               Scalar* to) {
  kernels().fill(reducer.start, to, width);
  if (rows <= block) {
    for (Index row = 0; row < rows; ++row) reducer.join(from + row * columns, to, width);
    return;
  }
  Index part = block;
  while (part * block < rows) part *= block;
  Scalar partial[strip];
  for (Index row = 0; row < rows; row += part) {
    join_rows(reducer, from + row * columns, std::min(part, rows - row), columns, width, partial);
    reducer.join(partial, to, width);
  }
}

// `x` is (outer, rows, columns), contiguous; the middle is reduced: out is (outer, columns).
void reduce_middle(const Reducer& reducer, const Scalar* x, Index outer, Index rows, Index columns,
                   Scalar* out) {
  const Index strips = (columns + strip - 1) / strip;
  const Index work = std::max<Index>(1, rows * std::min(columns, strip));
  parallel_for(outer * strips, std::max<Index>(1, Loop<1>::chunk / work), [&](Index begin, Index end) {
    for (Index item = begin; item < end; ++item) {
      const Index first = item % strips * strip;
      join_rows(reducer, x + item / strips * rows * columns + first, rows, columns,
                static_cast<std::size_t>(std::min(strip, columns - first)),
                out + item / strips * columns + first);
    }
  });
}

Tensor reduce(const Reducer& reducer, const Tensor& x, const Axes& axes, KeepAxis keep) {
  bool reduced[Shape::max_rank] = {};
  axes.resolve(reducer.op, x.checked(reducer.op).shape(), reduced);
  Tensor y = Tensor::uninitialised(reduced_shape(reducer.op, x.shape(), axes, keep));
  if (y.elements() == 0) return y;
  Scalar* out = y.writable();

  // Bring the operand to (outer, reduced, inner): reduced axes that are neighbours make one middle. Where
  // they are scattered, they move behind the kept ones first.
  int first = 0;
  int last = x.rank();
  while (first < last && !reduced[first]) ++first;
  while (last > first && !reduced[last - 1]) --last;
  const bool together = std::all_of(reduced + first, reduced + last, [](bool is) { return is; });
  Tensor operand = x;
  Index outer = 1;
  Index middle = 1;
  Index inner = 1;
  if (together) {
    for (int axis = 0; axis < x.rank(); ++axis)
      (axis < first ? outer : axis < last ? middle : inner) *= x.size(axis);
  } else {
    int order[Shape::max_rank];
    int at = 0;
    for (int axis = 0; axis < x.rank(); ++axis)
      if (!reduced[axis]) order[at++] = axis, outer *= x.size(axis);
    for (int axis = 0; axis < x.rank(); ++axis)
      if (reduced[axis]) order[at++] = axis, middle *= x.size(axis);
    operand = permute(x, std::span<const int>(order, static_cast<std::size_t>(at)));
  }
  operand = contiguous(operand);
  if (inner == 1) {
    reduce_rows(reducer, operand.data(), outer, middle, out);
  } else {
    reduce_middle(reducer, operand.data(), outer, middle, inner, out);
  }
  return y;
}

Tensor extremum(const Reducer& reducer, const Tensor& x, const Axes& axes, KeepAxis keep) {
  if (reduced_elements(reducer.op, x.checked(reducer.op).shape(), axes) == 0)
    fail<ShapeError>(reducer.op, ": an empty axis has none: ", x.shape(),
                     ": check for elements() == 0 first");
  return reduce(reducer, x, axes, keep);
}

}  // namespace

Axes::Axes(std::initializer_list<int> axes) {
  for (const int axis : axes) add(axis);
}

void Axes::add(int axis) {
  if (count_ == Shape::max_rank)
    fail<ShapeError>("axes: at most ", Shape::max_rank, " can be named: name each once");
  list_[count_++] = axis;
}

void Axes::resolve(const char* op, const Shape& shape, bool* reduced) const {
  if (all()) {
    std::fill(reduced, reduced + shape.rank(), true);
    return;
  }
  for (int i = 0; i < count_; ++i) {
    const int axis = shape.checked_axis(list_[i], op);
    if (reduced[axis])
      fail<ShapeError>(op, ": axis ", list_[i], " is named twice: ", shape, ": name each axis once");
    reduced[axis] = true;
  }
}

Shape reduced_shape(const char* op, const Shape& shape, const Axes& axes, KeepAxis keep) {
  bool reduced[Shape::max_rank] = {};
  axes.resolve(op, shape, reduced);
  Index sizes[Shape::max_rank];
  std::size_t rank = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!reduced[axis]) sizes[rank++] = shape[axis];
    if (reduced[axis] && keep) sizes[rank++] = 1;
  }
  return Shape(std::span<const Index>(sizes, rank));
}

Index reduced_elements(const char* op, const Shape& shape, const Axes& axes) {
  bool reduced[Shape::max_rank] = {};
  axes.resolve(op, shape, reduced);
  Index count = 1;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (reduced[axis]) count *= shape[axis];
  return count;
}

Tensor sum(const Tensor& x, const Axes& axes, KeepAxis keep) {
  return reduce(sum_reducer(), x, axes, keep);
}
Tensor max(const Tensor& x, const Axes& axes, KeepAxis keep) {
  return extremum(max_reducer(), x, axes, keep);
}
Tensor min(const Tensor& x, const Axes& axes, KeepAxis keep) {
  return extremum(min_reducer(), x, axes, keep);
}

Tensor mean(const Tensor& x, const Axes& axes, KeepAxis keep) {
  const Index count = reduced_elements("mean", x.checked("mean").shape(), axes);
  if (count == 0)
    fail<ShapeError>("mean: an empty axis has none: ", x.shape(), ": check for elements() == 0 first");
  return sum(x, axes, keep) / static_cast<Scalar>(count);
}

Tensor variance(const Tensor& x, const Axes& axes, KeepAxis keep) {
  return mean(square(x - mean(x, axes, keep_axis)), axes, keep);
}

// The first position of the largest number; NaN counts as larger than all. Only the stretch that holds it is
// looked at number by number.
static Index position_of_max(const Scalar* row, Index width) {
  constexpr Index stretch = 256;
  const auto max_of_stretch = [&](Index begin) {
    return kernels().max(row + begin, static_cast<std::size_t>(std::min(stretch, width - begin)));
  };
  Index position = 0;
  Scalar largest = max_of_stretch(0);
  for (Index begin = stretch; begin < width && largest == largest; begin += stretch)
    if (const Scalar of_stretch = max_of_stretch(begin); !(of_stretch <= largest)) {
      largest = of_stretch;
      position = begin;
    }
  while (row[position] != largest && row[position] == row[position]) ++position;
  return position;
}

Indices argmax(const Tensor& x, int axis) {
  const int at = x.checked("argmax").shape().checked_axis(axis, "argmax");
  if (x.size(at) == 0)
    fail<ShapeError>("argmax: axis ", axis, " is empty: ", x.shape(), ": it needs an element");
  const Tensor rows = contiguous(at == x.rank() - 1 ? x : transpose(unsqueeze(x, -1), at, -1));
  const Index width = x.size(at);
  const Shape shape = x.shape().removed(at);
  std::vector<std::int32_t> found(static_cast<std::size_t>(shape.elements()));
  std::int32_t* out = found.data();
  parallel_for(shape.elements(), std::max<Index>(1, Loop<1>::chunk / width), [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row)
      out[row] = static_cast<std::int32_t>(position_of_max(rows.data() + row * width, width));
  });
  return Indices(std::vector<std::int64_t>(shape.begin(), shape.end()), std::move(found));
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.checked("sum_to").shape() == shape) return x;
  const int added = x.rank() - shape.rank();
  if (added < 0)
    fail<ShapeError>("sum_to: cannot add axes: ", x.shape(), " to ", shape, ": use broadcast_to");
  Axes axes;
  for (int axis = 0; axis < added; ++axis) axes.add(axis);
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const Index size = x.size(axis + added);
    if (size == shape[axis]) continue;
    if (shape[axis] != 1)
      fail<ShapeError>("sum_to: ", x.shape(), " is not a broadcast of ", shape, ": sizes must be equal or 1");
    axes.add(axis + added);
  }
  return reshape(sum(x, axes, keep_axis), shape);
}

}  // namespace attune::inline ATTUNE_PRECISION
