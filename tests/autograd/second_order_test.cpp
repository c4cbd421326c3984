// Gradients of gradients where they are delicate: beside places without weight, and to the third order.
// (Every row of the tables of operations and of layers is differentiated twice by operations_test.cpp and
// layers_test.cpp.)

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/autograd/operation_rows.h"
#include "tests/support/measured.h"

using namespace attune;
using namespace attune::testing;

namespace {

constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();

// The gradient of f by its inputs, weighted with dy; then the gradient of that, weighted with fixed random
// numbers.
struct TwoOrders {
  Tensor first, second;
};
TwoOrders two_orders(const Tensor& x_value, const Tensor& dy,
                     const std::function<Variable(const Variable&)>& f) {
  const Variable x = tracked(x_value);
  const Variable first = gradients(f(x), {x}, dy, {.record = true})[0];
  std::mt19937 engine(5);
  const Variable second = gradients(first, {x}, random_tensor({3, 5}, engine))[0];
  return {first.value(), second.value()};
}

// The same function with its gradient as a function: check_gradients of it checks the next order.
Function next_order(const Function& f, std::uint64_t seed) {
  return [f, seed](const std::vector<Variable>& xs) {
    const Variable y = f(xs);
    Rng rng(seed);
    const Tensor weights = uniform(y.shape(), -1, 1, rng);
    Variable total;
    for (const Variable& g : gradients(y, xs, weights, {.record = true})) {
      const Variable part = sum(g * Variable(uniform(g.shape(), -1, 1, rng)));
      total = total.defined() ? total + part : part;
    }
    return total;
  };
}

}  // namespace

TEST_CASE(
    "second order: what a loss says of a place without weight, NaN or infinity, changes no gradient of "
    "softmax") {
  // Row 0 is whole, row 1 has forbidden places, row 2 nothing that is allowed.
  const Tensor allowed = tensor({{1, 1, 1, 1, 1}, {1, 0, 1, 0, 1}, {0, 0, 0, 0, 0}});
  std::mt19937 engine(1);
  const Tensor x = random_tensor({3, 5}, engine);
  const Tensor dy = random_tensor({3, 5}, engine) * allowed;
  const auto masked = [&](const Variable& v) { return masked_softmax(v, allowed); };
  const TwoOrders base = two_orders(x, dy, masked);
  CHECK_FALSE(any_non_finite(base.first));
  CHECK_FALSE(any_non_finite(base.second));
  CHECK(max(abs(base.second)).item() > 0);
  for (const Scalar filler : {Scalar(7), infinity, -infinity, not_a_number}) {
    INFO("dy of ", filler, " where nothing is allowed");
    const Tensor dirty = where(allowed, dy, Tensor(filler));
    const TwoOrders found = two_orders(x, dirty, masked);
    CHECK(same_values(found.first, base.first));
    CHECK(same_values(found.second, base.second));
    // Whatever stands in the scores there as well.
    const TwoOrders both = two_orders(where(allowed, x, Tensor(-infinity)), dirty, masked);
    CHECK(same_values(both.first, base.first));
    CHECK(same_values(both.second, base.second));
    // And by dy itself.
    const Variable weights = tracked(dirty);
    const Variable leaf = tracked(x);
    const Variable first = gradients(masked(leaf), {leaf}, weights, {.record = true})[0];
    CHECK_FALSE(any_non_finite(gradients(sum(first * first), {weights})[0].value()));
  }

  // Without a mask, where a score of -∞ or one that underflows leaves no weight.
  for (const Scalar low : {-infinity, Scalar(-1e6)}) {
    Tensor scores = where(allowed, x, Tensor(low));
    scores = where(tensor({3, 1}, {1, 1, 0}), scores, x);  // a row of nothing but -∞ has no softmax
    const Tensor places = where(tensor({3, 1}, {1, 1, 0}), allowed, Tensor(Scalar(1)));
    const Tensor weights = random_tensor({3, 5}, engine) * places;
    const auto plain = [](const Variable& v) { return softmax(v); };
    const TwoOrders clean = two_orders(scores, weights, plain);
    CHECK_FALSE(any_non_finite(clean.second));
    for (const Scalar filler : {infinity, not_a_number}) {
      const TwoOrders found = two_orders(scores, where(places, weights, Tensor(filler)), plain);
      CHECK(same_values(found.first, clean.first));
      CHECK(same_values(found.second, clean.second));
    }
  }
}

TEST_CASE(
    "second order: attention with shut-out queries, padded keys and scores of -∞ has finite gradients of "
    "gradients") {
  std::mt19937 engine(2);
  Tensor bias = zeros({2, 1, 3, 5});
  bias.writable()[1] = bias.writable()[7] = -infinity;
  for (Index s = 0; s < 5; ++s) bias.writable()[15 + s] = -infinity;  // for query 0 of entry 1, everything
  const Mask mask =
      Mask::padding({5, 2}) & Mask::explicitly(tensor({{1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}, {1, 0, 1, 0, 1}}));
  Tensor key = random_tensor({2, 2, 5, 4}, engine);
  Tensor value = random_tensor({2, 2, 5, 3}, engine);
  const std::vector<Variable> x{tracked(random_tensor({2, 2, 3, 4}, engine)), tracked(key), tracked(value)};
  const Variable y = attention(x[0], x[1], x[2], mask, bias);
  const Tensor dy = random_tensor({2, 2, 3, 3}, engine);
  const std::vector<Variable> fused = gradients(y, x, dy, {.keep_graph = true});
  const std::vector<Variable> recorded = gradients(y, x, dy, {.record = true});
  Variable total;
  for (std::size_t i = 0; i < x.size(); ++i) {
    CHECK(difference(array_of(recorded[i].value()), array_of(fused[i].value())) < 2 * value_tolerance);
    const Variable part = sum(square(recorded[i]));
    total = total.defined() ? total + part : part;
  }
  for (const Variable& second : gradients(total, x)) {
    CHECK_FALSE(any_non_finite(second.value()));
    CHECK(max(abs(second.value())).item() > 0);
  }
}

TEST_CASE("third order: the gradients of the gradients of the gradients are right") {
  // f, differentiated twice and recorded, is a function whose gradient is of the third order.
  struct Row {
    const char* name;
    std::vector<Sizes> inputs;
    Function f;
    double low = -1, high = 1;
  };
  const Indices classes({2}, {2, 0});
  const Tensor allowed = tensor({{1, 1, 0}, {0, 1, 1}});
  const std::vector<Row> rows{
      {"exp(a) b", {{3}, {3}}, [](const Variables& x) { return exp(x[0]) * x[1]; }},
      {"log(a) / b", {{3}, {3}}, [](const Variables& x) { return log(x[0]) / x[1]; }, 0.8, 2},
      {"tanh(sigmoid(a))", {{4}}, [](const Variables& x) { return tanh(sigmoid(x[0])); }},
      {"gelu", {{4}}, [](const Variables& x) { return gelu(x[0]); }},
      {"silu", {{4}}, [](const Variables& x) { return silu(x[0]); }},
      {"erf", {{4}}, [](const Variables& x) { return erf(x[0]); }},
      {"sqrt(a) + 1/b", {{3}, {3}}, [](const Variables& x) { return sqrt(x[0]) + reciprocal(x[1]); }, 0.8, 2},
      {"pow", {{3}, {3}}, [](const Variables& x) { return pow(x[0], x[1]); }, 0.8, 2},
      {"matmul", {{2, 3}, {3, 2}}, [](const Variables& x) { return square(matmul(x[0], x[1])); }},
      {"linear", {{2, 3}, {2, 3}, {2}}, [](const Variables& x) { return square(linear(x[0], x[1], x[2])); }},
      {"softmax", {{2, 3}}, [](const Variables& x) { return softmax(x[0]); }},
      {"log_softmax", {{2, 3}}, [](const Variables& x) { return log_softmax(x[0]); }},
      {"masked_softmax", {{2, 3}}, [=](const Variables& x) { return masked_softmax(x[0], allowed); }},
      {"layer_norm",
       {{2, 3}, {3}, {3}},
       [](const Variables& x) { return layer_norm(x[0], x[1], x[2], Scalar(0.1)); }},
      {"rms_norm", {{2, 3}, {3}}, [](const Variables& x) { return rms_norm(x[0], x[1], Scalar(0.1)); }},
      {"cross_entropy",
       {{2, 3}},
       [=](const Variables& x) { return cross_entropy(x[0], classes, {.label_smoothing = Scalar(0.1)}); }},
      {"slices and gathered rows",
       {{3, 2}},
       [](const Variables& x) {
         const Variable rows_of_x = gather_rows(x[0], Indices({3}, {0, 2, 0}));
         return exp(slice(x[0], 0, 0, 2)) * square(slice(rows_of_x, 0, 1, 3));
       }},
      {"attention",
       {{1, 2, 2}, {1, 3, 2}, {1, 3, 2}},
       [](const Variables& x) { return attention(x[0], x[1], x[2], Mask::causal()); }},
  };
  double worst = 0;
  std::string worst_name;
  for (const Row& row : rows) {
    INFO(std::string(row.name));
    std::mt19937 engine(3);
    std::vector<Tensor> inputs;
    for (const Sizes& sizes : row.inputs) inputs.push_back(random_tensor(sizes, engine, row.low, row.high));
    GradientCheckOptions options;
    if (sizeof(Scalar) == 4)
      options.tolerance = 2e-2;  // in float a difference quotient of this order is coarse
    const GradientCheck check = check_gradients(next_order(next_order(row.f, 2), 3), inputs, options);
    CHECK_MESSAGE(check.passed, check.sentence);
    if (check.worst > worst) {
      worst = check.worst;
      worst_name = row.name;
    }
  }
  measured("third derivatives (%s): %zu functions, worst relative error %.2g at %s",
           sizeof(Scalar) == 8 ? "double" : "float", rows.size(), worst, worst_name.c_str());
}

TEST_CASE("second order: the check notices a pullback without history, even where the slope is constant") {
  // dx = 2 dy is right, but the history of dy ends there. The derivative by x is 0 either way.
  const Function doubled = [](const Variables& x) {
    return record("doubled", 2 * x[0].value(), {x[0]},
                  [](const Variable& dy) { return Gradients{Variable(2 * dy.value())}; });
  };
  const Tensor x = tensor({1, 2, 3});
  CHECK(check_gradients(doubled, {x}));
  const GradientCheck check = check_second_gradients(doubled, {x});
  CHECK_FALSE(check.passed);
  CHECK_MESSAGE(check.sentence.find("input 1 of shape (3,) has a wrong gradient") == 0, check.sentence);
}
