#pragma once

#include "optim/optimiser.h"

namespace attune::optim {

struct SgdSettings {
  double momentum = 0;      // µ, in [0, 1)
  double weight_decay = 0;  // λ, for the default rule: parameters of rank 2 and more
  GroupRule groups = {};    // instead of the default rule; `weight_decay` above is then not used
};

/// Stochastic gradient descent, with momentum (Polyak 1964; in the form of Sutskever et al. 2013, section 2,
/// with the rate outside the velocity, so that a schedule acts at once) and weight decay as part of the
/// gradient:
///   g' = g + λ p,   u ← µ u + g',   p ← p − rate · u
class Sgd : public Optimiser {
 public:
  template <nn::Layer Model>
  explicit Sgd(const Model& model, const SgdSettings& settings = {})
      : Sgd(nn::named_parameters(model), settings) {}
  /// ValueError for settings outside their ranges, or without parameters.
  explicit Sgd(std::vector<nn::NamedParameter> parameters, const SgdSettings& settings = {});

 private:
  void update(const Stretch& stretch) const override;

  double momentum_;
};

}  // namespace attune::optim
