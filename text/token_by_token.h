#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "nn/transformer.h"
#include "text/batch.h"
#include "text/search_options.h"

// The loop that greedy search and sampling have in common.

namespace attune::text {

/// What comes next: `scores` of all V tokens, after `position` tokens of the translation of `sentence`, an
/// index into the batch. Called by several threads at once, for different sentences.
using ChooseToken = std::function<std::int32_t(const Scalar* scores, std::size_t sentence, Index position)>;

/// Translates a batch: asks the model, lets `choose` choose, and goes on with that, until it chooses </s> or
/// the sentence is as long as it may become. The result has B lists of ids without <s> and </s>.
std::vector<TokenIds> decode_token_by_token(const nn::Transformer& model, const SourceBatch& batch,
                                            const SearchOptions& options, const ChooseToken& choose);

}  // namespace attune::text
