// What a training step leaves behind when something goes wrong in the middle of it: nothing.

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <string>

#include "tensor/error.h"
#include "tensor/memory.h"
#include "tests/nn/small_training.h"
#include "tests/support/alive.h"
#include "tests/support/measured.h"

using namespace attune;
using namespace attune::testing;

namespace {

// How many pullbacks a backward pass through a loss runs.
int pullbacks_of(const SmallTraining& training) {
  int count = 0;
  nn::Pass pass = training.pass_of(1);
  const Variable loss = training.loss(training.batches[0], pass);
  std::vector<Variable> parameters;
  for (const nn::NamedParameter& parameter : nn::named_parameters(training.model))
    parameters.emplace_back(parameter.cell->value, parameter.cell->leaf);
  const detail::PullbackTap tap([&](const Node&, const Variable&, Gradients&) { ++count; });
  gradients(loss, parameters);
  return count;
}

// Goes backward through a batch, and lets the pullback that is number `failing` throw.
void fail_at(const SmallTraining& training, const text::Batch& batch, nn::Pass pass, int failing) {
  int met = 0;
  const Variable loss = training.loss(batch, pass);
  const detail::PullbackTap tap([&](const Node&, const Variable&, Gradients&) {
    if (met++ == failing) throw std::runtime_error("a pullback failed");
  });
  CHECK_THROWS_WITH_AS(backward(loss), "a pullback failed", std::runtime_error);
}

}  // namespace

TEST_CASE(
    "failure: whichever pullback of a training step throws, no gradient has changed, nothing is left behind, "
    "and the next step gives the bits it would have given") {
  int failures = 0;
  for (const nn::NormPlacement norm : {nn::NormPlacement::pre, nn::NormPlacement::post}) {
    SmallTraining undisturbed({.norm = norm});
    SmallTraining disturbed({.norm = norm});
    const int pullbacks = pullbacks_of(disturbed);
    REQUIRE(pullbacks > 80);
    for (int failing = 0; failing < pullbacks; ++failing) {
      CAPTURE(failing);
      const Index step = disturbed.adam.steps() + 1;
      const auto pass = [&](Index half) { return disturbed.pass_of(2 * step + half); };

      // Before any gradient is there.
      const Alive before;
      fail_at(disturbed, disturbed.batches[0], pass(0), failing);
      for (const nn::NamedParameter& parameter : nn::named_parameters(disturbed.model))
        CHECK_FALSE(parameter.cell->leaf->gradient.defined());
      CHECK(Alive() == before);

      // With the gradients of the first half already there.
      nn::Pass first = pass(0);
      backward(disturbed.loss(disturbed.batches[0], first));
      const std::vector<Scalar> gradients_before = disturbed.gradient_bits();
      const Alive between;
      fail_at(disturbed, disturbed.batches[1], pass(1), failing);
      CHECK(same_bits(disturbed.gradient_bits(), gradients_before));
      CHECK(Alive() == between);

      nn::Pass second = pass(1);
      backward(disturbed.loss(disturbed.batches[1], second));
      disturbed.finish();
      undisturbed.step();
      REQUIRE(same_bits(disturbed.bits(), undisturbed.bits()));
      failures += 2;
    }
  }
  measured(
      "a failing pullback: %d failures, one at every node of a Transformer's step, before and after other "
      "gradients had arrived; no gradient, byte or node left behind",
      failures);
}

TEST_CASE("failure: a loss whose backward pass failed says so when it is asked again") {
  const SmallTraining training;
  nn::Pass pass = training.pass_of(1);
  const Variable loss = training.loss(training.batches[0], pass);
  {
    int met = 0;
    const detail::PullbackTap tap([&](const Node&, const Variable&, Gradients&) {
      if (met++ == 10) throw std::runtime_error("a pullback failed");
    });
    CHECK_THROWS_AS(backward(loss), std::runtime_error);
  }
  CHECK_THROWS_WITH_AS(
      backward(loss),
      "backward: this graph has been used before, at cross_entropy: run the forward pass again, or cut the "
      "history with detach(), or let the earlier pass be gradients(…) with {.keep_graph = true}",
      GraphError);
}

TEST_CASE("failure: NaN or infinity from any pullback is caught before a weight or a moment has changed") {
  SmallTraining undisturbed;
  SmallTraining disturbed;
  const int pullbacks = pullbacks_of(disturbed);
  for (int failing = 0; failing < pullbacks; ++failing) {
    CAPTURE(failing);
    const Scalar bad =
        failing % 2 == 0 ? std::numeric_limits<Scalar>::quiet_NaN() : std::numeric_limits<Scalar>::infinity();
    const std::vector<Scalar> before = disturbed.bits();
    const Index step = disturbed.adam.steps() + 1;
    nn::Pass pass = disturbed.pass_of(2 * step);
    {
      int met = 0;
      const detail::PullbackTap tap([&](const Node&, const Variable&, Gradients& parts) {
        if (met++ != failing) return;
        for (Gradient& part : parts)
          if (part.defined()) part = part.with_value(Variable(full(part.value().shape(), bad)));
      });
      backward(disturbed.loss(disturbed.batches[0], pass));
    }
    std::string text = "nothing";
    try {
      optim::clip_gradient_norm(disturbed.model, 1);
    } catch (const ValueError& error) {
      text = error.what();
    }
    CHECK_MESSAGE(text.find("clip_gradient_norm: the gradient of ") == 0, "it said ", text);
    CHECK_THROWS_AS(disturbed.adam.step(1e-3), ValueError);
    CHECK(same_bits(disturbed.bits(), before));
    nn::clear_gradients(disturbed.model);
    disturbed.step();
    undisturbed.step();
    REQUIRE(same_bits(disturbed.bits(), undisturbed.bits()));
  }
  measured(
      "a pullback that returns NaN or infinity, at each of %d nodes: caught by the gradient norm, every time",
      pullbacks);
}

TEST_CASE(
    "failure: gradients of gradients that fail at any pullback leave nothing behind, and recording as it "
    "was") {
  const SmallTraining training;
  const Variable weight = training.model.encoder.layers[0].feed_forward.inner.weight;
  // Both orders, of which pullback number `failing` throws; returns how many there are.
  const auto run = [&](int failing) {
    int met = 0;
    nn::Pass pass = training.pass_of(1);
    const Variable loss = training.loss(training.batches[0], pass);
    const detail::PullbackTap tap([&](const Node&, const Variable&, Gradients&) {
      if (met++ == failing) throw std::runtime_error("a pullback failed");
    });
    const Variable slope = gradients(loss, {weight}, {}, {.record = true})[0];
    static_cast<void>(gradients(sum(square(slope)), {weight}));
    return met;
  };
  const int pullbacks = run(-1);
  REQUIRE(pullbacks > 200);
  const Alive before;
  int failures = 0;
  for (int failing = 0; failing < pullbacks; failing += 7) {
    CHECK_THROWS_AS(run(failing), std::runtime_error);
    CHECK(Alive() == before);
    CHECK(recording());
    ++failures;
  }
  measured(
      "a failing pullback among the %d of a gradient's gradient: %d failures, no byte or node left behind",
      pullbacks, failures);
}

TEST_CASE("failure: an error in the forward pass leaves no node, no byte and no gradient behind") {
  SmallTraining training;
  training.step();
  const Alive before;
  const std::vector<Scalar> bits = training.bits();
  text::Batch bad = training.batches[0];
  bad.target_out.values.back() = 99;  // noticed last of all, by the loss
  nn::Pass pass = training.pass_of(1);
  CHECK_THROWS_AS(static_cast<void>(training.loss(bad, pass)), IndexError);
  CHECK(Alive() == before);
  bad = training.batches[0];
  bad.target_in.values.back() = 99;  // noticed between encoder and decoder
  CHECK_THROWS_AS(static_cast<void>(training.loss(bad, pass)), IndexError);
  CHECK(Alive() == before);
  CHECK(same_bits(training.bits(), bits));
}
