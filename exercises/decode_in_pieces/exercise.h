// 5.3 Decoding with a cache, several tokens at a time, goes wrong: find out why, and mend it.
//
// A causal self-attention gets its sequence x (B, T, C) in pieces, as a decoder does. It keeps the keys and
// values of all pieces so far, so that no position is computed twice. The result must be that of the whole
// sequence at once. It is, if there is one piece only. One line is wrong.
//
// Before you change anything: print the mask that the second piece gets, mask.to_tensor(1, queries, keys).
// Which row of it belongs to which position?

#include <algorithm>

#include "exercises/exercise.h"

using namespace attune;

inline Variable decode_in_pieces(const nn::MultiHeadAttention& layer, const Variable& x, Index piece) {
  nn::Pass pass;
  nn::KeyValues cache;  // (B, H, positions so far, D) each
  std::vector<Variable> results;
  for (Index begin = 0; begin < x.size(1); begin += piece) {
    const Index end = std::min(begin + piece, x.size(1));
    const Variable latest = slice(x, 1, begin, end);       // (B, piece, C)
    const nn::KeyValues added = layer.key_values(latest);  // (B, H, piece, D) each
    cache = begin == 0 ? added
                       : nn::KeyValues{concatenate({cache.key, added.key}, 2),
                                       concatenate({cache.value, added.value}, 2)};
    const Mask mask = Mask::causal();
    results.push_back(layer.attend(latest, cache, mask, pass));  // (B, piece, C)
  }
  return concatenate(results, 1);  // (B, T, C)
}
