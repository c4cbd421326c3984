// Learning BPE is these two in turn, some thousand times, and writing the pairs down in their order.

#include <map>

#include "exercises/exercise.h"

using Pieces = attune::text::Tokens;  // std::vector<std::string>
using Pair = std::pair<std::string, std::string>;

inline Pair most_frequent_pair(const std::map<Pieces, int>& words) {
  std::map<Pair, int> counts;
  for (const auto& [word, count] : words)
    for (std::size_t i = 0; i + 1 < word.size(); ++i) counts[{word[i], word[i + 1]}] += count;
  auto best = counts.begin();
  for (auto pair = counts.begin(); pair != counts.end(); ++pair)
    if (pair->second > best->second) best = pair;
  return best->first;
}

inline Pieces join(const Pieces& word, const Pair& pair) {
  Pieces joined;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const bool here = i + 1 < word.size() && word[i] == pair.first && word[i + 1] == pair.second;
    joined.push_back(here ? word[i] + word[i + 1] : word[i]);
    if (here) ++i;  // both are used up
  }
  return joined;
}
