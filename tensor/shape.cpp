#include "tensor/shape.h"

#include <algorithm>
#include <limits>
#include <ostream>

#include "tensor/error.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

// The product of all sizes. Sizes of zero make an empty tensor, but the other sizes must still fit, so that
// strides computed from them cannot overflow either.
Index checked_elements(std::span<const Index> sizes) {
  constexpr Index most = std::numeric_limits<Index>::max() / static_cast<Index>(sizeof(Scalar));
  Index product = 1;
  bool empty = false;
  for (const Index size : sizes) {
    if (size < 0) fail<ShapeError>("shape: a size is negative: ", size, ": sizes must be 0 or more");
    if (size == 0) {
      empty = true;
      continue;
    }
    if (product > most / size)
      fail<ShapeError>("shape: too many elements: more than ", most, ": use smaller sizes");
    product *= size;
  }
  return empty ? 0 : product;
}

}  // namespace

Shape::Shape(std::span<const Index> sizes) {
  if (sizes.size() > max_rank)
    fail<ShapeError>("shape: ", sizes.size(), " axes given: at most ", max_rank,
                     " are supported: merge some with reshape");
  elements_ = checked_elements(sizes);
  rank_ = static_cast<int>(sizes.size());
  std::copy(sizes.begin(), sizes.end(), sizes_.values);
}

void Shape::no_such_axis(int axis, const char* op) const {
  if (rank_ == 0)
    fail<ShapeError>(op, ": axis ", axis, " of a tensor without axes: ", *this, ": it is a single number");
  fail<ShapeError>(op, ": axis ", axis, " is not there: ", *this, ": use ", -rank_, " to ", rank_ - 1);
}

Shape Shape::with(int axis, Index size) const {
  Shape result = *this;
  result.sizes_[checked_axis(axis)] = size;
  return Shape(std::span<const Index>(result.begin(), result.end()));
}

Shape Shape::inserted(int axis, Index size) const {
  if (rank_ == max_rank)
    fail<ShapeError>("shape: no room for another axis: ", *this, ": at most ", max_rank, " axes");
  const int at = axis < 0 ? axis + rank_ + 1 : axis;
  if (at < 0 || at > rank_) no_such_axis(axis, "unsqueeze");
  Index sizes[max_rank];
  std::copy(begin(), begin() + at, sizes);
  sizes[at] = size;
  std::copy(begin() + at, end(), sizes + at + 1);
  return Shape(std::span<const Index>(sizes, static_cast<std::size_t>(rank_ + 1)));
}

Shape Shape::removed(int axis) const {
  const int at = checked_axis(axis);
  Index sizes[max_rank];
  std::copy(begin(), begin() + at, sizes);
  std::copy(begin() + at + 1, end(), sizes + at);
  return Shape(std::span<const Index>(sizes, static_cast<std::size_t>(rank_ - 1)));
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '(';
  for (int axis = 0; axis < shape.rank(); ++axis) out << (axis ? ", " : "") << shape[axis];
  if (shape.rank() == 1) out << ',';
  return out << ')';
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Index sizes[Shape::max_rank];
  for (int back = 1; back <= rank; ++back) {
    const Index from_a = back <= a.rank() ? a[-back] : 1;
    const Index from_b = back <= b.rank() ? b[-back] : 1;
    if (from_a != from_b && from_a != 1 && from_b != 1)
      fail<ShapeError>(op, ": shapes do not broadcast: ", a, " and ", b,
                       ": aligned at the last axis, sizes must be equal or one of them 1");
    sizes[rank - back] = from_a == 1 ? from_b : from_a;
  }
  return Shape(std::span<const Index>(sizes, static_cast<std::size_t>(rank)));
}

}  // namespace attune::inline ATTUNE_PRECISION
