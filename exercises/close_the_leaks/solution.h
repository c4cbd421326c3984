// The first leak is no matter of masks: the mean over axis 1, the positions, carries the last letter to the
// first. A mean over the width centres each position by itself, as layer norm does. (So a norm over positions
// or over the batch is out of place in such a model.) Simply deleting the line is as good: the layer begins
// with a norm over the width, which centres as well. The second leak: a mask asks where a query stands, not
// what it answers. Letter t stands at position t and may see the keys s ≤ t. from_query(1) let it see
// s ≤ t + 1, which is the answer; it is for decoding step by step, when there is one query and the keys of
// all positions so far.

#include "exercises/exercise.h"

using namespace attune;

struct NextLetter {
  static constexpr Index width = 16;
  nn::Embedding embedding;
  nn::SinusoidalPositions positions;
  nn::EncoderLayer layer;
  nn::Linear output;

  explicit NextLetter(Rng& rng)
      : embedding(8, width, rng),
        positions(width),
        layer({.width = width, .heads = 2, .hidden = 32, .dropout = 0}, rng),
        output(width, 8, rng) {}

  Variable operator()(const Indices& text, nn::Pass& pass) const {
    Variable x = positions(embedding(text));  // (B, T, C)
    x = x - mean(x, -1, keep_axis);           // over the width: each position by itself
    x = layer(x, Mask::causal(), pass);
    return output(x);  // (B, T, 8)
  }

  void visit(nn::Visitor& v) { v("embedding", embedding), v("layer", layer), v("output", output); }
};
