// 3.2 The gradient of an embedding.
//
// An embedding gave each of N tokens its row of a table (V, C): y_n = table[tokens_n]. dy (N, C) is the
// gradient of what it gave. Return the gradient of the table, (V, C). nn/README.md, "Embedding", has the
// formula. Plain loops are fine: dy.at({n, c}) reads a number, and Tensor's `writable` lets you write.
//
// Before you run it: what does the row of a token get that comes twice, and that of one that never comes?

#include "exercises/exercise.h"

using namespace attune;

inline Tensor embedding_gradient(const Tensor& dy, const std::vector<Index>& tokens, Index vocabulary) {
  Tensor table_gradient = zeros({vocabulary, dy.size(1)});
  Scalar* numbers = table_gradient.writable();  // row v begins at numbers + v * dy.size(1)
  throw Unsolved("embedding_gradient");
}
