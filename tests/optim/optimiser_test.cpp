#include "optim/optimiser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "optim/adam.h"
#include "optim/gradients.h"
#include "optim/schedules.h"
#include "optim/sgd.h"
#include "tests/optim/small_model.h"

using namespace attune;
using namespace attune::optim;
using namespace attune::optim::test;

namespace {

// Every promise below is made by every optimiser. A new one is added here.
using Parameters = std::vector<nn::NamedParameter>;
struct Kind {
  std::string name;
  std::function<std::unique_ptr<Optimiser>(const Parameters&)> make;
};
const std::vector<Kind> kinds{
    {"sgd", [](const Parameters& p) { return std::make_unique<Sgd>(p); }},
    {"sgd", [](const Parameters& p) { return std::make_unique<Sgd>(p, SgdSettings{.momentum = 0.9}); }},
    {"adam", [](const Parameters& p) { return std::make_unique<Adam>(p); }},
    {"adamw", [](const Parameters& p) { return std::make_unique<AdamW>(p); }},
};

template <class Model>
std::unique_ptr<Optimiser> made(const Kind& kind, const Model& model) {
  return kind.make(nn::named_parameters(model));
}

template <class Model>
void run(Optimiser& optimiser, const Model& model, Index first, Index last) {
  for (Index step = first; step <= last; ++step) {
    set_gradients(model, step);
    optimiser.step(0.01);
  }
}

bool same(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const NamedTensor& x, const NamedTensor& y) {
    return x.name == y.name && x.value.shape() == y.value.shape() && x.value.values() == y.value.values();
  });
}

// The state with tensors of its own, so that nothing of it can change.
std::vector<NamedTensor> copied(std::vector<NamedTensor> state) {
  for (NamedTensor& tensor : state) tensor.value = copy(tensor.value);
  return state;
}

}  // namespace

TEST_CASE("step: clears all gradients and counts") {
  for (const Kind& kind : kinds) {
    const SmallModel model;
    const auto optimiser = made(kind, model);
    CHECK(optimiser->steps() == 0);
    model.bias.handle()->frozen = true;
    set_gradients(model, 1);
    optimiser->step(0.1);
    CHECK(!model.weight.gradient().defined());
    CHECK(!model.bias.gradient().defined());
    CHECK(optimiser->steps() == 1);
  }
}

TEST_CASE("step: a frozen parameter, and one that no gradient has reached, stay as they are") {
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    const BigModel model;
    const auto optimiser = made(kind, model);
    run(*optimiser, model, 1, 2);  // moments are no longer zero: momentum alone would move a weight
    const std::vector<Scalar> matrix = model.matrix.value().values(), vector = model.vector.value().values();
    const std::vector<NamedTensor> state = copied(optimiser->state());
    model.matrix.handle()->frozen = true;
    set_gradients(model, 3);
    set_gradient(model.vector, Tensor());
    const Scalar number = model.number.value().item();
    optimiser->step(0.01);
    CHECK(model.matrix.value().values() == matrix);
    CHECK(model.vector.value().values() == vector);
    CHECK(model.number.value().item() != number);
    for (const NamedTensor& after : optimiser->state())
      for (const NamedTensor& before : state)
        if (after.name == before.name &&
            (after.name.starts_with("matrix.") || after.name.starts_with("vector.")))
          CHECK(after.value.values() == before.value.values());
  }
}

TEST_CASE("step: NaN or infinity in any gradient names the parameter and changes nothing at all") {
  for (const Kind& kind : kinds) {
    for (const auto bad : {static_cast<Scalar>(NAN), static_cast<Scalar>(INFINITY)}) {
      const BigModel model;
      const auto optimiser = made(kind, model);
      run(*optimiser, model, 1, 3);
      const std::vector<Scalar> values = all_values(model);
      const std::vector<NamedTensor> state = copied(optimiser->state());

      set_gradients(model, 4);
      Tensor vector = model.vector.gradient();
      set_gradient(model.vector, Tensor());
      vector.writable()[20002] = bad;
      set_gradient(model.vector, vector);
      const std::string text = error_of([&] { optimiser->step(0.01); });
      CHECK(contains(text, kind.name + ": the gradient of vector (20003,) holds "));
      CHECK(contains(text, " at element 20002: nothing has changed"));
      CHECK(all_values(model) == values);
      CHECK(same(optimiser->state(), state));
      CHECK(optimiser->steps() == 3);

      // Caught, the run goes on as if nothing had been.
      run(*optimiser, model, 4, 5);
      const BigModel other;
      const auto undisturbed = made(kind, other);
      run(*undisturbed, other, 1, 5);
      CHECK(all_values(model) == all_values(other));
    }
  }
}

TEST_CASE("step: a rate that is negative or not finite changes nothing") {
  for (const Kind& kind : kinds) {
    const SmallModel model;
    const auto optimiser = made(kind, model);
    set_gradients(model, 1);
    const std::vector<Scalar> values = all_values(model);
    for (const double rate : {-1e-9, static_cast<double>(NAN), static_cast<double>(INFINITY)})
      CHECK(contains(error_of([&] { optimiser->step(rate); }),
                     kind.name + ": the rate must be finite and not negative: "));
    CHECK(all_values(model) == values);
    CHECK(optimiser->steps() == 0);
    CHECK(model.bias.gradient().defined());
  }
}

TEST_CASE("step: without any gradient it says that backward is missing") {
  for (const Kind& kind : kinds) {
    const SmallModel model;
    const auto optimiser = made(kind, model);
    CHECK(
        error_of([&] { optimiser->step(0.1); }) ==
        kind.name +
            ": no gradient has reached any of the 2 parameters: call backward(loss) before each step, with a "
            "loss of this model");
    CHECK(optimiser->steps() == 0);
  }
}

TEST_CASE("making an optimiser without parameters points at visit") {
  for (const Kind& kind : kinds)
    CHECK(error_of([&] { kind.make({}); }) ==
          kind.name + ": there are no parameters: name them in the layer's visit");
}

TEST_CASE("step: what was taken from a parameter before stays what it was") {
  for (const Kind& kind : kinds) {
    const SmallModel model;
    const auto optimiser = made(kind, model);
    const Tensor taken = model.weight.value();
    const Variable used = Variable(model.bias);
    const std::vector<Scalar> weight = taken.values(), bias = used.value().values();
    run(*optimiser, model, 1, 3);
    CHECK(taken.values() == weight);
    CHECK(used.value().values() == bias);
    CHECK(model.weight.value().values() != weight);
    CHECK(model.bias.value().values() != bias);
  }
}

TEST_CASE("step: works in place: where nobody else looks, the numbers keep their memory") {
  for (const Kind& kind : kinds) {
    const BigModel model;
    const auto optimiser = made(kind, model);
    run(*optimiser, model, 1, 1);
    const Scalar* at = model.matrix.value().data();
    run(*optimiser, model, 2, 4);
    CHECK(model.matrix.value().data() == at);
  }
}

TEST_CASE("step: a gradient in another order of memory is the same gradient") {
  for (const Kind& kind : kinds) {
    const BigModel a, b;
    const auto one = made(kind, a), other = made(kind, b);
    set_gradients(a, 1);
    set_gradients(b, 1);
    set_gradient(b.matrix, transpose(copy(transpose(b.matrix.gradient()))));
    one->step(0.1);
    other->step(0.1);
    CHECK(all_values(a) == all_values(b));
  }
}

TEST_CASE("step: the model may be moved after the optimiser was made") {
  for (const Kind& kind : kinds) {
    BigModel model;
    const auto optimiser = made(kind, model);
    const BigModel moved = std::move(model);
    const std::vector<Scalar> before = all_values(moved);
    run(*optimiser, moved, 1, 1);
    CHECK(all_values(moved) != before);
  }
}

TEST_CASE("training: the same bits for any number of threads") {
  const KeepThreadCount keep;
  for (const Kind& kind : kinds) {
    std::vector<Scalar> expected;
    for (const int threads : {1, 2, 3, 4, 7}) {
      set_thread_count(threads);
      const BigModel model;
      const auto optimiser = made(kind, model);
      for (Index step = 1; step <= 4; ++step) {
        set_gradients(model, step);
        clip_gradient_norm(model, 1);
        optimiser->step(0.1);
      }
      if (expected.empty()) expected = all_values(model);
      CHECK(all_values(model) == expected);
    }
  }
}

TEST_CASE("state: a run that is saved and continued elsewhere gives the bits of one never interrupted") {
  for (const Kind& kind : kinds) {
    const BigModel whole;
    const auto uninterrupted = made(kind, whole);
    run(*uninterrupted, whole, 1, 6);

    BigModel first;
    const auto before = made(kind, first);
    run(*before, first, 1, 3);
    BigModel second;
    nn::copy_parameters(first, second);
    const auto after = made(kind, second);
    std::vector<NamedTensor> state = before->state();
    std::reverse(state.begin(), state.end());  // a file may return its tensors in any order
    after->load_state(state);
    CHECK(after->steps() == 3);
    run(*after, second, 4, 6);
    CHECK(all_values(second) == all_values(whole));
    CHECK(same(after->state(), uninterrupted->state()));
    CHECK(after->steps() == 6);
  }
}

TEST_CASE("state: what was saved or loaded stays what it was while training goes on") {
  for (const Kind& kind : kinds) {
    const SmallModel model;
    const auto optimiser = made(kind, model);
    run(*optimiser, model, 1, 2);
    const std::vector<NamedTensor> state = optimiser->state();
    const std::vector<NamedTensor> kept = copied(state);
    run(*optimiser, model, 3, 4);
    CHECK(same(state, kept));
    optimiser->load_state(state);
    run(*optimiser, model, 3, 4);
    CHECK(same(state, kept));
  }
}

TEST_CASE("state: has a name for everything") {
  const SmallModel model;
  std::vector<std::string> names;
  for (const NamedTensor& tensor : Adam(model).state()) names.push_back(tensor.name);
  CHECK(names == std::vector<std::string>{"steps", "weight.updates", "weight.m", "weight.v", "bias.updates",
                                          "bias.m", "bias.v"});
}

TEST_CASE("state: counts beyond what a float can count survive") {
  const SmallModel model;
  Sgd sgd(model);
  std::vector<NamedTensor> state = sgd.state();
  state[0].value = tensor({3, 16777215});  // 3 · 2²⁴ + 2²⁴ − 1 = 67108863
  sgd.load_state(state);
  CHECK(sgd.steps() == 67108863);
  run(sgd, model, 1, 2);
  CHECK(sgd.steps() == 67108865);
  CHECK(sgd.state()[0].value.values() == std::vector<Scalar>{4, 1});
}

TEST_CASE("load_state: a state of another model is refused with both sides listed, and nothing has changed") {
  struct Other {
    nn::Parameter weight{zeros({2, 4})}, scale{zeros({3})};
    void visit(nn::Visitor& v) { v("weight", weight), v("scale", scale); }
  };
  const SmallModel model;
  const Other other;
  Adam adam(model);
  run(adam, model, 1, 2);
  const std::vector<NamedTensor> before = copied(adam.state());
  CHECK(error_of([&] { adam.load_state(Adam(other).state()); }) ==
        "load_state: the state belongs to another model or optimiser: only here: weight.m (2, 3), weight.v "
        "(2, 3), "
        "bias.updates (2,), bias.m (3,) and 1 more; only in the state: scale.m (3,), scale.updates (2,), "
        "scale.v "
        "(3,), "
        "weight.m (2, 4) and 1 more: make model and optimiser with the settings they were saved with");
  CHECK(contains(error_of([&] { adam.load_state(Sgd(model).state()); }), "only in the state: nothing"));
  CHECK(contains(error_of([&] { Sgd(model).load_state(before); }),
                 "only here: nothing; only in the state: bias.m"));

  std::vector<NamedTensor> twice = before;
  twice.push_back(twice[1]);
  CHECK(contains(error_of([&] { adam.load_state(twice); }), "only in the state: weight.updates (2,)"));
  CHECK(same(adam.state(), before));
}

TEST_CASE("load_state: a damaged state is refused, and nothing has changed") {
  const SmallModel model;
  Adam adam(model);
  run(adam, model, 1, 2);
  const std::vector<NamedTensor> before = copied(adam.state());
  for (const auto bad : {Scalar(-1), Scalar(0.5), Scalar(16777216), static_cast<Scalar>(NAN)}) {
    std::vector<NamedTensor> state = before;
    state[4].value = tensor({0, bad});
    CHECK(contains(error_of([&] { adam.load_state(state); }), "load_state: bias.updates must hold a count"));
  }
  std::vector<NamedTensor> state = before;
  state.back().value = full({3}, static_cast<Scalar>(INFINITY));
  CHECK(contains(error_of([&] { adam.load_state(state); }), "load_state: bias.v (3,) holds NaN or infinity"));
  state.back().value = Tensor();
  CHECK(contains(error_of([&] { adam.load_state(state); }), "load_state: an undefined tensor was given"));
  CHECK(same(adam.state(), before));
}

TEST_CASE("training: every optimiser finds the minimum of a bowl") {
  // (p − target)² · (1, 10, 100): valleys of very different steepness
  struct Bowl {
    nn::Parameter p{tensor({5, -5, 5})};
    void visit(nn::Visitor& v) { v("p", p); }
  };
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    const Bowl bowl;
    const Tensor target = tensor({1, 2, 3}), steepness = tensor({1, 10, 100});
    const auto optimiser = made(kind, bowl);
    const double peak = kind.name == "sgd" ? 0.004 : 0.3;
    const Cosine schedule{.peak = peak, .warmup = 10, .total = 1500};
    for (Index step = 1; step <= 1500; ++step) {
      const Variable loss = sum(square(Variable(bowl.p) - target) * steepness);
      backward(loss);
      clip_gradient_norm(bowl, 1000);
      optimiser->step(schedule(step));
    }
    CHECK(largest_difference(bowl.p.value().values(), {1, 2, 3}) < 0.01);
  }
}
