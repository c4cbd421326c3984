// The warm-up is asked for with `step < warmup`, which is never so for a warmup of 0: no division by it. From
// `total` on the line would go below 0, and a negative rate walks uphill: `Optimiser::step` refuses it.

#include "exercises/exercise.h"

using namespace attune;

inline double decay_in_a_line(Index step, double peak, Index warmup, Index total) {
  const auto part = [](Index a, Index b) { return static_cast<double>(a) / static_cast<double>(b); };
  if (step < warmup) return peak * part(step, warmup);
  if (step >= total) return 0;
  return peak * part(total - step, total - warmup);
}
