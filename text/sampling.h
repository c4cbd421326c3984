#pragma once

#include <cstdint>
#include <vector>

#include "nn/transformer.h"
#include "text/batch.h"
#include "text/search_options.h"

namespace attune::text {

struct SamplingOptions {
  /// Scores are divided by it: above 1 unlikely tokens become likelier, towards 0 the likeliest wins always.
  double temperature = 1;
  /// Only the k likeliest tokens may come (Fan et al. 2018, "Hierarchical Neural Story Generation"); 0: all.
  Index top_k = 0;
  /// Only the likeliest tokens that together have a probability of p or more, as few as do: the nucleus
  /// (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1); 1: all.
  double top_p = 1;
  std::uint64_t seed = 0;
  SearchOptions limits = {};
};

/// One token by chance, for `uniform` in [0, 1): token i with the probability
///   p_i = e^(x_i / temperature) / Σ_j e^(x_j / temperature)
/// over the tokens that may come: never <pad> and <s>, <unk> where it is allowed; of those the top_k, and of
/// these the nucleus of top_p. ValueError for options out of range, and for scores that are NaN.
std::int32_t sample_token(const Scalar* scores, Index vocabulary, const SamplingOptions& options,
                          double uniform);

/// Translates by chance, token by token until </s>. Sentence b takes its random numbers from stream
/// streams[b] of the seed, two for each position, so the same seed gives the same text, whatever batch
/// the sentence stands in and however many threads there are. source (B, S); the result has B lists of ids
/// without <s> and </s>.
std::vector<TokenIds> sample(const nn::Transformer& model, const SourceBatch& batch,
                             const SamplingOptions& options, const std::vector<std::uint64_t>& streams);

/// The same for any number of sentences, in batches of similar lengths of at most `max_tokens`: sentence i
/// has stream first_stream + i. An empty sentence gives an empty translation.
std::vector<TokenIds> sample(const nn::Transformer& model, const std::vector<TokenIds>& sentences,
                             Index max_tokens, const SamplingOptions& options,
                             std::uint64_t first_stream = 0);

}  // namespace attune::text
