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

  // Give both parameters a value: nn::Parameter(tensor). That may stand in the initialiser list, as in
  // `: scale(tensor), shift(tensor)`, instead of between the braces.
  explicit ScaleShift(Index width) { throw Unsolved("ScaleShift's constructor"); }
  Variable operator()(const Variable& x) const { throw Unsolved("ScaleShift's call"); }
  void visit(nn::Visitor& v) {
    // name both members
  }
};
