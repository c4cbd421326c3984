#pragma once

#include <optional>
#include <vector>

#include "examples/translator/translator.h"

namespace attune::examples {

/// How good a model is on sentences that it is not trained on.
struct Evaluation {
  double loss = 0;  // mean cross-entropy in nats per target token, without label smoothing
  // BLEU of greedy translations, 0 to 100; none where there is no text. Of tokens as the model has them,
  // pieces joined, and of the text as others count it (13a, or zh for Chinese).
  std::optional<double> bleu = {}, bleu_text = {};
  double perplexity() const;  // exp(loss): as unsure as if it chose among so many tokens
};

/// Mean cross-entropy in nats per target token, without label smoothing.
double validation_loss(const nn::Transformer& model, const std::vector<text::EncodedPair>& pairs);

/// The loss on `pairs`, and the BLEU of greedy translations of `text` where there is any.
Evaluation evaluate(const Translator& translator, const std::vector<text::EncodedPair>& pairs,
                    const std::vector<text::SentencePair>& text);

}  // namespace attune::examples
