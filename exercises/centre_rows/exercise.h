// 1.1 Take the mean of each row out of it.
//
// x has shape (N, C). Return a tensor of the same shape whose rows have mean 0: every number less the mean of
// its own row. No loops: `mean` over an axis (tensor/reduce.h) and broadcasting are enough.
//
// Before you run it: what is the shape of mean(x, -1), and along which axis of (N, C) does it line up? If
// they do not line up as you want, what would?

#include "exercises/exercise.h"

using namespace attune;

inline Tensor centre_rows(const Tensor& x) {
  throw Unsolved("centre_rows");
}
