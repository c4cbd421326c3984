#include "autograd/anomaly.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "autograd/ops.h"

using namespace attune;

namespace {

constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();

std::string anomaly_of(const std::function<void()>& compute, DetectAnomalyOptions options = {}) {
  const DetectAnomaly guard(options);
  try {
    compute();
  } catch (const AnomalyError& error) {
    return error.what();
  }
  return "nothing";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const std::vector<Scalar> x = a.values(), y = b.values();
  return a.shape() == b.shape() && std::memcmp(x.data(), y.data(), x.size() * sizeof(Scalar)) == 0;
}

}  // namespace

TEST_CASE("anomaly: the first NaN of a forward pass is named by operation, place and operands") {
  const Variable x = tracked(tensor({{1, 2, 3}, {4, 0, 6}}));
  CHECK(anomaly_of([&] { sum(square(x - x / x)); }) ==
        "divide: nan in its result (2, 3) at [1, 1], in the forward pass: all that went in was finite, there "
        "0 and 0: keep the divisor away from 0, by adding a small number to it");
  CHECK(anomaly_of([&] { mean(log(x - 2)); }) ==
        "log: nan in its result (2, 3) at [0, 0], in the forward pass: all that went in was finite, there "
        "-1: keep what goes into log above 0; for the logarithm of a softmax take log_softmax or "
        "cross_entropy");
  CHECK(anomaly_of([&] { sqrt(x - 2); }) ==
        "sqrt: nan in its result (2, 3) at [0, 0], in the forward pass: all that went in was finite, there "
        "-1: a negative number has no square root: keep what goes in at 0 or above");
  CHECK(anomaly_of([&] { pow(x - 2, Scalar(0.5)); }) ==
        "pow: nan in its result (2, 3) at [0, 0], in the forward pass: all that went in was finite, there "
        "-1 and 0.5: a negative number has whole powers only, and 0 no negative ones: keep the base above 0");
  // Of an operand that is broadcast, what stood at that place: here the second row's divisor.
  const Variable column = slice(tensor({{1, 5}, {0, 7}}), 1, 0, 1);
  CHECK(contains(
      anomaly_of([&] { x / column; }),
      "divide: nan in its result (2, 3) at [1, 1], in the forward pass: all that went in was finite, "
      "there 0 and 0: "));
  // An operation of somebody else's with the name of ours: nothing is said about its operands.
  CHECK(contains(
      anomaly_of([&] {
        record("add", tensor({1, not_a_number}), {x}, [](const Variable& dy) { return Gradients{dy}; });
      }),
      "add: nan in its result (2,) at [1], in the forward pass: all that went in was finite: "));
  CHECK(contains(anomaly_of([&] {
                   record("multiply", tensor({1, not_a_number}), {Variable(tensor({1, 2, 3, 4}))},
                          [](const Variable& dy) { return Gradients{dy}; });
                 }),
                 "all that went in was finite: "));
  // A single number has no place to name.
  CHECK(contains(anomaly_of([&] { sqrt(-sum(x)); }), "sqrt: nan in its result (), in the forward pass: "));
  // Also of operations that are not recorded.
  CHECK(contains(anomaly_of([&] {
                   const NoGradient off;
                   log(x - 2);
                 }),
                 "log: nan in its result (2, 3) at [0, 0], in the forward pass: "));
  CHECK(contains(anomaly_of([&] { log(Variable(tensor({1, -1}))); }), "log: nan in its result (2,) at [1]"));
}

TEST_CASE("anomaly: a NaN in a pullback is named with the operation whose pullback it is") {
  // The forward pass is in order: √0 = 0. Its derivative is 1/(2√0), and 0 times that is NaN.
  const Variable x = tracked(tensor({4, 0}));
  CHECK(
      anomaly_of([&] { backward(sum(sqrt(x) * 0)); }) ==
      "divide: nan in its result (2,) at [1], in the pullback of sqrt: all that went in was finite, there 0 "
      "and 0: the derivative of a square root at 0 is infinite: add a small number under the root");
  CHECK(!x.gradient().defined());  // an error leaves no gradient
  // Infinity first, NaN where it meets a 0: the infinity is named as well.
  CHECK(anomaly_of([&] { backward(sum(sqrt(square(x)))); }) ==
        "multiply: nan in its result (2,) at [1], in the pullback of square: operand 1 (2,) holds infinity "
        "already at [1]; given were 0 and infinity; infinity came first from divide, in its result (2,) at "
        "[1], in the pullback of sqrt, from 0.5 and 0: the derivative of a square root at 0 is infinite: add "
        "a small number under the root");
  // A pullback that calls no operation: a kernel of its own.
  CHECK(anomaly_of([&] {
          backward(sum(record("halve", x.value() * Scalar(0.5), {x}, [](const Variable& dy) {
            return Gradients{Variable(full(dy.shape(), not_a_number))};
          })));
        }) ==
        "halve: nan in its gradient for operand 0 (2,) at [0], in the backward pass: the gradient that came "
        "in was finite: look at what its pullback computes, and from what numbers");
  // No pullback did it, only the sum of two.
  const Variable zero = tracked(tensor({0}));
  CHECK(
      anomaly_of([&] {
        const Variable first = sqrt(zero), second = sqrt(zero);
        backward(sum(first - second));
      }) ==
      "backward: nan in the sum of the gradients that reach a leaf (1,) at [0], in the backward pass: "
      "infinity and -infinity met there; -infinity came first from divide, in its result (1,) at [0], in "
      "the pullback of sqrt, from -0.5 and 0: the derivative of a square root at 0 is infinite: add a small "
      "number under the root");
}

TEST_CASE("anomaly: where an infinity came from is remembered until a NaN comes of it") {
  const Variable x = tracked(tensor({1, 1000}));
  CHECK(
      anomaly_of([&] {
        const Variable e = exp(x * 10);
        sum(e / sum(e));
      }) ==
      "divide: nan in its result (2,) at [1], in the forward pass: operand 0 (2,) holds infinity already at "
      "[1]; given were infinity and infinity; infinity came first from exp, in its result (2,) at [1], in "
      "the forward pass, from 1e+04: keep what goes in small: subtract the largest first, as softmax does");
  // In a pass that is not recorded, too.
  CHECK(
      contains(anomaly_of([&] {
                 const NoGradient off;
                 const Variable e = exp(x * 10);
                 sum(e / sum(e));
               }),
               "; infinity came first from exp, in its result (2,) at [1], in the forward pass, from 1e+04"));
  // Of two on the way to the NaN it is the first, also where it was there before.
  CHECK(contains(anomaly_of([&] {
                   const Variable e = exp(x * 10);
                   const Variable both = e - log(x * 0);
                   both - both;
                 }),
                 "; infinity came first from exp,"));
  const Variable infinite = tracked(tensor({1, infinity}));
  CHECK(contains(
      anomaly_of([&] {
        const Variable twice = infinite * 2;
        twice - twice;
      }),
      "operand 0 (2,) holds infinity already at [1]; given were infinity and infinity; infinity came "
      "first from multiply, in its result (2,) at [1], in the forward pass, which was given it in "
      "operand 0, from infinity and 2: infinity - infinity and 0 * infinity have no value: "));
  // It is the infinity on the way to the NaN that is named, not one beside it that came earlier.
  CHECK(contains(anomaly_of([&] {
                   const Variable beside = log(x * 0);
                   const Variable e = exp(x * 10);
                   sum(e - e) + sum(beside);
                 }),
                 "; infinity came first from exp,"));
}

TEST_CASE("anomaly: under one guard for several passes, each backward pass looks for infinities anew") {
  const Variable zero = tracked(tensor({0}));
  CHECK(
      contains(anomaly_of([&] {
                 backward(sum(sqrt(zero)));         // an infinite gradient, and no more
                 backward(sum(log(square(zero))));  // another one, and 0 times it
               }),
               "; infinity came first from divide, in its result (1,) at [0], in the pullback of log, from 1 "
               "and 0: keep what goes into log above 0"));
}

TEST_CASE("anomaly: -infinity as a mask is no anomaly, until a row has nothing else") {
  const Variable query = tracked(ones({1, 2, 3})), key = tracked(ones({1, 2, 3})),
                 value = tracked(ones({1, 2, 3}));
  const Tensor causal = tensor({{0, -infinity}, {0, 0}});
  CHECK(anomaly_of([&] { backward(sum(square(attention(query, key, value, {}, Variable(causal))))); }) ==
        "nothing");
  const Tensor none = tensor({{-infinity, -infinity}, {0, 0}});
  CHECK(
      anomaly_of([&] { attention(query, key, value, {}, Variable(none)); }) ==
      "softmax: nan in its result (1, 2, 2) at [0, 0, 0], in the forward pass: operand 0 (1, 2, 2) holds "
      "-infinity already at [0, 0, 0]; -infinity came first from add, in its result (1, 2, 2) at [0, 0, 0], "
      "in the forward pass, which was given it in operand 1, from 1.73 and -infinity: a row of nothing but "
      "-infinity, or with infinity in it, has no softmax: say who may attend with a Mask, which gives zeros "
      "where nothing is allowed");
  CHECK(anomaly_of([&] {
          backward(sum(attention(query, key, value, Mask::explicitly(tensor({{0, 0}, {1, 1}})))));
        }) == "nothing");
  // log 0 by itself is none either, unless one asks.
  const auto log_of_zero = [&] { log(query * 0); };
  CHECK(anomaly_of(log_of_zero) == "nothing");
  CHECK(contains(anomaly_of(log_of_zero, {.infinities = true}),
                 "log: -infinity in its result (1, 2, 3) at [0, 0, 0], in the forward pass: all that went in "
                 "was finite, there 0: "));
  CHECK(anomaly_of([&] { query + -infinity; }, {.infinities = true}) == "nothing");  // it was given one
}

TEST_CASE("anomaly: a NaN that was there before is told from one that an operation made") {
  const Variable weight = tracked(tensor({{1, 2}, {not_a_number, 4}}));
  CHECK(anomaly_of([&] {
          linear(ones({1, 2}), weight);
        }) ==
        "linear: nan in its result (1, 2) at [0, 1], in the forward pass: operand 1 (2, 2) holds nan already "
        "at [1, 0]: it was spoiled before this operation: look at how those weights, or that input, came "
        "about");
  // What hides it is no anomaly.
  const Tensor good = tensor({{1, 1}, {0, 1}});
  CHECK(anomaly_of([&] { backward(sum(where(good, weight, 0))); }) == "nothing");
}

TEST_CASE("anomaly: asked not to throw, the guard keeps the first and lets the computation go on") {
  const Variable x = tracked(tensor({-1, 4}));
  const DetectAnomaly guard({.throws = false});
  CHECK(!guard.first());
  backward(sum(log(sqrt(x))));
  REQUIRE(guard.first());
  CHECK(guard.first()->op == "sqrt");
  CHECK(guard.first()->position == std::vector<Index>{0});
  CHECK(guard.first()->given == "-1");
  CHECK(std::isnan(x.gradient().at({0})));
  CHECK(x.gradient().at({1}) == doctest::Approx(0.125));
}

TEST_CASE("anomaly: a guard changes no bit, and speaks for its scope and its thread only") {
  const Variable x = tracked(tensor({{Scalar(0.3), -2, 5}, {Scalar(1.1), 7, Scalar(-0.7)}}));
  const auto compute = [&](bool guarded) {
    std::optional<DetectAnomaly> guard;
    if (guarded) guard.emplace();
    x.clear_gradient();
    const Variable y = mean(square(softmax(gelu(x) * 3) - tanh(x)));
    backward(y);
    return concatenate({reshape(y, {1}), reshape(Variable(x.gradient()), {6})}).value();
  };
  const Tensor without = compute(false);
  CHECK(same_bits(compute(true), without));
  CHECK(same_bits(compute(false), without));

  const Variable negative = tracked(tensor({-1}));
  {
    const DetectAnomaly guard;
    bool other_thread_is_free = false;
    std::thread([&] { other_thread_is_free = std::isnan(log(negative).item()); }).join();
    CHECK(other_thread_is_free);
    {
      const DetectAnomaly inner({.throws = false});
      log(negative);
      CHECK(inner.first());
    }
    CHECK(!guard.first());  // the inner one took it
    CHECK_THROWS_AS(log(negative), AnomalyError);
    CHECK_THROWS_AS(sqrt(negative), ValueError);
    CHECK(guard.first()->op == "log");
  }
  CHECK(std::isnan(log(negative).item()));
}
