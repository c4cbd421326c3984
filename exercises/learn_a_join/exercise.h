// 7.1 One round of learning byte-pair encoding: which two pieces to join, and joining them.
//
// `words` says how often each word occurs in a text, and of which pieces it is made: {{{"d", "o", "r", "t"},
// 5}, …}. Write the two halves of a round (text/README.md, "Pieces of words"):
//
//   most_frequent_pair   the two neighbours that occur most often in the text; where several occur equally
//                        often, the first in the order of `<` (that of std::map). You may rely on there being
//                        one.
//   join                 the pieces of a word with that pair made one piece, from left to right, wherever it
//                        occurs
//
// A word that occurs 5 times has each of its pairs 5 times.

#include <map>

#include "exercises/exercise.h"

using Pieces = attune::text::Tokens;  // std::vector<std::string>
using Pair = std::pair<std::string, std::string>;

inline Pair most_frequent_pair(const std::map<Pieces, int>& words) {
  throw Unsolved("most_frequent_pair");
}

inline Pieces join(const Pieces& word, const Pair& pair) {
  throw Unsolved("join");
}
