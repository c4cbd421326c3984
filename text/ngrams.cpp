#include "text/ngrams.h"

#include <algorithm>
#include <vector>

namespace attune::text {
namespace {

std::vector<std::u32string_view> sorted_ngrams(std::u32string_view symbols, std::size_t n) {
  std::vector<std::u32string_view> ngrams;
  for (std::size_t i = 0; i + n <= symbols.size(); ++i) ngrams.push_back(symbols.substr(i, n));
  std::sort(ngrams.begin(), ngrams.end());
  return ngrams;
}

}  // namespace

NgramCounts count_ngrams(std::u32string_view hypothesis, std::u32string_view reference, std::size_t n) {
  const std::vector<std::u32string_view> ours = sorted_ngrams(hypothesis, n);
  const std::vector<std::u32string_view> theirs = sorted_ngrams(reference, n);

  // Walking through both in order pairs each n-gram with an equal one, as long as there is one left.
  std::int64_t matches = 0;
  for (auto a = ours.begin(), b = theirs.begin(); a != ours.end() && b != theirs.end();) {
    const int order = a->compare(*b);
    if (order == 0) ++matches;
    if (order <= 0) ++a;
    if (order >= 0) ++b;
  }
  return {static_cast<std::int64_t>(ours.size()), static_cast<std::int64_t>(theirs.size()), matches};
}

std::u32string TokenNumbers::of(const Tokens& tokens) {
  std::u32string symbols;
  for (const std::string& token : tokens)
    symbols += numbers_.try_emplace(token, static_cast<char32_t>(numbers_.size())).first->second;
  return symbols;
}

}  // namespace attune::text
