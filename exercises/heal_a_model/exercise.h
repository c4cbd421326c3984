// 9.2 Heal a model that trains, and yet has three faults.
//
// It reads a text of T tokens and says which of four classes it belongs to: each token is scored, the scores
// become weights that sum to one over the text, the weighted mean of the embeddings is normed and goes
// through two layers. So it was meant. Its loss falls, no error is thrown, and a figure from it would have
// gone into a paper.
//
// Find the faults with what chapter 9 shows and mend them. One may come to light only when another is gone.
//
// V tokens, B texts, C width.

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
    return softmax(scores);
  }

  Variable operator()(const Indices& text) const {
    const Variable pooled = sum(weights(text) * embedding(text), 1);  // (B, C)
    const Variable h = relu(hidden(norm(pooled)));                    // (B, C)
    return output(pooled);                                            // (B, 4)
  }

  void visit(nn::Visitor& v) {
    v("embedding", embedding);
    v("score", score);
    v("hidden", hidden);
    v("output", output);
  }
};
