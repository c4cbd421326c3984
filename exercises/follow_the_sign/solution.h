// m is read before it is written: the direction belongs to the memory of the earlier gradients and this one.

#include "exercises/exercise.h"

using namespace attune;

struct Lion : optim::Optimiser {
  Scalar beta1 = Scalar(0.9), beta2 = Scalar(0.99);

  Lion(std::vector<nn::NamedParameter> parameters, double weight_decay)
      : Optimiser("lion", std::move(parameters), optim::decay_matrices(weight_decay), {{.name = "m"}}) {}

  void update(const Stretch& s) const override {
    const auto rate = static_cast<Scalar>(s.rate), decay = static_cast<Scalar>(s.weight_decay);
    Scalar* mean = s.moments[0];
    for (std::size_t i = 0; i < s.n; ++i) {
      const Scalar g = s.gradient[i];
      const Scalar c = beta1 * mean[i] + (1 - beta1) * g;
      const Scalar sign = Scalar(c > 0) - Scalar(c < 0);
      s.parameter[i] -= rate * (sign + decay * s.parameter[i]);
      mean[i] = beta2 * mean[i] + (1 - beta2) * g;
    }
  }
};
