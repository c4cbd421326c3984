#include "text/search_options.h"

#include <algorithm>
#include <numeric>

#include "tensor/error.h"
#include "text/vocabulary.h"

namespace attune::text {

void check_vocabulary(const char* op, Index vocabulary) {
  if (vocabulary <= Vocabulary::end)
    fail<ValueError>(op, ": a vocabulary of ", vocabulary, " tokens has no </s>, which is token ",
                     Vocabulary::end, ": build the model for the sizes of its vocabularies");
}

std::vector<std::vector<std::size_t>> batches_by_length(const char* op,
                                                        const std::vector<TokenIds>& sentences,
                                                        Index max_tokens) {
  if (max_tokens < 1) fail<ValueError>(op, ": batches of ", max_tokens, " tokens: give 1 or more");
  std::vector<std::size_t> order(sentences.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t i) { return sentences[i].empty(); });
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sentences[a].size() < sentences[b].size(); });
  std::vector<std::vector<std::size_t>> batches;
  for (const std::size_t i : order) {
    // The latest is the longest: with it, every row has its length and </s>.
    const std::size_t tokens = (batches.empty() ? 1 : batches.back().size() + 1) * (sentences[i].size() + 1);
    if (batches.empty() || tokens > static_cast<std::size_t>(max_tokens)) batches.emplace_back();
    batches.back().push_back(i);
  }
  return batches;
}

}  // namespace attune::text
