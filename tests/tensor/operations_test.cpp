#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "tensor/elementwise.h"
#include "tensor/error.h"
#include "tensor/indexing.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/rows.h"
#include "tensor/simd/kernels.h"
#include "tests/support/array.h"

// What the table of operations (tests/autograd/operation_rows.h) does not ask: larger sizes, every
// combination of strides, special numbers, and the operations that have no derivative.

using namespace attune;
using namespace attune::testing;

namespace {

const Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();
const Scalar infinity = std::numeric_limits<Scalar>::infinity();

// x's numbers, lying in memory in one of several ways.
Tensor laid_out(const Array& x, int how) {
  const Tensor plain = tensor_of(x);
  switch (how) {
    case 1:  // transposed
      return x.rank() < 2 ? plain : transpose(contiguous(transpose(plain)));
    case 2: {  // every second column of a wider tensor
      if (x.rank() < 1) return plain;
      Sizes wide = x.sizes;
      wide.push_back(2);
      const Array doubled = broadcast(reshaped(x,
                                               [&] {
                                                 Sizes one = x.sizes;
                                                 one.push_back(1);
                                                 return one;
                                               }()),
                                      wide);
      return select(tensor_of(doubled), -1, 1);
    }
    case 3:  // behind an offset
      if (x.rank() < 1 || x.size(0) == 0) return plain;
      return slice(concatenate({plain, plain}, 0), 0, x.size(0), 2 * x.size(0));
    case 4: {  // axes reversed
      std::vector<int> order;
      for (int axis = x.rank() - 1; axis >= 0; --axis) order.push_back(axis);
      return permute(contiguous(permute(plain, std::span<const int>(order))), std::span<const int>(order));
    }
    default:
      return plain;
  }
}

}  // namespace

TEST_CASE("elementwise: operands that broadcast and lie in any way give what a loop over indices gives") {
  std::mt19937 engine(3);
  for (int trial = 0; trial < 600; ++trial) {
    Sizes full(engine() % 5);
    for (Index& size : full) size = std::vector<Index>{0, 1, 2, 3, 5, 9, 17}[1 + engine() % 6];
    if (trial % 50 == 0 && !full.empty()) full[0] = 0;
    const auto part = [&] {
      Sizes sizes(full.begin() + static_cast<std::ptrdiff_t>(full.empty() ? 0 : engine() % (full.size() + 1)),
                  full.end());
      for (Index& size : sizes)
        if (engine() % 3 == 0) size = 1;
      return sizes;
    };
    const Array a = array_of(random_tensor(part(), engine));
    const Array b = array_of(random_tensor(part(), engine));
    const Tensor left = laid_out(a, static_cast<int>(engine() % 5));
    const Tensor right = laid_out(b, static_cast<int>(engine() % 5));
    INFO("of ", shape_of(a.sizes).rank(), " and ", shape_of(b.sizes).rank(), " axes");
    REQUIRE(difference(array_of(left + right), zip(a, b, [](double x, double y) { return x + y; })) < 1e-6);
    REQUIRE(array_of(left < right).values ==
            zip(a, b, [](double x, double y) { return x < y ? 1 : 0; }).values);
    REQUIRE(difference(array_of(where(left > right, left, right)),
                       zip(a, b, [](double x, double y) { return x > y ? x : y; })) == 0);
  }
}

TEST_CASE("elementwise: comparisons are 1 and 0, and with NaN all are 0 but not_equal") {
  const Tensor a = tensor({1, 2, 3, not_a_number});
  const Tensor b = tensor({2, 2, 2, 2});
  CHECK((a < b).values() == std::vector<Scalar>{1, 0, 0, 0});
  CHECK((a <= b).values() == std::vector<Scalar>{1, 1, 0, 0});
  CHECK((a > b).values() == std::vector<Scalar>{0, 0, 1, 0});
  CHECK((a >= b).values() == std::vector<Scalar>{0, 1, 1, 0});
  CHECK(equal(a, b).values() == std::vector<Scalar>{0, 1, 0, 0});
  CHECK(not_equal(a, b).values() == std::vector<Scalar>{1, 0, 1, 1});
}

TEST_CASE(
    "elementwise: NaN passes through maximum and minimum from either side, and where leaves it behind") {
  CHECK(any_non_finite(maximum(tensor({not_a_number}), tensor({1}))));
  CHECK(any_non_finite(maximum(tensor({1}), tensor({not_a_number}))));
  CHECK(any_non_finite(minimum(tensor({not_a_number}), tensor({1}))));
  CHECK(any_non_finite(minimum(tensor({1}), tensor({not_a_number}))));
  CHECK(where(tensor({1, 0}), tensor({5, not_a_number}), tensor({not_a_number, 6})).values() ==
        std::vector<Scalar>{5, 6});
}

TEST_CASE("elementwise: any_non_finite finds one number among many, and same_values compares shapes too") {
  for (Index size : {1, 7, 8, 9, 17, 1000}) {
    Tensor x = ones({size});
    CHECK_FALSE(any_non_finite(x));
    for (const Scalar bad : {not_a_number, infinity, -infinity}) {
      Tensor y = copy(x);
      y.writable()[size - 1] = bad;
      CHECK(any_non_finite(y));
    }
  }
  CHECK(same_values(arange(4), arange(4)));
  CHECK_FALSE(same_values(arange(4), reshape(arange(4), {2, 2})));
  CHECK_FALSE(same_values(arange(4), ones({4})));
  CHECK_FALSE(same_values(tensor({not_a_number}), tensor({not_a_number})));
}

TEST_CASE("elementwise: adding in place changes the target and nobody else's numbers") {
  Tensor target = ones({5});
  const Tensor held = target;
  add_in_place(target, arange(5));
  CHECK(target.values() == std::vector<Scalar>{1, 2, 3, 4, 5});
  CHECK(held.values() == std::vector<Scalar>{1, 1, 1, 1, 1});
  add_in_place(target, target);  // to itself
  CHECK(target.values() == std::vector<Scalar>{2, 4, 6, 8, 10});
  CHECK_THROWS_AS(add_in_place(target, ones({1})), ShapeError);
}

TEST_CASE("reductions: any set of axes of any layout gives what grouping by index gives") {
  std::mt19937 engine(5);
  for (int trial = 0; trial < 400; ++trial) {
    Sizes sizes(1 + engine() % 4);
    for (Index& size : sizes) size = std::vector<Index>{1, 2, 3, 4, 7, 16, 33}[engine() % 7];
    if (product(sizes) > 20000) continue;
    const Array a = array_of(random_tensor(sizes, engine));
    const Tensor x = laid_out(a, static_cast<int>(engine() % 5));
    std::vector<int> axes;
    for (int axis = 0; axis < a.rank(); ++axis)
      if (engine() % 2) axes.push_back(engine() % 2 ? axis : axis - a.rank());
    std::shuffle(axes.begin(), axes.end(), engine);
    Axes named;
    for (const int axis : axes) named.add(axis);
    const bool keep = engine() % 2;
    const auto largest = [](const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); };
    const auto smallest = [](const std::vector<double>& v) { return *std::min_element(v.begin(), v.end()); };
    const auto total = [](const std::vector<double>& v) {
      double sum = 0;
      for (const double value : v) sum += value;
      return sum;
    };
    const auto average = [&](const std::vector<double>& v) {
      return total(v) / static_cast<double>(v.size());
    };
    const auto spread = [&](const std::vector<double>& v) {
      double sum = 0;
      for (const double value : v) sum += (value - average(v)) * (value - average(v));
      return sum / static_cast<double>(v.size());
    };
    INFO("of ", a.rank(), " axes, ", axes.size(), " reduced");
    REQUIRE(difference(array_of(sum(x, named, KeepAxis(keep))), reduce(a, axes, keep, total)) <
            value_tolerance);
    REQUIRE(difference(array_of(mean(x, named, KeepAxis(keep))), reduce(a, axes, keep, average)) <
            value_tolerance);
    REQUIRE(difference(array_of(max(x, named, KeepAxis(keep))), reduce(a, axes, keep, largest)) == 0);
    REQUIRE(difference(array_of(min(x, named, KeepAxis(keep))), reduce(a, axes, keep, smallest)) == 0);
    REQUIRE(difference(array_of(variance(x, named, KeepAxis(keep))), reduce(a, axes, keep, spread)) <
            value_tolerance);
  }
}

TEST_CASE("reductions: a long sum keeps its digits") {
  // A million tenths: adding them one by one in float would lose the third digit.
  const Tensor x = full({1000000}, Scalar(0.1));
  const double exact = 1e6 * static_cast<double>(Scalar(0.1));
  CHECK(std::abs(static_cast<double>(sum(x).item()) - exact) < 1e-6 * exact);
  const Tensor columns = reshape(x, {500000, 2});
  CHECK(std::abs(static_cast<double>(sum(columns, 0).at({1})) - exact / 2) < 1e-6 * exact);
}

TEST_CASE("reductions: the variance of numbers with a large offset keeps its digits") {
  const Tensor x = tensor({10000, 10001, 10002, 10003});
  CHECK(std::abs(static_cast<double>(variance(x).item()) - 1.25) < 1e-6);
}

TEST_CASE("reductions: NaN is found by max and min wherever it stands") {
  for (Index size : {1, 5, 8, 17, 40}) {
    for (Index at = 0; at < size; ++at) {
      Tensor x = arange(size);
      x.writable()[at] = not_a_number;
      CHECK(any_non_finite(max(x)));
      CHECK(any_non_finite(min(x)));
      const Tensor columns = unsqueeze(x, -1) + zeros({1, 3});
      CHECK(any_non_finite(max(columns, 0)));
      CHECK(any_non_finite(min(columns, 0)));
    }
  }
}

TEST_CASE("reductions: argmax is the first of the largest, along any axis, and NaN counts as largest") {
  CHECK(argmax(tensor({1, 3, 2, 3})) == Indices({}, {1}));
  CHECK(argmax(tensor({1, not_a_number, 5})) == Indices({}, {1}));
  CHECK(argmax(tensor({{1, 5, 2}, {7, 0, 7}})) == Indices({2}, {1, 0}));
  CHECK(argmax(tensor({{1, 5, 2}, {7, 0, 7}}), 0) == Indices({3}, {1, 0, 1}));
  const Tensor cube = reshape(arange(24), {2, 3, 4});
  CHECK(argmax(cube, 1) == Indices::full({2, 4}, 2));
  CHECK(argmax(permute(cube, {2, 0, 1}), 0) == Indices::full({2, 3}, 3));
  CHECK(argmax(zeros({0, 3})).sizes == std::vector<std::int64_t>{0});
}

TEST_CASE("reductions: of nothing a sum is 0, and the others say that there is none") {
  CHECK(sum(zeros({0})).item() == 0);
  CHECK(sum(zeros({0, 3}), 0).values() == std::vector<Scalar>{0, 0, 0});
  CHECK(sum(zeros({3, 0}), 0).elements() == 0);
  CHECK(max(zeros({0, 3}), 1).elements() == 0);
  CHECK_THROWS_WITH_AS(max(zeros({0, 3}), 0),
                       "max: an empty axis has none: (0, 3): check for elements() == 0 first", ShapeError);
  CHECK_THROWS_AS(min(zeros({0})), ShapeError);
  CHECK_THROWS_AS(mean(zeros({2, 0}), 1), ShapeError);
  CHECK_THROWS_AS(argmax(zeros({3, 0})), ShapeError);
  CHECK_THROWS_WITH_AS(sum(zeros({2, 3}), {0, -2}),
                       "sum: axis -2 is named twice: (2, 3): name each axis once", ShapeError);
  CHECK_THROWS_WITH_AS(sum(zeros({2, 3}), 2), "sum: axis 2 is not there: (2, 3): use -2 to 1", ShapeError);
}

TEST_CASE("matmul: every combination of layouts and of broadcast batches gives three nested loops' result") {
  std::mt19937 engine(11);
  const std::vector<std::pair<Sizes, Sizes>> shapes = {{{3, 4}, {4, 5}},
                                                       {{1, 1}, {1, 1}},
                                                       {{17, 9}, {9, 33}},
                                                       {{2, 3, 4}, {4, 5}},
                                                       {{3, 4}, {2, 4, 5}},
                                                       {{2, 1, 3, 4}, {3, 4, 2}},
                                                       {{2, 3, 5, 7}, {2, 3, 7, 6}},
                                                       {{0, 4}, {4, 3}},
                                                       {{2, 0}, {0, 2}},
                                                       {{2, 3, 4}, {1, 4, 0}},
                                                       {{0, 2, 3}, {3, 2}},
                                                       {{6, 1}, {1, 65}},
                                                       {{1, 40}, {40, 1}},
                                                       {{2, 1, 1, 3}, {1, 4, 3, 1}}};
  for (const auto& [left, right] : shapes) {
    const Array a = array_of(random_tensor(left, engine));
    const Array b = array_of(random_tensor(right, engine));
    const Array expected = product_of(a, b);
    for (int how_a = 0; how_a < 5; ++how_a)
      for (int how_b = 0; how_b < 5; ++how_b) {
        INFO("layouts ", how_a, " and ", how_b, " with ", expected.elements(), " results");
        CHECK(difference(array_of(matmul(laid_out(a, how_a), laid_out(b, how_b))), expected) <
              value_tolerance);
      }
  }
}

TEST_CASE("matmul: large products with odd sizes equal the loops too") {
  std::mt19937 engine(12);
  for (const auto& [m, k, n] :
       std::vector<std::array<Index, 3>>{{97, 300, 71}, {5, 700, 130}, {130, 17, 5}}) {
    const Array a = array_of(random_tensor({m, k}, engine));
    const Array b = array_of(random_tensor({k, n}, engine));
    const Array expected = product_of(a, b);
    CHECK(difference(array_of(matmul(tensor_of(a), tensor_of(b))), expected) < value_tolerance);
    CHECK(difference(array_of(matmul(tensor_of(a), laid_out(b, 1))), expected) < value_tolerance);
    CHECK(difference(array_of(matmul(laid_out(a, 1), tensor_of(b))), expected) < value_tolerance);
  }
}

TEST_CASE("matmul: a row of the product does not depend on the other rows, to the last bit") {
  std::mt19937 engine(13);
  const Tensor a = random_tensor({37, 300}, engine);
  const Tensor b = random_tensor({300, 45}, engine);
  const Tensor whole = matmul(a, b);
  // A matrix unit takes products from 8 rows on; elsewhere a row alone has the same bits, too.
  const Index fewest = kernels().split_block ? 8 : 1;
  for (Index row : {0, 5, 29}) {
    const Index end = row + fewest;
    CHECK(same_values(matmul(slice(a, 0, row, end), b), slice(whole, 0, row, end)));
    CHECK(same_values(linear(slice(a, 0, row, end), transpose(b), {}), slice(whole, 0, row, end)));
    CHECK(same_values(linear(slice(a, 0, row, end), transpose(b), {}, KeepPacked::yes),
                      slice(whole, 0, row, end)));
  }
}

TEST_CASE("linear: a kept packed form goes with the weight's next change") {
  std::mt19937 engine(14);
  for (const Index rows : {1, 20}) {
    const Tensor x = random_tensor({rows, 40}, engine);
    Tensor weight = random_tensor({50, 40}, engine);
    const auto kept = [&] { return linear(x, weight, {}, KeepPacked::yes); };
    CHECK(same_values(kept(), linear(x, weight, {})));
    CHECK(weight.memory().companion() != nullptr);
    CHECK(same_values(kept(), linear(x, weight, {})));  // from what was kept
    weight.writable()[7] += 1;
    CHECK(weight.memory().companion() == nullptr);
    CHECK(same_values(kept(), linear(x, weight, {})));
    // Another view of the same memory is another matrix: it does not get the first one's packed form.
    const Tensor other = slice(weight, 0, 0, 25);
    CHECK(same_values(linear(x, other, {}, KeepPacked::yes), linear(x, other, {})));
  }
}

TEST_CASE("matmul: operands that do not fit are refused with their shapes") {
  CHECK_THROWS_WITH_AS(
      matmul(zeros({2, 3}), zeros({2, 3})),
      "matmul: inner sizes differ, 3 and 2: (2, 3) and (2, 3): (…, M, K) · (…, K, N) needs equal K; "
      "transpose one of them?",
      ShapeError);
  CHECK_THROWS_WITH_AS(
      matmul(zeros({3}), zeros({3, 2})),
      "matmul: matrices are wanted, with two axes or more: (3,) and (3, 2): turn a vector into a row or a "
      "column with unsqueeze",
      ShapeError);
  CHECK_THROWS_AS(matmul(zeros({2, 3, 4}), zeros({3, 4, 5})), ShapeError);
  CHECK_THROWS_WITH_AS(
      linear(zeros({2, 3}), zeros({4, 2}), {}),
      "linear: the last axis must have the weight's input size: (2, 3) and weight (4, 2): the weight is "
      "(out, in)",
      ShapeError);
  CHECK_THROWS_WITH_AS(linear(zeros({2, 3}), zeros({4, 3}), zeros({3})),
                       "linear: the bias must be (out): (3,) and weight (4, 3)", ShapeError);
}

TEST_CASE("softmax: rows sum to one even for logits of 1e4, and probabilities are exact where they can be") {
  const Tensor y = softmax(tensor({{10000, 9999, -10000}, {0, 0, 0}}));
  CHECK_FALSE(any_non_finite(y));
  for (const Scalar total : sum(y, -1).values()) CHECK(std::abs(static_cast<double>(total) - 1) < 1e-6);
  CHECK(y.at({0, 2}) == 0);
  CHECK(log_softmax(tensor({1000, 0})).at({1}) == -1000);
}

TEST_CASE(
    "masked_softmax: what is not allowed gets exactly 0 whatever stands there, and empty rows are zeros") {
  const Tensor x =
      tensor({{1, not_a_number, 2}, {not_a_number, infinity, 5}, {3, not_a_number, not_a_number}});
  const Tensor allowed = tensor({{1, 0, 1}, {0, 0, 0}, {1, 0, 0}});
  const Tensor y = masked_softmax(x, allowed);
  CHECK_FALSE(any_non_finite(y));
  CHECK(y.at({0, 1}) == 0);
  CHECK(std::abs(static_cast<double>(y.at({0, 2})) - 1 / (1 + std::exp(-1.0))) < 1e-6);
  CHECK(slice(y, 0, 1, 3).values() == std::vector<Scalar>{0, 0, 0, 1, 0, 0});
}

TEST_CASE("layer_norm: a row with a large offset keeps its digits") {
  const LayerNormResult result = layer_norm(tensor({{10000, 10001, 10002, 10003}}), ones({4}), zeros({4}), 0);
  const double expected = 1.5 / std::sqrt(1.25);
  CHECK(std::abs(static_cast<double>(result.y.at({0, 3})) - expected) < 1e-6);
  CHECK(result.mean.at({0}) == Scalar(10001.5));
}

TEST_CASE("rows: parameters and gradients that do not fit are refused") {
  CHECK_THROWS_WITH_AS(
      layer_norm(zeros({2, 3}), ones({2}), zeros({3}), Scalar(1e-5)),
      "layer_norm: the scale must have the size of the last axis: (2,) for (2, 3): make the layer with "
      "the width of its input",
      ShapeError);
  CHECK_THROWS_WITH_AS(rms_norm(Tensor(1), ones({1}), Scalar(1e-5)),
                       "rms_norm: works along the last axis: () has none: give at least one axis",
                       ShapeError);
  CHECK_THROWS_AS(softmax_backward(zeros({2}), zeros({3})), ShapeError);
  CHECK_THROWS_AS(masked_softmax(zeros({2, 3}), zeros({2})), ShapeError);
}

TEST_CASE("indexing: rows and positions that are not there are refused, and named") {
  const Tensor table = zeros({3, 2});
  CHECK_THROWS_WITH_AS(gather_rows(table, Indices({2}, {0, 3})),
                       "gather_rows: row 3 is outside a table of 3 rows: is the id from another vocabulary?",
                       IndexError);
  CHECK_THROWS_AS(gather_rows(table, Indices({1}, {-1})), IndexError);
  CHECK_THROWS_AS(gather_rows(Tensor(1), Indices({1}, {0})), ShapeError);
  CHECK_THROWS_AS(scatter_add_rows(zeros({2, 2}), Indices({2}, {0, 3}), 3), IndexError);
  CHECK_THROWS_AS(scatter_add_rows(zeros({2, 2}), Indices({3}, {0, 1, 2}), 3), ShapeError);
  CHECK_THROWS_WITH_AS(pick(zeros({2, 3}), Indices({2}, {0, 3})),
                       "pick: position 3 is outside a row of 3: use 0 to 2", IndexError);
  CHECK_THROWS_WITH_AS(pick(zeros({2, 3}), Indices({3}, {0, 1, 2})),
                       "pick: one position for each row is wanted: rows (2,) and positions (3,)", ShapeError);
  CHECK_THROWS_AS(unpick(zeros({2}), Indices({2}, {0, 4}), 4), IndexError);
  CHECK_THROWS_WITH_AS(concatenate({zeros({2, 3}), zeros({2, 4})}),
                       "concatenate: all sizes but that of axis 0 must be equal: (2, 3) and (2, 4)",
                       ShapeError);
  CHECK_THROWS_WITH_AS(concatenate(std::vector<Tensor>{}), "concatenate: no tensors given: give at least one",
                       ShapeError);
  CHECK_THROWS_AS(stack({zeros({2}), zeros({3})}), ShapeError);
  CHECK_THROWS_WITH_AS(
      split(zeros({5}), 2),
      "split: axis 0 does not split into 2 equal parts: (5,): give a number that divides its size",
      ShapeError);
  CHECK_THROWS_AS(embed_slice(zeros({3}), {4}, 0, 2, 1), ShapeError);
}

TEST_CASE("indexing: repeated rows add up, stacks and splits undo each other") {
  CHECK(scatter_add_rows(tensor({{1, 2}, {3, 4}, {5, 6}}), Indices({3}, {1, 1, 0}), 3).values() ==
        std::vector<Scalar>{5, 6, 4, 6, 0, 0});
  const Tensor x = reshape(arange(24), {2, 3, 4});
  for (int axis = -3; axis < 3; ++axis) {
    std::vector<Tensor> parts;
    for (Index i = 0; i < x.size(axis); ++i) parts.push_back(select(x, axis, i));
    CHECK(same_values(stack(parts, axis), x));
    CHECK(same_values(concatenate(split(x, x.size(axis), axis), axis), x));
  }
  Tensor target = ones({5});
  add_to_slice_in_place(target, tensor({10, 20}), 0, 1, 2);
  CHECK(target.values() == std::vector<Scalar>{1, 11, 1, 21, 1});
}
