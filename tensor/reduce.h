#pragma once

#include <span>

#include "tensor/indices.h"
#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

/// Whether a reduced axis stays, with size 1, or disappears.
enum KeepAxis : bool { drop_axis = false, keep_axis = true };

/// A set of axes to reduce: one, a list, or (empty) all of them.
class Axes {
 public:
  Axes() = default;
  Axes(int axis) : list_{axis}, count_(1) {}
  Axes(std::initializer_list<int> axes);
  void add(int axis);
  bool all() const { return count_ == 0; }
  /// reduced[axis] is set for the axes meant, counted from the front. Throws ShapeError for a wrong or
  /// repeated axis.
  void resolve(const char* op, const Shape& shape, bool* reduced) const;
  int count(const Shape& shape) const { return all() ? shape.rank() : count_; }

 private:
  int list_[Shape::max_rank] = {};
  int count_ = 0;
};

/// `shape` without the axes, or with size 1 in their place.
Shape reduced_shape(const char* op, const Shape& shape, const Axes& axes, KeepAxis keep);
/// How many elements go into each result.
Index reduced_elements(const char* op, const Shape& shape, const Axes& axes);

// Over all axes, or those given. Sums add in an order that depends on the shape alone, never on the number of
// threads.
Tensor sum(const Tensor& x, const Axes& axes = {}, KeepAxis keep = drop_axis);
Tensor mean(const Tensor& x, const Axes& axes = {}, KeepAxis keep = drop_axis);
/// The biased variance, Σ (x - mean)² / n, in two passes: the second keeps data with a large offset right.
Tensor variance(const Tensor& x, const Axes& axes = {}, KeepAxis keep = drop_axis);
/// NaN if any of the numbers is. Throws ShapeError when there are none: an empty set has no maximum.
Tensor max(const Tensor& x, const Axes& axes = {}, KeepAxis keep = drop_axis);
Tensor min(const Tensor& x, const Axes& axes = {}, KeepAxis keep = drop_axis);
/// The position of the largest number along an axis; the first of equals; a NaN counts as largest.
Indices argmax(const Tensor& x, int axis = -1);

/// The reverse of broadcasting: sums `x` over the axes that broadcasting `shape` to x.shape() has added or
/// repeated.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace attune::inline ATTUNE_PRECISION
