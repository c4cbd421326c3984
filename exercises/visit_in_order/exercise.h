// 2.3 Find the bug in this backward pass.
//
// It walks attune's own graph, with attune's own pullbacks, in 20 lines: a node's gradient is the sum of what
// its users hand it, and its pullback turns it into one part for each parent. Chains come out right. But of
//
//     b = a + a;   c = b + b;   d = b + c;        d = 6a
//
// it says 2. Follow it on paper: which node is taken out of `waiting` after d, and what has it been handed by
// then? One place has to change.

#include <map>

#include "exercises/exercise.h"

using namespace attune;

/// dy/dx for numbers y and x, both of shape ().
inline Scalar slope(const Variable& y, const Variable& x) {
  const NoGradient off;  // pullbacks are made of operations: they need not be recorded here
  std::map<const Node*, Tensor> gradient = {{y.node().get(), ones({})}};
  std::vector<const Node*> waiting = {y.node().get()};
  while (!waiting.empty()) {
    const auto next = waiting.begin();
    const Node* node = *next;
    waiting.erase(next);
    if (node->is_leaf) continue;
    const Variable result = node->output.defined() ? Variable(node->output) : Variable();
    const Gradients parts = node->pullback(gradient.at(node), result);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Node* parent = node->parents[i].get();
      if (!parent || !parts[i].defined()) continue;  // a constant
      const Tensor part = parts[i].value().value();
      const bool met_before = gradient.contains(parent);
      if (!met_before) waiting.push_back(parent);
      gradient[parent] = met_before ? gradient[parent] + part : part;
    }
  }
  return gradient.contains(x.node().get()) ? gradient[x.node().get()].item() : 0;
}
