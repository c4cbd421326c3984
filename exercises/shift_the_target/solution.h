// Both rows hold the same n ids, one column apart, and each has one special more: <s> in front or </s>
// behind.

#include <algorithm>

#include "exercises/exercise.h"

using namespace attune;

struct Shifted {
  Indices reads, says;
};

inline Shifted shift_the_target(const std::vector<std::vector<std::int32_t>>& sentences) {
  const auto count = static_cast<Index>(sentences.size());
  Index longest = 0;
  for (const auto& sentence : sentences) longest = std::max(longest, static_cast<Index>(sentence.size()));

  const Indices padding = Indices::full({count, longest + 1}, text::Vocabulary::pad);
  Shifted result{padding, padding};
  for (Index b = 0; b < count; ++b) {
    Index t = 0;
    result.reads.at(b, 0) = text::Vocabulary::start;
    for (const std::int32_t id : sentences[static_cast<std::size_t>(b)]) {
      result.says.at(b, t) = id;
      result.reads.at(b, ++t) = id;
    }
    result.says.at(b, t) = text::Vocabulary::end;
  }
  return result;
}
