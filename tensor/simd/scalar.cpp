// The naive twins: one number at a time, as the formulas in kernels.h read, sums in a wider type. They are
// the oracle of the tests, so they share no code with the kernels over batches, and are meant to be checked
// by eye.

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "tensor/simd/gemm_scalar.h"
#include "tensor/simd/tables.h"

namespace attune::inline ATTUNE_PRECISION::simd {

namespace {

/// What sums and means are computed in: more digits than Scalar has.
using Wide = std::conditional_t<sizeof(Scalar) == 4, double, long double>;

constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();

// ---- elementwise

template <auto f>
void unary(const Scalar* x, Scalar* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = f(x[i]);
}

template <auto f>
void unary_backward(const Scalar* x, const Scalar* dy, Scalar* dx, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) dx[i] = f(x[i], dy[i]);
}

template <auto f>
void binary(const Scalar* a, int a_step, const Scalar* b, int b_step, Scalar* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = f(a[a_step ? i : 0], b[b_step ? i : 0]);
}

Scalar sigmoid_of(Scalar x) {
  return 1 / (1 + std::exp(-x));
}

Scalar normal_distribution(Scalar x) {
  return std::erfc(-x / std::sqrt(Scalar(2))) / 2;
}

Scalar normal_density(Scalar x) {
  return std::exp(-x * x / 2) / std::sqrt(Scalar(2) * Scalar(3.14159265358979323846));
}

/// ±∞ as the largest numbers: beside a factor that is 0 there, ∞ would give NaN where the limit is 0.
Scalar finite(Scalar x) {
  const Scalar largest = std::numeric_limits<Scalar>::max();
  return x == infinity ? largest : x == -infinity ? -largest : x;
}

Scalar negate_one(Scalar x) {
  return -x;
}
Scalar absolute_one(Scalar x) {
  return std::abs(x);
}
Scalar exp_one(Scalar x) {
  return std::exp(x);
}
Scalar log_one(Scalar x) {
  return std::log(x);
}
Scalar sqrt_one(Scalar x) {
  return std::sqrt(x);
}
Scalar square_one(Scalar x) {
  return x * x;
}
Scalar tanh_one(Scalar x) {
  return std::tanh(x);
}
Scalar erf_one(Scalar x) {
  return std::erf(x);
}
Scalar relu_one(Scalar x) {
  return x <= 0 ? Scalar(0) : x;
}
Scalar gelu_one(Scalar x) {
  return x == -infinity ? Scalar(-0.0) : x * normal_distribution(x);
}
Scalar silu_one(Scalar x) {
  return x == -infinity ? Scalar(-0.0) : x * sigmoid_of(x);
}
Scalar reciprocal_one(Scalar x) {
  return 1 / x;
}

Scalar relu_backward_one(Scalar x, Scalar dy) {
  return x > 0 ? dy : Scalar(0);
}
Scalar gelu_backward_one(Scalar x, Scalar dy) {
  return dy * (normal_distribution(x) + finite(x) * normal_density(x));
}
Scalar silu_backward_one(Scalar x, Scalar dy) {
  const Scalar s = sigmoid_of(x);
  return dy * s * (1 + finite(x) * (1 - s));
}
Scalar tanh_backward_one(Scalar y, Scalar dy) {
  return dy * (1 - y * y);
}
Scalar sigmoid_backward_one(Scalar y, Scalar dy) {
  return dy * y * (1 - y);
}

Scalar add_one(Scalar a, Scalar b) {
  return a + b;
}
Scalar subtract_one(Scalar a, Scalar b) {
  return a - b;
}
Scalar multiply_one(Scalar a, Scalar b) {
  return a * b;
}
Scalar divide_one(Scalar a, Scalar b) {
  return a / b;
}
Scalar maximum_one(Scalar a, Scalar b) {
  return std::isnan(a) || a > b ? a : b;
}
Scalar minimum_one(Scalar a, Scalar b) {
  return std::isnan(a) || a < b ? a : b;
}
Scalar power_one(Scalar a, Scalar b) {
  return std::pow(a, b);
}
Scalar less_one(Scalar a, Scalar b) {
  return a < b ? 1 : 0;
}
Scalar less_equal_one(Scalar a, Scalar b) {
  return a <= b ? 1 : 0;
}
Scalar greater_one(Scalar a, Scalar b) {
  return a > b ? 1 : 0;
}
Scalar greater_equal_one(Scalar a, Scalar b) {
  return a >= b ? 1 : 0;
}
Scalar equal_one(Scalar a, Scalar b) {
  return a == b ? 1 : 0;
}
Scalar not_equal_one(Scalar a, Scalar b) {
  return a != b ? 1 : 0;
}

void select(const Scalar* condition, int condition_step, const Scalar* a, int a_step, const Scalar* b,
            int b_step, Scalar* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    y[i] = condition[condition_step ? i : 0] != 0 ? a[a_step ? i : 0] : b[b_step ? i : 0];
  }
}

void fill(Scalar value, Scalar* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = value;
}

void add_to(const Scalar* x, Scalar* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += x[i];
}

void axpy(Scalar alpha, const Scalar* x, Scalar* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += alpha * x[i];
}

void scale(Scalar alpha, const Scalar* x, Scalar* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = alpha * x[i];
}

// ---- reductions

/// Σ term(i), in more digits than Scalar has
template <class Term>
Wide total(std::size_t n, Term term) {
  Wide sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += term(i);
  return sum;
}

Scalar sum(const Scalar* x, std::size_t n) {
  return static_cast<Scalar>(total(n, [=](std::size_t i) { return Wide(x[i]); }));
}

Scalar dot(const Scalar* a, const Scalar* b, std::size_t n) {
  return static_cast<Scalar>(total(n, [=](std::size_t i) { return Wide(a[i]) * Wide(b[i]); }));
}

double sum_of_squares(const Scalar* x, std::size_t n) {
  double sums[32] = {};
  for (std::size_t i = 0; i < n; ++i) sums[i % 32] += double(x[i]) * double(x[i]);
  for (int half = 16; half > 0; half /= 2) {
    for (int k = 0; k < half; ++k) sums[k] += sums[k + half];
  }
  return sums[0];
}

Scalar max(const Scalar* x, std::size_t n) {
  Scalar best = -infinity;
  for (std::size_t i = 0; i < n; ++i) best = maximum_one(best, x[i]);
  return best;
}

Scalar min(const Scalar* x, std::size_t n) {
  Scalar best = infinity;
  for (std::size_t i = 0; i < n; ++i) best = minimum_one(best, x[i]);
  return best;
}

bool any_non_finite(const Scalar* x, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) return true;
  }
  return false;
}

// ---- rows

void softmax(const Scalar* x, Scalar* y, std::size_t rows, std::size_t n) {
  for (std::size_t row = 0; row < rows; ++row, x += n, y += n) {
    const Wide largest = Wide(max(x, n));
    const Wide sum = total(n, [=](std::size_t j) { return std::exp(Wide(x[j]) - largest); });
    for (std::size_t j = 0; j < n; ++j) y[j] = static_cast<Scalar>(std::exp(Wide(x[j]) - largest) / sum);
  }
}

void masked_softmax(const Scalar* x, const Scalar* allowed, std::size_t allowed_step, Scalar* y,
                    std::size_t rows, std::size_t n) {
  for (std::size_t row = 0; row < rows; ++row, x += n, allowed += allowed_step, y += n) {
    Scalar largest = -infinity;
    for (std::size_t j = 0; j < n; ++j) {
      if (allowed[j] != 0) largest = maximum_one(largest, x[j]);
    }
    Wide sum = 0;
    for (std::size_t j = 0; j < n; ++j) {
      if (allowed[j] != 0) sum += std::exp(Wide(x[j]) - Wide(largest));
    }
    for (std::size_t j = 0; j < n; ++j) {
      const bool has_weight = allowed[j] != 0 && largest != -infinity;
      y[j] = has_weight ? static_cast<Scalar>(std::exp(Wide(x[j]) - Wide(largest)) / sum) : Scalar(0);
    }
  }
}

void softmax_backward(const Scalar* y, const Scalar* dy, Scalar* dx, std::size_t rows, std::size_t n) {
  for (std::size_t row = 0; row < rows; ++row, y += n, dy += n, dx += n) {
    const Wide common =
        total(n, [=](std::size_t j) { return y[j] == 0 ? Wide(0) : Wide(dy[j]) * Wide(y[j]); });
    for (std::size_t j = 0; j < n; ++j) {
      dx[j] = y[j] == 0 ? Scalar(0) : static_cast<Scalar>(Wide(y[j]) * (Wide(dy[j]) - common));
    }
  }
}

Scalar exp_minus(const Scalar* x, Scalar shift, Scalar* y, std::size_t n) {
  Wide sum = 0;
  for (std::size_t j = 0; j < n; ++j) {
    y[j] = static_cast<Scalar>(std::exp(Wide(x[j]) - Wide(shift)));
    sum += Wide(y[j]);
  }
  return static_cast<Scalar>(sum);
}

void attention_backward(Scalar largest, Scalar inverse, const Scalar* common, Scalar* z, Scalar* da,
                        std::size_t n) {
  for (std::size_t j = 0; j < n; ++j)
    z[j] = static_cast<Scalar>(std::exp(Wide(z[j]) - Wide(largest)) * Wide(inverse));
  const Wide of_row =
      common ? Wide(*common)
             : total(n, [=](std::size_t j) { return z[j] == 0 ? Wide(0) : Wide(z[j]) * Wide(da[j]); });
  for (std::size_t j = 0; j < n; ++j)
    da[j] = z[j] == 0 ? Scalar(0) : static_cast<Scalar>(Wide(z[j]) * (Wide(da[j]) - of_row));
}

void dot_rows(const Scalar* a, const Scalar* rows, std::int64_t stride, std::size_t count, Scalar* y,
              std::size_t n) {
  for (std::size_t r = 0; r < count; ++r) y[r] = dot(a, rows + static_cast<std::int64_t>(r) * stride, n);
}

void sum_rows(const Scalar* weights, const Scalar* rows, std::int64_t stride, std::size_t count, Scalar* y,
              std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    y[i] = static_cast<Scalar>(
        Wide(y[i]) + total(count, [=](std::size_t r) {
          return Wide(weights[r]) *
                 Wide(rows[static_cast<std::int64_t>(r) * stride + static_cast<std::int64_t>(i)]);
        }));
}

Wide log_sum_exp(const Scalar* x, std::size_t n) {
  const Wide largest = Wide(max(x, n));
  return largest + std::log(total(n, [=](std::size_t j) { return std::exp(Wide(x[j]) - largest); }));
}

void log_softmax(const Scalar* x, Scalar* y, std::size_t rows, std::size_t n) {
  for (std::size_t row = 0; row < rows; ++row, x += n, y += n) {
    const Wide all = log_sum_exp(x, n);
    for (std::size_t j = 0; j < n; ++j) y[j] = static_cast<Scalar>(Wide(x[j]) - all);
  }
}

void log_softmax_backward(const Scalar* y, const Scalar* dy, Scalar* dx, std::size_t rows, std::size_t n) {
  for (std::size_t row = 0; row < rows; ++row, y += n, dy += n, dx += n) {
    const Wide sum = total(n, [=](std::size_t j) { return Wide(dy[j]); });
    for (std::size_t j = 0; j < n; ++j) {
      dx[j] = static_cast<Scalar>(Wide(dy[j]) - std::exp(Wide(y[j])) * sum);
    }
  }
}

/// The mean unrounded: `mean` is that, rounded. Backward is given the rounded one, and finds the mean again
/// by itself.
Wide mean_of(const Scalar* x, std::size_t n) {
  return n == 0 ? 0 : total(n, [=](std::size_t j) { return Wide(x[j]); }) / Wide(n);
}

void layer_norm(const Scalar* x, const Scalar* scale, const Scalar* shift, Scalar* y, std::size_t rows,
                std::size_t n, Scalar epsilon, Scalar* mean, Scalar* inverse_deviation) {
  for (std::size_t row = 0; row < rows; ++row, x += n, y += n) {
    const Wide centre = mean_of(x, n);
    const Wide squares =
        total(n, [=](std::size_t j) { return (Wide(x[j]) - centre) * (Wide(x[j]) - centre); });
    const Wide inverse = 1 / std::sqrt((n == 0 ? 0 : squares / Wide(n)) + Wide(epsilon));
    for (std::size_t j = 0; j < n; ++j) {
      const Wide normalised = (Wide(x[j]) - centre) * inverse;
      y[j] = static_cast<Scalar>(normalised * (scale ? Wide(scale[j]) : Wide(1)) +
                                 (shift ? Wide(shift[j]) : Wide(0)));
    }
    mean[row] = static_cast<Scalar>(centre);
    inverse_deviation[row] = static_cast<Scalar>(inverse);
  }
}

void layer_norm_backward(const Scalar* x, const Scalar*, const Scalar* inverse_deviation, const Scalar* scale,
                         const Scalar* dy, Scalar* dx, Scalar* dscale, Scalar* dshift, std::size_t rows,
                         std::size_t n) {
  for (std::size_t row = 0; row < rows; ++row, x += n, dy += n, dx += n) {
    const Wide centre = mean_of(x, n);
    const Wide inverse = Wide(inverse_deviation[row]);
    const auto g = [=](std::size_t j) { return Wide(dy[j]) * (scale ? Wide(scale[j]) : Wide(1)); };
    const auto normalised = [=](std::size_t j) { return (Wide(x[j]) - centre) * inverse; };
    const Wide mean_g = total(n, g) / Wide(n);
    const Wide mean_gx = total(n, [=](std::size_t j) { return g(j) * normalised(j); }) / Wide(n);
    for (std::size_t j = 0; j < n; ++j) {
      dscale[j] = static_cast<Scalar>(Wide(dscale[j]) + Wide(dy[j]) * normalised(j));
      dshift[j] += dy[j];
      dx[j] = static_cast<Scalar>(inverse * (g(j) - mean_g - normalised(j) * mean_gx));
    }
  }
}

void rms_norm(const Scalar* x, const Scalar* scale, Scalar* y, std::size_t n, Scalar epsilon,
              Scalar* inverse_root) {
  const Wide squares = total(n, [=](std::size_t j) { return Wide(x[j]) * Wide(x[j]); });
  const Wide inverse = 1 / std::sqrt((n == 0 ? 0 : squares / Wide(n)) + Wide(epsilon));
  for (std::size_t j = 0; j < n; ++j) {
    y[j] = static_cast<Scalar>(Wide(x[j]) * inverse * (scale ? Wide(scale[j]) : Wide(1)));
  }
  *inverse_root = static_cast<Scalar>(inverse);
}

void rms_norm_backward(const Scalar* x, Scalar inverse_root, const Scalar* scale, const Scalar* dy,
                       Scalar* dx, Scalar* dscale, std::size_t n) {
  const Wide inverse = Wide(inverse_root);
  const auto g = [=](std::size_t j) { return Wide(dy[j]) * (scale ? Wide(scale[j]) : Wide(1)); };
  const Wide mean_gx = total(n, [=](std::size_t j) { return g(j) * Wide(x[j]) * inverse; }) / Wide(n);
  for (std::size_t j = 0; j < n; ++j) {
    dscale[j] += dy[j] * (x[j] * inverse_root);
    dx[j] = static_cast<Scalar>(inverse * (g(j) - Wide(x[j]) * inverse * mean_gx));
  }
}

Scalar cross_entropy(const Scalar* x, std::size_t target, Scalar smoothing, std::size_t n,
                     Scalar* logsumexp) {
  const Wide all = log_sum_exp(x, n);
  *logsumexp = static_cast<Scalar>(all);
  Wide loss = -(1 - Wide(smoothing)) * (Wide(x[target]) - all);
  if (smoothing != 0) {
    loss -= Wide(smoothing) / Wide(n) * total(n, [=](std::size_t j) { return Wide(x[j]) - all; });
  }
  return static_cast<Scalar>(loss);
}

void cross_entropy_backward(const Scalar* x, Scalar logsumexp, std::size_t target, Scalar smoothing, Scalar g,
                            Scalar* dx, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    const Wide p = std::exp(Wide(x[j]) - Wide(logsumexp));
    const Wide wanted = (j == target ? 1 - Wide(smoothing) : Wide(0)) + Wide(smoothing) / Wide(n);
    dx[j] = static_cast<Scalar>(Wide(g) * (p - wanted));
  }
}

// ---- optimisers

void adam(Scalar* parameter, const Scalar* gradient, Scalar* m, Scalar* v, std::size_t n,
          const AdamStep& step) {
  for (std::size_t i = 0; i < n; ++i) {
    const Scalar g = gradient[i];
    m[i] = step.beta1 * m[i] + (1 - step.beta1) * g;
    v[i] = step.beta2 * v[i] + (1 - step.beta2) * g * g;
    const Scalar direction = (m[i] / step.correction1) / (std::sqrt(v[i] / step.correction2) + step.epsilon);
    parameter[i] -= step.rate * (direction + step.weight_decay * parameter[i]);
  }
}

void sgd(Scalar* parameter, const Scalar* gradient, Scalar* velocity, std::size_t n, Scalar rate,
         Scalar momentum, Scalar weight_decay) {
  for (std::size_t i = 0; i < n; ++i) {
    Scalar g = gradient[i] + weight_decay * parameter[i];
    if (velocity) {
      velocity[i] = momentum * velocity[i] + g;
      g = velocity[i];
    }
    parameter[i] -= rate * g;
  }
}

// ---- random numbers

void threefry_block(std::uint32_t key0, std::uint32_t key1, std::uint32_t counter0, std::uint32_t counter1,
                    std::uint32_t* out) {
  const std::uint32_t key[3] = {key0, key1, 0x1bd11bdau ^ key0 ^ key1};
  const int rotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  std::uint32_t x0 = counter0 + key[0];
  std::uint32_t x1 = counter1 + key[1];
  for (std::uint32_t round = 0; round < 20; ++round) {
    x0 += x1;
    x1 = (x1 << rotations[round % 8]) | (x1 >> (32 - rotations[round % 8]));
    x1 ^= x0;
    if (round % 4 == 3) {
      const std::uint32_t four = round / 4 + 1;
      x0 += key[four % 3];
      x1 += key[(four + 1) % 3] + four;
    }
  }
  out[0] = x0;
  out[1] = x1;
}

std::uint32_t threefry_element(std::uint32_t key0, std::uint32_t key1, std::uint64_t index) {
  std::uint32_t block[2];
  threefry_block(key0, key1, static_cast<std::uint32_t>(index >> 1), static_cast<std::uint32_t>(index >> 33),
                 block);
  return block[index & 1];
}

void threefry_bits(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index, std::uint32_t* out,
                   std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = threefry_element(key0, key1, first_index + i);
}

void dropout(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_block, std::uint32_t keep_threshold,
             Scalar scale, const Scalar* x, Scalar* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    y[i] = x[i] * (threefry_element(key0, key1, 2 * first_block + i) < keep_threshold ? scale : Scalar(0));
  }
}

void uniform(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index, Scalar* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    y[i] = static_cast<Scalar>(threefry_element(key0, key1, first_index + i) >> 8) / Scalar(16777216);
  }
}

}  // namespace

constinit const Kernels scalar_table = {
    .name = "scalar",
    .lanes = 1,

    .negate = unary<negate_one>,
    .absolute = unary<absolute_one>,
    .exp = unary<exp_one>,
    .log = unary<log_one>,
    .sqrt = unary<sqrt_one>,
    .square = unary<square_one>,
    .tanh = unary<tanh_one>,
    .sigmoid = unary<sigmoid_of>,
    .erf = unary<erf_one>,
    .relu = unary<relu_one>,
    .gelu = unary<gelu_one>,
    .silu = unary<silu_one>,
    .reciprocal = unary<reciprocal_one>,
    .relu_backward = unary_backward<relu_backward_one>,
    .gelu_backward = unary_backward<gelu_backward_one>,
    .silu_backward = unary_backward<silu_backward_one>,
    .tanh_backward = unary_backward<tanh_backward_one>,
    .sigmoid_backward = unary_backward<sigmoid_backward_one>,

    .add = binary<add_one>,
    .subtract = binary<subtract_one>,
    .multiply = binary<multiply_one>,
    .divide = binary<divide_one>,
    .maximum = binary<maximum_one>,
    .minimum = binary<minimum_one>,
    .power = binary<power_one>,
    .less = binary<less_one>,
    .less_equal = binary<less_equal_one>,
    .greater = binary<greater_one>,
    .greater_equal = binary<greater_equal_one>,
    .equal = binary<equal_one>,
    .not_equal = binary<not_equal_one>,
    .select = select,

    .fill = fill,
    .add_to = add_to,
    .axpy = axpy,
    .scale = scale,

    .sum = sum,
    .max = max,
    .min = min,
    .dot = dot,
    .any_non_finite = any_non_finite,
    .sum_of_squares = sum_of_squares,

    .softmax = softmax,
    .log_softmax = log_softmax,
    .masked_softmax = masked_softmax,
    .softmax_backward = softmax_backward,
    .log_softmax_backward = log_softmax_backward,
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .rms_norm = rms_norm,
    .rms_norm_backward = rms_norm_backward,
    .cross_entropy = cross_entropy,
    .cross_entropy_backward = cross_entropy_backward,

    .exp_minus = exp_minus,
    .attention_backward = attention_backward,
    .dot_rows = dot_rows,
    .sum_rows = sum_rows,
    .adam = adam,
    .sgd = sgd,

    .threefry_block = threefry_block,
    .threefry_bits = threefry_bits,
    .dropout = dropout,
    .uniform = uniform,

    .gemm_rows = scalar_gemm_rows,
    .gemm_columns = scalar_gemm_columns,
    .gemm_block = scalar_gemm_block,
    .gemm_pack = scalar_gemm_pack,
    .split_pack = nullptr,
    .split_block = nullptr,
    .gemm_peak = scalar_gemm_peak,
};

}  // namespace attune::inline ATTUNE_PRECISION::simd
