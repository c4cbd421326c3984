#include "autograd/reduce.h"

#include "autograd/elementwise.h"
#include "autograd/views.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

// A reduced value or gradient seen in the shape of what was reduced.
Variable spread(const char* op, const Variable& y, const Shape& from, const Axes& axes) {
  return broadcast_to(reshape(y, reduced_shape(op, from, axes, keep_axis)), from);
}

// y = max x or min x,   dx = dy [x = y] / (how many x equal y)
Variable extremum(const char* op, Tensor y_value, const Variable& x, const Axes& axes) {
  return record(op, std::move(y_value), {x}, [op, x, axes](const Variable& dy, const Variable& y) {
    const Tensor chosen = equal(x.value(), spread(op, y, x.shape(), axes).value());
    const Tensor share = chosen / sum(chosen, axes, keep_axis);
    return Gradients{spread(op, dy, x.shape(), axes) * share};
  });
}

}  // namespace

// y = Σ x,   dx = dy for every x
Variable sum(const Variable& x, const Axes& axes, KeepAxis keep) {
  return record("sum", sum(x.value(), axes, keep), {x}, [from = x.shape(), axes](const Variable& dy) {
    return Gradients{spread("sum", dy, from, axes)};
  });
}

// y = Σ x / n,   dx = dy / n for every x
Variable mean(const Variable& x, const Axes& axes, KeepAxis keep) {
  return record("mean", mean(x.value(), axes, keep), {x}, [from = x.shape(), axes](const Variable& dy) {
    const Scalar count = static_cast<Scalar>(reduced_elements("mean", from, axes));
    return Gradients{spread("mean", dy / count, from, axes)};
  });
}

// y = Σ (x - mean)² / n: composed, so its derivative follows from those of its parts.
Variable variance(const Variable& x, const Axes& axes, KeepAxis keep) {
  return mean(square(x - mean(x, axes, keep_axis)), axes, keep);
}

Variable max(const Variable& x, const Axes& axes, KeepAxis keep) {
  return extremum("max", max(x.value(), axes, keep), x, axes);
}
Variable min(const Variable& x, const Axes& axes, KeepAxis keep) {
  return extremum("min", min(x.value(), axes, keep), x, axes);
}

// y = Σ over the copies that broadcasting made,   dx = dy, broadcast again
Variable sum_to(const Variable& x, const Shape& shape) {
  if (x.value().checked("sum_to").shape() == shape) return x;
  return record("sum_to", sum_to(x.value(), shape), {x},
                [from = x.shape()](const Variable& dy) { return Gradients{broadcast_to(dy, from)}; });
}

}  // namespace attune::inline ATTUNE_PRECISION
