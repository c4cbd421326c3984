// Training does not grow: after each step, whatever else happened in it, the nodes and bytes that are alive
// are those from before, and after thousands of steps the process is as large as after the first.

#include <doctest/doctest.h>

#include <fstream>
#include <stdexcept>

#include "tensor/memory.h"
#include "tests/nn/small_training.h"
#include "tests/support/alive.h"
#include "tests/support/measured.h"
#include "tests/support/sanitizers.h"
#include "text/search.h"

using namespace attune;
using namespace attune::testing;

namespace {

// A sanitizer keeps freed memory and books of its own.
#if defined(ATTUNE_UNDER_ADDRESS_SANITIZER) || defined(ATTUNE_UNDER_THREAD_SANITIZER)
constexpr bool watches_process = false;
#else
constexpr bool watches_process = true;
#endif

std::int64_t pooled_bytes() {
  const MemoryUse use = memory_use();
  return use.in_use + use.idle;
}

std::vector<Variable> leaves_of_model(const nn::Transformer& model) {
  std::vector<Variable> leaves;
  for (const nn::NamedParameter& parameter : nn::named_parameters(model))
    leaves.emplace_back(parameter.cell->value, parameter.cell->leaf);
  return leaves;
}

// Everything that goes on around a step, by turns.
void do_something_else(const SmallTraining& training, Index step) {
  const text::Batch& batch = training.batches[static_cast<std::size_t>(step / 4 % 2)];
  nn::Pass pass = training.pass_of(step);
  switch (step % 4) {
    case 0: {  // evaluate and translate
      const NoGradient no_gradient;
      nn::AttentionRecord record;
      nn::Pass evaluation{.record = &record};
      static_cast<void>(training.loss(batch, evaluation));
      text::greedy_search(training.model, {{4, 5, 6}, {7, 8}}, 64);
      break;
    }
    case 1: {  // fail on the way back
      const Variable loss = training.loss(batch, pass);
      Index met = 0;
      const detail::PullbackTap tap([&](const Node&, const Variable&, Gradients&) {
        if (met++ == step / 4 % 80) throw std::runtime_error("failed");
      });
      CHECK_THROWS_AS(backward(loss), std::runtime_error);
      break;
    }
    case 2: {  // gradients by hand
      const Variable loss = training.loss(batch, pass);
      const std::vector<Variable> leaves = leaves_of_model(training.model);
      static_cast<void>(gradients(loss, leaves, {}, {.keep_graph = true}));
      static_cast<void>(gradients(loss, leaves));
      break;
    }
    default: {  // gradients of a gradient
      const Variable loss = training.loss(batch, pass);
      const Variable weight = training.model.decoder.layers[0].feed_forward.inner.weight;
      const Variable slope = gradients(loss, {weight}, {}, {.record = true})[0];
      static_cast<void>(gradients(sum(square(slope)), {weight}));
      break;
    }
  }
}

void check_growth(Index steps) {
  SmallTraining training({.sentences = 4, .longest = 4});
  for (Index step = 0; step < 60; ++step) {  // every size has been asked for once, every list has its length
    training.step();
    do_something_else(training, step);
  }
  const Alive base;
  const std::int64_t pooled = pooled_bytes();
  const std::int64_t resident = resident_bytes();
  for (Index step = 0; step < steps; ++step) {
    training.step();
    REQUIRE(Alive() == base);
    do_something_else(training, step);
    REQUIRE(Alive() == base);
  }
  const std::int64_t pool_growth = pooled_bytes() - pooled;
  const std::int64_t growth = resident_bytes() - resident;
  measured(
      "%lld training steps of a Transformer, with evaluation, translation, failures and gradients of "
      "gradients: the process grew by %lld KiB%s, the pool by %lld KiB; nodes and bytes at their base (%lld, "
      "%lld) after each",
      static_cast<long long>(steps), static_cast<long long>(growth / 1024),
      watches_process ? "" : " (under a sanitizer, not judged)", static_cast<long long>(pool_growth / 1024),
      static_cast<long long>(base.nodes), static_cast<long long>(base.bytes));
  CHECK(pool_growth < 1024 * 1024);
  if (watches_process) CHECK(growth < 1024 * 1024);
}

}  // namespace

TEST_CASE("growth: 500 training steps grow the process and its pool by less than a mebibyte") {
  check_growth(500);
}
TEST_CASE("growth: 10,000 training steps grow the process and its pool by less than a mebibyte" *
          doctest::skip()) {
  check_growth(10000);
}

TEST_CASE("growth: a step, an error, NoGradient and gradients(…) each leave nodes and bytes at their base") {
  SmallTraining training;
  training.step();
  const Alive base;
  for (Index turn = 0; turn < 4; ++turn) {
    do_something_else(training, turn);
    CHECK(Alive() == base);
  }
  {
    // While a loss is held so is its graph; backward frees what its pullbacks hold, the handle the rest.
    nn::Pass pass = training.pass_of(1);
    const Variable loss = training.loss(training.batches[0], pass);
    const Alive held;
    CHECK(held.nodes > base.nodes + 50);
    CHECK(held.bytes > base.bytes + 1000);
    backward(loss);
    CHECK(memory_use().in_use < held.bytes);
  }
  nn::clear_gradients(training.model);
  CHECK(Alive() == base);
}

TEST_CASE("growth: models, optimisers and their gradients go as they came") {
  const Alive base;
  for (int turn = 0; turn < 3; ++turn) {
    SmallTraining training;
    training.step();
    nn::Pass pass = training.pass_of(5);
    backward(training.loss(training.batches[0], pass));  // gradients that no step uses
    const nn::Transformer twin = nn::clone(training.model);
    const std::vector<optim::NamedTensor> state = training.adam.state();
    CHECK(live_nodes() > base.nodes);
  }
  CHECK(Alive() == base);
}
