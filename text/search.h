#pragma once

#include <cstdint>
#include <vector>

#include "nn/transformer.h"
#include "text/batch.h"

namespace attune::text {

struct SearchOptions {
  /// The longest translation in tokens, as a multiple of the source's length plus a constant: room for any
  /// real translation, and an end to one that never stops by itself.
  double length_factor = 2;
  Index length_extra = 10;
};

/// Translates by always taking the likeliest next token, until </s>: greedy search with a cache of keys and
/// values, so that each step computes one position. source (B, S); the result has B lists of ids without <s>
/// and </s>. Never gives <pad> or <s>. Works under NoGradient; the model is only read, so threads may share
/// it.
std::vector<std::vector<std::int32_t>> greedy_search(const nn::Transformer& model, const SourceBatch& batch,
                                                     const SearchOptions& options = {});

/// The same for any number of sentences, in batches of similar lengths of at most `max_tokens`; results in
/// the order of the sentences. An empty sentence gives an empty translation.
std::vector<std::vector<std::int32_t>> greedy_search(const nn::Transformer& model,
                                                     const std::vector<std::vector<std::int32_t>>& sentences,
                                                     Index max_tokens, const SearchOptions& options = {});

}  // namespace attune::text
