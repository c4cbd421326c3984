// softmax works along the last axis unless told otherwise, and here that axis has size 1: every weight was 1,
// and the mean a sum. The result of `hidden` was computed and thrown away: unreached_parameters names it. And
// once h is used, the loss depends on the norm, which visit did not name: now check_visited can see it.

#include "exercises/exercise.h"

using namespace attune;

struct Classifier {
  nn::Embedding embedding;  // (V, C)
  nn::Linear score;         // how much a token matters: C to 1
  nn::LayerNorm norm;
  nn::Linear hidden, output;  // C to C, C to 4

  Classifier(Index vocabulary, Index width, Rng& rng)
      : embedding(vocabulary, width, rng),
        score(width, 1, rng),
        norm(width),
        hidden(width, width, rng),
        output(width, 4, rng) {}

  /// How much each token of a text counts, (B, T, 1): sums to one over T.
  Variable weights(const Indices& text) const {
    const Variable scores = score(embedding(text));  // (B, T, 1)
    return softmax(scores, 1);
  }

  Variable operator()(const Indices& text) const {
    const Variable pooled = sum(weights(text) * embedding(text), 1);  // (B, C)
    const Variable h = relu(hidden(norm(pooled)));                    // (B, C)
    return output(h);                                                 // (B, 4)
  }

  void visit(nn::Visitor& v) {
    v("embedding", embedding);
    v("score", score);
    v("norm", norm);
    v("hidden", hidden);
    v("output", output);
  }
};
