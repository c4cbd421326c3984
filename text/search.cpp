#include "text/search.h"

#include <algorithm>
#include <numeric>

#include "tensor/error.h"
#include "tensor/reduce.h"
#include "text/vocabulary.h"

namespace attune::text {
namespace {

// The likeliest token of each row of scores (B, V), with those ruled out that no translation contains.
std::vector<std::int32_t> likeliest(const Tensor& scores) {
  std::vector<std::int32_t> best = argmax(scores).values;
  for (Index row = 0; row < scores.size(0); ++row) {
    std::int32_t& choice = best[static_cast<std::size_t>(row)];
    if (choice != Vocabulary::pad && choice != Vocabulary::start) continue;
    const std::vector<Scalar> score = select(scores, 0, row).values();
    choice = Vocabulary::end;
    for (std::int32_t token = 0; token < static_cast<std::int32_t>(score.size()); ++token)
      if (token != Vocabulary::pad && token != Vocabulary::start &&
          score[static_cast<std::size_t>(token)] > score[static_cast<std::size_t>(choice)])
        choice = token;
  }
  return best;
}

}  // namespace

std::vector<std::vector<std::int32_t>> greedy_search(const nn::Transformer& model, const SourceBatch& batch,
                                                     const SearchOptions& options) {
  const NoGradient no_gradient;
  nn::Pass pass;
  const Index longest =
      static_cast<Index>(options.length_factor * static_cast<double>(batch.source.size(1))) +
      options.length_extra;
  nn::Transformer::DecodingState state =
      model.begin_decoding(model.encode(batch.source, batch.lengths, pass));
  std::vector<std::vector<std::int32_t>> results(static_cast<std::size_t>(batch.source.size(0)));
  std::vector<std::size_t> sentences(results.size());  // row i of the batch is sentence sentences[i]
  std::iota(sentences.begin(), sentences.end(), std::size_t{0});
  std::vector<bool> done(results.size(), false);
  Indices latest = Indices::full({batch.source.size(0)}, Vocabulary::start);
  for (Index position = 0; position < longest; ++position) {
    latest.values = likeliest(model.decode_step(latest, state, pass).value());
    std::vector<std::int32_t> unfinished;  // rows
    for (std::size_t row = 0; row < sentences.size(); ++row) {
      const std::size_t sentence = sentences[row];
      if (latest.values[row] == Vocabulary::end) done[sentence] = true;
      if (done[sentence]) continue;
      results[sentence].push_back(latest.values[row]);
      unfinished.push_back(static_cast<std::int32_t>(row));
    }
    if (unfinished.empty()) break;
    // Finished sentences leave the batch, a quarter of it at a time: moving the others has its price, too.
    if (4 * unfinished.size() <= 3 * sentences.size()) {
      const auto count = static_cast<Index>(unfinished.size());
      for (std::size_t row = 0; row < unfinished.size(); ++row) {
        sentences[row] = sentences[static_cast<std::size_t>(unfinished[row])];
        latest.values[row] = latest.values[static_cast<std::size_t>(unfinished[row])];
      }
      sentences.resize(unfinished.size());
      latest = Indices({count}, {latest.values.begin(), latest.values.begin() + count});
      state.keep(Indices({count}, std::move(unfinished)));
    }
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
