#include "text/greedy_search.h"

#include "text/likeliest.h"
#include "text/token_by_token.h"

namespace attune::text {

std::vector<TokenIds> greedy_search(const nn::Transformer& model, const SourceBatch& batch,
                                    const SearchOptions& options) {
  const Index vocabulary = model.settings.target_vocabulary;
  check_vocabulary("greedy_search", vocabulary);
  return decode_token_by_token(model, batch, options, [&](const Scalar* scores, std::size_t, Index) {
    return likeliest_tokens("greedy_search", scores, vocabulary, 1, options.allow_unknown)[0].token;
  });
}

std::vector<TokenIds> greedy_search(const nn::Transformer& model, const std::vector<TokenIds>& sentences,
                                    Index max_tokens, const SearchOptions& options) {
  return search_by_length("greedy_search", sentences, max_tokens, TokenIds(),
                          [&](const SourceBatch& batch, const std::vector<std::size_t>&) {
                            return greedy_search(model, batch, options);
                          });
}

}  // namespace attune::text
