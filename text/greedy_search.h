#pragma once

#include <vector>

#include "nn/transformer.h"
#include "text/batch.h"
#include "text/search_options.h"

namespace attune::text {

/// Translates by always taking the likeliest next token, until </s>: greedy search. source (B, S); the result
/// has B lists of ids without <s> and </s>.
std::vector<TokenIds> greedy_search(const nn::Transformer& model, const SourceBatch& batch,
                                    const SearchOptions& options = {});

/// The same for any number of sentences, in batches of similar lengths of at most `max_tokens`; results in
/// the order of the sentences. An empty sentence gives an empty translation.
std::vector<TokenIds> greedy_search(const nn::Transformer& model, const std::vector<TokenIds>& sentences,
                                    Index max_tokens, const SearchOptions& options = {});

}  // namespace attune::text
