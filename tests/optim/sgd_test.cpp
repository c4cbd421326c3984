#include "optim/sgd.h"

#include <doctest/doctest.h>

#include "tests/optim/small_model.h"

using namespace attune;
using namespace attune::optim;
using namespace attune::optim::test;

namespace {

// The formulas in Sgd's comment, in double, over the same gradients.
std::vector<double> naive_sgd(double momentum, double weight_decay, Index steps,
                              const std::vector<double>& rates) {
  const BigModel model;
  std::vector<double> all;
  for (const nn::NamedParameter& parameter : nn::named_parameters(model)) {
    const std::vector<Scalar> initial = parameter.cell->value.values();
    std::vector<double> p(initial.begin(), initial.end()), u(p.size(), 0.0);
    const double decay = parameter.cell->value.rank() >= 2 ? weight_decay : 0;
    for (Index step = 1; step <= steps; ++step) {
      set_gradients(model, step);
      const std::vector<Scalar> g = parameter.cell->leaf->gradient.values();
      for (std::size_t i = 0; i < p.size(); ++i) {
        u[i] = momentum * u[i] + static_cast<double>(g[i]) + decay * p[i];
        p[i] -= rates[static_cast<std::size_t>(step - 1)] * u[i];
      }
    }
    all.insert(all.end(), p.begin(), p.end());
  }
  return all;
}

}  // namespace

TEST_CASE("Sgd: agrees with a naive loop in double, with and without momentum and decay") {
  const std::vector<double> rates{0.01, 0.02, 0, 0.03, 0.01, 0.005};
  for (const double momentum : {0.0, 0.9}) {
    for (const double weight_decay : {0.0, 0.1}) {
      CAPTURE(momentum);
      CAPTURE(weight_decay);
      const BigModel model;
      Sgd sgd(model, {.momentum = momentum, .weight_decay = weight_decay});
      for (Index step = 1; step <= 6; ++step) {
        set_gradients(model, step);
        sgd.step(rates[static_cast<std::size_t>(step - 1)]);
      }
      CHECK(largest_difference(all_values(model), naive_sgd(momentum, weight_decay, 6, rates)) < tolerance);
      CHECK(sgd.steps() == 6);
    }
  }
}

TEST_CASE("Sgd: two steps with momentum, by hand") {
  // p = 0.5, g = 2 and then 4, rate 0.25, momentum 0.5:
  //   u = 2, p = 0.5 - 0.5 = 0;   u = 1 + 4 = 5, p = 0 - 1.25
  const SmallModel model;
  Sgd sgd(model, {.momentum = 0.5});
  set_gradient(model.weight, full({2, 3}, 2));
  sgd.step(0.25);
  CHECK(model.weight.value().at({0, 0}) == 0);
  set_gradient(model.weight, full({2, 3}, 4));
  sgd.step(0.25);
  CHECK(model.weight.value().at({0, 0}) == Scalar(-1.25));
}

TEST_CASE("Sgd: weight decay pulls matrices towards zero and leaves biases alone") {
  const SmallModel model;
  Sgd sgd(model, {.weight_decay = 0.5});
  set_gradient(model.weight, zeros({2, 3}));
  set_gradient(model.bias, zeros({3}));
  sgd.step(0.5);
  CHECK(model.weight.value().values() ==
        std::vector<Scalar>{0.375f, -0.75f, 1.5f, 0.1875f, 2.25f, -0.09375f});
  CHECK(model.bias.value().values() == std::vector<Scalar>{1, -2, 0.5f});
}

TEST_CASE("Sgd: settings outside their ranges are refused with a sentence") {
  const SmallModel model;
  for (const double momentum : {-0.1, 1.0, 1.5, static_cast<double>(NAN)})
    CHECK(contains(error_of([&] { Sgd(model, {.momentum = momentum}); }),
                   "sgd: momentum must be at least 0 and below 1"));
  for (const double decay : {-0.1, static_cast<double>(NAN), static_cast<double>(INFINITY)})
    CHECK(
        contains(error_of([&] { Sgd(model, {.weight_decay = decay}); }), "must be finite and not negative"));
  CHECK(error_of([&] { Sgd(model, {.weight_decay = -1}); }) ==
        "sgd: rate_factor and weight_decay must be finite and not negative: 1 and -1 for weight");
}
