#pragma once

#include <initializer_list>
#include <vector>

#include "tensor/indices.h"
#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

/// Rows of a table by number: table (V, …), rows of any shape; the result is rows.sizes + table's other axes.
/// An embedding lookup. Throws IndexError for a row that is not there.
Tensor gather_rows(const Tensor& table, const Indices& rows);
/// The reverse: a table of `row_count` rows, zero but for x's rows added to the rows named. A row named twice
/// gets both.
Tensor scatter_add_rows(const Tensor& x, const Indices& rows, Index row_count);
/// The same, added to `table` in place.
void scatter_add_rows_in_place(Tensor& table, const Tensor& x, const Indices& rows);

/// One element from each row of x (…, V): y = x[…, positions]. Throws IndexError for a position that is not
/// there.
Tensor pick(const Tensor& x, const Indices& positions);
/// The reverse: zeros (…, width) with each y at its position.
Tensor unpick(const Tensor& y, const Indices& positions, Index width);

/// Tensors one behind the other along an axis; the other sizes must be equal.
Tensor concatenate(const std::vector<Tensor>& parts, int axis = 0);
/// Tensors of one shape side by side along a new axis.
Tensor stack(const std::vector<Tensor>& parts, int axis = 0);
// Listed in braces: `concatenate({a, b})`.
inline Tensor concatenate(std::initializer_list<Tensor> parts, int axis = 0) {
  return concatenate(std::vector<Tensor>(parts), axis);
}
inline Tensor stack(std::initializer_list<Tensor> parts, int axis = 0) {
  return stack(std::vector<Tensor>(parts), axis);
}
/// Views of `count` equal parts along an axis. Throws ShapeError when they would not be equal.
std::vector<Tensor> split(const Tensor& x, Index count, int axis = 0);

/// Zeros of `shape` with x placed at begin, begin + step, … along an axis: the reverse of slice.
Tensor embed_slice(const Tensor& x, const Shape& shape, int axis, Index begin, Index step);
/// target[begin, begin + step, …] += x along an axis, in place.
void add_to_slice_in_place(Tensor& target, const Tensor& x, int axis, Index begin, Index step);

}  // namespace attune::inline ATTUNE_PRECISION
