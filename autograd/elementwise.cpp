#include "autograd/elementwise.h"

#include <numbers>

#include "autograd/reduce.h"
#include "tensor/elementwise.h"

// Each operation: the formula, its derivative, the code of both. dy is the gradient of the result y; what
// stands behind "dx =" is returned. Operands that were broadcast get the sum over their copies: sum_to.

namespace attune::inline ATTUNE_PRECISION {
namespace {

// A number of the build's precision.
constexpr Scalar half = Scalar(0.5);

// What backward needs of an operand whose numbers it does not need.
struct Operand {
  Operand(const Variable& x) : shape(x.shape()), wanted(x.requires_gradient()) {}
  Shape shape;
  bool wanted;
};

// Gradients are computed only for operands that want them: a constant mask costs nothing on the way back.
Gradient for_operand(const Operand& operand, const auto& gradient) {
  if (!operand.wanted) return {};
  return sum_to(gradient(), operand.shape);
}

// `x` where the gradient of `other` needs it, else nothing: beside a constant scale or mask no numbers are
// kept alive.
Variable kept_for(const Variable& other, const Variable& x) {
  return other.requires_gradient() ? x : Variable();
}

}  // namespace

// ---- one operand

// y = -x,   dx = -dy
Variable operator-(const Variable& x) {
  return record("negate", -x.value(), {x}, [](const Variable& dy) { return Gradients{-dy}; });
}

// y = |x|,   dx = dy sign(x)
Variable abs(const Variable& x) {
  return record("abs", abs(x.value()), {x}, [x](const Variable& dy) {
    return Gradients{dy * Variable((x.value() > 0) - (x.value() < 0))};
  });
}

// y = eˣ,   dx = dy y
Variable exp(const Variable& x) {
  return record("exp", exp(x.value()), {x},
                [](const Variable& dy, const Variable& y) { return Gradients{dy * y}; });
}

// y = ln x,   dx = dy / x
Variable log(const Variable& x) {
  return record("log", log(x.value()), {x}, [x](const Variable& dy) { return Gradients{dy / x}; });
}

// y = √x,   dx = dy / (2y)
Variable sqrt(const Variable& x) {
  return record("sqrt", sqrt(x.value()), {x},
                [](const Variable& dy, const Variable& y) { return Gradients{half * dy / y}; });
}

// y = x²,   dx = 2x dy
Variable square(const Variable& x) {
  return record("square", square(x.value()), {x},
                [x](const Variable& dy) { return Gradients{2 * (x * dy)}; });
}

// y = 1/x,   dx = -dy y²
Variable reciprocal(const Variable& x) {
  return record("reciprocal", reciprocal(x.value()), {x},
                [](const Variable& dy, const Variable& y) { return Gradients{-(dy * square(y))}; });
}

// y = tanh x,   dx = dy (1 - y²)
Variable tanh(const Variable& x) {
  return record("tanh", tanh(x.value()), {x}, [](const Variable& dy, const Variable& y) {
    if (!recording()) return Gradients{Variable(tanh_backward(y.value(), dy.value()))};
    return Gradients{dy * (1 - square(y))};
  });
}

// y = 1 / (1 + e⁻ˣ),   dx = dy y (1 - y)
Variable sigmoid(const Variable& x) {
  return record("sigmoid", sigmoid(x.value()), {x}, [](const Variable& dy, const Variable& y) {
    if (!recording()) return Gradients{Variable(sigmoid_backward(y.value(), dy.value()))};
    return Gradients{dy * (y * (1 - y))};
  });
}

// y = erf x,   dx = dy 2/√π e^(-x²)
Variable erf(const Variable& x) {
  return record("erf", erf(x.value()), {x}, [x](const Variable& dy) {
    return Gradients{dy * (Scalar(2 * std::numbers::inv_sqrtpi) * exp(-square(x)))};
  });
}

// y = max(x, 0),   dx = dy [x > 0] = dy [y > 0]
// By y, which the next operation keeps as well, so that x need not be.
Variable relu(const Variable& x) {
  return record("relu", relu(x.value()), {x}, [](const Variable& dy, const Variable& y) {
    if (!recording()) return Gradients{Variable(relu_backward(y.value(), dy.value()))};
    return Gradients{dy * Variable(y.value() > 0)};
  });
}

// y = x Φ(x),   dx = dy (Φ(x) + x φ(x)),   Φ(x) = (1 + erf(x/√2)) / 2,   φ(x) = e^(-x²/2) / √(2π)
Variable gelu(const Variable& x) {
  return record("gelu", gelu(x.value()), {x}, [x](const Variable& dy) {
    if (!recording()) return Gradients{Variable(gelu_backward(x.value(), dy.value()))};
    const Variable cumulative = half * (1 + erf(x * Scalar(std::numbers::sqrt2 / 2)));
    const Variable density =
        exp(-half * square(x)) * Scalar(std::numbers::inv_sqrtpi * std::numbers::sqrt2 / 2);
    return Gradients{dy * (cumulative + x * density)};
  });
}

// y = x s,   dx = dy s (1 + x (1 - s)),   s = sigmoid(x)
Variable silu(const Variable& x) {
  return record("silu", silu(x.value()), {x}, [x](const Variable& dy) {
    if (!recording()) return Gradients{Variable(silu_backward(x.value(), dy.value()))};
    const Variable s = sigmoid(x);
    return Gradients{dy * (s * (1 + x * (1 - s)))};
  });
}

// ---- two operands

// y = a + b,   da = dy,   db = dy
Variable operator+(const Variable& a, const Variable& b) {
  return record("add", a.value() + b.value(), {a, b}, [a = a.shape(), b = b.shape()](const Variable& dy) {
    return Gradients{sum_to(dy, a), sum_to(dy, b)};
  });
}

// y = a - b,   da = dy,   db = -dy
Variable operator-(const Variable& a, const Variable& b) {
  return record("subtract", a.value() - b.value(), {a, b},
                [a = Operand(a), b = Operand(b)](const Variable& dy) {
                  return Gradients{for_operand(a, [&] { return dy; }), for_operand(b, [&] { return -dy; })};
                });
}

// y = a b,   da = dy b,   db = dy a
Variable operator*(const Variable& a, const Variable& b) {
  return record(
      "multiply", a.value() * b.value(), {a, b},
      [to_a = Operand(a), to_b = Operand(b), a = kept_for(b, a), b = kept_for(a, b)](const Variable& dy) {
        return Gradients{for_operand(to_a, [&] { return dy * b; }),
                         for_operand(to_b, [&] { return dy * a; })};
      });
}

// y = a / b,   da = dy / b,   db = -dy (a / b) / b        (b² could overflow where a / b does not)
Variable operator/(const Variable& a, const Variable& b) {
  return record("divide", a.value() / b.value(), {a, b},
                [to_a = Operand(a), a = kept_for(b, a), b](const Variable& dy) {
                  return Gradients{for_operand(to_a, [&] { return dy / b; }),
                                   for_operand(b, [&] { return -(dy * (a / b) / b); })};
                });
}

// y = max(a, b),   da = dy [a > b],   db = dy [b > a],   half to each where they are equal
Variable maximum(const Variable& a, const Variable& b) {
  return record("maximum", maximum(a.value(), b.value()), {a, b}, [a, b](const Variable& dy) {
    const Tensor tie = half * equal(a.value(), b.value());
    return Gradients{for_operand(a, [&] { return dy * Variable((a.value() > b.value()) + tie); }),
                     for_operand(b, [&] { return dy * Variable((b.value() > a.value()) + tie); })};
  });
}

// y = min(a, b) = -max(-a, -b)
Variable minimum(const Variable& a, const Variable& b) {
  return record("minimum", minimum(a.value(), b.value()), {a, b}, [a, b](const Variable& dy) {
    const Tensor tie = half * equal(a.value(), b.value());
    return Gradients{for_operand(a, [&] { return dy * Variable((a.value() < b.value()) + tie); }),
                     for_operand(b, [&] { return dy * Variable((b.value() < a.value()) + tie); })};
  });
}

// y = aᵇ,   da = dy b aᵇ⁻¹,   db = dy y ln a
Variable pow(const Variable& a, const Variable& b) {
  return record("pow", pow(a.value(), b.value()), {a, b}, [a, b](const Variable& dy, const Variable& y) {
    // Where a = 0 the logarithm is replaced before it is taken, and so is the power that meets b = 0, so that
    // no infinity meets a zero.
    const Tensor is_zero = equal(a.value(), 0);
    return Gradients{for_operand(a,
                                 [&] {
                                   const Variable less = where(is_zero * equal(b.value(), 0), 0, b - 1);
                                   return dy * (b * pow(a, less));
                                 }),
                     for_operand(b, [&] {
                       const Variable finite = where(is_zero * (b.value() < 0), 0, y);
                       return dy * (finite * log(where(is_zero, 1, a)));
                     })};
  });
}

// y = c ? a : b,   da = c ? dy : 0,   db = c ? 0 : dy
Variable where(const Tensor& condition, const Variable& a, const Variable& b) {
  return record("where", where(condition, a.value(), b.value()), {a, b},
                [condition, a = Operand(a), b = Operand(b)](const Variable& dy) {
                  return Gradients{for_operand(a, [&] { return where(condition, dy, 0); }),
                                   for_operand(b, [&] { return where(condition, 0, dy); })};
                });
}

Tensor operator<(const Variable& a, const Variable& b) {
  return a.value() < b.value();
}
Tensor operator<=(const Variable& a, const Variable& b) {
  return a.value() <= b.value();
}
Tensor operator>(const Variable& a, const Variable& b) {
  return a.value() > b.value();
}
Tensor operator>=(const Variable& a, const Variable& b) {
  return a.value() >= b.value();
}

}  // namespace attune::inline ATTUNE_PRECISION
