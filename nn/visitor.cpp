#include "nn/visitor.h"

#include <algorithm>
#include <unordered_set>

#include "tensor/error.h"

namespace attune::nn::detail {

void add_parameter(std::vector<NamedParameter>& list, const std::string& name, const Parameter& parameter) {
  if (!parameter.defined())
    fail<ValueError>("visit: parameter ", name,
                     " has no value: set it in its layer's constructor; if the model was moved, use the one "
                     "it was moved to");
  for (const NamedParameter& other : list) {
    if (other.name == name)
      fail<ValueError>("visit: two parameters are named ", name, ": give each member its own name");
    if (other.cell == parameter.handle())
      fail<ValueError>("visit: one parameter is named twice, ", other.name, " and ", name,
                       ": tied weights belong to one owner, which names them once");
  }
  list.push_back({name, parameter.handle()});
}

void copy_values(const std::vector<NamedParameter>& from, const std::vector<NamedParameter>& to) {
  const auto same = [](const NamedParameter& a, const NamedParameter& b) {
    return a.name == b.name && a.cell->value.shape() == b.cell->value.shape();
  };
  if (!std::equal(from.begin(), from.end(), to.begin(), to.end(), same)) {
    for (std::size_t i = 0; i < std::min(from.size(), to.size()); ++i)
      if (!same(from[i], to[i]))
        fail<ValueError>("copy_parameters: the models differ: ", from[i].name, " ",
                         from[i].cell->value.shape(), " and ", to[i].name, " ", to[i].cell->value.shape(),
                         ": make both with the same settings");
    fail<ValueError>("copy_parameters: the models differ: ", from.size(), " and ", to.size(),
                     " parameters: make both with the same settings");
  }
  for (std::size_t i = 0; i < from.size(); ++i) to[i].cell->value = copy(from[i].cell->value);
}

void check_visited(const Variable& loss, const std::vector<NamedParameter>& visited) {
  std::unordered_set<const Node*> known;
  loss.value().checked("check_visited");
  if (!loss.requires_gradient())
    fail<GraphError>(
        "check_visited: the loss depends on no parameter at all: ", loss.shape(),
        ": compute it from the model's output, not under NoGradient and not with everything frozen");
  for (const NamedParameter& parameter : visited) known.insert(parameter.cell->leaf.get());
  for (const NodeHandle& leaf : leaves_of(loss))
    if (!known.contains(leaf.get()))
      fail<GraphError>(
          "check_visited: the loss depends on a parameter of shape ", leaf->shape,
          " that visit does not name: it would be neither trained nor saved: add it to its layer's visit");
}

}  // namespace attune::nn::detail
