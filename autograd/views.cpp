#include "autograd/views.h"

#include "autograd/reduce.h"
#include "tensor/error.h"
#include "tensor/indexing.h"

namespace attune::inline ATTUNE_PRECISION {

// y = x in another shape,   dx = dy in x's shape
Variable reshape(const Variable& x, const Shape& shape) {
  return record("reshape", reshape(x.value(), shape), {x},
                [from = x.shape()](const Variable& dy) { return Gradients{reshape(dy, from)}; });
}
Variable reshape(const Variable& x, std::initializer_list<Index> sizes) {
  x.value().checked("reshape");
  return reshape(x, detail::resolve_reshape(x.shape(), {sizes.begin(), sizes.size()}));
}

// y's axis i is x's axis order[i],   so dx's axis order[i] is dy's axis i
Variable permute(const Variable& x, const std::vector<int>& order) {
  return record("permute", permute(x.value(), std::span<const int>(order)), {x}, [order](const Variable& dy) {
    std::vector<int> back(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      const int axis = order[i] < 0 ? order[i] + static_cast<int>(order.size()) : order[i];
      back[static_cast<std::size_t>(axis)] = static_cast<int>(i);
    }
    return Gradients{permute(dy, back)};
  });
}
Variable permute(const Variable& x, std::initializer_list<int> order) {
  return permute(x, std::vector<int>(order));
}

// y = xᵀ,   dx = dyᵀ
Variable transpose(const Variable& x, int axis_a, int axis_b) {
  return record("transpose", transpose(x.value(), axis_a, axis_b), {x},
                [axis_a, axis_b](const Variable& dy) { return Gradients{transpose(dy, axis_a, axis_b)}; });
}

// y = x[begin : end : step],   dx = dy at those positions, 0 elsewhere
Variable slice(const Variable& x, int axis, Index begin, Index end, Index step) {
  x.value().checked("slice");
  detail::check_slice(x.shape(), axis, begin, end, step);
  return record(
      "slice", slice(x.value(), axis, begin, end, step), {x},
      [axis, begin, step](const Variable& dy) { return Gradients{Gradient::slice(dy, axis, begin, step)}; });
}

Variable select(const Variable& x, int axis, Index position) {
  x.value().checked("select");
  const Index from = detail::check_select(x.shape(), axis, position);
  return squeeze(slice(x, axis, from, from + 1), axis);
}

// y = copies of x,   dx = Σ over the copies
Variable broadcast_to(const Variable& x, const Shape& shape) {
  if (x.value().checked("broadcast_to").shape() == shape) return x;
  return record("broadcast_to", broadcast_to(x.value(), shape), {x},
                [from = x.shape()](const Variable& dy) { return Gradients{sum_to(dy, from)}; });
}

Variable unsqueeze(const Variable& x, int axis) {
  return reshape(x, x.value().checked("unsqueeze").shape().inserted(axis, 1));
}

Variable squeeze(const Variable& x, int axis) {
  return reshape(x, squeeze(x.value(), axis).shape());
}

// y = parts one behind the other,   each part's gradient is its stretch of dy
Variable concatenate(const std::vector<Variable>& parts, int axis) {
  std::vector<Tensor> values;
  for (const Variable& part : parts) values.push_back(part.value());
  Tensor joined = concatenate(values, axis);
  const int at = joined.shape().checked_axis(axis, "concatenate");
  std::vector<Index> sizes;
  for (const Variable& part : parts) sizes.push_back(part.size(at));
  return record("concatenate", std::move(joined), parts, [at, sizes](const Variable& dy) {
    Gradients stretches;
    Index begin = 0;
    for (const Index size : sizes) {
      stretches.push_back(slice(dy, at, begin, begin + size));
      begin += size;
    }
    return stretches;
  });
}

Variable stack(const std::vector<Variable>& parts, int axis) {
  if (parts.empty()) fail<ShapeError>("stack: no tensors given: give at least one");
  std::vector<Variable> wider;
  for (const Variable& part : parts) {
    if (!(part.shape() == parts.front().shape()))
      fail<ShapeError>("stack: shapes differ: ", parts.front().shape(), " and ", part.shape(),
                       ": stack needs equal shapes");
    wider.push_back(unsqueeze(part, axis));
  }
  return concatenate(wider, axis < 0 ? axis + wider.front().rank() : axis);
}

std::vector<Variable> split(const Variable& x, Index count, int axis) {
  const int at = x.value().checked("split").shape().checked_axis(axis, "split");
  if (count < 1 || x.size(at) % count != 0)
    fail<ShapeError>("split: axis ", axis, " does not split into ", count, " equal parts: ", x.shape(),
                     ": give a number that divides its size");
  const Index part = x.size(at) / count;
  std::vector<Variable> result;
  for (Index i = 0; i < count; ++i) result.push_back(slice(x, at, i * part, (i + 1) * part));
  return result;
}

// y = 0 with x at some positions,   dx = dy at those positions
Variable embed_slice(const Variable& x, const Shape& shape, int axis, Index begin, Index step) {
  const Index count = x.value().checked("embed_slice").size(axis);
  return record("embed_slice", embed_slice(x.value(), shape, axis, begin, step), {x},
                [axis, begin, step, count](const Variable& dy) {
                  const Index end = count ? begin + (count - 1) * step + 1 : begin;
                  return Gradients{slice(dy, axis, begin, end, step)};
                });
}

}  // namespace attune::inline ATTUNE_PRECISION
