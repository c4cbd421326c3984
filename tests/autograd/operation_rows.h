#pragma once

#include <vector>

#include "autograd/attention.h"
#include "autograd/dropout.h"
#include "autograd/indexing.h"
#include "autograd/loss.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "autograd/rows.h"
#include "tests/support/operations.h"

// THE table: a row for each operation of autograd/, of a function and its naive twin, over shapes that
// include sizes 0 and 1, odd ones, those around the lanes of every instruction set (4, 8, 16), broadcasts,
// transposed, sliced and repeated operands, and one tensor used twice. To add an operation, add its row here.

namespace attune::testing {

using Variables = std::vector<Variable>;
using Arrays = std::vector<Array>;

// ---- the shapes

inline std::vector<Case> unary_cases() {
  std::vector<Case> cases;
  for (const Sizes& sizes : std::vector<Sizes>{
           {}, {0}, {1}, {3}, {4}, {5}, {7}, {8}, {9}, {15}, {16}, {17}, {2, 3}, {0, 3}, {3, 0}, {2, 1, 3}})
    cases.push_back({{{sizes}}});
  cases.push_back({{{{3, 4}, Layout::transposed}}});
  cases.push_back({{{{2, 3, 4}, Layout::transposed}}});
  cases.push_back({{{{9}, Layout::sliced}}});
  cases.push_back({{{{3, 5}, Layout::sliced}}});
  cases.push_back({{{{3, 4}, Layout::repeated}}});
  return cases;
}

inline std::vector<Case> binary_cases() {
  std::vector<Case> cases;
  const std::vector<std::pair<Sizes, Sizes>> pairs = {
      {{}, {}},         {{}, {3}},           {{3}, {}},
      {{0}, {0}},       {{0}, {1}},          {{1}, {0}},
      {{1}, {5}},       {{5}, {1}},          {{3}, {3}},
      {{4}, {4}},       {{7}, {7}},          {{8}, {8}},
      {{9}, {9}},       {{15}, {15}},        {{17}, {17}},
      {{16}, {1}},      {{2, 3}, {3}},       {{3}, {2, 3}},
      {{3, 1}, {1, 4}}, {{2, 3, 4}, {3, 1}}, {{2, 1, 3}, {4, 1}},
      {{2, 0}, {1}},    {{1, 1}, {3}},       {{2, 3}, {1, 3}}};
  for (const auto& [a, b] : pairs) cases.push_back({{{a}, {b}}});
  cases.push_back({{{{3, 4}, Layout::transposed}, {{3, 4}}}});
  cases.push_back({{{{3, 4}}, {{3, 4}, Layout::transposed}}});
  cases.push_back({{{{3, 4}, Layout::transposed}, {{3, 4}, Layout::transposed}}});
  cases.push_back({{{{2, 3, 4}, Layout::transposed}, {{3, 1}}}});
  cases.push_back({{{{2, 5}, Layout::sliced}, {{2, 5}}}});
  cases.push_back({{{{5}}, {{2, 5}, Layout::sliced}}});
  cases.push_back({{{{3, 4}, Layout::repeated}, {{3, 4}, Layout::sliced}}});
  cases.push_back({{{{5}}, {{5}}}, true});
  cases.push_back({{{{3, 4}}, {{3, 4}}}, true});
  return cases;
}

// Operations along the last axis.
inline std::vector<Case> row_cases() {
  std::vector<Case> cases;
  for (const Sizes& sizes : std::vector<Sizes>{
           {1}, {2}, {3}, {4}, {5}, {7}, {8}, {9}, {15}, {16}, {17}, {3, 4}, {0, 4}, {2, 3, 5}})
    cases.push_back({{{sizes}}});
  cases.push_back({{{{3, 4}, Layout::transposed}}});
  cases.push_back({{{{3, 5}, Layout::sliced}}});
  cases.push_back({{{{3, 4}, Layout::repeated}}});
  return cases;
}

// ---- naive formulas

inline std::vector<double> softmax_of(const std::vector<double>& x) {
  const double largest = x.empty() ? 0 : *std::max_element(x.begin(), x.end());
  std::vector<double> y;
  double total = 0;
  for (const double value : x) {
    y.push_back(std::exp(value - largest));
    total += y.back();
  }
  for (double& value : y) value /= total;
  return y;
}

inline double sum_of(const std::vector<double>& x) {
  double total = 0;
  for (const double value : x) total += value;
  return total;
}
inline double mean_of(const std::vector<double>& x) {
  return sum_of(x) / static_cast<double>(x.size());
}
inline double variance_of(const std::vector<double>& x) {
  const double mean = mean_of(x);
  double total = 0;
  for (const double value : x) total += (value - mean) * (value - mean);
  return total / static_cast<double>(x.size());
}
inline double sigmoid_of(double x) {
  return 1 / (1 + std::exp(-x));
}

/// A pattern of 0 and 1 with both in every few places.
inline Array pattern(const Sizes& sizes) {
  Array result(sizes);
  for (Index i = 0; i < result.elements(); ++i) result[i] = i % 3 == 1 || i % 7 == 4 ? 0 : 1;
  return result;
}

/// Classes 0 … count-1, some of them named twice, none in order.
inline Indices some_indices(const Sizes& sizes, Index count, int ignored_every = 0) {
  Indices result = Indices::full(sizes, 0);
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const Index value = static_cast<Index>(i * i + 2 * i + 1) % count;
    result.values[i] = static_cast<std::int32_t>(value);
    if (ignored_every && i % static_cast<std::size_t>(ignored_every) == 1) result.values[i] = -1;
  }
  return result;
}

inline Array attention_of(const Array& q, const Array& k, const Array& v, const Mask& mask,
                          const Array& bias) {
  const Index queries = q.size(-2);
  const Index keys = k.size(-2);
  Array scores = product_of(map(q, [&](double x) { return x / std::sqrt(static_cast<double>(q.size(-1))); }),
                            exchanged(k, -1, -2));
  if (bias.elements() > 0) scores = zip(scores, bias, [](double a, double b) { return a + b; });
  Index row = 0;
  const Index rows_of_entry = scores.elements() / std::max<Index>(1, q.size(0) * keys);
  const Array weights = each_row(scores, [&](const std::vector<double>& x) {
    const Index entry = row / std::max<Index>(1, rows_of_entry);
    const Index query = row++ % queries;
    std::vector<double> kept;
    for (Index key = 0; key < keys; ++key)
      if (mask.allows(entry, query, key)) kept.push_back(x[static_cast<std::size_t>(key)]);
    kept = softmax_of(kept);
    std::vector<double> y;
    std::size_t next = 0;
    for (Index key = 0; key < keys; ++key) y.push_back(mask.allows(entry, query, key) ? kept[next++] : 0);
    return y;
  });
  return product_of(weights, v);
}

// ---- the rows

inline Operation& add_unary(std::vector<Operation>& rows, const char* name, Variable (*f)(const Variable&),
                            double (*twin)(double), Range range = {}, bool distinct = false) {
  rows.push_back({.name = name,
                  .records = name,
                  .f = [f](const Variables& x) { return f(x[0]); },
                  .twin = [twin](const Arrays& x) { return map(x[0], twin); },
                  .cases = unary_cases(),
                  .ranges = {range},
                  .distinct = distinct});
  return rows.back();
}

inline void add_binary(std::vector<Operation>& rows, const char* name,
                       Variable (*f)(const Variable&, const Variable&), double (*twin)(double, double),
                       std::vector<Range> ranges = {{}}, bool distinct = false) {
  rows.push_back({.name = name,
                  .records = name,
                  .f = [f](const Variables& x) { return f(x[0], x[1]); },
                  .twin = [twin](const Arrays& x) { return zip(x[0], x[1], twin); },
                  .cases = binary_cases(),
                  .ranges = std::move(ranges),
                  .distinct = distinct});
}

inline std::vector<Operation> elementwise_rows() {
  std::vector<Operation> rows;
  const Range positive{0.8, 3};
  add_unary(
      rows, "negate", [](const Variable& x) { return -x; }, [](double x) { return -x; });
  add_unary(
      rows, "abs", abs, [](double x) { return std::fabs(x); }, {}, true);
  add_unary(rows, "exp", exp, [](double x) { return std::exp(x); }).extremes = {-1000, -87, -20,
                                                                                20,    88,  1000};
  add_unary(
      rows, "log", log, [](double x) { return std::log(x); }, positive)
      .extremes = {1e-30, 1e30};
  add_unary(
      rows, "sqrt", sqrt, [](double x) { return std::sqrt(x); }, positive)
      .extremes = {1e-30, 1e30};
  add_unary(rows, "square", square, [](double x) { return x * x; });
  add_unary(
      rows, "reciprocal", reciprocal, [](double x) { return 1 / x; }, positive)
      .extremes = {1e-30, 1e30};
  add_unary(rows, "tanh", tanh, [](double x) { return std::tanh(x); }).extremes = {-1000, -20, 1e-5, 20,
                                                                                   1000};
  add_unary(rows, "sigmoid", sigmoid, sigmoid_of).extremes = {-1000, -80, -20, 20, 80, 1000};
  add_unary(rows, "erf", erf, [](double x) { return std::erf(x); }).extremes = {-1000, -4, 1e-5, 4, 1000};
  add_unary(
      rows, "relu", relu, [](double x) { return x > 0 ? x : 0; }, {}, true);
  add_unary(rows, "gelu", gelu, [](double x) { return x * 0.5 * (1 + std::erf(x / std::sqrt(2.0))); });
  add_unary(rows, "silu", silu, [](double x) { return x * sigmoid_of(x); }).extremes = {-80, -20, 20, 80,
                                                                                        1000};

  using Two = Variable (*)(const Variable&, const Variable&);
  add_binary(rows, "add", static_cast<Two>(operator+), [](double a, double b) { return a + b; });
  add_binary(rows, "subtract", static_cast<Two>(operator-), [](double a, double b) { return a - b; });
  add_binary(rows, "multiply", static_cast<Two>(operator*), [](double a, double b) { return a * b; });
  add_binary(rows, "divide", static_cast<Two>(operator/), [](double a, double b) { return a / b; },
             {{}, {1, 3}});
  add_binary(
      rows, "maximum", maximum, [](double a, double b) { return a > b ? a : b; }, {}, true);
  add_binary(
      rows, "minimum", minimum, [](double a, double b) { return a < b ? a : b; }, {}, true);
  add_binary(rows, "pow", pow, [](double a, double b) { return std::pow(a, b); }, {positive, {-2, 2}});
  rows.push_back({.name = "pow with a number as the exponent",
                  .records = "pow",
                  .f = [](const Variables& x) { return pow(x[0], Scalar(3)); },
                  .twin = [](const Arrays& x) { return map(x[0], [](double a) { return a * a * a; }); },
                  .cases = unary_cases()});

  rows.push_back({.name = "where",
                  .records = "where",
                  .f =
                      [](const Variables& x) {
                        const Sizes sizes = broadcast_sizes(sizes_of(x[0].shape()), sizes_of(x[1].shape()));
                        return where(tensor_of(pattern(sizes)), x[0], x[1]);
                      },
                  .twin =
                      [](const Arrays& x) {
                        Array y(broadcast_sizes(x[0].sizes, x[1].sizes));
                        const Array chosen = pattern(y.sizes);
                        for (Index i = 0; i < y.elements(); ++i)
                          y[i] = broadcast_at(x[chosen[i] != 0 ? 0 : 1], y.position(i));
                        return y;
                      },
                  .cases = binary_cases()});
  rows.push_back({.name = "where with a condition that broadcasts",
                  .records = "where",
                  .f =
                      [](const Variables& x) {
                        return where(tensor({3, 1}, {1, 0, 1}), x[0], x[1]);
                      },
                  .twin =
                      [](const Arrays& x) {
                        Array y(broadcast_sizes({3, 1}, broadcast_sizes(x[0].sizes, x[1].sizes)));
                        for (Index i = 0; i < y.elements(); ++i) {
                          const Sizes at = y.position(i);
                          y[i] = broadcast_at(x[at[at.size() - 2] == 1 ? 1 : 0], at);
                        }
                        return y;
                      },
                  .cases = {{{{{4}}, {{3, 4}}}}, {{{{}}, {{2}}}}, {{{{2, 3, 2}}, {{1, 2}}}}}});
  return rows;
}

inline std::vector<Operation> reduction_rows() {
  struct Kind {
    const char* name;
    const char* records;
    Variable (*f)(const Variable&, const Axes&, KeepAxis);
    double (*twin)(const std::vector<double>&);
    bool of_nothing;  // defined for an empty set
    bool distinct;
  };
  const Kind kinds[] = {
      {"sum", "sum", sum, sum_of, true, false},
      {"mean", "mean", mean, mean_of, false, false},
      {"variance", "", variance, variance_of, false, false},
      {"max", "max", max, [](const std::vector<double>& x) { return *std::max_element(x.begin(), x.end()); },
       false, true},
      {"min", "min", min, [](const std::vector<double>& x) { return *std::min_element(x.begin(), x.end()); },
       false, true},
  };
  std::vector<Operation> rows;
  for (const Kind& kind : kinds) {
    const auto add = [&](const std::string& how, const std::vector<int>& axes, bool keep,
                         std::vector<Case> cases) {
      Axes named;
      for (const int axis : axes) named.add(axis);
      rows.push_back(
          {.name = kind.name + (" " + how),
           .records = kind.records,
           .f = [f = kind.f, named, keep](const Variables& x) { return f(x[0], named, KeepAxis(keep)); },
           .twin = [twin = kind.twin, axes, keep](const Arrays& x) { return reduce(x[0], axes, keep, twin); },
           .cases = std::move(cases),
           .distinct = kind.distinct});
    };
    std::vector<Case> any = {{{{{}}}},
                             {{{{1}}}},
                             {{{{5}}}},
                             {{{{8}}}},
                             {{{{17}}}},
                             {{{{3, 4}}}},
                             {{{{2, 3, 4}}}},
                             {{{{3, 4}, Layout::transposed}}},
                             {{{{3, 5}, Layout::sliced}}}};
    if (kind.of_nothing) any.push_back({{{{0}}}}), any.push_back({{{{2, 0}}}});
    // A number that is there several times is a kink of max, even where all its copies move together.
    if (!kind.distinct) any.push_back({{{{3, 4}, Layout::repeated}}});
    add("over everything", {}, false, any);
    add("over everything, kept", {}, true, {{{{{5}}}}, {{{{2, 3}}}}});
    std::vector<Case> matrices = {{{{{1, 1}}}},
                                  {{{{1, 7}}}},
                                  {{{{7, 1}}}},
                                  {{{{3, 5}}}},
                                  {{{{9, 2}}}},
                                  {{{{2, 9}}}},
                                  {{{{17, 2}}}},
                                  {{{{4, 3}, Layout::transposed}}},
                                  {{{{3, 5}, Layout::sliced}}}};
    std::vector<Case> of_rows = matrices;
    of_rows.push_back({{{{0, 3}}}});
    if (kind.of_nothing) of_rows.push_back({{{{3, 0}}}});
    add("along the last axis", {-1}, false, of_rows);
    add("along the last axis, kept", {-1}, true, of_rows);
    std::vector<Case> of_columns = matrices;
    of_columns.push_back({{{{3, 0}}}});
    if (kind.of_nothing) of_columns.push_back({{{{0, 3}}}});
    add("along axis 0", {0}, false, of_columns);
    const std::vector<Case> cubes = {{{{{2, 3, 4}}}},
                                     {{{{3, 1, 5}}}},
                                     {{{{2, 3, 4}, Layout::transposed}}},
                                     {{{{2, 2, 3}, Layout::sliced}}}};
    add("along the middle", {1}, false, cubes);
    add("along axes 0 and 2", {0, 2}, false, cubes);
    add("along axes 2 and 0, kept", {2, 0}, true, cubes);
    add("along axes 0 and 1", {0, 1}, false, cubes);
    add("along axes 1 and 2", {-2, -1}, false, cubes);
  }
  for (const Sizes& to : std::vector<Sizes>{{}, {4}, {1}, {3, 1}, {3, 4}, {1, 3, 1}, {2, 1, 4}})
    rows.push_back(
        {.name = "sum to",
         .records = "sum_to",
         .f = [to](const Variables& x) { return sum_to(x[0], shape_of(to)); },
         .twin =
             [to](const Arrays& x) {
               Array y(to);
               const std::size_t added = x[0].sizes.size() - to.size();
               for (Index i = 0; i < x[0].elements(); ++i) {
                 Sizes at = x[0].position(i);
                 at.erase(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(added));
                 for (std::size_t axis = 0; axis < to.size(); ++axis)
                   if (to[axis] == 1) at[axis] = 0;
                 y[y.flat(at)] += x[0][i];
               }
               return y;
             },
         .cases = {{{{{2, 3, 4}}}}, {{{{2, 3, 4}, Layout::transposed}}}, {{{{2, 3, 4}, Layout::repeated}}}}});
  return rows;
}

inline std::vector<Operation> matmul_rows() {
  std::vector<Operation> rows;
  rows.push_back({.name = "matmul",
                  .records = "matmul",
                  .f = [](const Variables& x) { return matmul(x[0], x[1]); },
                  .twin = [](const Arrays& x) { return product_of(x[0], x[1]); },
                  .cases = {{{{{1, 1}}, {{1, 1}}}},
                            {{{{2, 3}}, {{3, 4}}}},
                            {{{{5, 7}}, {{7, 9}}}},
                            {{{{3, 17}}, {{17, 1}}}},
                            {{{{1, 2}}, {{2, 17}}}},
                            {{{{7, 1}}, {{1, 8}}}},
                            {{{{0, 3}}, {{3, 2}}}},
                            {{{{2, 0}}, {{0, 3}}}},
                            {{{{2, 3}}, {{3, 0}}}},
                            {{{{2, 2, 3}}, {{3, 4}}}},
                            {{{{2, 3}}, {{2, 3, 4}}}},
                            {{{{2, 2, 3}}, {{2, 3, 2}}}},
                            {{{{2, 1, 2, 3}}, {{3, 3, 2}}}},
                            {{{{1, 2, 3}}, {{2, 3, 2}}}},
                            {{{{0, 2, 3}}, {{3, 2}}}},
                            {{{{2, 3}, Layout::transposed}, {{3, 4}}}},
                            {{{{2, 3}}, {{3, 4}, Layout::transposed}}},
                            {{{{2, 3}, Layout::transposed}, {{3, 4}, Layout::transposed}}},
                            {{{{2, 2, 3}, Layout::transposed}, {{3, 4}, Layout::sliced}}},
                            {{{{2, 3}, Layout::sliced}, {{2, 3, 2}, Layout::repeated}}},
                            {{{{3, 3}}, {{3, 3}}}, true}}});
  const std::vector<Case> linear_cases = {
      {{{{3}}, {{4, 3}}, {{4}}}},
      {{{{2, 3}}, {{4, 3}}, {{4}}}},
      {{{{2, 2, 3}}, {{1, 3}}, {{1}}}},
      {{{{1, 1}}, {{9, 1}}, {{9}}}},
      {{{{0, 3}}, {{4, 3}}, {{4}}}},
      {{{{2, 0}}, {{3, 0}}, {{3}}}},
      {{{{3, 8}}, {{2, 8}}, {{2}}}},
      {{{{3, 4}, Layout::transposed}, {{2, 4}, Layout::transposed}, {{2}, Layout::sliced}}},
      {{{{3, 4}, Layout::sliced}, {{2, 4}, Layout::sliced}, {{2}}}},
      {{{{3, 4}, Layout::repeated}, {{2, 4}, Layout::repeated}, {{2}, Layout::repeated}}}};
  const auto product_with = [](const Arrays& x) {
    Array rows_of_x = x[0];
    if (rows_of_x.rank() == 1) rows_of_x.sizes.insert(rows_of_x.sizes.begin(), 1);
    Array y = product_of(rows_of_x, exchanged(x[1], 0, 1));
    if (x[0].rank() == 1) y.sizes.erase(y.sizes.begin());
    return y;
  };
  rows.push_back({.name = "linear",
                  .records = "linear",
                  .f = [](const Variables& x) { return linear(x[0], x[1], x[2]); },
                  .twin =
                      [=](const Arrays& x) {
                        return zip(product_with(x), x[2], [](double a, double b) { return a + b; });
                      },
                  .cases = linear_cases});
  std::vector<Case> without_bias = linear_cases;
  for (Case& c : without_bias) c.operands.pop_back();
  rows.push_back({.name = "linear without a bias",
                  .records = "linear",
                  .f = [](const Variables& x) { return linear(x[0], x[1]); },
                  .twin = product_with,
                  .cases = without_bias});
  return rows;
}

inline std::vector<Operation> row_rows() {
  std::vector<Operation> rows;
  rows.push_back({.name = "softmax",
                  .records = "softmax",
                  .f = [](const Variables& x) { return softmax(x[0]); },
                  .twin = [](const Arrays& x) { return each_row(x[0], softmax_of); },
                  .cases = row_cases()});
  const auto log_softmax_of = [](const std::vector<double>& x) {
    double total = 0;
    for (const double value : x) total += std::exp(value);
    std::vector<double> y;
    for (const double value : x) y.push_back(value - std::log(total));
    return y;
  };
  rows.push_back({.name = "log_softmax",
                  .records = "log_softmax",
                  .f = [](const Variables& x) { return log_softmax(x[0]); },
                  .twin = [=](const Arrays& x) { return each_row(x[0], log_softmax_of); },
                  .cases = row_cases()});
  const std::vector<Case> cubes = {{{{{2, 3}}}}, {{{{2, 3, 4}}}}, {{{{3, 1}, Layout::sliced}}}};
  rows.push_back(
      {.name = "softmax along axis 0",
       .records = "softmax",
       .f = [](const Variables& x) { return softmax(x[0], 0); },
       .twin = [](const Arrays& x) { return exchanged(each_row(exchanged(x[0], 0, -1), softmax_of), 0, -1); },
       .cases = cubes});
  rows.push_back({.name = "log_softmax along axis 0",
                  .records = "log_softmax",
                  .f = [](const Variables& x) { return log_softmax(x[0], 0); },
                  .twin =
                      [=](const Arrays& x) {
                        return exchanged(each_row(exchanged(x[0], 0, -1), log_softmax_of), 0, -1);
                      },
                  .cases = cubes});

  // Some rows have nothing allowed, some everything; the mask has x's shape or broadcasts to it.
  for (const bool broadcasts : {false, true}) {
    const auto mask_of = [broadcasts](const Sizes& sizes) {
      Array mask = pattern(
          broadcasts ? Sizes(sizes.end() - std::min<std::ptrdiff_t>(2, std::ssize(sizes)), sizes.end())
                     : sizes);
      const Index width = mask.size(-1);
      for (Index i = 0; i < mask.elements(); ++i) {
        if (i / width % 3 == 1) mask[i] = 0;
        if (i / width % 3 == 2) mask[i] = 1;
      }
      return mask;
    };
    rows.push_back({.name = broadcasts ? "masked_softmax with a mask that broadcasts" : "masked_softmax",
                    .records = "masked_softmax",
                    .f =
                        [=](const Variables& x) {
                          return masked_softmax(x[0], tensor_of(mask_of(sizes_of(x[0].shape()))));
                        },
                    .twin =
                        [=](const Arrays& x) {
                          const Array mask = broadcast(mask_of(x[0].sizes), x[0].sizes);
                          Index row = 0;
                          return each_row(x[0], [&](const std::vector<double>& values) {
                            const Index begin = row++ * static_cast<Index>(values.size());
                            std::vector<double> kept;
                            for (std::size_t i = 0; i < values.size(); ++i)
                              if (mask[begin + static_cast<Index>(i)] != 0) kept.push_back(values[i]);
                            kept = softmax_of(kept);
                            std::vector<double> y(values.size());
                            std::size_t next = 0;
                            for (std::size_t i = 0; i < values.size(); ++i)
                              if (mask[begin + static_cast<Index>(i)] != 0) y[i] = kept[next++];
                            return y;
                          });
                        },
                    .cases = row_cases()});
  }

  // Narrow rows are nearly a sign function where ε is small: ε = 0.1 there, and the usual one for wide rows.
  for (const bool narrow : {true, false}) {
    const double epsilon = narrow ? 0.1 : 1e-5;
    const auto layer_norm_of = [epsilon](const std::vector<double>& x) {
      std::vector<double> y;
      for (const double value : x) y.push_back((value - mean_of(x)) / std::sqrt(variance_of(x) + epsilon));
      return y;
    };
    const auto rms_norm_of = [epsilon](const std::vector<double>& x) {
      double squares = 0;
      for (const double value : x) squares += value * value;
      std::vector<double> y;
      for (const double value : x)
        y.push_back(value / std::sqrt(squares / static_cast<double>(x.size()) + epsilon));
      return y;
    };
    std::vector<Case> cases;
    for (const Sizes& sizes :
         narrow ? std::vector<Sizes>{{1}, {2}, {3}, {4}, {5}, {2, 7}, {3, 4}, {0, 4}, {2, 2, 3}}
                : std::vector<Sizes>{{8}, {9}, {2, 15}, {16}, {17}})
      cases.push_back({{{sizes}, {{sizes.back()}}, {{sizes.back()}}}});
    cases.push_back({{{{2, 8}, Layout::sliced}, {{8}, Layout::sliced}, {{8}}}});
    cases.push_back({{{{3, 8}, Layout::transposed}, {{8}, Layout::repeated}, {{8}, Layout::sliced}}});
    rows.push_back(
        {.name = narrow ? "layer_norm of narrow rows" : "layer_norm",
         .records = "layer_norm",
         .f = [epsilon](const Variables& x) { return layer_norm(x[0], x[1], x[2], Scalar(epsilon)); },
         .twin =
             [=](const Arrays& x) {
               const Array scaled =
                   zip(each_row(x[0], layer_norm_of), x[1], [](double a, double b) { return a * b; });
               return zip(scaled, x[2], [](double a, double b) { return a + b; });
             },
         .cases = cases});
    for (Case& c : cases) c.operands.pop_back();
    rows.push_back({.name = narrow ? "rms_norm of narrow rows" : "rms_norm",
                    .records = "rms_norm",
                    .f = [epsilon](const Variables& x) { return rms_norm(x[0], x[1], Scalar(epsilon)); },
                    .twin =
                        [=](const Arrays& x) {
                          return zip(each_row(x[0], rms_norm_of), x[1],
                                     [](double a, double b) { return a * b; });
                        },
                    .cases = cases});
  }
  return rows;
}

inline std::vector<Operation> loss_rows() {
  struct Kind {
    const char* name;
    double smoothing;
    Reduction reduction;
    int ignored_every;
  };
  const Kind kinds[] = {{"cross_entropy", 0, Reduction::mean, 0},
                        {"cross_entropy, smoothed", 0.1, Reduction::mean, 0},
                        {"cross_entropy, summed", 0, Reduction::sum, 0},
                        {"cross_entropy, with ignored targets", 0.25, Reduction::mean, 2},
                        {"cross_entropy, summed, with ignored targets", 1, Reduction::sum, 3}};
  std::vector<Operation> rows;
  for (const Kind& kind : kinds) {
    const auto targets_of = [every = kind.ignored_every](const Sizes& logits) {
      return some_indices(Sizes(logits.begin(), logits.end() - 1), logits.back(), every);
    };
    std::vector<Case> cases;
    for (const Sizes& sizes : std::vector<Sizes>{{3},
                                                 {1, 1},
                                                 {3, 1},
                                                 {4, 2},
                                                 {3, 5},
                                                 {5, 4},
                                                 {2, 7},
                                                 {2, 8},
                                                 {2, 9},
                                                 {3, 15},
                                                 {3, 16},
                                                 {2, 17},
                                                 {2, 2, 3},
                                                 {0, 3}})
      cases.push_back({{{sizes}}});
    cases.push_back({{{{3, 4}, Layout::transposed}}});
    cases.push_back({{{{3, 5}, Layout::sliced}}});
    cases.push_back({{{{3, 4}, Layout::repeated}}});
    rows.push_back(
        {.name = kind.name,
         .records = "cross_entropy",
         .f =
             [=](const Variables& x) {
               return cross_entropy(x[0], targets_of(sizes_of(x[0].shape())),
                                    {.label_smoothing = Scalar(kind.smoothing), .reduction = kind.reduction});
             },
         .twin =
             [=](const Arrays& x) {
               const Indices targets = targets_of(x[0].sizes);
               double total = 0;
               double counted = 0;
               std::size_t row = 0;
               each_row(x[0], [&](const std::vector<double>& logits) {
                 const int target = targets.values[row++];
                 if (target < 0) return logits;
                 const std::vector<double> p = softmax_of(logits);
                 const double classes = static_cast<double>(p.size());
                 for (std::size_t j = 0; j < p.size(); ++j)
                   total -= (kind.smoothing / classes +
                             (j == static_cast<std::size_t>(target) ? 1 - kind.smoothing : 0)) *
                            std::log(p[j]);
                 ++counted;
                 return logits;
               });
               return Array({}, kind.reduction == Reduction::mean && counted > 0 ? total / counted : total);
             },
         .cases = cases});
  }
  rows.push_back({.name = "mean_squared_error",
                  .records = "",
                  .f = [](const Variables& x) { return mean_squared_error(x[0], x[1]); },
                  .twin =
                      [](const Arrays& x) {
                        return Array({}, mean_of(zip(x[0], x[1], [](double a, double b) {
                                                   return (a - b) * (a - b);
                                                 }).values));
                      },
                  .cases = {{{{{}}, {{}}}}, {{{{5}}, {{5}}}}, {{{{3, 4}, Layout::transposed}, {{3, 4}}}}}});
  return rows;
}

inline std::vector<Operation> indexing_rows() {
  std::vector<Operation> rows;
  const std::vector<Case> tables = {{{{{1, 1}}}},
                                    {{{{3, 2}}}},
                                    {{{{5, 4}}}},
                                    {{{{3, 9}}}},
                                    {{{{4}}}},
                                    {{{{3, 2, 2}}}},
                                    {{{{3, 0}}}},
                                    {{{{3, 4}, Layout::transposed}}},
                                    {{{{3, 4}, Layout::sliced}}},
                                    {{{{3, 4}, Layout::repeated}}}};
  for (const Sizes& ids : std::vector<Sizes>{{4}, {2, 3}, {}, {0}})
    rows.push_back(
        {.name = "gather_rows with ids " +
                 [&] {
                   std::ostringstream text;
                   text << shape_of(ids);
                   return text.str();
                 }(),
         .records = "gather_rows",
         .f = [ids](const Variables& x) { return gather_rows(x[0], some_indices(ids, x[0].size(0))); },
         .twin =
             [ids](const Arrays& x) {
               const Indices rows_wanted = some_indices(ids, x[0].size(0));
               Sizes sizes = ids;
               sizes.insert(sizes.end(), x[0].sizes.begin() + 1, x[0].sizes.end());
               Array y(sizes);
               const Index width = x[0].elements() / x[0].size(0);
               for (Index i = 0; i < y.elements(); ++i)
                 y[i] = x[0][rows_wanted.values[static_cast<std::size_t>(i / width)] * width + i % width];
               return y;
             },
         .cases = tables});
  rows.pop_back();  // no ids at all: nothing to differentiate
  for (const int id_axes : {1, 2})
    rows.push_back({.name = "scatter_add_rows",
                    .records = "scatter_add_rows",
                    .f =
                        [id_axes](const Variables& x) {
                          const Sizes sizes = sizes_of(x[0].shape());
                          return scatter_add_rows(
                              x[0], some_indices(Sizes(sizes.begin(), sizes.begin() + id_axes), 3), 4);
                        },
                    .twin =
                        [id_axes](const Arrays& x) {
                          const Sizes& sizes = x[0].sizes;
                          const Indices ids = some_indices(Sizes(sizes.begin(), sizes.begin() + id_axes), 3);
                          Sizes table = {4};
                          table.insert(table.end(), sizes.begin() + id_axes, sizes.end());
                          Array y(table);
                          const Index width = product(Sizes(sizes.begin() + id_axes, sizes.end()));
                          for (Index i = 0; i < x[0].elements(); ++i)
                            y[ids.values[static_cast<std::size_t>(i / width)] * width + i % width] += x[0][i];
                          return y;
                        },
                    .cases = {{{{{1, 1}}}},
                              {{{{5, 3}}}},
                              {{{{4, 9}}}},
                              {{{{2, 3, 2}}}},
                              {{{{0, 3}}}},
                              {{{{3, 4}, Layout::transposed}}},
                              {{{{3, 4}, Layout::repeated}}}}});
  const std::vector<Case> matrices = {{{{{1, 1}}}},
                                      {{{{3, 4}}}},
                                      {{{{5, 2}}}},
                                      {{{{2, 3, 4}}}},
                                      {{{{7}}}},
                                      {{{{0, 3}}}},
                                      {{{{3, 4}, Layout::transposed}}},
                                      {{{{3, 4}, Layout::sliced}}},
                                      {{{{3, 4}, Layout::repeated}}}};
  rows.push_back({.name = "pick",
                  .records = "pick",
                  .f =
                      [](const Variables& x) {
                        const Sizes sizes = sizes_of(x[0].shape());
                        return pick(x[0], some_indices(Sizes(sizes.begin(), sizes.end() - 1), sizes.back()));
                      },
                  .twin =
                      [](const Arrays& x) {
                        Array y(Sizes(x[0].sizes.begin(), x[0].sizes.end() - 1));
                        const Indices positions = some_indices(y.sizes, x[0].size(-1));
                        for (Index i = 0; i < y.elements(); ++i)
                          y[i] = x[0][i * x[0].size(-1) + positions.values[static_cast<std::size_t>(i)]];
                        return y;
                      },
                  .cases = matrices});
  rows.push_back(
      {.name = "unpick",
       .records = "unpick",
       .f = [](const Variables& x) { return unpick(x[0], some_indices(sizes_of(x[0].shape()), 5), 5); },
       .twin =
           [](const Arrays& x) {
             Sizes sizes = x[0].sizes;
             sizes.push_back(5);
             Array y(sizes);
             const Indices positions = some_indices(x[0].sizes, 5);
             for (Index i = 0; i < x[0].elements(); ++i)
               y[i * 5 + positions.values[static_cast<std::size_t>(i)]] = x[0][i];
             return y;
           },
       .cases = matrices});
  return rows;
}

inline std::vector<Operation> view_rows() {
  std::vector<Operation> rows;
  const std::vector<Case> cubes = {{{{{2, 3, 4}}}},
                                   {{{{3, 4, 2}, Layout::transposed}}},
                                   {{{{2, 4, 3}, Layout::sliced}}},
                                   {{{{2, 3, 4}, Layout::repeated}}}};
  const auto add = [&](const char* name, const char* records, std::function<Variable(const Variable&)> f,
                       std::function<Array(const Array&)> twin, std::vector<Case> cases) {
    rows.push_back({.name = name,
                    .records = records,
                    .f = [f = std::move(f)](const Variables& x) { return f(x[0]); },
                    .twin = [twin = std::move(twin)](const Arrays& x) { return twin(x[0]); },
                    .cases = std::move(cases)});
  };
  add(
      "reshape", "reshape",
      [](const Variable& x) {
        return reshape(x, {4, -1});
      },
      [](const Array& x) {
        return reshaped(x, {4, x.elements() / 4});
      },
      cubes);
  add(
      "reshape of nothing", "reshape",
      [](const Variable& x) {
        return reshape(x, {0, 5});
      },
      [](const Array& x) {
        return reshaped(x, {0, 5});
      },
      {{{{{3, 0}}}}});
  rows.back().cases.push_back({{{{2, 0, 1}}}});
  add(
      "reshape of one number", "reshape",
      [](const Variable& x) {
        return reshape(x, {1, 1, 1});
      },
      [](const Array& x) {
        return reshaped(x, {1, 1, 1});
      },
      {{{{{}}}}, {{{{1}}}}});
  add(
      "permute", "permute",
      [](const Variable& x) {
        return permute(x, {2, 0, -2});
      },
      [](const Array& x) {
        return permuted(x, {2, 0, 1});
      },
      cubes);
  add(
      "transpose", "transpose", [](const Variable& x) { return transpose(x); },
      [](const Array& x) { return exchanged(x, -1, -2); }, cubes);
  add(
      "transpose of axes 0 and -1", "transpose", [](const Variable& x) { return transpose(x, 0, -1); },
      [](const Array& x) { return exchanged(x, 0, -1); }, cubes);
  add(
      "slice", "slice", [](const Variable& x) { return slice(x, 1, 1, 3); },
      [](const Array& x) { return sliced(x, 1, 1, 3); }, cubes);
  add(
      "slice with steps", "slice", [](const Variable& x) { return slice(x, -1, 0, x.size(-1), 2); },
      [](const Array& x) { return sliced(x, -1, 0, x.size(-1), 2); }, cubes);
  add(
      "slice of rows from the end", "slice", [](const Variable& x) { return slice(x, 0, -1, x.size(0)); },
      [](const Array& x) { return sliced(x, 0, x.size(0) - 1, x.size(0)); }, cubes);
  add(
      "slices that overlap", "slice", [](const Variable& x) { return slice(x, 0, 0, 2) * slice(x, 0, 1, 3); },
      [](const Array& x) {
        return zip(sliced(x, 0, 0, 2), sliced(x, 0, 1, 3), [](double a, double b) { return a * b; });
      },
      {{{{{3, 2}}}}, {{{{4}}}}});
  rows.back().records = "";
  add(
      "select", "", [](const Variable& x) { return select(x, 1, -2); },
      [](const Array& x) {
        return reshaped(sliced(x, 1, x.size(1) - 2, x.size(1) - 1), {x.size(0), x.size(2)});
      },
      cubes);
  add(
      "broadcast_to", "broadcast_to",
      [](const Variable& x) {
        return broadcast_to(x, {2, 3, 4});
      },
      [](const Array& x) {
        return broadcast(x, {2, 3, 4});
      },
      {{{{{}}}},
       {{{{4}}}},
       {{{{3, 1}}}},
       {{{{1, 4}}}},
       {{{{2, 1, 1}}}},
       {{{{2, 3, 4}}}},
       {{{{2, 1, 4}, Layout::sliced}}}});
  add(
      "unsqueeze", "", [](const Variable& x) { return unsqueeze(x, -1); },
      [](const Array& x) {
        return reshaped(x, {x.size(0), x.size(1), x.size(2), 1});
      },
      cubes);
  add(
      "squeeze", "", [](const Variable& x) { return squeeze(x, 1); },
      [](const Array& x) {
        return reshaped(x, {x.size(0), x.size(2)});
      },
      {{{{{2, 1, 3}}}}, {{{{2, 1, 3}, Layout::transposed}}}});
  add(
      "split", "",
      [](const Variable& x) {
        const Variables parts = split(x, 2, 0);
        return parts[0] - 2 * parts[1];
      },
      [](const Array& x) {
        return zip(sliced(x, 0, 0, x.size(0) / 2), sliced(x, 0, x.size(0) / 2, x.size(0)),
                   [](double a, double b) { return a - 2 * b; });
      },
      {{{{{4}}}}, {{{{2, 3}}}}, {{{{4, 3}, Layout::transposed}}}});
  add(
      "embed_slice", "embed_slice",
      [](const Variable& x) {
        return embed_slice(x, shape_of({x.size(0), 2 * x.size(1) + 2, x.size(2)}), 1, 1, 2);
      },
      [](const Array& x) {
        Array y({x.size(0), 2 * x.size(1) + 2, x.size(2)});
        for (Index i = 0; i < x.elements(); ++i) {
          Sizes at = x.position(i);
          at[1] = 1 + 2 * at[1];
          y[y.flat(at)] = x[i];
        }
        return y;
      },
      cubes);
  rows.back().cases.push_back({{{{2, 0, 3}}}});

  const std::vector<Case> equal_shapes = {{{{{2, 3}}, {{2, 3}}}},
                                          {{{{1, 9}}, {{1, 9}}}},
                                          {{{{3, 2}, Layout::transposed}, {{3, 2}, Layout::sliced}}},
                                          {{{{2, 3}}, {{2, 3}}}, true}};
  std::vector<Case> joined = equal_shapes;
  joined.push_back({{{{2, 3}}, {{4, 3}}}});
  joined.push_back({{{{0, 3}}, {{4, 3}}}});
  joined.push_back({{{{1, 3}}, {{4, 3}}, {{2, 3}, Layout::repeated}}});
  joined.push_back({{{{5, 2}}}});
  const auto concatenated = [](const Arrays& x) {
    Array y({0, x[0].size(1)});
    for (const Array& part : x) {
      y.sizes[0] += part.size(0);
      y.values.insert(y.values.end(), part.values.begin(), part.values.end());
    }
    return y;
  };
  rows.push_back({.name = "concatenate",
                  .records = "concatenate",
                  .f = [](const Variables& x) { return concatenate(x); },
                  .twin = concatenated,
                  .cases = joined});
  rows.push_back({.name = "concatenate along the last axis",
                  .records = "concatenate",
                  .f =
                      [](const Variables& x) {
                        Variables turned;
                        for (const Variable& part : x) turned.push_back(transpose(part));
                        return concatenate(turned, -1);
                      },
                  .twin = [=](const Arrays& x) { return exchanged(concatenated(x), 0, 1); },
                  .cases = joined});
  rows.push_back({.name = "stack",
                  .records = "concatenate",
                  .f = [](const Variables& x) { return stack(x, -1); },
                  .twin =
                      [=](const Arrays& x) {
                        const Array all = reshaped(concatenated(x), {2, x[0].size(0), x[0].size(1)});
                        return permuted(all, {1, 2, 0});
                      },
                  .cases = equal_shapes});
  return rows;
}

inline std::vector<Operation> attention_rows() {
  std::vector<Operation> rows;
  struct Kind {
    const char* name;
    Mask mask;
    bool bias;
    bool streams = false;
  };
  const Kind kinds[] = {
      {"attention", {}, false},
      {"attention with a bias", {}, true},
      {"attention, causal", Mask::causal(), false},
      {"attention with padding", Mask::padding({2, 0}), false},
      {"attention, causal with padding and a bias", Mask::causal() & Mask::padding({3, 1}), true},
      {"streaming attention", {}, false, true},
      {"streaming attention with a bias", {}, true, true},
      {"streaming attention, local and global", Mask::local_and_global(0, 1), false, true},
      {"streaming attention, causal with padding and a bias", Mask::causal() & Mask::padding({3, 1}), true,
       true}};
  for (const Kind& kind : kinds) {
    std::vector<Case> cases = {{{{{2, 3, 2}}, {{2, 3, 2}}, {{2, 3, 2}}, {{3, 3}}}},
                               {{{{2, 2, 2, 3}}, {{2, 2, 3, 3}}, {{2, 2, 3, 1}}, {{2, 1, 3}}}},
                               {{{{2, 1, 1, 1}}, {{2, 1, 4, 1}}, {{2, 1, 4, 2}}, {{1, 1, 4}}}},
                               {{{{2, 0, 3}}, {{2, 2, 3}}, {{2, 2, 2}}, {{1, 2}}}},
                               {{{{2, 2, 3, 2}, Layout::transposed},
                                 {{2, 2, 3, 2}, Layout::sliced},
                                 {{2, 2, 3, 2}, Layout::repeated},
                                 {{3}}}},
                               {{{{2, 3, 2}}, {{2, 3, 2}}, {{2, 3, 2}}}, true}};
    if (kind.bias) {
      cases.pop_back();
    } else {
      for (Case& c : cases) c.operands.resize(3);
    }
    rows.push_back({.name = kind.name,
                    .records = kind.streams ? "attention" : "",
                    .f =
                        [=](const Variables& x) {
                          const Variable bias = kind.bias ? x[3] : Variable();
                          return kind.streams ? streaming_attention(x[0], x[1], x[2], kind.mask, bias)
                                              : attention(x[0], x[1], x[2], kind.mask, bias);
                        },
                    .twin =
                        [=](const Arrays& x) {
                          return attention_of(x[0], x[1], x[2], kind.mask,
                                              kind.bias ? x[3] : Array(Sizes{0}));
                        },
                    .cases = cases});
  }
  rows.push_back({.name = "dropout",
                  .records = "dropout",
                  .f = [](const Variables& x) { return dropout(x[0], Scalar(0.25), Rng(5)); },
                  .twin =
                      [](const Arrays& x) {
                        Array y = x[0];
                        const Rng rng(5);
                        for (Index i = 0; i < y.elements(); ++i)
                          y[i] = rng.bits(static_cast<std::uint64_t>(i)) < 0.75 * 0x1p32 ? y[i] / 0.75 : 0;
                        return y;
                      },
                  .cases = unary_cases()});
  return rows;
}

inline std::vector<Operation> autograd_rows() {
  std::vector<Operation> all;
  for (const auto& rows : {elementwise_rows(), reduction_rows(), matmul_rows(), row_rows(), loss_rows(),
                           indexing_rows(), view_rows(), attention_rows()})
    all.insert(all.end(), rows.begin(), rows.end());
  return all;
}

}  // namespace attune::testing
