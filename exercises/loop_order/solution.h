// With j innermost, b and c are walked along a row and a stands still: one line is fetched for 16 numbers. A
// row of C is a sum of rows of B. c(i, j) is needed n times now before it is complete, so it is set to zero
// beforehand. Each of its sums is still made in the order of k: not a bit has changed.

#include "exercises/exercise.h"

using namespace attune;

template <class Matrix>
void multiply(const Matrix& a, const Matrix& b, Matrix& c, Index n) {
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) c(i, j) = 0;
    for (Index k = 0; k < n; ++k) {
      for (Index j = 0; j < n; ++j) c(i, j) += a(i, k) * b(k, j);
    }
  }
}
