#pragma once

#include "optim/optimiser.h"

namespace attune::optim {

struct AdamSettings {
  double beta1 = 0.9;     // how long the mean of the gradients remembers, in [0, 1)
  double beta2 = 0.999;   // how long the mean of their squares remembers, in [0, 1)
  double epsilon = 1e-8;  // > 0
  GroupRule groups = {};  // by default every parameter is treated alike, without decay
};

/// Adam (Kingma & Ba 2015, algorithm 1). At a parameter's update t = 1, 2, …, with its gradient g:
///   m ← β1 m + (1 − β1) g,   v ← β2 v + (1 − β2) g²
///   m̂ = m / (1 − β1ᵗ),   v̂ = v / (1 − β2ᵗ),   p ← p − rate · m̂ / (√v̂ + ε)
/// A rule that gives weight decay makes it AdamW.
class Adam : public Optimiser {
 public:
  template <nn::Layer Model>
  explicit Adam(const Model& model, const AdamSettings& settings = {})
      : Adam(nn::named_parameters(model), settings) {}
  /// ValueError for settings outside their ranges, or without parameters.
  explicit Adam(std::vector<nn::NamedParameter> parameters, const AdamSettings& settings = {});

 protected:
  Adam(const std::string& name, std::vector<nn::NamedParameter> parameters, const AdamSettings& settings);

 private:
  void update(const Stretch& stretch) const override;

  // In Scalar, as the kernel computes with them: then β and 1 − βᵗ are of the same β.
  Scalar beta1_, beta2_, epsilon_;
};

struct AdamWSettings {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;  // λ, for the default rule: parameters of rank 2 and more
  GroupRule groups = {};       // instead of the default rule; `weight_decay` above is then not used
};

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2):
///   p ← p − rate · ( m̂ / (√v̂ + ε) + λ p )
/// The paper's α and schedule multiplier η are one number here, `rate`, which therefore scales the decay too.
/// By default only parameters of rank 2 and more decay: no biases, no norms (decay_matrices).
class AdamW : public Adam {
 public:
  template <nn::Layer Model>
  explicit AdamW(const Model& model, const AdamWSettings& settings = {})
      : AdamW(nn::named_parameters(model), settings) {}
  /// ValueError for settings outside their ranges, or without parameters.
  explicit AdamW(std::vector<nn::NamedParameter> parameters, const AdamWSettings& settings = {});
};

}  // namespace attune::optim
