// 6.3 An optimiser with a memory: Lion, whose one mean has two uses.
//
// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2) moves each weight by
// the rate, up or down. Of the gradients g it remembers one mean, m, which begins at 0:
//
//   c = β₁ m + (1 − β₁) g              the direction: this gradient counts much
//   p ← p − rate · (sign(c) + λ p)     sign is -1, 0 or 1
//   m ← β₂ m + (1 − β₂) g              the memory: this gradient counts little
//
// Write `update`. The `s` that it gets is a stretch of one parameter, `s.n` numbers: s.parameter[i],
// s.gradient[i], the mean s.moments[0][i], s.rate and λ = s.weight_decay (optim/optimiser.h). The model for
// it is SignDescent in optim/README.md, "An optimiser of your own".

#include "exercises/exercise.h"

using namespace attune;

struct Lion : optim::Optimiser {
  Scalar beta1 = Scalar(0.9), beta2 = Scalar(0.99);

  Lion(std::vector<nn::NamedParameter> parameters, double weight_decay)
      : Optimiser("lion", std::move(parameters), optim::decay_matrices(weight_decay), {{.name = "m"}}) {}

  void update(const Stretch& s) const override { throw Unsolved("update"); }
};
