#pragma once

#include <limits>

#include "tensor/simd/batch_math.h"
#include "tensor/simd/runs.h"

// One result per element. The formulas and the rules about NaN stand in kernels.h.

namespace attune::inline ATTUNE_PRECISION::simd {

// ---- unary

template <class Arch>
void negate(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return negated(v); }, Run<Arch>{x});
}

template <class Arch>
void absolute(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return xsimd::abs(v); }, Run<Arch>{x});
}

template <class Arch>
void exp(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return math::exp(v); }, Run<Arch>{x});
}

template <class Arch>
void log(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return math::log(v); }, Run<Arch>{x});
}

template <class Arch>
void sqrt(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return square_root(v); }, Run<Arch>{x});
}

template <class Arch>
void square(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return v * v; }, Run<Arch>{x});
}

template <class Arch>
void tanh(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return math::tanh(v); }, Run<Arch>{x});
}

template <class Arch>
void sigmoid(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return math::sigmoid(v); }, Run<Arch>{x});
}

template <class Arch>
void erf(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return math::erf(v); }, Run<Arch>{x});
}

/// Asked as "not positive", so that NaN passes through and −0 becomes +0.
template <class Arch>
void relu(const Scalar* x, Scalar* y, std::size_t n) {
  const Batch<Arch> zero(Scalar(0));
  map<Arch>(
      y, n, [=](Batch<Arch> v) { return xsimd::select(v <= zero, zero, v); }, Run<Arch>{x});
}

/// x with −∞ as the lowest number, for a factor beside another that is 0 there: −∞ · 0 would be NaN, and the
/// limit is 0.
template <class Arch>
Batch<Arch> finite_below(const Batch<Arch>& x) {
  const Batch<Arch> lowest(std::numeric_limits<Scalar>::lowest());
  return xsimd::select(x < lowest, lowest, x);  // NaN is not less, and stays
}

/// The same for both infinities.
template <class Arch>
Batch<Arch> finite(const Batch<Arch>& x) {
  const Batch<Arch> largest(std::numeric_limits<Scalar>::max());
  return xsimd::select(x > largest, largest, finite_below(x));
}

template <class Arch>
void gelu(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return finite_below(v) * math::normal_distribution(v); }, Run<Arch>{x});
}

template <class Arch>
void silu(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return finite_below(v) * math::sigmoid(v); }, Run<Arch>{x});
}

/// A true division: xsimd::reciprocal is an estimate.
template <class Arch>
void reciprocal(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return quotient(Batch<Arch>(Scalar(1)), v); }, Run<Arch>{x});
}

// ---- derivatives of the unary ones

template <class Arch>
void relu_backward(const Scalar* x, const Scalar* dy, Scalar* dx, std::size_t n) {
  const Batch<Arch> zero(Scalar(0));
  map<Arch>(
      dx, n, [=](Batch<Arch> v, Batch<Arch> g) { return xsimd::select(v > zero, g, zero); }, Run<Arch>{x},
      Run<Arch>{dy});
}

/// d/dx x Φ(x) = Φ(x) + x φ(x),   φ(x) = e^(−x²/2) / √(2π)
template <class Arch>
void gelu_backward(const Scalar* x, const Scalar* dy, Scalar* dx, std::size_t n) {
  const auto f = [](Batch<Arch> v, Batch<Arch> g) {
    const Batch<Arch> density =
        math::exp(v * v * Batch<Arch>(Scalar(-0.5))) * Batch<Arch>(Scalar(0.39894228040143267794));
    return g * multiply_add(finite(v), density, math::normal_distribution(v));
  };
  map<Arch>(dx, n, f, Run<Arch>{x}, Run<Arch>{dy});
}

/// d/dx x s(x) = s + x s (1 − s) = s (1 + x (1 − s)),   s = sigmoid(x)
template <class Arch>
void silu_backward(const Scalar* x, const Scalar* dy, Scalar* dx, std::size_t n) {
  const auto f = [](Batch<Arch> v, Batch<Arch> g) {
    const Batch<Arch> one(Scalar(1));
    const Batch<Arch> s = math::sigmoid(v);
    return g * s * multiply_add(finite(v), one - s, one);
  };
  map<Arch>(dx, n, f, Run<Arch>{x}, Run<Arch>{dy});
}

template <class Arch>
void tanh_backward(const Scalar* y, const Scalar* dy, Scalar* dx, std::size_t n) {
  const auto f = [](Batch<Arch> t, Batch<Arch> g) {
    return g * multiply_add(negated(t), t, Batch<Arch>(Scalar(1)));
  };
  map<Arch>(dx, n, f, Run<Arch>{y}, Run<Arch>{dy});
}

template <class Arch>
void sigmoid_backward(const Scalar* y, const Scalar* dy, Scalar* dx, std::size_t n) {
  const auto f = [](Batch<Arch> s, Batch<Arch> g) { return g * s * (Batch<Arch>(Scalar(1)) - s); };
  map<Arch>(dx, n, f, Run<Arch>{y}, Run<Arch>{dy});
}

// ---- binary

/// y_i = f(a_i, b_i), either operand a run or one number.
template <class Arch, class Function>
void map_two(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n, Function f) {
  if (n == 0) return;
  with_operand<Arch>(a, a_step, [=](auto left) {
    with_operand<Arch>(b, b_step, [=](auto right) { map<Arch>(y, n, f, left, right); });
  });
}

template <class Arch>
void add(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  map_two<Arch>(a, a_step, b, b_step, y, n, [](Batch<Arch> u, Batch<Arch> v) { return u + v; });
}

template <class Arch>
void subtract(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  map_two<Arch>(a, a_step, b, b_step, y, n, [](Batch<Arch> u, Batch<Arch> v) { return u - v; });
}

template <class Arch>
void multiply(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  map_two<Arch>(a, a_step, b, b_step, y, n, [](Batch<Arch> u, Batch<Arch> v) { return u * v; });
}

template <class Arch>
void divide(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  map_two<Arch>(a, a_step, b, b_step, y, n, [](Batch<Arch> u, Batch<Arch> v) { return quotient(u, v); });
}

/// The processor's own maximum forgets a NaN on one side: take u where it is larger or NaN, else v (which may
/// be NaN).
template <class Arch>
void maximum(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  map_two<Arch>(a, a_step, b, b_step, y, n,
                [](Batch<Arch> u, Batch<Arch> v) { return xsimd::select((u > v) | xsimd::isnan(u), u, v); });
}

template <class Arch>
void minimum(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  map_two<Arch>(a, a_step, b, b_step, y, n,
                [](Batch<Arch> u, Batch<Arch> v) { return xsimd::select((u < v) | xsimd::isnan(u), u, v); });
}

/// One at a time: pow has too many special cases to be worth a version of our own.
template <class Arch>
void power(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  const std::size_t a_stride = a_step == 0 ? 0 : 1;
  const std::size_t b_stride = b_step == 0 ? 0 : 1;
  for (std::size_t i = 0; i < n; ++i) {
    if constexpr (math::in_double) {
      y[i] = static_cast<Scalar>(__builtin_pow(a[i * a_stride], b[i * b_stride]));
    } else {
      y[i] = __builtin_powf(static_cast<float>(a[i * a_stride]), static_cast<float>(b[i * b_stride]));
    }
  }
}

/// 1 where f(a_i, b_i) holds, else 0.
template <class Arch, class Comparison>
void compare(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n,
             Comparison f) {
  const Batch<Arch> one(Scalar(1));
  const Batch<Arch> zero(Scalar(0));
  map_two<Arch>(a, a_step, b, b_step, y, n,
                [=](Batch<Arch> u, Batch<Arch> v) { return xsimd::select(f(u, v), one, zero); });
}

template <class Arch>
void less(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  compare<Arch>(a, a_step, b, b_step, y, n, [](Batch<Arch> u, Batch<Arch> v) { return u < v; });
}

template <class Arch>
void less_equal(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  compare<Arch>(a, a_step, b, b_step, y, n, [](Batch<Arch> u, Batch<Arch> v) { return u <= v; });
}

template <class Arch>
void greater(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  compare<Arch>(a, a_step, b, b_step, y, n, [](Batch<Arch> u, Batch<Arch> v) { return u > v; });
}

template <class Arch>
void greater_equal(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  compare<Arch>(a, a_step, b, b_step, y, n, [](Batch<Arch> u, Batch<Arch> v) { return u >= v; });
}

template <class Arch>
void equal(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  compare<Arch>(a, a_step, b, b_step, y, n, [](Batch<Arch> u, Batch<Arch> v) { return u == v; });
}

/// The opposite of equal, written so: NaN differs from everything, and instruction sets disagree about "≠".
template <class Arch>
void not_equal(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  compare<Arch>(a, a_step, b, b_step, y, n, [](Batch<Arch> u, Batch<Arch> v) { return !(u == v); });
}

template <class Arch>
void select(const Scalar* condition, int condition_step, const Scalar* a, int a_step, const Scalar* b,
            int b_step, Scalar* y, std::size_t n) {
  if (n == 0) return;
  const Batch<Arch> zero(Scalar(0));
  const auto f = [=](Batch<Arch> c, Batch<Arch> u, Batch<Arch> v) { return xsimd::select(c == zero, v, u); };
  with_operand<Arch>(condition, condition_step, [=](auto chosen) {
    with_operand<Arch>(a, a_step, [=](auto left) {
      with_operand<Arch>(b, b_step, [=](auto right) { map<Arch>(y, n, f, chosen, left, right); });
    });
  });
}

// ---- writing and accumulating

template <class Arch>
void fill(Scalar value, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> v) { return v; }, Single<Arch>{Batch<Arch>(value)});
}

template <class Arch>
void add_to(const Scalar* x, Scalar* y, std::size_t n) {
  map<Arch>(
      y, n, [](Batch<Arch> u, Batch<Arch> v) { return u + v; }, Run<Arch>{y}, Run<Arch>{x});
}

template <class Arch>
void axpy(Scalar alpha, const Scalar* x, Scalar* y, std::size_t n) {
  const Batch<Arch> factor(alpha);
  map<Arch>(
      y, n, [=](Batch<Arch> u, Batch<Arch> v) { return multiply_add(factor, v, u); }, Run<Arch>{y},
      Run<Arch>{x});
}

template <class Arch>
void scale(Scalar alpha, const Scalar* x, Scalar* y, std::size_t n) {
  const Batch<Arch> factor(alpha);
  map<Arch>(
      y, n, [=](Batch<Arch> v) { return factor * v; }, Run<Arch>{x});
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
