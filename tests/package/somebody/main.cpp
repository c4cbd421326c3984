// A layer of one's own: its gradients checked, trained, saved and loaded.
#include <cstdio>

#include "attune.h"
#include "gated_mlp.h"

using namespace attune;

namespace {

int fail(const char* what) {
  std::printf("FAILED: %s\n", what);
  return 1;
}

/// An operation of one's own, with a gradient that is wrong by one hundredth.
Variable doubled(const Variable& x) {
  return record("doubled", x.value() * 2, {x},
                [](const Variable& dy) { return Gradients{dy * Scalar(2.02)}; });
}

}  // namespace

int main() {
  static_assert(sizeof(Scalar) == 4, "the package is the one in float");
  Rng rng(1);

  // Every gradient of the layer, by its input and its six parameters, against difference quotients.
  GatedMlp small(3, 5, 2, rng);
  const Tensor some = normal({4, 3}, 0, 1, rng);
  const GradientCheck check =
      nn::check_gradients(small, {some}, [&](auto& inputs) { return small(inputs[0]); }, {.tolerance = 1e-3});
  if (!check) return fail(check.sentence.c_str());
  std::printf("measured: gradients of a user's layer, in float: worst relative error beyond rounding %.1e\n",
              check.worst);

  const auto wrong = [&](auto& inputs) { return small(doubled(inputs[0])); };
  if (nn::check_gradients(small, {some}, wrong)) return fail("a wrong gradient passed the check");

  // The product of two numbers, which a gate is made for.
  const Tensor x = uniform({256, 2}, -1, 1, rng);
  const Tensor product = slice(x, 1, 0, 1) * slice(x, 1, 1, 2);
  GatedMlp model(2, 8, 1, rng);
  optim::Adam adam(model);
  double first = 0, last = 0;
  for (int step = 1; step <= 500; ++step) {
    const Variable loss = mean_squared_error(model(x), product);
    backward(loss);
    adam.step(0.01);
    last = static_cast<double>(loss.value().item());
    if (step == 1) first = last;
  }
  std::printf("measured: a user's layer learns x1 x2: mean squared error %.2e, after 500 steps %.2e\n", first,
              last);
  if (!(last < 1e-3)) return fail("the loss must fall below 0.001");

  // Another model, with other numbers until the file is read.
  io::save_weights("gated_mlp.safetensors", model);
  GatedMlp again(2, 8, 1, rng);
  if (again(x).value().values() == model(x).value().values())
    return fail("two models with different weights agree");
  io::load_weights("gated_mlp.safetensors", again);
  if (again(x).value().values() != model(x).value().values())
    return fail("the loaded model computes something else");
  std::printf("passed, with the kernels for %s\n", kernels().name);
}
