#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

// The naive twin of a tensor: row-major doubles and loops that anybody can check by eye. Nothing here uses
// the library's operations, so that an error in them cannot hide in the expected values.

namespace attune::testing {

using Sizes = std::vector<Index>;

inline Index product(const Sizes& sizes) {
  Index n = 1;
  for (const Index size : sizes) n *= size;
  return n;
}

struct Array {
  Sizes sizes;
  std::vector<double> values;

  Array() = default;
  explicit Array(Sizes s, double value = 0)
      : sizes(std::move(s)), values(static_cast<std::size_t>(product(sizes)), value) {}

  int rank() const { return static_cast<int>(sizes.size()); }
  Index size(int axis) const { return sizes[static_cast<std::size_t>(axis < 0 ? axis + rank() : axis)]; }
  Index elements() const { return static_cast<Index>(values.size()); }
  double& operator[](Index i) { return values[static_cast<std::size_t>(i)]; }
  double operator[](Index i) const { return values[static_cast<std::size_t>(i)]; }

  /// The place of a position in `values`.
  Index flat(const Sizes& position) const {
    Index at = 0;
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) at = at * sizes[axis] + position[axis];
    return at;
  }
  Sizes position(Index at) const {
    Sizes result(sizes.size());
    for (std::size_t axis = sizes.size(); axis-- > 0; at /= sizes[axis]) result[axis] = at % sizes[axis];
    return result;
  }
};

inline Shape shape_of(const Sizes& sizes) {
  return Shape(std::span<const Index>(sizes));
}
inline Sizes sizes_of(const Shape& shape) {
  return Sizes(shape.begin(), shape.end());
}

/// The elements of a tensor, found through its strides and nothing else.
inline Array array_of(const Tensor& x) {
  Array result(sizes_of(x.shape()));
  for (Index i = 0; i < result.elements(); ++i) {
    const Sizes position = result.position(i);
    Index offset = 0;
    for (int axis = 0; axis < x.rank(); ++axis)
      offset += position[static_cast<std::size_t>(axis)] * x.strides()[axis];
    result[i] = static_cast<double>(x.data()[offset]);
  }
  return result;
}

inline Tensor tensor_of(const Array& x) {
  std::vector<Scalar> numbers;
  for (const double value : x.values) numbers.push_back(static_cast<Scalar>(value));
  return tensor(shape_of(x.sizes), std::span<const Scalar>(numbers));
}

/// Random numbers from [low, high) that float and double hold alike.
inline Tensor random_tensor(const Sizes& sizes, std::mt19937& engine, double low = -2, double high = 2) {
  std::uniform_real_distribution<float> numbers(static_cast<float>(low), static_cast<float>(high));
  Array result(sizes);
  for (double& value : result.values) value = static_cast<double>(numbers(engine));
  return tensor_of(result);
}

inline Array map(const Array& x, const std::function<double(double)>& f) {
  Array y = x;
  for (double& value : y.values) value = f(value);
  return y;
}

inline Sizes broadcast_sizes(const Sizes& a, const Sizes& b) {
  const std::size_t rank = std::max(a.size(), b.size());
  Sizes result(rank);
  for (std::size_t back = 1; back <= rank; ++back) {
    const Index from_a = back <= a.size() ? a[a.size() - back] : 1;
    const Index from_b = back <= b.size() ? b[b.size() - back] : 1;
    result[rank - back] = from_a == 1 ? from_b : from_a;
  }
  return result;
}

/// The element of `x` that stands at `position` after broadcasting.
inline double broadcast_at(const Array& x, const Sizes& position) {
  Index at = 0;
  const std::size_t added = position.size() - x.sizes.size();
  for (std::size_t axis = 0; axis < x.sizes.size(); ++axis)
    at = at * x.sizes[axis] + (x.sizes[axis] == 1 ? 0 : position[axis + added]);
  return x[at];
}

inline Array zip(const Array& a, const Array& b, const std::function<double(double, double)>& f) {
  Array y(broadcast_sizes(a.sizes, b.sizes));
  for (Index i = 0; i < y.elements(); ++i) {
    const Sizes position = y.position(i);
    y[i] = f(broadcast_at(a, position), broadcast_at(b, position));
  }
  return y;
}

/// Gathers the numbers of `x` that share a position on the axes not named, and turns each group into one. No
/// axes: all.
inline Array reduce(const Array& x, const std::vector<int>& axes, bool keep,
                    const std::function<double(const std::vector<double>&)>& f) {
  std::vector<bool> reduced(x.sizes.size(), axes.empty());
  for (const int axis : axes) reduced[static_cast<std::size_t>(axis < 0 ? axis + x.rank() : axis)] = true;
  Sizes kept = x.sizes;
  for (std::size_t axis = 0; axis < kept.size(); ++axis)
    if (reduced[axis]) kept[axis] = 1;
  Array y(kept);
  std::vector<std::vector<double>> groups(static_cast<std::size_t>(y.elements()));
  for (Index i = 0; i < x.elements(); ++i) {
    Sizes position = x.position(i);
    for (std::size_t axis = 0; axis < kept.size(); ++axis)
      if (reduced[axis]) position[axis] = 0;
    groups[static_cast<std::size_t>(y.flat(position))].push_back(x[i]);
  }
  for (Index i = 0; i < y.elements(); ++i) y[i] = f(groups[static_cast<std::size_t>(i)]);
  if (keep) return y;
  y.sizes.clear();
  for (std::size_t axis = 0; axis < kept.size(); ++axis)
    if (!reduced[axis]) y.sizes.push_back(kept[axis]);
  return y;
}

/// Applies `f` to every row: the numbers along the last axis.
inline Array each_row(const Array& x,
                      const std::function<std::vector<double>(const std::vector<double>&)>& f) {
  Array y = x;
  const auto width = static_cast<std::ptrdiff_t>(x.size(-1));
  for (std::ptrdiff_t begin = 0; begin < static_cast<std::ptrdiff_t>(x.values.size()); begin += width) {
    const std::vector<double> row(x.values.begin() + begin, x.values.begin() + begin + width);
    const std::vector<double> result = f(row);
    std::copy(result.begin(), result.end(), y.values.begin() + begin);
  }
  return y;
}

/// y's axis i is x's axis order[i].
inline Array permuted(const Array& x, const std::vector<int>& order) {
  Sizes sizes;
  for (const int axis : order) sizes.push_back(x.size(axis));
  Array y(sizes);
  for (Index i = 0; i < y.elements(); ++i) {
    const Sizes to = y.position(i);
    Sizes from(to.size());
    for (std::size_t axis = 0; axis < to.size(); ++axis)
      from[static_cast<std::size_t>(order[axis] < 0 ? order[axis] + x.rank() : order[axis])] = to[axis];
    y[i] = x[x.flat(from)];
  }
  return y;
}

inline Array exchanged(const Array& x, int a, int b) {
  std::vector<int> order(x.sizes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  std::swap(order[static_cast<std::size_t>(a < 0 ? a + x.rank() : a)],
            order[static_cast<std::size_t>(b < 0 ? b + x.rank() : b)]);
  return permuted(x, order);
}

inline Array sliced(const Array& x, int axis, Index begin, Index end, Index step = 1) {
  const auto at = static_cast<std::size_t>(axis < 0 ? axis + x.rank() : axis);
  Sizes sizes = x.sizes;
  sizes[at] = (end - begin + step - 1) / step;
  Array y(sizes);
  for (Index i = 0; i < y.elements(); ++i) {
    Sizes from = y.position(i);
    from[at] = begin + from[at] * step;
    y[i] = x[x.flat(from)];
  }
  return y;
}

inline Array broadcast(const Array& x, const Sizes& sizes) {
  Array y(sizes);
  for (Index i = 0; i < y.elements(); ++i) y[i] = broadcast_at(x, y.position(i));
  return y;
}

inline Array reshaped(Array x, Sizes sizes) {
  x.sizes = std::move(sizes);
  return x;
}

/// Matrix products over the last two axes, three loops for each.
inline Array product_of(const Array& a, const Array& b) {
  const Index m = a.size(-2);
  const Index k = a.size(-1);
  const Index n = b.size(-1);
  Sizes batch =
      broadcast_sizes(Sizes(a.sizes.begin(), a.sizes.end() - 2), Sizes(b.sizes.begin(), b.sizes.end() - 2));
  batch.push_back(m);
  batch.push_back(n);
  Array c(batch);
  for (Index i = 0; i < c.elements(); ++i) {
    Sizes position = c.position(i);
    const Index column = position.back();
    const Index row = position[position.size() - 2];
    for (Index inner = 0; inner < k; ++inner) {
      Sizes at = position;
      at[at.size() - 2] = row;
      at.back() = inner;
      const double left = broadcast_at(a, at);
      at[at.size() - 2] = inner;
      at.back() = column;
      c[i] += left * broadcast_at(b, at);
    }
  }
  return c;
}

/// The largest difference, relative to the largest expected number (or 1): 0 when equal, NaN when a NaN is on
/// one side only, infinity when the sizes differ.
inline double difference(const Array& found, const Array& expected) {
  if (found.sizes != expected.sizes) return std::numeric_limits<double>::infinity();
  double scale = 1;
  for (const double value : expected.values)
    if (std::isfinite(value)) scale = std::max(scale, std::abs(value));
  double worst = 0;
  for (Index i = 0; i < found.elements(); ++i) {
    if (found[i] == expected[i] || (std::isnan(found[i]) && std::isnan(expected[i]))) continue;
    const double off = std::abs(found[i] - expected[i]) / scale;
    if (!(off <= worst)) worst = off;
    if (std::isnan(worst)) return worst;
  }
  return worst;
}

/// What rounding may cost an operation.
inline constexpr double value_tolerance = sizeof(Scalar) == 8 ? 1e-12 : 1e-5;

}  // namespace attune::testing
