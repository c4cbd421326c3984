// 1.3 Mend a formula that is right on paper and overflows in a program.
//
// ln Σ_j e^(x_j) along the last axis, x (…, C) to (…). What stands below is the formula as it reads. But
// e^1000 is more than a float holds, and e^-1000 less: the sum becomes infinite or zero, though the logarithm
// of either sum would be an ordinary number, near 1000 or -1000.
//
// Mend it with what the chapter does to softmax: what happens to the result when the same m is taken from
// every number of a row? Then see to rows in which every number is -infinity, as where a mask forbids all of
// them. The sum there is 0, and its logarithm -infinity.

#include "exercises/exercise.h"

using namespace attune;

inline Tensor log_sum_exp(const Tensor& x) {
  return log(sum(exp(x), -1));
}
