// A std::map keeps its keys in order, and `>` lets the first of several equal counts stand: that is the rule
// for ties. Counting everything again in each round is the slow way: a fast one changes only the counts next
// to what was joined.

#include <map>
#include <utility>

#include "exercises/exercise.h"

using Pair = std::pair<std::string, std::string>;

inline std::vector<Pair> learn_merges(const std::map<std::string, int>& words, std::size_t count) {
  std::vector<std::pair<std::vector<std::string>, int>> split;  // the pieces of each word, and how often
  for (const auto& [word, seen] : words) {
    std::vector<std::string> pieces;
    for (const char letter : word) pieces.emplace_back(1, letter);
    pieces.emplace_back("_");
    split.emplace_back(pieces, seen);
  }
  std::vector<Pair> merges;
  while (merges.size() < count) {
    std::map<Pair, int> counts;
    for (const auto& [pieces, seen] : split)
      for (std::size_t i = 0; i + 1 < pieces.size(); ++i) counts[{pieces[i], pieces[i + 1]}] += seen;
    if (counts.empty()) break;
    auto best = counts.begin();
    for (auto it = counts.begin(); it != counts.end(); ++it)
      if (it->second > best->second) best = it;
    const Pair pair = best->first;
    merges.push_back(pair);
    for (auto& word : split) {
      std::vector<std::string> joined;
      for (std::size_t i = 0; i < word.first.size(); ++i) {
        const bool here =
            i + 1 < word.first.size() && word.first[i] == pair.first && word.first[i + 1] == pair.second;
        joined.push_back(here ? pair.first + pair.second : word.first[i]);
        if (here) ++i;
      }
      word.first = joined;
    }
  }
  return merges;
}
