// A mean of means weighs a row of a small batch more than one of a large batch. So sum within the batches,
// count, and divide once. Padding adds nothing to a sum, and must not be counted either.

#include <algorithm>

#include "exercises/exercise.h"

using namespace attune;

inline void backward_over(const std::vector<Tensor>& inputs, const std::vector<Indices>& targets,
                          const nn::Linear& model) {
  double counted = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    backward(cross_entropy(model(inputs[i]), targets[i], {.reduction = Reduction::sum}));
    const std::vector<std::int32_t>& classes = targets[i].values;
    counted += static_cast<double>(classes.size()) -
               static_cast<double>(std::count(classes.begin(), classes.end(), -1));
  }
  optim::scale_gradients(model, 1 / counted);
}
