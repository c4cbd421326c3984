// mean(x, -1) has shape (N). Broadcasting aligns shapes at the last axis, so (N) would be laid along the
// columns: an error where N and C differ, and silently wrong where they are equal. keep_axis leaves a 1 in
// its place, (N, 1), which lines up with the rows.

#include "exercises/exercise.h"

using namespace attune;

inline Tensor centre_rows(const Tensor& x) {
  return x - mean(x, -1, keep_axis);  // (N, C) - (N, 1)
}
