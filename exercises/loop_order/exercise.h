// 8.1 Exchange loops until a small cache is happy.
//
// C (n, n) = A (n, n) · B (n, n), in plain loops. The result below is right, and the walk through memory is
// bad: the test counts how often a cache of 4 KiB has to fetch a line (16 numbers that lie next to each
// other), and that is once for every multiply-add. Change the order of the loops, and where C is set to zero,
// so that there are at most n³ / 8 of them. No blocks are needed.
//
// Numbers are reached as a(i, j), in row order: a(i, j) and a(i, j + 1) are neighbours. All of c is 7 at
// first.
//
// Before you run it: in the innermost loop, which of the three matrices is walked along a row, which down a
// column, and which stands still?

#include "exercises/exercise.h"

using namespace attune;

template <class Matrix>
void multiply(const Matrix& a, const Matrix& b, Matrix& c, Index n) {
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      c(i, j) = 0;
      for (Index k = 0; k < n; ++k) c(i, j) += a(i, k) * b(k, j);
    }
  }
}
