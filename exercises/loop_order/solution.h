// The innermost loop decides. For A Bᵀ it is k: rows of a and of b lie side by side, and a number of C is a
// dot product of two of them; j or i would walk down a column. For Aᵀ B it is j: rows of b and of c, while a
// stands still; k would walk down a column of both factors. c(i, j) is then needed n times before it is
// complete, so it is set to zero beforehand. With k outermost all of C passes by for each k, with i outermost
// a(k, i) costs a line for each k; both are within the bound. Each sum is made in the order of k all along:
// not a bit has changed.

#include "exercises/exercise.h"

using namespace attune;

/// C = A Bᵀ.
template <class Matrix>
void times_transposed(const Matrix& a, const Matrix& b, Matrix& c, Index n) {
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      c(i, j) = 0;
      for (Index k = 0; k < n; ++k) c(i, j) += a(i, k) * b(j, k);
    }
  }
}

/// C = Aᵀ B.
template <class Matrix>
void transposed_times(const Matrix& a, const Matrix& b, Matrix& c, Index n) {
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) c(i, j) = 0;
    for (Index k = 0; k < n; ++k) {
      for (Index j = 0; j < n; ++j) c(i, j) += a(k, i) * b(k, j);
    }
  }
}
