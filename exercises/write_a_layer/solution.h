// The gradient of `shift` is the sum of dy over all rows. Nobody writes it down: `+` broadcast shift to the
// shape of x, and its pullback sums over what was repeated (sum_to).

#include "exercises/exercise.h"

using namespace attune;

struct ScaleShift {
  nn::Parameter scale, shift;  // (C) each

  explicit ScaleShift(Index width) : scale(ones({width})), shift(zeros({width})) {}
  Variable operator()(const Variable& x) const { return scale * x + shift; }
  void visit(nn::Visitor& v) { v("scale", scale), v("shift", shift); }
};
