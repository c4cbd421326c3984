#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/indices.h"
#include "text/corpus.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

// From sentence pairs to the integers a Transformer reads. B sentences, S source tokens, T target tokens.

namespace attune::text {

/// The ids of a pair, without <s> and </s>.
struct EncodedPair {
  std::vector<std::int32_t> source;
  std::vector<std::int32_t> target;

  bool operator==(const EncodedPair& other) const = default;
};

/// How the text of one language becomes ids and back.
struct Language {
  const Tokenizer& tokenizer;
  const Vocabulary& vocabulary;
};

struct EncodedCorpus {
  std::vector<EncodedPair> pairs;
  std::int64_t too_long = 0;  // pairs left out
  std::int64_t max_length = 0;
  std::int64_t source_tokens = 0, source_unknown = 0;  // of the pairs kept
  std::int64_t target_tokens = 0, target_unknown = 0;

  /// One sentence for people: how many pairs were left out, how many tokens the vocabularies do not know.
  std::string summary() const;
};

/// Encodes pairs, leaving out those where a side has more than `max_length` tokens, its </s> included.
EncodedCorpus encode_pairs(const std::vector<SentencePair>& pairs, const Language& source,
                           const Language& target, std::int64_t max_length);

/// What one training step reads. Short sentences are filled with <pad>, at the end.
///
/// The decoder reads target_in and must predict target_out, the same sentence one token later:
///
///   target_in    <s>  y1  y2   y3   <pad>
///   target_out   y1   y2  y3   </s> <pad>      losses ignore <pad>
struct Batch {
  Indices source;                   // (B, S)   x1 … xn </s> <pad> …
  std::vector<int> source_lengths;  // (B)      without <pad>, with </s>
  Indices target_in;                // (B, T)
  Indices target_out;               // (B, T)
  std::vector<int> target_lengths;  // (B)      without <pad>, with <s> or </s>
  std::int64_t target_tokens = 0;   // the sum of target_lengths: what a loss per token divides by
};

struct BatchOptions {
  std::int64_t max_tokens = 4096;  // a batch has B * max(S, T) of them at most, padding included
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;  // each epoch has an order of its own
};

/// Which pairs go together: the indices of each batch, in the order of training. Every pair is in one.
///
/// All pairs are shuffled, cut into pools of about 64 batches, sorted by length within the pool, cut into
/// batches, and all batches are shuffled: batches of similar lengths, and different ones in every epoch. The
/// order is a function of the lengths and the options alone, the same on every platform.
///
/// A pair longer than max_tokens by itself makes a batch of its own, the only kind that exceeds the limit;
/// encode_pairs with a max_length below max_tokens rules that out. ValueError unless max_tokens > 0.
std::vector<std::vector<std::size_t>> plan_batches(const std::vector<EncodedPair>& pairs,
                                                   const BatchOptions& options);

/// The batch of the chosen pairs, in the order chosen. ValueError for none, IndexError for a missing one.
Batch make_batch(const std::vector<EncodedPair>& pairs, const std::vector<std::size_t>& chosen);

/// All batches of an epoch: make_batch of each group of plan_batches.
std::vector<Batch> make_batches(const std::vector<EncodedPair>& pairs, const BatchOptions& options);

/// The source side alone, for translating: (B, S) with </s> and <pad>, and the lengths with </s>.
struct SourceBatch {
  Indices source;
  std::vector<int> lengths;
};
SourceBatch make_source_batch(const std::vector<std::vector<std::int32_t>>& sentences);

}  // namespace attune::text
