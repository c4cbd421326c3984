// 7.3 Beam search: find the translation that greedy search misses.
//
// `next(said)` gives the probabilities of all tokens that may come after the tokens in `said`; token 0 ends
// the sentence. The probability of a sentence is the product over its tokens and the end. Keep the `width`
// best candidates, beginning with the empty one. In each round
//
//   1. replace each unfinished candidate by its extensions, one for each token of a probability above 0;
//      an extension by token 0 is finished; finished candidates stay as they are, and stay in the race;
//   2. of all of these keep the `width` most probable.
//
// Stop when all that are kept are finished, and return the most probable. (You may rely on every sentence
// ending.)
//
// Add up logarithms instead of multiplying: a product of a few hundred probabilities would be 0.
// Two mistakes are popular: to return the sentence that was finished first, and to forget finished ones.

#include <functional>

#include "exercises/exercise.h"

using Said = std::vector<int>;  // tokens, without the end
using Next = std::function<std::vector<double>(const Said&)>;

struct Candidate {
  Said said = {};
  double log_probability = 0;
  bool finished = false;
};

inline Candidate beam_search(const Next& next, std::size_t width) {
  throw Unsolved("beam_search");
}
