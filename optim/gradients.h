#pragma once

#include <string>
#include <vector>

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

/// How large weights and gradients are, layer by layer, for people to read: print it between backward and
/// step when a loss does not fall.
///
///     std::cout << optim::gradient_table(model);
///
///     layer           numbers   weights gradients    ratio
///     (model)               4         2      0.02     0.01
///     layers.0              8         6     2e-30  3.3e-31  zero: bias
///     layers.1              8         6         -        -  no gradient
///     whole model          20      8.72      0.02   0.0023
///
/// One row per layer, in the order of visit: the parameters that share their name up to the last dot. Norms
/// are √(Σ x²) over all of a layer's numbers, the ratio is gradients / weights. A remark names what is not
/// finite, what is all zero, what has no gradient (the loss does not depend on it, or backward has not run)
/// and what is frozen: the members concerned, or nothing more where it is all of them.
std::string gradient_table(const std::vector<nn::NamedParameter>& parameters);
template <nn::Layer Model>
std::string gradient_table(const Model& model) {
  return gradient_table(nn::named_parameters(model));
}

namespace detail {
/// True when a step would change the parameter: it is not frozen, and a gradient has arrived.
bool has_gradient(const nn::NamedParameter& parameter);
/// Throws ValueError, naming `op` and the first parameter concerned, if a gradient holds NaN or infinity.
void check_finite(const std::string& op, const std::vector<nn::NamedParameter>& parameters);
}  // namespace detail

}  // namespace attune::optim
