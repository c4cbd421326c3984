// Both sums run over all sentences before the one division, and each n-gram of the reference is used up once.

#include <map>

#include "exercises/exercise.h"

using namespace attune;

inline double ngram_precision(const std::vector<text::Tokens>& hypotheses,
                              const std::vector<text::Tokens>& references, std::size_t n) {
  const auto ngram = [n](const text::Tokens& tokens, std::size_t first) {
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(first);
    return text::Tokens(begin, begin + static_cast<std::ptrdiff_t>(n));
  };
  double matches = 0, all = 0;
  for (std::size_t sentence = 0; sentence < hypotheses.size(); ++sentence) {
    std::map<text::Tokens, int> left;  // of the reference's n-grams
    for (std::size_t i = 0; i + n <= references[sentence].size(); ++i) ++left[ngram(references[sentence], i)];
    for (std::size_t i = 0; i + n <= hypotheses[sentence].size(); ++i) {
      ++all;
      if (left[ngram(hypotheses[sentence], i)]-- > 0) ++matches;
    }
  }
  return all > 0 ? matches / all : 0;
}
