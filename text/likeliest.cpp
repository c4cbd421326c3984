#include "text/likeliest.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "tensor/error.h"
#include "tensor/simd/kernels.h"
#include "text/vocabulary.h"

namespace attune::text {
namespace {

constexpr Index block = 128;  // scores that are looked into together

bool better(const ScoredToken& a, const ScoredToken& b) {
  return a.score != b.score ? a.score > b.score : a.token < b.token;
}

// A number that at least `count` of the scores reach, if there are so many: the count-th largest of the
// blocks' maxima.
Scalar reached_by(std::vector<Scalar> maxima, Index count) {
  if (static_cast<Index>(maxima.size()) < count) return -std::numeric_limits<Scalar>::infinity();
  const auto nth = maxima.begin() + (count - 1);
  std::nth_element(maxima.begin(), nth, maxima.end(), std::greater<Scalar>());
  return *nth;
}

}  // namespace

std::vector<ScoredToken> likeliest_tokens(const char* op, const Scalar* scores, Index vocabulary, Index count,
                                          bool allow_unknown) {
  const auto not_nan = [op](Scalar score) {
    if (score != score)
      fail<ValueError>(op, ": the model's scores of the next token are not numbers (NaN): its weights have ",
                       "been spoilt, take those from before");
  };
  std::vector<ScoredToken> best;
  const auto consider = [&](Index token) {
    best.push_back({static_cast<std::int32_t>(token), scores[token]});
  };
  // The special tokens stand first and are looked at by themselves.
  for (const std::int32_t special : {Vocabulary::unknown, Vocabulary::end})
    if (special < vocabulary && (special != Vocabulary::unknown || allow_unknown)) {
      not_nan(scores[special]);
      consider(special);
    }
  const Index first = Vocabulary::special_count;
  std::vector<Scalar> maxima;
  for (Index begin = first; begin < vocabulary; begin += block) {
    const Index size = std::min(block, vocabulary - begin);
    maxima.push_back(kernels().max(scores + begin, static_cast<std::size_t>(size)));
    not_nan(maxima.back());
  }
  const Scalar enough = reached_by(maxima, count);
  for (std::size_t i = 0; i < maxima.size(); ++i) {
    if (maxima[i] < enough) continue;
    const Index begin = first + static_cast<Index>(i) * block;
    for (Index token = begin; token < std::min(begin + block, vocabulary); ++token)
      if (scores[token] >= enough) consider(token);
  }
  const auto end = best.begin() + std::min<Index>(count, static_cast<Index>(best.size()));
  std::partial_sort(best.begin(), end, best.end(), better);
  best.erase(end, best.end());
  return best;
}

Scalar log_normaliser(const Scalar* scores, Index vocabulary) {
  Scalar result = 0;
  kernels().cross_entropy(scores, 0, 0, static_cast<std::size_t>(vocabulary), &result);
  return result;
}

}  // namespace attune::text
