#include "examples/translator/evaluation.h"

#include <cmath>

#include "examples/translator/builtin.h"

namespace attune::examples {

double Evaluation::perplexity() const {
  return std::exp(loss);
}

double validation_loss(const nn::Transformer& model, const std::vector<text::EncodedPair>& pairs) {
  const NoGradient no_gradient;
  nn::Pass pass;
  double total = 0;
  double tokens = 0;
  for (const text::Batch& batch : text::make_batches(pairs, {.max_tokens = 4096})) {
    const Variable logits = model(batch.source, batch.source_lengths, batch.target_in, pass);
    const Variable loss = cross_entropy(logits, batch.target_out,
                                        {.ignored = text::Vocabulary::pad, .reduction = Reduction::sum});
    total += static_cast<double>(loss.item());
    tokens += static_cast<double>(batch.target_tokens);
  }
  return total / tokens;
}

Evaluation evaluate(const Translator& translator, const std::vector<text::EncodedPair>& pairs,
                    const std::vector<text::SentencePair>& text) {
  Evaluation result{.loss = validation_loss(translator.model, pairs)};
  if (text.empty() || !std::isfinite(result.loss)) return result;
  std::vector<std::string> sources, references;
  for (const text::SentencePair& pair : text) {
    sources.push_back(pair.source);
    references.push_back(pair.target);
  }
  const Score score = score_pairs(translator, sources, references);
  result.bleu = score.bleu.score;
  // Pieces joined.
  result.bleu_text = text::bleu(score.output.lines, score.wanted.lines,
                                {.tokenizer = text::usual_bleu_tokenizer(score.wanted.lines)})
                         .score;
  return result;
}

}  // namespace attune::examples
