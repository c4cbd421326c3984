#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>

#include "tensor/scalar.h"

namespace attune::inline ATTUNE_PRECISION {

/// Sizes, offsets and strides, in elements.
using Index = std::int64_t;

/// A number for each axis of a tensor. (In a struct of its own, for a compiler copies that in a few registers
/// and an array that is a member number by number.)
struct PerAxis {
  static constexpr int most = 8;

  Index& operator[](int axis) { return values[axis]; }
  Index operator[](int axis) const { return values[axis]; }

  Index values[most] = {};
};

/// The sizes of a tensor's axes, e.g. (B, T, D). A value: small, copied freely, never allocates.
///
/// Axes may be counted from the end everywhere: -1 is the last. A Shape of rank 0 has one element.
/// Throws ShapeError when a size is negative, when there are more than `max_rank` axes, or when the number of
/// elements does not fit in memory's address range: the one place where that is checked.
class Shape {
 public:
  static constexpr int max_rank = PerAxis::most;

  Shape() {}
  Shape(std::initializer_list<Index> sizes) : Shape(std::span<const Index>(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const Index> sizes);

  int rank() const { return rank_; }
  Index elements() const { return elements_; }

  /// The size of an axis; negative axes count from the end. Throws ShapeError for an axis that is not there.
  Index operator[](int axis) const { return sizes_[checked_axis(axis)]; }

  const Index* begin() const { return sizes_.values; }
  const Index* end() const { return sizes_.values + rank_; }

  /// `axis` counted from the front. Throws ShapeError, naming `op`, for an axis that is not there.
  int checked_axis(int axis, const char* op = "shape") const {
    if (axis < -rank_ || axis >= rank_) no_such_axis(axis, op);
    return axis < 0 ? axis + rank_ : axis;
  }

  /// The same sizes with one of them changed, inserted or removed.
  Shape with(int axis, Index size) const;
  Shape inserted(int axis, Index size) const;
  Shape removed(int axis) const;

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_ || a.elements_ != b.elements_) return false;
    for (int axis = 0; axis < a.rank_; ++axis)
      if (a.sizes_[axis] != b.sizes_[axis]) return false;
    return true;
  }

 private:
  [[noreturn]] void no_such_axis(int axis, const char* op) const;

  int rank_ = 0;
  Index elements_ = 1;
  PerAxis sizes_;
};

/// Prints (2, 3, 4).
std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// The shape of `a op b` by the rule of broadcasting: aligned at the last axis, sizes must be equal or one of
/// them 1. Throws ShapeError, naming `op`, when they do not fit.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

}  // namespace attune::inline ATTUNE_PRECISION
