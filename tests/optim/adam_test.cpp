#include "optim/adam.h"

#include <doctest/doctest.h>

#include "tests/optim/small_model.h"

using namespace attune;
using namespace attune::optim;
using namespace attune::optim::test;

namespace {

// The formulas in Adam's and AdamW's comments, in double, over the same gradients.
std::vector<double> naive_adam(double beta1, double beta2, double epsilon, double weight_decay,
                               const std::vector<double>& rates) {
  const BigModel model;
  std::vector<double> all;
  for (const nn::NamedParameter& parameter : nn::named_parameters(model)) {
    const std::vector<Scalar> initial = parameter.cell->value.values();
    std::vector<double> p(initial.begin(), initial.end()), m(p.size(), 0.0), v(p.size(), 0.0);
    const double decay = parameter.cell->value.rank() >= 2 ? weight_decay : 0;
    for (Index t = 1; t <= static_cast<Index>(rates.size()); ++t) {
      const double rate = rates[static_cast<std::size_t>(t - 1)];
      set_gradients(model, t);
      const std::vector<Scalar> gradient = parameter.cell->leaf->gradient.values();
      for (std::size_t i = 0; i < p.size(); ++i) {
        const double g = static_cast<double>(gradient[i]);
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        const double m_hat = m[i] / (1 - std::pow(beta1, t));
        const double v_hat = v[i] / (1 - std::pow(beta2, t));
        p[i] -= rate * (m_hat / (std::sqrt(v_hat) + epsilon) + decay * p[i]);
      }
    }
    all.insert(all.end(), p.begin(), p.end());
  }
  return all;
}

template <class Optimiser>
std::vector<Scalar> after_steps(Optimiser& optimiser, const BigModel& model,
                                const std::vector<double>& rates) {
  Index step = 0;
  for (const double rate : rates) {
    set_gradients(model, ++step);
    optimiser.step(rate);
  }
  return all_values(model);
}

const std::vector<double> rates{0.01, 0.02, 0, 0.03, 0.01, 0.005, 0.02, 0.01, 0.01, 0.01};

}  // namespace

TEST_CASE("Adam: agrees with a naive loop in double") {
  const BigModel a, b;
  Adam usual(a), transformer(b, {.beta1 = 0.9, .beta2 = 0.98, .epsilon = 1e-9});
  CHECK(largest_difference(after_steps(usual, a, rates), naive_adam(0.9, 0.999, 1e-8, 0, rates)) < tolerance);
  CHECK(largest_difference(after_steps(transformer, b, rates), naive_adam(0.9, 0.98, 1e-9, 0, rates)) <
        tolerance);
}

TEST_CASE("AdamW: agrees with a naive loop in double, matrices decaying and vectors not") {
  const BigModel a, b;
  AdamW usual(a), strong(b, {.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6, .weight_decay = 0.5});
  CHECK(largest_difference(after_steps(usual, a, rates), naive_adam(0.9, 0.999, 1e-8, 0.01, rates)) <
        tolerance);
  CHECK(largest_difference(after_steps(strong, b, rates), naive_adam(0.8, 0.95, 1e-6, 0.5, rates)) <
        tolerance);
}

TEST_CASE("Adam: the first step is the rate against the sign of the gradient, whatever its size") {
  // At t = 1, m̂ = g and v̂ = g², so the step is rate · g / (|g| + ε).
  const SmallModel model;
  Adam adam(model);
  set_gradient(model.bias, tensor({Scalar(1e-3), Scalar(-4), Scalar(1e4)}));
  adam.step(0.125);
  const auto move = [](double g) { return 0.125 * g / (std::abs(g) + 1e-8); };
  const std::vector<double> expected{1 - move(static_cast<double>(Scalar(1e-3))), -2 - move(-4),
                                     0.5 - move(1e4)};
  CHECK(largest_difference(model.bias.value().values(), expected) < tolerance);
}

TEST_CASE("Adam: the second step, by hand") {
  // β1 = ½, β2 = ¾, g = 1 and then 3:  m = ½, then ¼ + 3/2 = 7/4, m̂ = (7/4) / (3/4) = 7/3
  //                                    v = ¼, then 3/16 + 9/4 = 39/16, v̂ = (39/16) / (7/16) = 39/7
  const SmallModel model;
  Adam adam(model, {.beta1 = 0.5, .beta2 = 0.75, .epsilon = 1e-8});
  set_gradient(model.bias, full({3}, 1));
  adam.step(0);
  set_gradient(model.bias, full({3}, 3));
  adam.step(0.1);
  const double move = 0.1 * (7.0 / 3) / (std::sqrt(39.0 / 7) + 1e-8);
  CHECK(largest_difference(model.bias.value().values(), {1 - move, -2 - move, 0.5 - move}) < tolerance);
}

TEST_CASE("AdamW: with zero gradients only the matrices shrink, by rate times decay") {
  const SmallModel model;
  AdamW adam(model, {.weight_decay = 0.5});
  set_gradient(model.weight, zeros({2, 3}));
  set_gradient(model.bias, zeros({3}));
  adam.step(0.5);
  CHECK(model.weight.value().values() ==
        std::vector<Scalar>{0.375f, -0.75f, 1.5f, 0.1875f, 2.25f, -0.09375f});
  CHECK(model.bias.value().values() == std::vector<Scalar>{1, -2, 0.5f});
}

TEST_CASE("AdamW: a rule decides by name and shape, and Adam with that rule is AdamW") {
  std::vector<std::string> asked;
  const auto rule = [&](const std::string& name, const Tensor& value) {
    asked.push_back(name + " of rank " + std::to_string(value.rank()));
    return name == "bias" ? Group{.rate_factor = 0.5, .weight_decay = 0.25} : Group{.rate_factor = 0};
  };
  const SmallModel a, b;
  AdamW adamw(a, {.groups = rule});
  Adam adam(b, {.groups = rule});
  CHECK(asked ==
        std::vector<std::string>{"weight of rank 2", "bias of rank 1", "weight of rank 2", "bias of rank 1"});
  for (const auto& [model, optimiser] : {std::pair<const SmallModel&, Optimiser&>{a, adamw}, {b, adam}}) {
    set_gradient(model.weight, ones({2, 3}));
    set_gradient(model.bias, zeros({3}));
    optimiser.step(0.5);
    CHECK(model.weight.value().values() == SmallModel().weight.value().values());
    CHECK(model.bias.value().values() == std::vector<Scalar>{0.9375f, -1.875f, 0.46875f});
  }
}

TEST_CASE("Adam: a parameter thawed late is corrected by its own count of updates") {
  // With the count of the whole run, its first step would be (1 − β1) / √(1 − β2), some three times too
  // large.
  const SmallModel model;
  Adam adam(model);
  model.bias.handle()->frozen = true;
  for (int step = 0; step < 200; ++step) {
    set_gradient(model.weight, ones({2, 3}));
    adam.step(0.001);
  }
  CHECK(model.bias.value().values() == std::vector<Scalar>{1, -2, 0.5f});
  model.bias.handle()->frozen = false;
  set_gradient(model.bias, full({3}, 7));
  adam.step(0.25);
  const double move = 0.25 * 7 / (7 + 1e-8);
  CHECK(largest_difference(model.bias.value().values(), {1 - move, -2 - move, 0.5 - move}) < tolerance);
}

TEST_CASE("Adam and AdamW: settings outside their ranges are refused with a sentence") {
  const SmallModel model;
  const auto nan = static_cast<double>(NAN);
  for (const double beta : {-0.1, 1.0, 1.1, nan}) {
    CHECK(contains(error_of([&] { Adam(model, {.beta1 = beta}); }),
                   "adam: beta1 and beta2 must be at least 0"));
    CHECK(contains(error_of([&] { AdamW(model, {.beta2 = beta}); }),
                   "adamw: beta1 and beta2 must be at least 0"));
  }
  for (const double epsilon : {0.0, -1.0, nan})
    CHECK(contains(error_of([&] { Adam(model, {.epsilon = epsilon}); }), "adam: epsilon must be above 0"));
  CHECK(contains(error_of([&] { AdamW(model, {.weight_decay = -1}); }), "-1 for weight"));
  CHECK(contains(
      error_of([&] {
        Adam(model, {.groups = [](const std::string&, const Tensor&) { return Group{.rate_factor = -2}; }});
      }),
      "-2 and 0 for weight"));
  if (sizeof(Scalar) == sizeof(float))  // rounds to 1, and 1 − β2ᵗ to 0
    CHECK(contains(error_of([&] { Adam(model, {.beta2 = 0.999999999}); }), "below 1"));
}
