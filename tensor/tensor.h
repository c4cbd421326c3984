#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "tensor/memory.h"
#include "tensor/shape.h"

namespace attune::inline ATTUNE_PRECISION {

/// Numbers arranged along axes: a strided view of shared memory.
///
/// A Tensor is a handle, cheap to copy. Views (reshape, permute, slice, broadcast_to …) share the memory of
/// their source. No operation changes its operands; the one door to writing is `writable()`, which copies
/// first when anybody else could see the change, so a tensor that you hold never changes behind your back.
///
/// A default-constructed Tensor is undefined: it has no numbers, and using it throws ValueError.
class Tensor {
 public:
  Tensor() {}  // not `= default`: Tensor() would then be filled with zeros before it is made
  /// A single number, of shape (). Implicit, so that `x * 2` means what it says.
  Tensor(Scalar number);

  bool defined() const { return memory_.data() != nullptr; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  /// The size of an axis; negative axes count from the end.
  Index size(int axis) const { return shape_[axis]; }
  Index elements() const { return shape_.elements(); }
  /// Distance in elements between neighbours along an axis; 0 where an axis is broadcast.
  Index stride(int axis) const { return strides_[shape_.checked_axis(axis, "stride")]; }
  const Index* strides() const { return strides_.values; }

  /// True when the elements stand in memory one behind the other, last axis fastest.
  bool is_contiguous() const;
  /// The first element. The others are where the strides say.
  const Scalar* data() const { return memory_.data() + offset_; }

  /// The elements of a contiguous tensor that nobody else shares, to be changed in place. Where this tensor
  /// is a view, or its memory has other owners, its elements are copied first and this handle becomes the
  /// only one of the copy.
  Scalar* writable();

  /// The number in a tensor of one element. Throws ShapeError for any other.
  Scalar item() const;
  /// One element; negative positions count from the end. Throws IndexError when outside.
  Scalar at(std::initializer_list<Index> position) const;
  /// All elements, last axis fastest.
  std::vector<Scalar> values() const;

  /// A new tensor of undefined contents: every element must be written before it is read.
  static Tensor uninitialised(const Shape& shape);
  /// The same memory seen with another shape, strides and first element. Whoever calls this answers for the
  /// bounds.
  Tensor view(const Shape& shape, const Index* strides, Index offset) const;
  /// Throws ValueError, naming `op`, when this tensor is undefined.
  const Tensor& checked(const char* op) const;
  bool shares_memory_with(const Tensor& other) const {
    return memory_.data() && memory_.data() == other.memory_.data();
  }
  const Memory& memory() const { return memory_; }
  /// True when `writable()` would not copy: nobody else holds the memory, and it is contiguous.
  bool is_writable_in_place() const { return memory_.sole_owner() && is_contiguous(); }

 private:
  Tensor(Memory memory, const Shape& shape, Index offset)
      : memory_(std::move(memory)), shape_(shape), offset_(offset) {}

  Memory memory_;
  Shape shape_;
  PerAxis strides_;
  Index offset_ = 0;
};

// ---- making tensors

Tensor zeros(const Shape& shape);
Tensor ones(const Shape& shape);
Tensor full(const Shape& shape, Scalar value);
/// 0, 1, … n-1, of shape (n).
Tensor arange(Index n);
/// The n x n identity.
Tensor identity(Index n);
/// Listed numbers: of shape (n), or of the given shape, last axis fastest. Throws ShapeError when the counts
/// differ.
Tensor tensor(std::initializer_list<Scalar> values);
Tensor tensor(const Shape& shape, std::initializer_list<Scalar> values);
Tensor tensor(const Shape& shape, std::span<const Scalar> values);
/// Listed rows, of shape (rows, columns).
Tensor tensor(std::initializer_list<std::initializer_list<Scalar>> rows);

// ---- copies

/// The same elements in contiguous memory: `x` itself where it already is.
Tensor contiguous(const Tensor& x);
/// The same elements in memory of their own.
Tensor copy(const Tensor& x);

/// The elements of a tensor one behind the other, to be read while both this and the tensor live: where they
/// are, or else in a copy. What `contiguous` gives, without a handle to be counted.
class ContiguousElements {
 public:
  explicit ContiguousElements(const Tensor& x) {
    if (!x.is_contiguous()) copy_ = copy(x);
    data_ = copy_.defined() ? copy_.data() : x.data();
  }
  ContiguousElements(const ContiguousElements&) = delete;
  ContiguousElements& operator=(const ContiguousElements&) = delete;
  const Scalar* data() const { return data_; }

 private:
  Tensor copy_;
  const Scalar* data_;
};

// ---- views: the same memory seen otherwise. All throw ShapeError on axes or sizes that do not fit.

/// The same elements in another shape; one size may be -1, "whatever is left". Copies only where no view
/// exists.
Tensor reshape(const Tensor& x, const Shape& shape);
Tensor reshape(const Tensor& x, std::initializer_list<Index> sizes);
/// Axes in a new order: `permute(x, {0, 2, 1, 3})`.
Tensor permute(const Tensor& x, std::span<const int> order);
Tensor permute(const Tensor& x, std::initializer_list<int> order);
/// Two axes exchanged; the last two unless told otherwise.
Tensor transpose(const Tensor& x, int axis_a = -2, int axis_b = -1);
/// Positions begin, begin + step, … below end along one axis. Negative begin and end count from the end.
Tensor slice(const Tensor& x, int axis, Index begin, Index end, Index step = 1);
/// One position along an axis, which disappears.
Tensor select(const Tensor& x, int axis, Index position);
/// Repeats axes of size 1, and new axes at the front, without copying.
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// A new axis of size 1, at `axis`; -1 puts it last.
Tensor unsqueeze(const Tensor& x, int axis);
/// Drops an axis of size 1.
Tensor squeeze(const Tensor& x, int axis);

namespace detail {
/// `sizes` with its -1, if any, replaced by what the number of elements leaves. Throws ShapeError when
/// nothing fits.
Shape resolve_reshape(const Shape& from, std::span<const Index> sizes);
/// `order` counted from the front, checked to be a permutation.
void check_permutation(const Shape& shape, std::span<const int> order, int* checked);
/// Slice bounds counted from the front and checked: returns the number of positions.
Index check_slice(const Shape& shape, int& axis, Index& begin, Index& end, Index step);
/// One position along an axis, both counted from the front. Throws IndexError when it is outside.
Index check_select(const Shape& shape, int& axis, Index position);
}  // namespace detail

}  // namespace attune::inline ATTUNE_PRECISION
