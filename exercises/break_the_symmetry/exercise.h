// 3.3 Sixteen units that learn no more than one: find out why.
//
// This network has a hidden layer of sixteen units, more than enough to learn y = |x|: relu(x) + relu(-x).
// Yet its loss stays high, however long it trains. Its gradients are right, and visit names everything. Mend
// it; nothing outside the constructor is wrong.
//
// Before you change anything: print net.inner.value() before training and after (the loop is in test.cpp,
// next to this file). What do you see?

#include "exercises/exercise.h"

using namespace attune;

struct SmallNet {
  nn::Parameter inner, outer;  // (hidden, 1) and (1, hidden)

  SmallNet(Index hidden, Rng& rng)
      : inner(full({hidden, 1}, Scalar(0.1))), outer(full({1, hidden}, Scalar(0.1))) {}
  Variable operator()(const Variable& x) const { return linear(relu(linear(x, inner)), outer); }
  void visit(nn::Visitor& v) { v("inner", inner), v("outer", outer); }
};
