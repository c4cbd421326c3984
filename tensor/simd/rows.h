#pragma once

#include <limits>
#include <type_traits>

#include "tensor/simd/elementwise.h"
#include "tensor/simd/reductions.h"

// Kernels over one row of length n: softmax, normalisation, cross-entropy.

namespace attune::inline ATTUNE_PRECISION::simd {

// ---- softmax

constexpr Scalar minus_infinity = -std::numeric_limits<Scalar>::infinity();

/// y_j = e^(x_j − max) / Σ_k e^(x_k − max) over a row whose pad is −∞. Subtracting the largest keeps every
/// power ≤ 1, the largest one exactly 1. finish(i, extent, y) has the last word about each batch.
///
/// What is behind the last whole batch stays in a register from the first pass to the last: to read a part
/// that has just been written takes a processor as long as the rest of a short row.
template <class Arch, class Row, class Finish>
[[gnu::flatten]] inline void softmax_of(Row row, Scalar max, Scalar* y, std::size_t n, Finish finish) {
  using B = Batch<Arch>;
  constexpr std::size_t L = lanes<Arch>;
  const B shift(max);
  const std::size_t whole = n / L * L;
  const Part rest{n - whole};
  B sum(Scalar(0)), last(Scalar(0));
  for (std::size_t i = 0; i < whole; i += L) {
    const B e = finish(i, Whole{}, math::exp(row.at(i, Whole{}) - shift));
    store<Arch>(e, y + i, Whole{});
    sum += e;
  }
  if (rest.count > 0) {
    last = finish(whole, rest, math::exp(row.at(whole, rest) - shift));
    sum += last;
  }
  const B inverse(Scalar(1) / sum_of_lanes(sum));
  for (std::size_t i = 0; i < whole; i += L)
    store<Arch>(finish(i, Whole{}, load<Arch>(y + i, Whole{}) * inverse), y + i, Whole{});
  if (rest.count > 0) store<Arch>(finish(whole, rest, last * inverse), y + whole, rest);
}

/// A NaN makes the sum NaN, and so all of the row: the maximum need not look for it.
template <class Arch>
void softmax(const Scalar* x, Scalar* y, std::size_t n) {
  const Run<Arch> row{x, minus_infinity};
  softmax_of<Arch>(row, extreme<true, Arch, NanIs::not_looked_for>(n, row), y, n,
                   [](std::size_t, auto, const Batch<Arch>& e) { return e; });
}

/// x where allowed ≠ 0, −∞ elsewhere and behind the end.
template <class Arch>
struct AllowedOnly {
  const Scalar* x;
  const Scalar* allowed;

  template <class Extent>
  Batch<Arch> at(std::size_t i, Extent extent) const {
    const auto forbidden = load<Arch>(allowed + i, extent) == Batch<Arch>(Scalar(0));
    return xsimd::select(forbidden, Batch<Arch>(minus_infinity), load<Arch>(x + i, extent));
  }
};

/// Forbidden places are set to 0 by hand: with NaN or ∞ among the allowed ones, e^(−∞ − max) would be NaN
/// there too, and so would 0 / sum.
template <class Arch>
void masked_softmax(const Scalar* x, const Scalar* allowed, Scalar* y, std::size_t n) {
  const AllowedOnly<Arch> row{x, allowed};
  const Scalar max = extreme<true, Arch>(n, row);
  if (max == minus_infinity) return fill<Arch>(Scalar(0), y, n);  // nothing allowed, or nothing but −∞
  softmax_of<Arch>(row, max, y, n, [=](std::size_t i, auto extent, const Batch<Arch>& e) {
    const Batch<Arch> zero(Scalar(0));
    return xsimd::select(load<Arch>(allowed + i, extent) == zero, zero, e);
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
      n, [=](Batch<Arch> v) { return math::exp(v - shift); }, Run<Arch>{x, minus_infinity});
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
  using B = Batch<Arch>;
  const Run<Arch> row{x, minus_infinity};
  const Scalar largest = extreme<true, Arch, NanIs::not_looked_for>(n, row);  // the sum will be NaN
  const B shift(largest);
  Scalar sums[2];        // of e^d and, smoothed, of d
  if (smoothing == 0) {  // not 0 · mean(d): a class that is ruled out by a logit of −∞ would make that NaN
    sums[0] = sum_of_exp_minus_max<Arch>(x, largest, n);
    sums[1] = 0;
  } else {
    const auto add = [=](B* sum, B v) {
      const B d = v - shift;
      sum[0] += math::exp(d);
      sum[1] += d;
    };
    const std::size_t whole = n / lanes<Arch> * lanes<Arch>;
    totals<Arch>(whole, sums, add, row);
    if (whole < n) {  // the rest by hand, as the two sums need different pads
      const Part rest{n - whole};
      sums[0] += sum_of_lanes(math::exp(row.at(whole, rest) - shift));
      sums[1] += sum_of_lanes(load<Arch>(x + whole, rest, largest) - shift);
    }
  }
  const Scalar log_sum = log_of<Arch>(sums[0]);
  *logsumexp = largest + log_sum;
  const Scalar loss = log_sum - (Scalar(1) - smoothing) * (x[target] - largest);
  return smoothing == 0 ? loss : loss - smoothing * (sums[1] / static_cast<Scalar>(n));
}

template <class Arch>
void cross_entropy_backward(const Scalar* x, Scalar logsumexp, std::size_t target, Scalar smoothing, Scalar g,
                            Scalar* dx, std::size_t n) {
  const Batch<Arch> shift(logsumexp);
  const Batch<Arch> factor(g);
  const Scalar uniform_share = smoothing / static_cast<Scalar>(n);
  const Batch<Arch> share(-g * uniform_share);
  const Scalar p_target = first_lane(math::exp(Batch<Arch>(x[target]) - shift));  // before dx overwrites x
  map<Arch>(
      dx, n, [=](Batch<Arch> v) { return multiply_add(factor, math::exp(v - shift), share); }, Run<Arch>{x});
  dx[target] = g * ((p_target - (Scalar(1) - smoothing)) - uniform_share);
}

// ---- layer norm

// The mean of a row is rounded to a Scalar, and for a row with a large offset (1e4, say, with deviations of
// 1) that rounding alone is felt in the result. So the deviations d = x − mean, which are exact or nearly so,
// are centred once more: with δ = mean(d), a tiny number,
//   x − (true mean) = d − δ,   variance = mean(d²) − δ²

template <class Arch>
Scalar inverse_square_root(Scalar x) {
  return Scalar(1) / square_root_of<Arch>(x);  // xsimd::rsqrt is an estimate
}

// Rows are worked on several at a time: within a row each step waits for the one before (the sum of all
// lanes, a division, a root), and the steps of other rows fill the time. A row's result does not depend on
// its company.
template <class Arch>
inline constexpr std::size_t rows_at_once = has_avx512<Arch> ? 4 : 2;

/// Calls body(first, std::integral_constant: how many) for groups of rows.
template <class Arch, class Body>
[[gnu::flatten]] inline void in_groups(std::size_t rows, Body body) {
  constexpr std::size_t group = rows_at_once<Arch>;
  std::size_t row = 0;
  for (; row + group <= rows; row += group) body(row, std::integral_constant<std::size_t, group>());
  for (; row < rows; ++row) body(row, std::integral_constant<std::size_t, 1>());
}

/// Sums over positions 0 … n − 1: add(parts, i, extent) adds what is at i to parts[0 … Count − 1]. In blocks,
/// so that rounding errors grow with their number and not with n.
template <class Arch, std::size_t Count, class Add>
[[gnu::flatten]] inline void add_up(std::size_t n, Batch<Arch> (&sums)[Count], Add add) {
  constexpr std::size_t block = 32 * lanes<Arch>;
  const Batch<Arch> zero(Scalar(0));
  for (std::size_t k = 0; k < Count; ++k) sums[k] = zero;
  for (std::size_t begin = 0; begin < n; begin += block) {
    Batch<Arch> parts[Count];
    for (std::size_t k = 0; k < Count; ++k) parts[k] = zero;
    each<Arch>(n - begin < block ? n - begin : block,
               [&](std::size_t i, auto extent) { add(parts, begin + i, extent); });
    for (std::size_t k = 0; k < Count; ++k) sums[k] += parts[k];
  }
}

template <class Arch, std::size_t Rows, class Gain, class Bias>
[[gnu::flatten]] inline void layer_norm_group(const Scalar* x, Gain gain, Bias bias, Scalar* y, std::size_t n,
                                              Scalar epsilon, Scalar* mean, Scalar* inverse_deviation) {
  using B = Batch<Arch>;
  const Scalar size = n == 0 ? Scalar(1) : static_cast<Scalar>(n);
  Scalar m[Rows];
  B centre[Rows], factor[Rows], remainder[Rows];  // mean, r, −δ r
  B sums[Rows], deviations[2 * Rows];             // of x; of d and, behind those, of d²

  add_up<Arch>(n, sums, [=](B* parts, std::size_t i, auto extent) {
    for (std::size_t r = 0; r < Rows; ++r) parts[r] += load<Arch>(x + r * n + i, extent);
  });
  for (std::size_t r = 0; r < Rows; ++r) {
    m[r] = sum_of_lanes(sums[r]) / size;
    centre[r] = B(m[r]);
  }
  add_up<Arch>(n, deviations, [&](B* parts, std::size_t i, auto extent) {
    for (std::size_t r = 0; r < Rows; ++r) {
      const B d = load<Arch>(x + r * n + i, extent, m[r]) - centre[r];
      parts[r] += d;
      parts[Rows + r] = multiply_add(d, d, parts[Rows + r]);
    }
  });
  for (std::size_t r = 0; r < Rows; ++r) {
    const Scalar delta = sum_of_lanes(deviations[r]) / size;
    Scalar variance = sum_of_lanes(deviations[Rows + r]) / size - delta * delta;
    if (variance < 0) variance = 0;  // a constant row, rounded
    mean[r] = m[r];
    inverse_deviation[r] = inverse_square_root<Arch>(variance + epsilon);
    factor[r] = B(inverse_deviation[r]);
    remainder[r] = B(-delta * inverse_deviation[r]);
  }
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const B g = gain.at(i, extent), b = bias.at(i, extent);
    for (std::size_t r = 0; r < Rows; ++r) {
      const B d = load<Arch>(x + r * n + i, extent) - centre[r];
      const B normalised = multiply_add(d, factor[r], remainder[r]);
      store<Arch>(multiply_add(normalised, g, b), y + r * n + i, extent);
    }
  });
}

template <class Arch>
void layer_norm(const Scalar* x, const Scalar* scale, const Scalar* shift, Scalar* y, std::size_t rows,
                std::size_t n, Scalar epsilon, Scalar* mean, Scalar* inverse_deviation) {
  const Scalar one = 1;
  const Scalar zero = 0;
  with_operand<Arch>(scale ? scale : &one, scale ? 1 : 0, [=](auto gain) {
    with_operand<Arch>(shift ? shift : &zero, shift ? 1 : 0, [=](auto bias) {
      in_groups<Arch>(rows, [=](std::size_t row, auto group) {
        layer_norm_group<Arch, decltype(group)::value>(x + row * n, gain, bias, y + row * n, n, epsilon,
                                                       mean + row, inverse_deviation + row);
      });
    });
  });
}

/// With d, δ as above and g = dy · scale:  x̂ = d r − δ r,  Σ g x̂ = r (Σ g d − δ Σ g)
template <class Arch, std::size_t Rows, class Gain>
[[gnu::flatten]] inline void layer_norm_backward_group(const Scalar* x, const Scalar* mean,
                                                       const Scalar* inverse_deviation, Gain gain,
                                                       const Scalar* dy, Scalar* dx, Scalar* dscale,
                                                       Scalar* dshift, std::size_t n) {
  using B = Batch<Arch>;
  const Scalar size = static_cast<Scalar>(n);
  B centre[Rows], factor[Rows], remainder[Rows];  // mean, r, −δ r
  B minus_mean_g[Rows], minus_mean_gx[Rows];
  B sums[3 * Rows];  // of d, of g and of g d
  for (std::size_t r = 0; r < Rows; ++r) centre[r] = B(mean[r]);
  add_up<Arch>(n, sums, [&](B* parts, std::size_t i, auto extent) {
    const B s = gain.at(i, extent);
    for (std::size_t r = 0; r < Rows; ++r) {
      const B d = load<Arch>(x + r * n + i, extent, mean[r]) - centre[r];
      const B g = load<Arch>(dy + r * n + i, extent) * s;
      parts[r] += d;
      parts[Rows + r] += g;
      parts[2 * Rows + r] = multiply_add(g, d, parts[2 * Rows + r]);
    }
  });
  for (std::size_t r = 0; r < Rows; ++r) {
    const Scalar inverse = inverse_deviation[r];
    const Scalar delta = sum_of_lanes(sums[r]) / size;
    const Scalar sum_g = sum_of_lanes(sums[Rows + r]);
    const Scalar sum_gx = inverse * (sum_of_lanes(sums[2 * Rows + r]) - delta * sum_g);
    factor[r] = B(inverse);
    remainder[r] = B(-delta * inverse);
    minus_mean_g[r] = B(-sum_g / size);
    minus_mean_gx[r] = B(-sum_gx / size);
  }
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const B s = gain.at(i, extent);
    B scales = load<Arch>(dscale + i, extent), shifts = load<Arch>(dshift + i, extent);
    for (std::size_t r = 0; r < Rows; ++r) {
      const B g = load<Arch>(dy + r * n + i, extent);
      const B d = load<Arch>(x + r * n + i, extent) - centre[r];
      const B normalised = multiply_add(d, factor[r], remainder[r]);
      scales = multiply_add(g, normalised, scales);
      shifts += g;
      const B without_means = multiply_add(normalised, minus_mean_gx[r], g * s + minus_mean_g[r]);
      store<Arch>(factor[r] * without_means, dx + r * n + i, extent);
    }
    store<Arch>(scales, dscale + i, extent);
    store<Arch>(shifts, dshift + i, extent);
  });
}

template <class Arch>
void layer_norm_backward(const Scalar* x, const Scalar* mean, const Scalar* inverse_deviation,
                         const Scalar* scale, const Scalar* dy, Scalar* dx, Scalar* dscale, Scalar* dshift,
                         std::size_t rows, std::size_t n) {
  if (n == 0) return;
  const Scalar one = 1;
  with_operand<Arch>(scale ? scale : &one, scale ? 1 : 0, [=](auto gain) {
    in_groups<Arch>(rows, [=](std::size_t row, auto group) {
      layer_norm_backward_group<Arch, decltype(group)::value>(x + row * n, mean + row,
                                                              inverse_deviation + row, gain, dy + row * n,
                                                              dx + row * n, dscale, dshift, n);
    });
  });
}

// ---- RMS norm

template <class Arch>
void rms_norm(const Scalar* x, const Scalar* scale, Scalar* y, std::size_t n, Scalar epsilon,
              Scalar* inverse_root) {
  using B = Batch<Arch>;
  const Scalar size = n == 0 ? Scalar(1) : static_cast<Scalar>(n);
  const Scalar inverse = inverse_square_root<Arch>(dot<Arch>(x, x, n) / size + epsilon);
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
                       Scalar* dx, Scalar* dscale, std::size_t n) {
  using B = Batch<Arch>;
  if (n == 0) return;
  const Scalar one = 1;
  with_operand<Arch>(scale ? scale : &one, scale ? 1 : 0, [=](auto gain) {
    const Scalar sum_gx = total<Arch>(
        n, [](B v, B g, B s) { return g * s * v; }, Run<Arch>{x}, Run<Arch>{dy}, gain);
    const B factor(inverse_root);
    const B mean_gx(inverse_root * sum_gx / static_cast<Scalar>(n));
    each<Arch>(n, [=](std::size_t i, auto extent) {
      const B g = load<Arch>(dy + i, extent);
      const B normalised = load<Arch>(x + i, extent) * factor;
      store<Arch>(multiply_add(g, normalised, load<Arch>(dscale + i, extent)), dscale + i, extent);
      store<Arch>(factor * (g * gain.at(i, extent) - normalised * mean_gx), dx + i, extent);
    });
  });
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
