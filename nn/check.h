#pragma once

#include "autograd/check.h"
#include "nn/visitor.h"
#include "tensor/error.h"

namespace attune::nn {

/// Checks a layer's gradients, by its inputs and by every parameter that its visit names: one line for a
/// layer of your own.
///
///     CHECK(nn::check_gradients(layer, {x}, [&](auto& inputs) { return layer(inputs[0]); }));
///
/// A parameter that the result depends on and visit does not name fails the check as well. The parameters are
/// restored afterwards.
template <Layer Model>
GradientCheck check_gradients(Model& layer, const std::vector<Tensor>& inputs, const Function& call,
                              const GradientCheckOptions& options = {}) {
  const std::vector<NamedParameter> parameters = named_parameters(layer);
  std::vector<Parameter::Cell> originals;
  std::vector<Tensor> all = inputs;
  for (const NamedParameter& parameter : parameters) {
    originals.push_back(*parameter.cell);
    all.push_back(parameter.cell->value);
  }
  // The check moves inputs and parameters alike: each parameter's cell is lent the leaf that stands for it.
  const auto restore = [&] {
    for (std::size_t i = 0; i < parameters.size(); ++i) *parameters[i].cell = originals[i];
  };
  GradientCheck check;
  try {
    check = attune::check_gradients(
        [&](const std::vector<Variable>& leaves) {
          for (std::size_t i = 0; i < parameters.size(); ++i) {
            const Variable& leaf = leaves[inputs.size() + i];
            *parameters[i].cell = {leaf.value(), leaf.node(), false};
          }
          return call(std::vector<Variable>(leaves.begin(),
                                            leaves.begin() + static_cast<std::ptrdiff_t>(inputs.size())));
        },
        all, options);
  } catch (...) {
    restore();
    throw;
  }
  restore();
  if (check.passed) {
    // A member that visit forgets was held still all the while: the graph of one call shows it.
    const Variable y = call(std::vector<Variable>(inputs.begin(), inputs.end()));
    try {
      if (y.requires_gradient()) detail::check_visited(y, parameters);
    } catch (const GraphError& error) {
      check.passed = false;
      check.sentence = error.what();
    }
  }
  return check;
}

}  // namespace attune::nn
