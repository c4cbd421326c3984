#pragma once

#include <cstdint>
#include <vector>

#include "tensor/scalar.h"
#include "tensor/shape.h"

// The likeliest next tokens of one row of scores, without sorting the vocabulary.

namespace attune::text {

struct ScoredToken {
  std::int32_t token = 0;
  Scalar score = 0;
};

/// The `count` tokens with the highest scores, best first and equal ones in order of their ids; fewer where
/// the vocabulary has fewer. <pad> and <s> are never among them, <unk> where it is allowed, </s> always may
/// be. ValueError, which names `op`, when a score is NaN.
///
/// The row is cut into blocks, and only those are looked into whose largest number can be among the best: of
/// V = 10,000 scores one pass of a SIMD kernel reads all, and a few hundred are compared one by one.
std::vector<ScoredToken> likeliest_tokens(const char* op, const Scalar* scores, Index vocabulary, Index count,
                                          bool allow_unknown);

/// log Σ_j e^(x_j) over the whole vocabulary: what to subtract from a score for the logarithm of its
/// probability.
Scalar log_normaliser(const Scalar* scores, Index vocabulary);

}  // namespace attune::text
