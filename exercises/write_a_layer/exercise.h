// 3.1 Write a layer: y = scale ⊙ x + shift.
//
// `scale` and `shift` are parameters of C numbers; scale begins as ones, shift as zeros. x is (…, C). The
// three gaps are marked; none needs more than a line. nn/README.md, "What a layer is", shows one.
//
// Before you run it: what is the gradient of `shift`, and which function of the library sums it up?

#include "exercises/exercise.h"

using namespace attune;

struct ScaleShift {
  nn::Parameter scale, shift;  // (C) each

  explicit ScaleShift(Index width) {
    throw Unsolved("ScaleShift's constructor");  // give both parameters a value: nn::Parameter(tensor)
  }
  Variable operator()(const Variable& x) const { throw Unsolved("ScaleShift's call"); }
  void visit(nn::Visitor& v) {
    // name both members
  }
};
