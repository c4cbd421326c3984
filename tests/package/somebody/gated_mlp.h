#pragma once

#include "autograd/elementwise.h"
#include "nn/layers.h"

// A gated feed-forward network (Shazeer 2020, "GLU Variants Improve Transformer"), a layer that attune does
// not have:
//   y = (silu(x Wgᵀ + bg) ⊙ (x Wuᵀ + bu)) Wdᵀ + bd
struct GatedMlp {
  attune::nn::Linear gate, up;  // (hidden, inputs)
  attune::nn::Linear down;      // (outputs, hidden)

  GatedMlp(attune::Index inputs, attune::Index hidden, attune::Index outputs, attune::Rng& rng)
      : gate(inputs, hidden, rng), up(inputs, hidden, rng), down(hidden, outputs, rng) {}
  attune::Variable operator()(const attune::Variable& x) const { return down(silu(gate(x)) * up(x)); }
  void visit(attune::nn::Visitor& v) { v("gate", gate), v("up", up), v("down", down); }
};
