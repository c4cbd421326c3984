// A mask knows positions, not pieces. Query 0 of the second piece stands at position `begin`, and unless the
// mask is told so it takes it for position 0, which may see key 0 only: no error, no NaN, only another
// result.

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
    const Mask mask = Mask::causal().from_query(begin);          // query 0 of this piece stands at `begin`
    results.push_back(layer.attend(latest, cache, mask, pass));  // (B, piece, C)
  }
  return concatenate(results, 1);  // (B, T, C)
}
