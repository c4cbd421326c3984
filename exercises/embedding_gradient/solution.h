// A row was used once for each time that its token came, with the factor 1: its gradient is the sum of what
// arrived there. `=` instead of `+=` would keep the last only.

#include "exercises/exercise.h"

using namespace attune;

inline Tensor embedding_gradient(const Tensor& dy, const std::vector<Index>& tokens, Index vocabulary) {
  const Index width = dy.size(1);
  Tensor table_gradient = zeros({vocabulary, width});
  Scalar* numbers = table_gradient.writable();
  for (std::size_t n = 0; n < tokens.size(); ++n)
    for (Index c = 0; c < width; ++c) numbers[tokens[n] * width + c] += dy.at({static_cast<Index>(n), c});
  return table_gradient;
}
