// Nodes were visited in the order in which they were met. d = b + c meets b first, and hands it 1; b hands 2
// to a and is done. Then c hands b another 2, which nobody fetches: 2 instead of 6. Visited newest first, c
// comes before b, because c could only be made when b was there: b is handed 1 + 2 = 3 before it passes on 6.

#include <algorithm>
#include <map>

#include "exercises/exercise.h"

using namespace attune;

/// dy/dx for numbers y and x, both of shape ().
inline Scalar slope(const Variable& y, const Variable& x) {
  const NoGradient off;  // pullbacks are made of operations: they need not be recorded here
  std::map<const Node*, Tensor> gradient = {{y.node().get(), ones({})}};
  std::vector<const Node*> waiting = {y.node().get()};
  while (!waiting.empty()) {
    const auto next =
        std::max_element(waiting.begin(), waiting.end(), [](const Node* one, const Node* other) {
          return one->order < other->order;  // the newest: all that used it are newer still, and done
        });
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
