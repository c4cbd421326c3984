#include EXERCISE

#include <doctest/doctest.h>

namespace {

struct Weights {
  nn::Parameter p;
  explicit Weights(Tensor initial) : p(std::move(initial)) {}
  void visit(nn::Visitor& v) { v("p", p); }

  // One step for a loss whose gradient is g.
  void step(optim::Optimiser& optimiser, const Tensor& g, double rate) const {
    backward(sum(Variable(p) * g));
    optimiser.step(rate);
  }
};

}  // namespace

TEST_CASE("the first step moves each weight by the rate, whatever the size of its gradient") {
  const Weights weights(tensor({0, 0, 0}));
  Lion lion(nn::named_parameters(weights), 0);
  weights.step(lion, tensor({100, -0.01f, 0}), 0.5);
  CHECK_MESSAGE(
      difference(weights.p.value(), tensor({-0.5f, 0.5f, 0})) < 1e-6,
      "gradients 100, -0.01 and 0 at rate 0.5 should give -0.5, 0.5 and 0 (downhill, and sign(0) = 0), "
      "and gave\n",
      weights.p.value());
}

TEST_CASE("the memory takes in little of each gradient: 1 − β₂") {
  const Weights weights(tensor({0}));
  Lion lion(nn::named_parameters(weights), 0);
  weights.step(lion, tensor({2}), 0.5);
  const std::vector<optim::NamedTensor> state = lion.state();
  REQUIRE(state.back().name == "p.m");
  const Scalar mean = state.back().value.at({0});
  CHECK_MESSAGE(!(std::abs(mean - Scalar(0.2)) < 1e-5),
                "m was given (1 − β₁) g = 0.2: that is the direction c; ", "the memory goes by β₂");
  CHECK_MESSAGE(std::abs(mean - Scalar(0.02)) < 1e-5,
                "after one gradient of 2, m should be (1 − β₂) · 2 = 0.02, and is ", mean);
}

TEST_CASE("the direction weighs the memory as it was against this gradient") {
  const Weights weights(tensor({0}));
  Lion lion(nn::named_parameters(weights), 0);
  // m is 1 after the first: g = 100.
  weights.step(lion, tensor({100}), 0.5);
  // c = 0.9 · 1 + 0.1 · (−8.5) = 0.05 > 0: on in the same direction. With the m that this gradient has
  // already changed, 0.9 · 0.905 − 0.85 < 0.
  weights.step(lion, tensor({-8.5f}), 0.5);
  REQUIRE_MESSAGE(
      difference(weights.p.value(), tensor({-1})) < 1e-6,
      "after gradients 100 and -8.5, p should be -1 and is ", weights.p.value().at({0}),
      ": c = 0.9 · 1 + 0.1 · (-8.5) = 0.05 points on in the old direction. Is m changed before c is "
      "computed?");
  // c = 0.9 · 0.905 + 0.1 · (−9) < 0: back. With β₂, 0.99 · 0.905 − 0.09 > 0.
  weights.step(lion, tensor({-9}), 0.5);
  CHECK_MESSAGE(
      difference(weights.p.value(), tensor({-0.5f})) < 1e-6,
      "after a third gradient of -9, p should have turned back to -0.5 and is ", weights.p.value().at({0}),
      ": m is 0.99 · 1 + 0.01 · (-8.5) = 0.905, and c = 0.9 · 0.905 + 0.1 · (-9) = -0.0855. Is c made "
      "with β₂, or is it the new m?");
}

TEST_CASE("weight decay is a share of the weight, apart from the sign") {
  const Weights weights(tensor({{8, -8}}));  // of rank 2, so it decays
  Lion lion(nn::named_parameters(weights), 0.25);
  weights.step(lion, tensor({{1, 1}}), 0.5);
  CHECK_MESSAGE(
      difference(weights.p.value(), tensor({{6.5f, -7.5f}})) < 1e-6,
      "8 and -8 with gradients of 1, rate 0.5 and λ 0.25 should become 8 − 0.5 (1 + 2) = 6.5 and −8 − "
      "0.5 (1 − 2) = -7.5, and became\n",
      weights.p.value());
}

TEST_CASE("it goes to the bottom of a valley") {
  const Weights weights(tensor({5, -5}));
  Lion lion(nn::named_parameters(weights), 0);
  const optim::Cosine schedule{.peak = 0.05, .total = 1500};
  for (Index step = 1; step <= 1500; ++step) {
    backward(sum(square(Variable(weights.p) - 1) * tensor({1, 100})));
    lion.step(schedule(step));
  }
  CHECK_MESSAGE(difference(weights.p.value(), tensor({1, 1})) < 0.01,
                "1500 steps should reach 1 and 1, and reached\n", weights.p.value());
}
