// 10.1 Learn byte-pair encoding: which two pieces become one.
//
// `words` says how often each word was seen. Every word begins as its letters, with one more piece "_" behind
// the last: `low` is l o w _. So pieces know where a word ends. In each round
//
//   1. count every pair of neighbouring pieces, a word that was seen n times n times;
//   2. the most frequent pair is joined to one piece, in all words: e s _ becomes es _;
//      of equally frequent pairs take the one that comes first in the order of std::pair;
//   3. note it down.
//
// Stop after `count` rounds, or when no word has two pieces left. Return the pairs in the order found.
//
// (Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", section 3.2.)

#include <map>
#include <utility>

#include "exercises/exercise.h"

using Pair = std::pair<std::string, std::string>;

inline std::vector<Pair> learn_merges(const std::map<std::string, int>& words, std::size_t count) {
  throw Unsolved("learn_merges");
}
