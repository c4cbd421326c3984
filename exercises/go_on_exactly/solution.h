// The three: Adam's moments were not saved, so its first steps after the pause were those of a beginner. The
// schedule was asked for step 1, 2, … of this call, and warmed up once more. And the generator began its
// stream again: it moves as numbers are taken from it, and where it stood was not saved. Instead of saving
// that as well, let what is drawn follow from the number of the step: rng.at(step) is a stream of its own.

#include "exercises/exercise.h"

using namespace attune;

struct Training {
  nn::Linear layer;
  optim::Adam adam;
  Rng rng;  // where the batches come from
  Index steps = 0;

  explicit Training(std::uint64_t seed, Rng initial = Rng(1))
      : layer(1, 1, initial), adam(layer), rng(seed) {}
};

/// All that a training needs to go on, as a file would hold it.
struct State {
  Tensor weight, bias;
  std::vector<optim::NamedTensor> moments;
  Index steps = 0;
};

inline void train(Training& training, Index count) {
  const optim::InverseSquareRoot schedule{.peak = 0.1, .warmup = 4};
  for (Index i = 0; i < count; ++i) {
    const Index step = ++training.steps;
    Rng rng = training.rng.at(static_cast<std::uint64_t>(step));
    const Tensor x = normal({8, 1}, 0, 1, rng);
    const Tensor noise = normal({8, 1}, 0, Scalar(0.1), rng);
    const Variable error = training.layer(x) - (3 * x + noise);
    backward(mean(error * error));
    training.adam.step(schedule(step));
  }
}

inline State save(const Training& training) {
  return {training.layer.weight.value(), training.layer.bias.value(), training.adam.state(), training.steps};
}

inline void resume(Training& training, const State& state) {
  training.layer.weight.set_value(state.weight);
  training.layer.bias.set_value(state.bias);
  training.adam.load_state(state.moments);
  training.steps = state.steps;
}
