// 9.3 Find two leaks in a model whose mask looks right.
//
// It reads a text (B, T) of eight letters and says at each position what the next letter will be, (B, T, 8).
// It may use the letters up to and including that position, and no later one. In training it is wonderful.
//
// The test changes one letter after the other and reports which earlier answers change with it. Close both
// leaks; the model must go on using the letters that it may see.

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
    // Centre the text: attention learns more easily from numbers around zero.
    x = x - mean(x, 1, keep_axis);
    // The answer at position t is letter t + 1, so queries begin at position 1.
    x = layer(x, Mask::causal().from_query(1), pass);
    return output(x);  // (B, T, 8)
  }

  void visit(nn::Visitor& v) { v("embedding", embedding), v("layer", layer), v("output", output); }
};
