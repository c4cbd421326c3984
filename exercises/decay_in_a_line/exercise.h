// 6.1 A schedule that rises in a line and falls in one.
//
// The rate at step 1, 2, …: it rises in a line so that it is `peak` at step `warmup`, falls in a line so that
// it is 0 at step `total`, and stays 0 from there on. With a warmup of 0 it only falls, as if step 0 had been
// the peak. You may rely on 0 <= warmup < total.
//
// Before you run it: which two things could be divided by 0, or become negative?

#include "exercises/exercise.h"

using namespace attune;

inline double decay_in_a_line(Index step, double peak, Index warmup, Index total) {
  throw Unsolved("decay_in_a_line");
}
