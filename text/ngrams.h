#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "text/tokenizer.h"

// What BLEU and chrF count: how many runs of n symbols two sentences have in common. A sentence is a string
// of symbols, its characters as they are or its tokens numbered, so both are counted by one function.

namespace attune::text {

/// n-grams of one order in a hypothesis, in its reference, and in both.
struct NgramCounts {
  std::int64_t hypothesis = 0;
  std::int64_t reference = 0;
  std::int64_t matches = 0;  // Σ_ngrams min(count in hypothesis, count in reference)
};

NgramCounts count_ngrams(std::u32string_view hypothesis, std::u32string_view reference, std::size_t n);

/// A number for each token, the same one whenever it comes again.
class TokenNumbers {
 public:
  std::u32string of(const Tokens& tokens);

 private:
  std::unordered_map<std::string, char32_t> numbers_;
};

}  // namespace attune::text
