// All units began alike. Units that are alike compute the same, get the same gradient, and take the same
// step: they stay alike, and sixteen of them are one. Random numbers tell them apart. (One of inner and outer
// is enough; but with both random, and of the right size, training starts better.)

#include "exercises/exercise.h"

using namespace attune;

struct SmallNet {
  nn::Parameter inner, outer;  // (hidden, 1) and (1, hidden)

  SmallNet(Index hidden, Rng& rng)
      : inner(nn::kaiming_normal({hidden, 1}, rng)), outer(nn::kaiming_normal({1, hidden}, rng)) {}
  Variable operator()(const Variable& x) const { return linear(relu(linear(x, inner)), outer); }
  void visit(nn::Visitor& v) { v("inner", inner), v("outer", outer); }
};
