// 1.2 See every window of a row of numbers at once, without copying one.
//
// x has shape (N). Return the shape (N - width + 1, width), whose row r is x_r … x_{r + width - 1}. For the
// numbers 0 1 2 3 4 and width 3:
//
//     0 1 2
//     1 2 3
//     2 3 4
//
// The 2 is in three rows and yet only once in memory. `x.view(shape, strides, offset)` (tensor/tensor.h) sees
// the memory of x with any strides; the offset counts from x's own first element. Take an array of two Index
// for the strides.
//
// Before you run it: how far is it from a number to the one below it, and how far to the one on its right?
// What becomes of both if x is itself a view, every second number of another tensor?

#include "exercises/exercise.h"

using namespace attune;

inline Tensor windows(const Tensor& x, Index width) {
  throw Unsolved("windows");
}
