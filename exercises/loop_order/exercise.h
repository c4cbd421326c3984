// 8.1 Find the order of the loops for two products in which one matrix is transposed.
//
//   C = A Bᵀ    c_ij = Σ_k a_ik b_jk     a linear layer, forward: y = x Wᵀ
//   C = Aᵀ B    c_ij = Σ_k a_ki b_kj     the gradient of its weight: gᵀ x
//
// All are (n, n), in plain loops. The results below are right. The first has its loops in the order that made
// A B fast in docs/speed.md, the second in the order of its definition, and both walk through memory badly:
// the test counts how often a cache of 4 KiB has to fetch a line (16 numbers that lie next to each other),
// and that is once or twice for every multiply-add. Change the orders of the loops, and where C is set to
// zero, so that there are at most n³ / 8 for each product. No blocks and no transposed copy are needed.
//
// Numbers are reached as a(i, j), in row order: a(i, j) and a(i, j + 1) are neighbours. All of c is 7 at
// first.
//
// Before you run it: for each of i, j and k as the innermost loop, which of the three matrices is walked
// along a row, which down a column, and which stands still?

#include "exercises/exercise.h"

using namespace attune;

/// C = A Bᵀ.
template <class Matrix>
void times_transposed(const Matrix& a, const Matrix& b, Matrix& c, Index n) {
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) c(i, j) = 0;
    for (Index k = 0; k < n; ++k) {
      for (Index j = 0; j < n; ++j) c(i, j) += a(i, k) * b(j, k);
    }
  }
}

/// C = Aᵀ B.
template <class Matrix>
void transposed_times(const Matrix& a, const Matrix& b, Matrix& c, Index n) {
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      c(i, j) = 0;
      for (Index k = 0; k < n; ++k) c(i, j) += a(k, i) * b(k, j);
    }
  }
}
