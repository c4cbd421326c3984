#include "text/sampling.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"
#include "tensor/random.h"
#include "text/likeliest.h"
#include "text/token_by_token.h"
#include "text/vocabulary.h"

namespace attune::text {
namespace {

void check(const SamplingOptions& options, Index vocabulary) {
  check_vocabulary("sample", vocabulary);
  if (!(options.temperature > 0) || std::isinf(options.temperature))
    fail<ValueError>("sample: a temperature of ", options.temperature,
                     ": give more than 0; greedy_search takes the likeliest token always");
  if (options.top_k < 0)
    fail<ValueError>("sample: the ", options.top_k, " likeliest tokens: give 1 or more, or 0 for all");
  if (!(options.top_p > 0 && options.top_p <= 1))
    fail<ValueError>("sample: tokens of a probability of ", options.top_p,
                     " together: give more than 0 and at most 1");
}

// Uniform in [0, 1), from the 53 bits that a double holds: with fewer, a rare token of a large vocabulary
// could not be hit.
double uniform_at(const Rng& rng, Index position) {
  const std::uint64_t high = rng.bits(2 * static_cast<std::uint64_t>(position));
  const std::uint64_t low = rng.bits(2 * static_cast<std::uint64_t>(position) + 1);
  return static_cast<double>((high << 32 | low) >> 11) * 0x1p-53;
}

}  // namespace

std::int32_t sample_token(const Scalar* scores, Index vocabulary, const SamplingOptions& options,
                          double uniform) {
  check(options, vocabulary);
  // The nucleus counts from the likeliest down, so it needs them in order; chance alone does not.
  const bool in_order = options.top_k > 0 || options.top_p < 1;
  const Index count = options.top_k > 0 ? std::min(options.top_k, vocabulary) : in_order ? vocabulary : 1;
  const std::vector<ScoredToken> best =
      likeliest_tokens("sample", scores, vocabulary, count, options.limits.allow_unknown);
  const auto largest = static_cast<double>(best[0].score);
  const auto weight = [&](double score) { return std::exp((score - largest) / options.temperature); };

  std::vector<std::int32_t> tokens;
  std::vector<double> sums;  // of the weights up to here
  double sum = 0;
  const auto add = [&](std::int32_t token, Scalar score) {
    sum += weight(static_cast<double>(score));
    tokens.push_back(token);
    sums.push_back(sum);
  };
  if (in_order) {
    for (const ScoredToken& token : best) add(token.token, token.score);
    if (options.top_p < 1) {  // the first that together have the probability p
      const auto last = std::lower_bound(sums.begin(), sums.end() - 1, options.top_p * sum);
      sum = *last;
      sums.erase(last + 1, sums.end());
    }
  } else {
    for (std::int32_t token = 0; token < vocabulary; ++token)
      if (token >= Vocabulary::special_count || token == Vocabulary::end ||
          (token == Vocabulary::unknown && options.limits.allow_unknown))
        add(token, scores[token]);
  }
  // The first whose sum is above the point that chance has named; one of weight 0 adds nothing and is passed.
  const auto hit = std::upper_bound(sums.begin(), sums.end(), uniform * sum);
  return tokens[static_cast<std::size_t>(std::min(hit, sums.end() - 1) - sums.begin())];
}

std::vector<TokenIds> sample(const nn::Transformer& model, const SourceBatch& batch,
                             const SamplingOptions& options, const std::vector<std::uint64_t>& streams) {
  const Index vocabulary = model.settings.target_vocabulary;
  check(options, vocabulary);
  if (streams.size() != batch.lengths.size())
    fail<ShapeError>("sample: one stream for each sentence is wanted: ", streams.size(), " streams for ",
                     batch.lengths.size(), " sentences");
  const Rng seed(options.seed);
  return decode_token_by_token(
      model, batch, options.limits, [&](const Scalar* scores, std::size_t sentence, Index position) {
        return sample_token(scores, vocabulary, options, uniform_at(seed.at(streams[sentence]), position));
      });
}

std::vector<TokenIds> sample(const nn::Transformer& model, const std::vector<TokenIds>& sentences,
                             Index max_tokens, const SamplingOptions& options, std::uint64_t first_stream) {
  check(options, model.settings.target_vocabulary);
  return search_by_length("sample", sentences, max_tokens, TokenIds(),
                          [&](const SourceBatch& batch, const std::vector<std::size_t>& indices) {
                            std::vector<std::uint64_t> streams;
                            for (const std::size_t i : indices) streams.push_back(first_stream + i);
                            return sample(model, batch, options, streams);
                          });
}

}  // namespace attune::text
