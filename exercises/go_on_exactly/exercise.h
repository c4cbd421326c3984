// 10.3 A training that is resumed comes to another end than one that was never stopped: find out why, and
// mend it.
//
// `train` learns y = 3 x from noisy batches. `save` takes what is needed to go on, `resume` puts it into a
// training that has just been made, with the same seed, by another process perhaps. Twelve steps at once, or
// five, save, resume and seven more, must give the same bits. They do not.
//
// There are three mistakes. What a step depends on must either be saved, or follow from what is saved.

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
  for (Index step = 1; step <= count; ++step) {
    const Tensor x = normal({8, 1}, 0, 1, training.rng);  // takes the next numbers of the generator
    const Tensor noise = normal({8, 1}, 0, Scalar(0.1), training.rng);
    const Variable error = training.layer(x) - (3 * x + noise);
    backward(mean(error * error));
    training.adam.step(schedule(step));
  }
  training.steps += count;
}

inline State save(const Training& training) {
  return {training.layer.weight.value(), training.layer.bias.value(), {}, training.steps};
}

inline void resume(Training& training, const State& state) {
  training.layer.weight.set_value(state.weight);
  training.layer.bias.set_value(state.bias);
  training.steps = state.steps;
}
