#include "text/token_by_token.h"

#include <numeric>

#include "tensor/thread_pool.h"
#include "text/vocabulary.h"

namespace attune::text {

std::vector<TokenIds> decode_token_by_token(const nn::Transformer& model, const SourceBatch& batch,
                                            const SearchOptions& options, const ChooseToken& choose) {
  const NoGradient no_gradient;
  nn::Pass pass;
  nn::Transformer::DecodingState state =
      model.begin_decoding(model.encode(batch.source, batch.lengths, pass));
  std::vector<TokenIds> results(batch.lengths.size());
  std::vector<std::size_t> sentences(results.size());  // row i of the batch is sentence sentences[i]
  std::iota(sentences.begin(), sentences.end(), std::size_t{0});
  std::vector<bool> done(results.size(), false);
  Indices latest = Indices::full({batch.source.size(0)}, Vocabulary::start);  // (B)
  for (Index position = 0;; ++position) {
    std::vector<std::int32_t> unfinished;  // rows
    for (std::size_t row = 0; row < sentences.size(); ++row)
      if (!done[sentences[row]] && position < options.longest(batch.lengths[sentences[row]]))
        unfinished.push_back(static_cast<std::int32_t>(row));
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
      state.keep(Indices({count}, unfinished));
      std::iota(unfinished.begin(), unfinished.end(), 0);
    }

    const Tensor scores = model.decode_step(latest, state, pass).value();  // (B, V)
    parallel_for(static_cast<Index>(unfinished.size()), 1, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const auto row = static_cast<std::size_t>(unfinished[static_cast<std::size_t>(i)]);
        latest.values[row] =
            choose(scores.data() + static_cast<Index>(row) * scores.size(1), sentences[row], position);
      }
    });
    for (const std::int32_t unfinished_row : unfinished) {
      const auto row = static_cast<std::size_t>(unfinished_row);
      if (latest.values[row] == Vocabulary::end)
        done[sentences[row]] = true;
      else
        results[sentences[row]].push_back(latest.values[row]);
    }
  }
  return results;
}

}  // namespace attune::text
