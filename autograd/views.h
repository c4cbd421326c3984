#pragma once

#include <vector>

#include "autograd/variable.h"
#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

// The differentiable twins of the views in tensor/tensor.h and of concatenate, stack and split: numbers are
// moved, never changed, so each gradient is the same move backwards.

Variable reshape(const Variable& x, const Shape& shape);
Variable reshape(const Variable& x, std::initializer_list<Index> sizes);
Variable permute(const Variable& x, const std::vector<int>& order);
Variable permute(const Variable& x, std::initializer_list<int> order);
Variable transpose(const Variable& x, int axis_a = -2, int axis_b = -1);
Variable slice(const Variable& x, int axis, Index begin, Index end, Index step = 1);
Variable select(const Variable& x, int axis, Index position);
Variable broadcast_to(const Variable& x, const Shape& shape);
Variable unsqueeze(const Variable& x, int axis);
Variable squeeze(const Variable& x, int axis);

Variable concatenate(const std::vector<Variable>& parts, int axis = 0);
Variable stack(const std::vector<Variable>& parts, int axis = 0);
std::vector<Variable> split(const Variable& x, Index count, int axis = 0);

/// Zeros of `shape` with x placed at begin, begin + step, … along an axis: the reverse of slice.
Variable embed_slice(const Variable& x, const Shape& shape, int axis, Index begin, Index step);

}  // namespace attune::inline ATTUNE_PRECISION
