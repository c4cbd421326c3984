#include "tensor/elementwise.h"

#include <algorithm>

#include "tensor/error.h"
#include "tensor/loops.h"
#include "tensor/simd/kernels.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

Tensor unary(const char* op, Kernels::Unary kernel, const Tensor& x) {
  const ContiguousElements in(x.checked(op));
  Tensor y = Tensor::uninitialised(x.shape());
  Scalar* out = y.writable();
  parallel_for(x.elements(), Loop<1>::chunk, [&](Index begin, Index end) {
    kernel(in.data() + begin, out + begin, static_cast<std::size_t>(end - begin));
  });
  return y;
}

Tensor unary_backward(const char* op, Kernels::UnaryBackward kernel, const Tensor& x, const Tensor& dy) {
  if (!(x.checked(op).shape() == dy.checked(op).shape()))
    fail<ShapeError>(op, ": shapes differ: ", x.shape(), " and ", dy.shape(),
                     ": the gradient has the value's shape");
  const ContiguousElements value(x);
  const ContiguousElements gradient(dy);
  Tensor dx = Tensor::uninitialised(x.shape());
  Scalar* out = dx.writable();
  parallel_for(x.elements(), Loop<1>::chunk, [&](Index begin, Index end) {
    kernel(value.data() + begin, gradient.data() + begin, out + begin, static_cast<std::size_t>(end - begin));
  });
  return dx;
}

// An operand as the kernels want it: seen in the broadcast shape, and its runs contiguous or one repeated
// number. An operand whose elements lie otherwise (a transposed one) is copied, in its own shape, before it
// is broadcast.
Tensor operand(const Tensor& x, const Shape& shape) {
  const Tensor wide = broadcast_to(x, shape);
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (shape[axis] == 1) continue;
    if (wide.stride(axis) == 0 || wide.stride(axis) == 1) return wide;
    break;
  }
  return x.is_contiguous() ? wide : broadcast_to(copy(x), shape);
}

Tensor binary(const char* op, Kernels::Binary kernel, const Tensor& a, const Tensor& b) {
  if (a.shape() == b.shape() && a.checked(op).is_contiguous() && b.checked(op).is_contiguous()) {
    Tensor y = Tensor::uninitialised(a.shape());
    Scalar* out = y.writable();
    parallel_for(a.elements(), Loop<2>::chunk, [&](Index begin, Index end) {
      kernel(a.data() + begin, 1, b.data() + begin, 1, out + begin, static_cast<std::size_t>(end - begin));
    });
    return y;
  }
  const Shape shape = broadcast_shapes(op, a.checked(op).shape(), b.checked(op).shape());
  const Tensor left = operand(a, shape);
  const Tensor right = operand(b, shape);
  Tensor y = Tensor::uninitialised(shape);
  Scalar* out = y.writable();
  const Loop<2> loop(shape, {left.strides(), right.strides()});
  const int left_step = static_cast<int>(loop.inner_stride(0));
  const int right_step = static_cast<int>(loop.inner_stride(1));
  loop.parallel_for_each_run([&](Index at, Index n, const Index* offsets) {
    kernel(left.data() + offsets[0], left_step, right.data() + offsets[1], right_step, out + at,
           static_cast<std::size_t>(n));
  });
  return y;
}

}  // namespace

Tensor operator-(const Tensor& x) {
  return unary("negate", kernels().negate, x);
}
Tensor abs(const Tensor& x) {
  return unary("abs", kernels().absolute, x);
}
Tensor exp(const Tensor& x) {
  return unary("exp", kernels().exp, x);
}
Tensor log(const Tensor& x) {
  return unary("log", kernels().log, x);
}
Tensor sqrt(const Tensor& x) {
  return unary("sqrt", kernels().sqrt, x);
}
Tensor square(const Tensor& x) {
  return unary("square", kernels().square, x);
}
Tensor reciprocal(const Tensor& x) {
  return unary("reciprocal", kernels().reciprocal, x);
}
Tensor tanh(const Tensor& x) {
  return unary("tanh", kernels().tanh, x);
}
Tensor sigmoid(const Tensor& x) {
  return unary("sigmoid", kernels().sigmoid, x);
}
Tensor erf(const Tensor& x) {
  return unary("erf", kernels().erf, x);
}
Tensor relu(const Tensor& x) {
  return unary("relu", kernels().relu, x);
}
Tensor gelu(const Tensor& x) {
  return unary("gelu", kernels().gelu, x);
}
Tensor silu(const Tensor& x) {
  return unary("silu", kernels().silu, x);
}

Tensor operator+(const Tensor& a, const Tensor& b) {
  return binary("add", kernels().add, a, b);
}
Tensor operator-(const Tensor& a, const Tensor& b) {
  return binary("subtract", kernels().subtract, a, b);
}
Tensor operator*(const Tensor& a, const Tensor& b) {
  return binary("multiply", kernels().multiply, a, b);
}
Tensor operator/(const Tensor& a, const Tensor& b) {
  return binary("divide", kernels().divide, a, b);
}
Tensor maximum(const Tensor& a, const Tensor& b) {
  return binary("maximum", kernels().maximum, a, b);
}
Tensor minimum(const Tensor& a, const Tensor& b) {
  return binary("minimum", kernels().minimum, a, b);
}
Tensor pow(const Tensor& a, const Tensor& b) {
  return binary("pow", kernels().power, a, b);
}
Tensor operator<(const Tensor& a, const Tensor& b) {
  return binary("less", kernels().less, a, b);
}
Tensor operator<=(const Tensor& a, const Tensor& b) {
  return binary("less_equal", kernels().less_equal, a, b);
}
Tensor operator>(const Tensor& a, const Tensor& b) {
  return binary("greater", kernels().greater, a, b);
}
Tensor operator>=(const Tensor& a, const Tensor& b) {
  return binary("greater_equal", kernels().greater_equal, a, b);
}
Tensor equal(const Tensor& a, const Tensor& b) {
  return binary("equal", kernels().equal, a, b);
}
Tensor not_equal(const Tensor& a, const Tensor& b) {
  return binary("not_equal", kernels().not_equal, a, b);
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  const Shape both = broadcast_shapes("where", a.checked("where").shape(), b.checked("where").shape());
  const Shape shape = broadcast_shapes("where", condition.checked("where").shape(), both);
  const Tensor test = operand(condition, shape);
  const Tensor yes = operand(a, shape);
  const Tensor no = operand(b, shape);
  Tensor y = Tensor::uninitialised(shape);
  Scalar* out = y.writable();
  const Loop<3> loop(shape, {test.strides(), yes.strides(), no.strides()});
  const auto kernel = kernels().select;
  int steps[3];
  for (int i = 0; i < 3; ++i) steps[i] = static_cast<int>(loop.inner_stride(i));
  loop.parallel_for_each_run([&](Index at, Index n, const Index* offsets) {
    kernel(test.data() + offsets[0], steps[0], yes.data() + offsets[1], steps[1], no.data() + offsets[2],
           steps[2], out + at, static_cast<std::size_t>(n));
  });
  return y;
}

void add_in_place(Tensor& target, const Tensor& x) {
  if (!(target.checked("add_in_place").shape() == x.checked("add_in_place").shape()))
    fail<ShapeError>("add_in_place: shapes differ: ", target.shape(), " and ", x.shape(),
                     ": give equal shapes");
  const ContiguousElements in(x);
  Scalar* out = target.writable();
  const auto kernel = kernels().add_to;
  parallel_for(target.elements(), Loop<1>::chunk, [&](Index begin, Index end) {
    kernel(in.data() + begin, out + begin, static_cast<std::size_t>(end - begin));
  });
}

bool any_non_finite(const Tensor& x) {
  const Tensor in = contiguous(x.checked("any_non_finite"));
  return kernels().any_non_finite(in.data(), static_cast<std::size_t>(in.elements()));
}

bool same_values(const Tensor& a, const Tensor& b) {
  if (!(a.checked("same_values").shape() == b.checked("same_values").shape())) return false;
  const Tensor left = contiguous(a);
  const Tensor right = contiguous(b);
  return std::equal(left.data(), left.data() + left.elements(), right.data());
}

Tensor relu_backward(const Tensor& x, const Tensor& dy) {
  return unary_backward("relu_backward", kernels().relu_backward, x, dy);
}
Tensor gelu_backward(const Tensor& x, const Tensor& dy) {
  return unary_backward("gelu_backward", kernels().gelu_backward, x, dy);
}
Tensor silu_backward(const Tensor& x, const Tensor& dy) {
  return unary_backward("silu_backward", kernels().silu_backward, x, dy);
}
Tensor tanh_backward(const Tensor& y, const Tensor& dy) {
  return unary_backward("tanh_backward", kernels().tanh_backward, y, dy);
}
Tensor sigmoid_backward(const Tensor& y, const Tensor& dy) {
  return unary_backward("sigmoid_backward", kernels().sigmoid_backward, y, dy);
}

}  // namespace attune::inline ATTUNE_PRECISION
