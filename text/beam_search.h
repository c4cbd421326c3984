#pragma once

#include <limits>
#include <vector>

#include "nn/transformer.h"
#include "text/batch.h"
#include "text/search_options.h"

namespace attune::text {

/// A finished translation, and what the model thinks of it.
struct Hypothesis {
  TokenIds tokens;             // without <s> and </s>
  double log_probability = 0;  // Σ log p(token | those before), that of </s> included
  double score = 0;            // the same, divided by the length penalty: what hypotheses are ranked by
};

struct BeamOptions {
  Index beam = 5;             // K: how many hypotheses of a sentence grow side by side
  double length_penalty = 1;  // α of the formula below: 0 for none, 1 for the mean of the tokens
  Index n_best = 1;           // how many are returned, at most K
  double patience = std::numeric_limits<double>::infinity();  // of the second stopping rule below
  SearchOptions limits = {};
};

/// Beam search. In each step every one of the K hypotheses of a sentence is extended by every token; of all
/// these, taken from the likeliest down, those that end in </s> are finished if they are among the first K,
/// and the first K others go on. At the length limit </s> alone may follow, and its probability counts.
///
/// Finished hypotheses are ranked by
///   score = log P / |Y|^α          |Y| tokens, </s> included
/// A sum of logarithms of probabilities falls with every token, so without a penalty (α = 0) short
/// translations win. The default, α = 1, ranks by the mean log probability of a token. It is the penalty of
/// fairseq, with which the scores of small translation models are published. Wu et al. 2016 (section 7,
/// equation 14) divide by ((5 + |Y|) / 6)^α instead, which tells short lengths less apart.
///
/// A sentence is done
///   - when no live hypothesis can do better than the n-th best finished one. As log P only falls and the
///     penalty only grows, the score of a live one can at best be its log P so far / (longest + 1)^α. So
///     nothing is lost by stopping;
///   - when patience · K hypotheses are finished. With α > 0 a better one might still have come, and the
///     search is over sooner. With a patience of 1 it is the rule of fairseq, and with K = 1 as well it is
///     greedy_search. (Kasai et al. 2022, "A Call for Clarity in Beam Search: How It Works and When It
///     Stops", named it.) The default never stops so;
///   - at the length limit.
///
/// source (B, S); the result has B lists of at most n_best hypotheses, the best first, and fewer only where
/// there are fewer translations. Equal ones are in order of being found. ValueError for options out of range.
std::vector<std::vector<Hypothesis>> beam_search(const nn::Transformer& model, const SourceBatch& batch,
                                                 const BeamOptions& options = {});

/// The same for any number of sentences, in batches of similar lengths of at most `max_tokens`, where each of
/// the K counts; results in the order of the sentences. An empty sentence gives one empty translation.
std::vector<std::vector<Hypothesis>> beam_search(const nn::Transformer& model,
                                                 const std::vector<TokenIds>& sentences, Index max_tokens,
                                                 const BeamOptions& options = {});

}  // namespace attune::text
