#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "tensor/shape.h"
#include "text/batch.h"

// What all searches share.

namespace attune::text {

using TokenIds = std::vector<std::int32_t>;

struct SearchOptions {
  /// The longest translation in tokens, as a multiple of the source's length (with its </s>) plus a constant:
  /// room for any real translation, and an end to one that never stops by itself.
  double length_factor = 2;
  Index length_extra = 10;
  /// Whether <unk> may be written. Its probability is the model's own; forbidden, it is passed over.
  bool allow_unknown = true;

  /// The most tokens that the translation of a source of this length may have, </s> left out on its side.
  Index longest(int source_length) const {
    return static_cast<Index>(length_factor * source_length) + length_extra;
  }
};

/// Throws ValueError, which names `op`, for a vocabulary that has no </s> to end a sentence with.
void check_vocabulary(const char* op, Index vocabulary);

/// Which sentences to decode together: their indices, batch by batch, sorted by length, so that little is
/// padded. A batch has `max_tokens` at most, padding included, or one sentence alone. Empty sentences are in
/// none: they need no model. ValueError, which names `op`, unless max_tokens > 0.
std::vector<std::vector<std::size_t>> batches_by_length(const char* op,
                                                        const std::vector<TokenIds>& sentences,
                                                        Index max_tokens);

/// Any number of sentences, batch by batch: `search(batch, indices)` gives one result for each index. The
/// results are in the order of the sentences; an empty sentence has the result `empty`.
template <class Result, class Search>
std::vector<Result> search_by_length(const char* op, const std::vector<TokenIds>& sentences, Index max_tokens,
                                     const Result& empty, const Search& search) {
  std::vector<Result> results(sentences.size(), empty);
  for (const std::vector<std::size_t>& indices : batches_by_length(op, sentences, max_tokens)) {
    std::vector<TokenIds> together;
    for (const std::size_t i : indices) together.push_back(sentences[i]);
    std::vector<Result> found = search(make_source_batch(together), indices);
    for (std::size_t i = 0; i < indices.size(); ++i) results[indices[i]] = std::move(found[i]);
  }
  return results;
}

}  // namespace attune::text
