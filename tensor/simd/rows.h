#pragma once

#include <limits>
#include <type_traits>

#include "tensor/simd/elementwise.h"
#include "tensor/simd/reductions.h"

// Kernels over one row of length n: softmax, normalisation, cross-entropy.

namespace attune::inline ATTUNE_PRECISION::simd {

// Rows are worked on several at a time: within a row each step waits for the one before (the sum of all
// lanes, a division, a root), and the steps of other rows fill the time. A row's result does not depend on
// its company.
template <class Arch>
inline constexpr std::size_t rows_at_once = has_avx512<Arch> ? 4 : 2;

/// Calls body(first, std::integral_constant: how many) for groups of rows of length n. Long rows go one by
/// one: several might not fit the nearest cache.
template <class Arch, class Body>
[[gnu::flatten]] inline void in_groups(std::size_t rows, std::size_t n, Body body) {
  constexpr std::size_t group = rows_at_once<Arch>;
  std::size_t row = 0;
  for (; n <= 1024 && row + group <= rows; row += group)
    body(row, std::integral_constant<std::size_t, group>());
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

// ---- softmax

constexpr Scalar minus_infinity = -std::numeric_limits<Scalar>::infinity();

/// x where allowed ≠ 0, −∞ elsewhere and behind the end; rows of `allowed` are allowed_step apart.
template <class Arch>
struct AllowedOnly {
  const Scalar* x;
  const Scalar* allowed;
  std::size_t n, allowed_step;

  template <class Extent>
  Batch<Arch> at(std::size_t row, std::size_t i, Extent extent) const {
    return keep(row, i, extent, load<Arch>(x + row * n + i, extent), minus_infinity);
  }
  /// v, but `otherwise` where not allowed.
  template <class Extent>
  Batch<Arch> keep(std::size_t row, std::size_t i, Extent extent, Batch<Arch> v, Scalar otherwise) const {
    const auto forbidden = load<Arch>(allowed + row * allowed_step + i, extent) == Batch<Arch>(Scalar(0));
    return xsimd::select(forbidden, Batch<Arch>(otherwise), v);
  }
  /// Without a largest number the row has nothing allowed, or nothing but −∞: any other number makes zeros of
  /// it.
  static Scalar shift(Scalar max) { return max == minus_infinity ? Scalar(0) : max; }
  static Scalar inverse(Scalar sum) { return sum == 0 ? Scalar(0) : Scalar(1) / sum; }
};

/// All places are allowed. Nothing but −∞ gives NaN.
template <class Arch>
struct AllAllowed {
  const Scalar* x;
  std::size_t n;

  template <class Extent>
  Batch<Arch> at(std::size_t row, std::size_t i, Extent extent) const {
    return load<Arch>(x + row * n + i, extent, minus_infinity);
  }
  template <class Extent>
  Batch<Arch> keep(std::size_t, std::size_t, Extent, Batch<Arch> v, Scalar) const {
    return v;
  }
  static Scalar shift(Scalar max) { return max; }
  static Scalar inverse(Scalar sum) { return Scalar(1) / sum; }
};

/// y_j = e^(x_j − max) / Σ_k e^(x_k − max). Subtracting the largest keeps every power ≤ 1. A NaN makes the
/// sum NaN, and so all of the row: the maximum need not look for it. Forbidden places are set to 0 in the
/// end, by hand: with NaN or ∞ among the allowed ones, 0 / sum would be NaN there too.
///
/// What is behind the last whole batch stays in a register from the powers to the end: to read a part that
/// has just been written takes a processor as long as the rest of a short row.
template <class Arch, std::size_t Rows, class Operand>
[[gnu::flatten]] inline void softmax_group(Operand x, std::size_t first, Scalar* y, std::size_t n) {
  using B = Batch<Arch>;
  constexpr std::size_t L = lanes<Arch>;
  B max[Rows], shift[Rows], sum[Rows], inverse[Rows], last[Rows];
  for (std::size_t r = 0; r < Rows; ++r) max[r] = B(minus_infinity);
  each<Arch>(n, [&](std::size_t i, auto extent) {
    for (std::size_t r = 0; r < Rows; ++r) max[r] = xsimd::max(x.at(first + r, i, extent), max[r]);
  });
  for (std::size_t r = 0; r < Rows; ++r) {
    shift[r] = B(x.shift(extreme_of_lanes<true, Arch>(max[r])));
    sum[r] = last[r] = B(Scalar(0));
  }
  const auto power = [&](std::size_t r, std::size_t i, auto extent) {
    const B e = math::exp(x.at(first + r, i, extent) - shift[r]);
    sum[r] += e;
    return e;
  };
  const std::size_t whole = n / L * L;
  const Part rest{n - whole};
  for (std::size_t i = 0; i < whole; i += L)
    for (std::size_t r = 0; r < Rows; ++r)
      store<Arch>(power(r, i, Whole{}), y + (first + r) * n + i, Whole{});
  if (rest.count > 0)
    for (std::size_t r = 0; r < Rows; ++r) last[r] = power(r, whole, rest);

  for (std::size_t r = 0; r < Rows; ++r) inverse[r] = B(x.inverse(sum_of_lanes(sum[r])));
  const auto finish = [&](std::size_t r, std::size_t i, auto extent, B e) {
    store<Arch>(x.keep(first + r, i, extent, e * inverse[r], 0), y + (first + r) * n + i, extent);
  };
  for (std::size_t i = 0; i < whole; i += L)
    for (std::size_t r = 0; r < Rows; ++r)
      finish(r, i, Whole{}, load<Arch>(y + (first + r) * n + i, Whole{}));
  if (rest.count > 0)
    for (std::size_t r = 0; r < Rows; ++r) finish(r, whole, rest, last[r]);
}

template <class Arch>
void softmax(const Scalar* x, Scalar* y, std::size_t rows, std::size_t n) {
  in_groups<Arch>(rows, n, [=](std::size_t row, auto group) {
    softmax_group<Arch, decltype(group)::value>(AllAllowed<Arch>{x, n}, row, y, n);
  });
}

template <class Arch>
void masked_softmax(const Scalar* x, const Scalar* allowed, std::size_t allowed_step, Scalar* y,
                    std::size_t rows, std::size_t n) {
  in_groups<Arch>(rows, n, [=](std::size_t row, auto group) {
    softmax_group<Arch, decltype(group)::value>(AllowedOnly<Arch>{x, allowed, n, allowed_step}, row, y, n);
  });
}

/// Where y = 0 (a forbidden place, or one that underflowed) dy is not looked at: whatever the loss says about
/// a place that has no weight, NaN included, it changes nothing.
template <class Arch, std::size_t Rows>
[[gnu::flatten]] inline void softmax_backward_group(const Scalar* y, const Scalar* dy, Scalar* dx,
                                                    std::size_t n) {
  using B = Batch<Arch>;
  const B zero(Scalar(0));
  B sums[Rows];
  add_up<Arch>(n, sums, [=](B* parts, std::size_t i, auto extent) {
    for (std::size_t r = 0; r < Rows; ++r) {
      const B p = load<Arch>(y + r * n + i, extent);
      parts[r] += xsimd::select(p == zero, zero, p * load<Arch>(dy + r * n + i, extent));
    }
  });
  for (std::size_t r = 0; r < Rows; ++r) sums[r] = B(sum_of_lanes(sums[r]));
  each<Arch>(n, [&](std::size_t i, auto extent) {
    for (std::size_t r = 0; r < Rows; ++r) {
      const B p = load<Arch>(y + r * n + i, extent);
      const B of_dy = p * (load<Arch>(dy + r * n + i, extent) - sums[r]);
      store<Arch>(xsimd::select(p == zero, zero, of_dy), dx + r * n + i, extent);
    }
  });
}

template <class Arch>
void softmax_backward(const Scalar* y, const Scalar* dy, Scalar* dx, std::size_t rows, std::size_t n) {
  in_groups<Arch>(rows, n, [=](std::size_t row, auto group) {
    softmax_backward_group<Arch, decltype(group)::value>(y + row * n, dy + row * n, dx + row * n, n);
  });
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
void log_softmax(const Scalar* x, Scalar* y, std::size_t rows, std::size_t n) {
  for (std::size_t row = 0; row < rows; ++row, x += n, y += n) {
    const Scalar largest = max<Arch>(x, n);
    const Batch<Arch> shift(largest);
    const Batch<Arch> log_sum(log_of<Arch>(sum_of_exp_minus_max<Arch>(x, largest, n)));
    map<Arch>(
        y, n, [=](Batch<Arch> v) { return (v - shift) - log_sum; }, Run<Arch>{x});
  }
}

template <class Arch>
void log_softmax_backward(const Scalar* y, const Scalar* dy, Scalar* dx, std::size_t rows, std::size_t n) {
  for (std::size_t row = 0; row < rows; ++row, y += n, dy += n, dx += n) {
    const Batch<Arch> minus_sum(-sum<Arch>(dy, n));
    map<Arch>(
        dx, n, [=](Batch<Arch> l, Batch<Arch> g) { return multiply_add(math::exp(l), minus_sum, g); },
        Run<Arch>{y}, Run<Arch>{dy});
  }
}

// ---- cross-entropy

/// A row of logits, which is long. Reading it also asks for what stands behind it, the next row, so that it
/// is near when its turn comes: to wait for memory first and then to compute takes longer than both at once.
template <class Arch>
struct RowBeforeOthers {
  Run<Arch> row;
  std::size_t n;

  template <class Extent>
  Batch<Arch> at(std::size_t i, Extent extent) const {
    __builtin_prefetch(row.data + n + i);
    return row.at(i, extent);
  }
};

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
    totals<Arch>(whole, sums, add, RowBeforeOthers<Arch>{row, n});
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
      in_groups<Arch>(rows, n, [=](std::size_t row, auto group) {
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
    in_groups<Arch>(rows, n, [=](std::size_t row, auto group) {
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
