#pragma once

#include <limits>

#include "tensor/simd/elementwise.h"
#include "tensor/simd/reductions.h"

// Kernels over one row of length n: softmax, normalisation, cross-entropy.

namespace attune::inline ATTUNE_PRECISION::simd {

// ---- softmax

/// y_j = e^(x_j − max), and returns Σ_j y_j. Subtracting the largest keeps every power ≤ 1, the largest one
/// exactly 1.
template <class Arch>
[[gnu::flatten]] inline Scalar exp_minus_max(const Scalar* x, Scalar max, Scalar* y, std::size_t n) {
  const Batch<Arch> shift(max);
  Batch<Arch> sum(Scalar(0));
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const Batch<Arch> e =
        math::exp(load<Arch>(x + i, extent, -std::numeric_limits<Scalar>::infinity()) - shift);
    store<Arch>(e, y + i, extent);
    sum += e;
  });
  return sum_of_lanes(sum);
}

template <class Arch>
void softmax(const Scalar* x, Scalar* y, std::size_t n) {
  const Scalar sum = exp_minus_max<Arch>(x, max<Arch>(x, n), y, n);
  scale<Arch>(Scalar(1) / sum, y, y, n);
}

/// x where allowed ≠ 0, −∞ elsewhere and behind the end.
template <class Arch>
struct AllowedOnly {
  const Scalar* x;
  const Scalar* allowed;

  template <class Extent>
  Batch<Arch> at(std::size_t i, Extent extent) const {
    const auto forbidden = load<Arch>(allowed + i, extent) == Batch<Arch>(Scalar(0));
    return xsimd::select(forbidden, Batch<Arch>(-std::numeric_limits<Scalar>::infinity()),
                         load<Arch>(x + i, extent));
  }
};

template <class Arch>
[[gnu::flatten]] inline void masked_softmax(const Scalar* x, const Scalar* allowed, Scalar* y,
                                            std::size_t n) {
  const Scalar infinity = std::numeric_limits<Scalar>::infinity();
  const AllowedOnly<Arch> row{x, allowed};
  const Scalar max = extreme<true, Arch>(n, row);
  if (max == -infinity) return fill<Arch>(Scalar(0), y, n);  // nothing allowed, or nothing but −∞

  // Forbidden places are set to 0 by hand: with NaN or ∞ among the allowed ones, e^(−∞ − max) would be NaN
  // there too.
  const Batch<Arch> shift(max);
  const Batch<Arch> zero(Scalar(0));
  Batch<Arch> sum = zero;
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const auto forbidden = load<Arch>(allowed + i, extent) == zero;
    const Batch<Arch> e = xsimd::select(forbidden, zero, math::exp(load<Arch>(x + i, extent) - shift));
    store<Arch>(e, y + i, extent);
    sum += e;
  });
  const Batch<Arch> inverse(Scalar(1) / sum_of_lanes(sum));
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const Batch<Arch> e = load<Arch>(y + i, extent);
    store<Arch>(xsimd::select(load<Arch>(allowed + i, extent) == zero, zero, e * inverse), y + i, extent);
  });
}

/// Where y = 0 (a forbidden place, or one that underflowed) dy is not looked at: whatever the loss says about
/// a place that has no weight, NaN included, it changes nothing.
template <class Arch>
void softmax_backward(const Scalar* y, const Scalar* dy, Scalar* dx, std::size_t n) {
  const Batch<Arch> zero(Scalar(0));
  const auto product = [=](Batch<Arch> p, Batch<Arch> g) { return xsimd::select(p == zero, zero, p * g); };
  const Batch<Arch> common(total<Arch>(n, product, Run<Arch>{y}, Run<Arch>{dy}));
  map<Arch>(
      dx, n, [=](Batch<Arch> p, Batch<Arch> g) { return xsimd::select(p == zero, zero, p * (g - common)); },
      Run<Arch>{y}, Run<Arch>{dy});
}

/// Σ_j e^(x_j − max)
template <class Arch>
Scalar sum_of_exp_minus_max(const Scalar* x, Scalar max, std::size_t n) {
  const Batch<Arch> shift(max);
  return total<Arch>(
      n, [=](Batch<Arch> v) { return math::exp(v - shift); },
      Run<Arch>{x, -std::numeric_limits<Scalar>::infinity()});
}

template <class Arch>
Scalar log_of(Scalar x) {
  return first_lane(math::log(Batch<Arch>(x)));
}

/// The row's maximum is taken away first and the small logarithm last: their sum would lose digits for large
/// logits.
template <class Arch>
void log_softmax(const Scalar* x, Scalar* y, std::size_t n) {
  const Scalar largest = max<Arch>(x, n);
  const Batch<Arch> shift(largest);
  const Batch<Arch> log_sum(log_of<Arch>(sum_of_exp_minus_max<Arch>(x, largest, n)));
  map<Arch>(
      y, n, [=](Batch<Arch> v) { return (v - shift) - log_sum; }, Run<Arch>{x});
}

template <class Arch>
void log_softmax_backward(const Scalar* y, const Scalar* dy, Scalar* dx, std::size_t n) {
  const Batch<Arch> minus_sum(-sum<Arch>(dy, n));
  map<Arch>(
      dx, n, [=](Batch<Arch> l, Batch<Arch> g) { return multiply_add(math::exp(l), minus_sum, g); },
      Run<Arch>{y}, Run<Arch>{dy});
}

// ---- cross-entropy

/// With d_j = x_j − max and log S = log Σ_j e^(d_j):   log p_j = d_j − log S, so
///   loss = log S − (1 − e) d_target − e mean(d)
template <class Arch>
Scalar cross_entropy(const Scalar* x, std::size_t target, Scalar smoothing, std::size_t n,
                     Scalar* logsumexp) {
  const Scalar largest = max<Arch>(x, n);
  const Scalar log_sum = log_of<Arch>(sum_of_exp_minus_max<Arch>(x, largest, n));
  *logsumexp = largest + log_sum;
  Scalar loss = log_sum - (Scalar(1) - smoothing) * (x[target] - largest);
  if (smoothing != 0) {  // not 0 · mean(d): a class that is ruled out by a logit of −∞ would make that NaN
    const Batch<Arch> shift(largest);
    const Scalar sum_d = total<Arch>(
        n, [=](Batch<Arch> v) { return v - shift; }, Run<Arch>{x, largest});
    loss -= smoothing * (sum_d / static_cast<Scalar>(n));
  }
  return loss;
}

template <class Arch>
void cross_entropy_backward(const Scalar* x, Scalar logsumexp, std::size_t target, Scalar smoothing, Scalar g,
                            Scalar* dx, std::size_t n) {
  const Batch<Arch> shift(logsumexp);
  const Batch<Arch> factor(g);
  const Scalar uniform_share = smoothing / static_cast<Scalar>(n);
  const Batch<Arch> share(uniform_share);
  const Scalar p_target = first_lane(math::exp(Batch<Arch>(x[target]) - shift));  // before dx overwrites x
  map<Arch>(
      dx, n, [=](Batch<Arch> v) { return factor * (math::exp(v - shift) - share); }, Run<Arch>{x});
  dx[target] = g * ((p_target - (Scalar(1) - smoothing)) - uniform_share);
}

// ---- layer norm

// The mean of a row is rounded to a Scalar, and for a row with a large offset (1e4, say, with deviations of
// 1) that rounding alone is felt in the result. So the deviations d = x − mean, which are exact or nearly so,
// are centred once more: with δ = mean(d), a tiny number,
//   x − (true mean) = d − δ,   variance = mean(d²) − δ²

template <class Arch>
Scalar sum_of_deviations(const Scalar* x, Scalar mean, std::size_t n) {
  const Batch<Arch> centre(mean);
  return total<Arch>(
      n, [=](Batch<Arch> v) { return v - centre; }, Run<Arch>{x, mean});
}

template <class Arch>
Scalar inverse_square_root(Scalar x) {
  return Scalar(1) / first_lane(square_root(Batch<Arch>(x)));  // xsimd::rsqrt is an estimate
}

template <class Arch>
void layer_norm(const Scalar* x, const Scalar* scale, const Scalar* shift, Scalar* y, std::size_t n,
                Scalar epsilon, Scalar* mean, Scalar* inverse_deviation) {
  using B = Batch<Arch>;
  const Scalar size = n == 0 ? Scalar(1) : static_cast<Scalar>(n);
  const Scalar m = sum<Arch>(x, n) / size;
  const Scalar delta = sum_of_deviations<Arch>(x, m, n) / size;
  Scalar variance = sum_of_squared_deviations<Arch>(x, m, n) / size - delta * delta;
  if (variance < 0) variance = 0;  // a constant row, rounded
  const Scalar inverse = inverse_square_root<Arch>(variance + epsilon);
  *mean = m;
  *inverse_deviation = inverse;

  const B centre(m), remainder(delta), factor(inverse);
  const auto normalised = [=](B v) { return ((v - centre) - remainder) * factor; };
  if (!scale && !shift) return map<Arch>(y, n, normalised, Run<Arch>{x});
  const auto f = [=](B v, B gain, B bias) { return multiply_add(normalised(v), gain, bias); };
  const Scalar one = 1;
  const Scalar zero = 0;
  with_operand<Arch>(scale ? scale : &one, scale ? 1 : 0, [=](auto gain) {
    with_operand<Arch>(shift ? shift : &zero, shift ? 1 : 0,
                       [=](auto bias) { map<Arch>(y, n, f, Run<Arch>{x}, gain, bias); });
  });
}

/// With d, δ as above and g = dy · scale:  x̂ = (d − δ) r,  Σ g x̂ = r (Σ g d − δ Σ g)
template <class Arch>
void layer_norm_backward(const Scalar* x, Scalar mean, Scalar inverse_deviation, const Scalar* scale,
                         const Scalar* dy, Scalar* dx, std::size_t n) {
  using B = Batch<Arch>;
  if (n == 0) return;
  const Scalar one = 1;
  const B centre(mean);
  const Scalar size = static_cast<Scalar>(n);
  const Scalar delta = sum_of_deviations<Arch>(x, mean, n) / size;
  with_operand<Arch>(scale ? scale : &one, scale ? 1 : 0, [=](auto gain) {
    const Scalar sum_g = total<Arch>(
        n, [](B g, B s) { return g * s; }, Run<Arch>{dy}, gain);
    const Scalar sum_gd = total<Arch>(
        n, [=](B v, B g, B s) { return g * s * (v - centre); }, Run<Arch>{x, mean}, Run<Arch>{dy}, gain);
    const B mean_g(sum_g / size);
    const B mean_gx(inverse_deviation * (sum_gd - delta * sum_g) / size);
    const B factor(inverse_deviation), remainder(delta);
    const auto f = [=](B v, B g, B s) {
      const B normalised = ((v - centre) - remainder) * factor;
      return factor * (g * s - mean_g - normalised * mean_gx);
    };
    map<Arch>(dx, n, f, Run<Arch>{x}, Run<Arch>{dy}, gain);
  });
}

template <class Arch>
[[gnu::flatten]] inline void layer_norm_backward_parameters(const Scalar* x, Scalar mean,
                                                            Scalar inverse_deviation, const Scalar* dy,
                                                            Scalar* dscale, Scalar* dshift, std::size_t n) {
  using B = Batch<Arch>;
  if (n == 0) return;
  const B centre(mean), factor(inverse_deviation);
  const B remainder(sum_of_deviations<Arch>(x, mean, n) / static_cast<Scalar>(n));
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const B g = load<Arch>(dy + i, extent);
    const B normalised = ((load<Arch>(x + i, extent) - centre) - remainder) * factor;
    store<Arch>(multiply_add(g, normalised, load<Arch>(dscale + i, extent)), dscale + i, extent);
    store<Arch>(g + load<Arch>(dshift + i, extent), dshift + i, extent);
  });
}

// ---- RMS norm

template <class Arch>
void rms_norm(const Scalar* x, const Scalar* scale, Scalar* y, std::size_t n, Scalar epsilon,
              Scalar* inverse_root) {
  using B = Batch<Arch>;
  const Scalar size = n == 0 ? Scalar(1) : static_cast<Scalar>(n);
  const Scalar inverse = inverse_square_root<Arch>(sum_of_squares<Arch>(x, n) / size + epsilon);
  *inverse_root = inverse;
  const B factor(inverse);
  if (!scale)
    return map<Arch>(
        y, n, [=](B v) { return v * factor; }, Run<Arch>{x});
  map<Arch>(
      y, n, [=](B v, B gain) { return v * factor * gain; }, Run<Arch>{x}, Run<Arch>{scale});
}

template <class Arch>
void rms_norm_backward(const Scalar* x, Scalar inverse_root, const Scalar* scale, const Scalar* dy,
                       Scalar* dx, std::size_t n) {
  using B = Batch<Arch>;
  const Scalar one = 1;
  with_operand<Arch>(scale ? scale : &one, scale ? 1 : 0, [=](auto gain) {
    const Scalar sum_gx = total<Arch>(
        n, [](B v, B g, B s) { return g * s * v; }, Run<Arch>{x}, Run<Arch>{dy}, gain);
    const B factor(inverse_root);
    const B mean_gx(inverse_root * sum_gx / static_cast<Scalar>(n));
    map<Arch>(
        dx, n, [=](B v, B g, B s) { return factor * (g * s - v * factor * mean_gx); }, Run<Arch>{x},
        Run<Arch>{dy}, gain);
  });
}

template <class Arch>
void rms_norm_backward_parameters(const Scalar* x, Scalar inverse_root, const Scalar* dy, Scalar* dscale,
                                  std::size_t n) {
  using B = Batch<Arch>;
  const B factor(inverse_root);
  map<Arch>(
      dscale, n, [=](B sum, B v, B g) { return multiply_add(g, v * factor, sum); }, Run<Arch>{dscale},
      Run<Arch>{x}, Run<Arch>{dy});
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
