#include "text/search.h"

#include <algorithm>
#include <numeric>

#include "tensor/error.h"
#include "text/vocabulary.h"

namespace attune::text {
namespace {

// The likeliest token of each row of scores (B, V), with those ruled out that no translation contains.
std::vector<std::int32_t> likeliest(const Tensor& scores) {
  std::vector<std::int32_t> best;
  const Tensor rows = contiguous(scores);
  const Index classes = rows.size(1);
  for (Index row = 0; row < rows.size(0); ++row) {
    const Scalar* score = rows.data() + row * classes;
    Index choice = Vocabulary::end;
    for (Index token = 0; token < classes; ++token)
      if (token != Vocabulary::pad && token != Vocabulary::start && score[token] > score[choice])
        choice = token;
    best.push_back(static_cast<std::int32_t>(choice));
  }
  return best;
}

}  // namespace

std::vector<std::vector<std::int32_t>> greedy_search(const nn::Transformer& model, const SourceBatch& batch,
                                                     const SearchOptions& options) {
  const NoGradient no_gradient;
  nn::Pass pass;
  const Index count = batch.source.size(0);
  nn::Transformer::DecodingState state =
      model.begin_decoding(model.encode(batch.source, batch.lengths, pass));
  std::vector<std::vector<std::int32_t>> results(static_cast<std::size_t>(count));
  std::vector<bool> done(results.size(), false);
  Indices latest = Indices::full({count}, Vocabulary::start);
  const Index longest =
      static_cast<Index>(options.length_factor * static_cast<double>(batch.source.size(1))) +
      options.length_extra;
  for (Index position = 0; position < longest; ++position) {
    latest.values = likeliest(model.decode_step(latest, state, pass).value());
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (done[i]) continue;
      done[i] = latest.values[i] == Vocabulary::end;
      if (!done[i]) results[i].push_back(latest.values[i]);
    }
    if (std::all_of(done.begin(), done.end(), [](bool is_done) { return is_done; })) break;
  }
  return results;
}

std::vector<std::vector<std::int32_t>> greedy_search(const nn::Transformer& model,
                                                     const std::vector<std::vector<std::int32_t>>& sentences,
                                                     Index max_tokens, const SearchOptions& options) {
  if (max_tokens < 1) fail<ValueError>("greedy_search: batches of ", max_tokens, " tokens: give 1 or more");
  // Sorted by length, so that little is padded; empty sentences need no model.
  std::vector<std::size_t> order(sentences.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t i) { return sentences[i].empty(); });
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sentences[a].size() < sentences[b].size(); });
  std::vector<std::vector<std::int32_t>> results(sentences.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && (end == begin || (end - begin + 1) * (sentences[order[end]].size() + 1) <=
                                                      static_cast<std::size_t>(max_tokens)))
      ++end;
    std::vector<std::vector<std::int32_t>> chosen;
    for (std::size_t i = begin; i < end; ++i) chosen.push_back(sentences[order[i]]);
    std::vector<std::vector<std::int32_t>> found = greedy_search(model, make_source_batch(chosen), options);
    for (std::size_t i = begin; i < end; ++i) results[order[i]] = std::move(found[i - begin]);
    begin = end;
  }
  return results;
}

}  // namespace attune::text
