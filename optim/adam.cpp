#include "optim/adam.h"

#include <cmath>

#include "tensor/error.h"
#include "tensor/simd/kernels.h"

namespace attune::optim {
namespace {

// 1 − βᵗ, in double: in float, 0.999ᵗ would have lost most of its digits' meaning by the first thousand
// steps.
Scalar correction(Scalar beta, Index t) {
  return static_cast<Scalar>(1 - std::pow(static_cast<double>(beta), static_cast<double>(t)));
}

}  // namespace

Adam::Adam(std::vector<nn::NamedParameter> parameters, const AdamSettings& settings)
    : Adam("adam", std::move(parameters), settings) {}

Adam::Adam(const std::string& name, std::vector<nn::NamedParameter> parameters, const AdamSettings& settings)
    : Optimiser(name, std::move(parameters), settings.groups ? settings.groups : decay_matrices(0),
                {{.name = "m"}, {.name = "v", .negative = false}}),
      beta1_(static_cast<Scalar>(settings.beta1)),
      beta2_(static_cast<Scalar>(settings.beta2)),
      epsilon_(static_cast<Scalar>(settings.epsilon)) {
  for (const Scalar beta : {beta1_, beta2_})
    if (!(beta >= 0 && beta < 1))
      fail<ValueError>(name, ": beta1 and beta2 must be at least 0 and below 1: ", settings.beta1, " and ",
                       settings.beta2, ": 0.9 and 0.999 are usual choices");
  if (!(epsilon_ > 0 && std::isfinite(epsilon_)))
    fail<ValueError>(name, ": epsilon must be above 0: ", settings.epsilon, ": 1e-8 is a usual choice");
}

void Adam::update(const Stretch& s) const {
  const AdamStep step{.rate = static_cast<Scalar>(s.rate),
                      .beta1 = beta1_,
                      .beta2 = beta2_,
                      .epsilon = epsilon_,
                      .weight_decay = static_cast<Scalar>(s.weight_decay),
                      .correction1 = correction(beta1_, s.update),
                      .correction2 = correction(beta2_, s.update)};
  kernels().adam(s.parameter, s.gradient, s.moments[0], s.moments[1], s.n, step);
}

AdamW::AdamW(std::vector<nn::NamedParameter> parameters, const AdamWSettings& settings)
    : Adam("adamw", std::move(parameters),
           {.beta1 = settings.beta1,
            .beta2 = settings.beta2,
            .epsilon = settings.epsilon,
            .groups = settings.groups ? settings.groups : decay_matrices(settings.weight_decay)}) {}

}  // namespace attune::optim
