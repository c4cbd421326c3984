#pragma once

#include <vector>

#include "autograd/elementwise.h"
#include "nn/attention.h"

// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"), a Transformer of
// decoder layers only: it reads text and scores, at every position, what comes next. No layer is new; this is
// all that it takes. B batch, T positions, C width, V vocabulary.
//
// Deviations: the exact gelu in place of the approximation by tanh, no dropout, and the layers' own initial
// weights. It only serves to measure.

namespace bench {

using namespace attune;

/// The smallest of the four sizes, 124 million parameters.
struct Gpt2Settings {
  Index vocabulary = 50257;
  Index longest = 1024;
  Index width = 768;
  Index heads = 12;
  Index layers = 12;
};

/// Self-attention, then feed-forward, each normed before and added to what was there.
struct Gpt2Block {
  nn::LayerNorm attention_norm;
  nn::MultiHeadAttention attention;
  nn::LayerNorm feed_forward_norm;
  nn::FeedForward feed_forward;

  Gpt2Block(const Gpt2Settings& settings, Rng& rng)
      : attention_norm(settings.width),
        attention(settings.width, settings.heads, rng),
        feed_forward_norm(settings.width),
        feed_forward(settings.width, 4 * settings.width, rng, nn::Activation::gelu) {}

  Variable operator()(const Variable& x, nn::Pass& pass) const {
    const Variable normed = attention_norm(x);                                  // (B, T, C)
    const Variable seen = x + attention(normed, normed, Mask::causal(), pass);  // (B, T, C)
    return seen + feed_forward(feed_forward_norm(seen));                        // (B, T, C)
  }
  void visit(nn::Visitor& v) {
    v("attention_norm", attention_norm), v("attention", attention);
    v("feed_forward_norm", feed_forward_norm), v("feed_forward", feed_forward);
  }
};

struct Gpt2 {
  nn::Embedding embedding;
  nn::LearnedPositions positions;
  std::vector<Gpt2Block> blocks;
  nn::LayerNorm norm;

  Gpt2(const Gpt2Settings& settings, Rng& rng)
      : embedding(settings.vocabulary, settings.width, rng),
        positions(settings.width, settings.longest, rng),
        norm(settings.width) {
    for (Index i = 0; i < settings.layers; ++i) blocks.push_back(Gpt2Block(settings, rng));
  }

  /// tokens (B, T) to the scores of the next token at every position, (B, T, V), by the same embedding.
  Variable operator()(const Indices& tokens, nn::Pass& pass) const {
    Variable x = positions(embedding(tokens));                 // (B, T, C)
    for (const Gpt2Block& block : blocks) x = block(x, pass);  // (B, T, C)
    return embedding.scores(norm(x));                          // (B, T, V)
  }
  void visit(nn::Visitor& v) {
    v("embedding", embedding), v("positions", positions), v("blocks", blocks), v("norm", norm);
  }
};

}  // namespace bench
