#include "optim/sgd.h"

#include "tensor/error.h"
#include "tensor/simd/kernels.h"

namespace attune::optim {

Sgd::Sgd(std::vector<nn::NamedParameter> parameters, const SgdSettings& settings)
    : Optimiser("sgd", std::move(parameters),
                settings.groups ? settings.groups : decay_matrices(settings.weight_decay),
                settings.momentum == 0 ? std::vector<Moment>{} : std::vector<Moment>{{.name = "velocity"}}),
      momentum_(settings.momentum) {
  if (!(momentum_ >= 0 && momentum_ < 1))
    fail<ValueError>("sgd: momentum must be at least 0 and below 1: ", momentum_, ": 0.9 is a usual choice");
}

void Sgd::update(const Stretch& s) const {
  kernels().sgd(s.parameter, s.gradient, s.moments[0], s.n, static_cast<Scalar>(s.rate),
                static_cast<Scalar>(momentum_), static_cast<Scalar>(s.weight_decay));
}

}  // namespace attune::optim
