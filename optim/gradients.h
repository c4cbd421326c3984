#pragma once

#include "nn/visitor.h"

// The gradients of a whole model, between backward and step. Frozen parameters, and those that no gradient
// has reached, play no part.

namespace attune::optim {

/// The length of all gradients taken as one vector:   norm = √(Σ g²)
/// Added up in double, in an order that depends on the shapes alone: the same bits for any number of threads
/// and any instruction set. Throws ValueError if a gradient holds NaN or infinity, naming the first such
/// parameter.
double gradient_norm(const std::vector<nn::NamedParameter>& parameters);
template <nn::Layer Model>
double gradient_norm(const Model& model) {
  return gradient_norm(nn::named_parameters(model));
}

/// Scales all gradients alike so that their norm is at most max_norm (Pascanu et al. 2013, algorithm 1), and
/// returns the norm before:
///   g ← g · min(1, max_norm / norm)
/// ValueError as gradient_norm, or unless max_norm > 0; then no gradient has changed.
double clip_gradient_norm(const std::vector<nn::NamedParameter>& parameters, double max_norm);
template <nn::Layer Model>
double clip_gradient_norm(const Model& model, double max_norm) {
  return clip_gradient_norm(nn::named_parameters(model), max_norm);
}

/// g ← factor · g: turns gradients summed over several batches into their mean. ValueError unless the factor
/// is finite.
void scale_gradients(const std::vector<nn::NamedParameter>& parameters, double factor);
template <nn::Layer Model>
void scale_gradients(const Model& model, double factor) {
  scale_gradients(nn::named_parameters(model), factor);
}

namespace detail {
/// True when a step would change the parameter: it is not frozen, and a gradient has arrived.
bool has_gradient(const nn::NamedParameter& parameter);
/// Throws ValueError, naming `op` and the first parameter concerned, if a gradient holds NaN or infinity.
void check_finite(const std::string& op, const std::vector<nn::NamedParameter>& parameters);
}  // namespace detail

}  // namespace attune::optim
