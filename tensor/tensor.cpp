#include "tensor/tensor.h"

#include <algorithm>
#include <cstring>

#include "tensor/error.h"
#include "tensor/loops.h"
#include "tensor/simd/kernels.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

void contiguous_strides(const Shape& shape, Index* strides) {
  Index step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[axis] = step;
    step *= std::max<Index>(shape[axis], 1);
  }
}

}  // namespace

// ---- the class

Tensor::Tensor(Scalar number) : memory_(1) {
  memory_.data()[0] = number;
}

Tensor Tensor::uninitialised(const Shape& shape) {
  Tensor result(Memory(shape.elements()), shape, 0);
  contiguous_strides(shape, result.strides_.values);
  return result;
}

Tensor Tensor::view(const Shape& shape, const Index* strides, Index offset) const {
  Tensor result(memory_, shape, offset_ + offset);
  std::copy(strides, strides + shape.rank(), result.strides_.values);
  return result;
}

const Tensor& Tensor::checked(const char* op) const {
  if (!defined()) fail<ValueError>(op, ": an undefined tensor was given: assign a value to it first");
  return *this;
}

bool Tensor::is_contiguous() const {
  Index step = 1;
  for (int axis = rank() - 1; axis >= 0; --axis) {
    if (shape_[axis] != 1 && strides_[axis] != step) return elements() == 0;
    step *= shape_[axis];
  }
  return true;
}

Scalar* Tensor::writable() {
  checked("writable");
  if (is_writable_in_place()) {
    memory_.drop_companion();
  } else {
    *this = copy(*this);
  }
  return memory_.data() + offset_;
}

Scalar Tensor::item() const {
  checked("item");
  if (elements() != 1)
    fail<ShapeError>("item: a single number is wanted: ", shape_,
                     ": reduce with sum or mean, or pick one with at");
  return *data();
}

Scalar Tensor::at(std::initializer_list<Index> position) const {
  checked("at");
  if (static_cast<int>(position.size()) != rank())
    fail<IndexError>("at: ", position.size(), " positions given: ", shape_, ": give one for each axis");
  Index offset = 0;
  int axis = 0;
  for (const Index index : position) {
    const Index size = shape_[axis];
    if (index < -size || index >= size)
      fail<IndexError>("at: position ", index, " along axis ", axis, " is outside: ", shape_,
                       ": count from 0, or from -1 at the end");
    offset += (index < 0 ? index + size : index) * strides_[axis++];
  }
  return data()[offset];
}

std::vector<Scalar> Tensor::values() const {
  checked("values");
  const Tensor flat = contiguous(*this);
  return std::vector<Scalar>(flat.data(), flat.data() + flat.elements());
}

// ---- making tensors

Tensor full(const Shape& shape, Scalar value) {
  Tensor result = Tensor::uninitialised(shape);
  Scalar* out = result.writable();
  parallel_for(shape.elements(), Loop<1>::chunk, [&](Index begin, Index end) {
    kernels().fill(value, out + begin, static_cast<std::size_t>(end - begin));
  });
  return result;
}
Tensor zeros(const Shape& shape) {
  return full(shape, 0);
}
Tensor ones(const Shape& shape) {
  return full(shape, 1);
}

Tensor arange(Index n) {
  Tensor result = Tensor::uninitialised({n});
  Scalar* out = result.writable();
  for (Index i = 0; i < n; ++i) out[i] = static_cast<Scalar>(i);
  return result;
}

Tensor identity(Index n) {
  Tensor result = zeros({n, n});
  Scalar* out = result.writable();
  for (Index i = 0; i < n; ++i) out[i * n + i] = 1;
  return result;
}

Tensor tensor(const Shape& shape, std::span<const Scalar> values) {
  if (static_cast<Index>(values.size()) != shape.elements())
    fail<ShapeError>("tensor: ", values.size(), " numbers given for ", shape.elements(),
                     " elements: ", shape);
  Tensor result = Tensor::uninitialised(shape);
  std::copy(values.begin(), values.end(), result.writable());
  return result;
}
Tensor tensor(const Shape& shape, std::initializer_list<Scalar> values) {
  return tensor(shape, std::span<const Scalar>(values.begin(), values.size()));
}
Tensor tensor(std::initializer_list<Scalar> values) {
  return tensor(Shape{static_cast<Index>(values.size())}, values);
}
Tensor tensor(std::initializer_list<std::initializer_list<Scalar>> rows) {
  const std::size_t columns = rows.size() ? rows.begin()->size() : 0;
  std::vector<Scalar> values;
  for (const auto& row : rows) {
    if (row.size() != columns)
      fail<ShapeError>("tensor: rows of different lengths: ", columns, " and ", row.size(),
                       ": give rows of one length");
    values.insert(values.end(), row.begin(), row.end());
  }
  return tensor(Shape{static_cast<Index>(rows.size()), static_cast<Index>(columns)}, values);
}

// ---- copies

Tensor copy(const Tensor& x) {
  x.checked("copy");
  Tensor result = Tensor::uninitialised(x.shape());
  if (x.elements() == 0) return result;
  Scalar* out = result.writable();
  const Loop<1> loop(x.shape(), {{x.strides()}});
  const Scalar* in = x.data();
  // Runs that stand in memory one behind the other are copied whole; others element by element.
  loop.parallel_for_each_run([&](Index at, Index n, const Index* offsets) {
    const Scalar* from = in + offsets[0];
    if (loop.inner_stride(0) == 1) {
      std::memcpy(out + at, from, static_cast<std::size_t>(n) * sizeof(Scalar));
    } else {
      const Index step = loop.inner_stride(0);
      for (Index i = 0; i < n; ++i) out[at + i] = from[i * step];
    }
  });
  return result;
}

Tensor contiguous(const Tensor& x) {
  return x.checked("contiguous").is_contiguous() ? x : copy(x);
}

// ---- views

namespace detail {

Shape resolve_reshape(const Shape& from, std::span<const Index> sizes) {
  if (sizes.size() > Shape::max_rank) return Shape(sizes);  // throws, with the text for too many axes
  Index resolved[Shape::max_rank];
  Index known = 1;
  int open = -1;
  int axis = 0;
  for (const Index size : sizes) {
    resolved[axis] = size;
    if (size == -1) {
      if (open >= 0)
        fail<ShapeError>("reshape: two sizes are -1: only one can be whatever is left: give the others");
      open = axis;
    } else {
      if (size < 0)
        fail<ShapeError>("reshape: a size is ", size, ": ", from, ": sizes must be 0 or more, or one -1");
      known *= size;
    }
    ++axis;
  }
  if (open >= 0) {
    if (known == 0 || from.elements() % known != 0)
      fail<ShapeError>("reshape: -1 cannot be resolved: ", from, " has ", from.elements(),
                       " elements, not a multiple of ", known);
    resolved[open] = from.elements() / known;
  }
  const Shape result(std::span<const Index>(resolved, sizes.size()));
  if (result.elements() != from.elements())
    fail<ShapeError>("reshape: numbers of elements differ: ", from, " has ", from.elements(), ", ", result,
                     " has ", result.elements());
  return result;
}

void check_permutation(const Shape& shape, std::span<const int> order, int* checked) {
  if (static_cast<int>(order.size()) != shape.rank())
    fail<ShapeError>("permute: ", order.size(), " axes given: ", shape, ": name each axis once");
  bool seen[Shape::max_rank] = {};
  int position = 0;
  for (const int axis : order) {
    const int from = shape.checked_axis(axis, "permute");
    if (seen[from])
      fail<ShapeError>("permute: axis ", axis, " is named twice: ", shape, ": name each axis once");
    seen[from] = true;
    checked[position++] = from;
  }
}

Index check_slice(const Shape& shape, int& axis, Index& begin, Index& end, Index step) {
  axis = shape.checked_axis(axis, "slice");
  const Index size = shape[axis];
  if (step < 1) fail<ShapeError>("slice: step ", step, ": ", shape, ": steps must be 1 or more");
  const Index from = begin < 0 ? begin + size : begin;
  const Index to = end < 0 ? end + size : end;
  if (from < 0 || to > size || from > to)
    fail<ShapeError>("slice: ", begin, " to ", end, " is outside axis ", axis, ": ", shape, ": use 0 to ",
                     size);
  begin = from;
  end = to;
  return (to - from + step - 1) / step;
}

Index check_select(const Shape& shape, int& axis, Index position) {
  const int given = axis;
  axis = shape.checked_axis(axis, "select");
  const Index size = shape[axis];
  if (position < -size || position >= size)
    fail<IndexError>("select: position ", position, " along axis ", given, " is outside: ", shape,
                     ": count from 0, or from -1 at the end");
  return position < 0 ? position + size : position;
}

}  // namespace detail

Tensor reshape(const Tensor& x, const Shape& shape) {
  x.checked("reshape");
  if (shape.elements() != x.elements())
    fail<ShapeError>("reshape: numbers of elements differ: ", x.shape(), " has ", x.elements(), ", ", shape,
                     " has ", shape.elements());
  Index strides[Shape::max_rank] = {};
  if (x.is_contiguous()) {
    contiguous_strides(shape, strides);
    return x.view(shape, strides, 0);
  }
  // A view exists when each new axis lies within a stretch of old axes that are evenly spaced: walk both from
  // the back.
  int old_axis = x.rank() - 1;
  int new_axis = shape.rank() - 1;
  bool possible = true;
  while (new_axis >= 0 && possible) {
    while (old_axis >= 0 && x.size(old_axis) == 1) --old_axis;
    if (shape[new_axis] == 1) {
      strides[new_axis--] = 1;
      continue;
    }
    if (old_axis < 0) {
      possible = false;
      break;
    }
    // Merge old axes, as far as they are evenly spaced, until they hold a whole number of new ones.
    Index room = x.size(old_axis);
    Index step = x.stride(old_axis);
    Index outer = x.stride(old_axis) * x.size(old_axis);
    --old_axis;
    Index filled = 1;
    while (new_axis >= 0 && possible) {
      if (shape[new_axis] == 1) {
        strides[new_axis--] = 1;
        continue;
      }
      while (filled * shape[new_axis] > room) {
        while (old_axis >= 0 && x.size(old_axis) == 1) --old_axis;
        if (old_axis < 0 || x.stride(old_axis) != outer) {
          possible = false;
          break;
        }
        room *= x.size(old_axis);
        outer = x.stride(old_axis) * x.size(old_axis);
        --old_axis;
      }
      if (!possible) break;
      strides[new_axis] = step;
      step *= shape[new_axis];
      filled *= shape[new_axis];
      --new_axis;
      if (filled == room) break;
      if (room % filled != 0) possible = false;
    }
    if (filled != room) possible = false;
  }
  if (possible) return x.view(shape, strides, 0);
  return reshape(copy(x), shape);
}

Tensor reshape(const Tensor& x, std::initializer_list<Index> sizes) {
  x.checked("reshape");
  return reshape(x, detail::resolve_reshape(x.shape(), {sizes.begin(), sizes.size()}));
}

Tensor permute(const Tensor& x, std::span<const int> order) {
  x.checked("permute");
  int axes[Shape::max_rank];
  detail::check_permutation(x.shape(), order, axes);
  Index sizes[Shape::max_rank];
  Index strides[Shape::max_rank] = {};
  for (int axis = 0; axis < x.rank(); ++axis) {
    sizes[axis] = x.size(axes[axis]);
    strides[axis] = x.stride(axes[axis]);
  }
  return x.view(Shape(std::span<const Index>(sizes, order.size())), strides, 0);
}
Tensor permute(const Tensor& x, std::initializer_list<int> order) {
  return permute(x, std::span<const int>(order.begin(), order.size()));
}

Tensor transpose(const Tensor& x, int axis_a, int axis_b) {
  x.checked("transpose");
  const int a = x.shape().checked_axis(axis_a, "transpose");
  const int b = x.shape().checked_axis(axis_b, "transpose");
  Index strides[Shape::max_rank] = {};
  std::copy(x.strides(), x.strides() + x.rank(), strides);
  std::swap(strides[a], strides[b]);
  return x.view(x.shape().with(a, x.size(b)).with(b, x.size(a)), strides, 0);
}

Tensor slice(const Tensor& x, int axis, Index begin, Index end, Index step) {
  x.checked("slice");
  const Index count = detail::check_slice(x.shape(), axis, begin, end, step);
  Index strides[Shape::max_rank] = {};
  std::copy(x.strides(), x.strides() + x.rank(), strides);
  const Index offset = begin * strides[axis];
  strides[axis] *= step;
  return x.view(x.shape().with(axis, count), strides, count ? offset : 0);
}

Tensor select(const Tensor& x, int axis, Index position) {
  const Index from = detail::check_select(x.checked("select").shape(), axis, position);
  return squeeze(slice(x, axis, from, from + 1), axis);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  x.checked("broadcast_to");
  Index strides[Shape::max_rank] = {};
  const int added = shape.rank() - x.rank();
  if (added < 0)
    fail<ShapeError>("broadcast_to: cannot drop axes: ", x.shape(), " to ", shape, ": sum over them instead");
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (axis < added) {
      strides[axis] = 0;
      continue;
    }
    const Index size = x.size(axis - added);
    if (size != shape[axis] && size != 1)
      fail<ShapeError>("broadcast_to: size ", size, " cannot become ", shape[axis], ": ", x.shape(), " to ",
                       shape, ": only axes of size 1 are repeated");
    strides[axis] = size == shape[axis] ? x.stride(axis - added) : 0;
  }
  return x.view(shape, strides, 0);
}

Tensor unsqueeze(const Tensor& x, int axis) {
  x.checked("unsqueeze");
  const Shape shape = x.shape().inserted(axis, 1);
  const int at = axis < 0 ? axis + shape.rank() : axis;
  Index strides[Shape::max_rank] = {};
  std::copy(x.strides(), x.strides() + at, strides);
  strides[at] = 1;
  std::copy(x.strides() + at, x.strides() + x.rank(), strides + at + 1);
  return x.view(shape, strides, 0);
}

Tensor squeeze(const Tensor& x, int axis) {
  x.checked("squeeze");
  const int at = x.shape().checked_axis(axis, "squeeze");
  if (x.size(at) != 1)
    fail<ShapeError>("squeeze: axis ", axis, " has size ", x.size(at), ": ", x.shape(),
                     ": only axes of size 1 can go");
  Index strides[Shape::max_rank] = {};
  std::copy(x.strides(), x.strides() + at, strides);
  std::copy(x.strides() + at + 1, x.strides() + x.rank(), strides + at);
  return x.view(x.shape().removed(at), strides, 0);
}

}  // namespace attune::inline ATTUNE_PRECISION
