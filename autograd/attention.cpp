#include "autograd/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/elementwise.h"
#include "autograd/matmul.h"
#include "autograd/rows.h"
#include "autograd/views.h"
#include "tensor/error.h"
#include "tensor/reduce.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

void check_shapes(const Shape& query, const Shape& key, const Shape& value) {
  const bool fits = query.rank() >= 3 && query.rank() <= 4 && key.rank() == query.rank() &&
                    value.rank() == query.rank() && key[-1] == query[-1] && value[-2] == key[-2] &&
                    std::equal(query.begin(), query.end() - 2, key.begin()) &&
                    std::equal(query.begin(), query.end() - 2, value.begin());
  if (!fits)
    fail<ShapeError>("attention: shapes do not fit: query ", query, ", key ", key, ", value ", value,
                     ": wanted are (B, H, T, D), (B, H, S, D) and (B, H, S, E), or all three without H");
}

bool broadcasts_to(const Shape& shape, const Shape& target) {
  if (shape.rank() > target.rank()) return false;
  for (int axis = -1; axis >= -shape.rank(); --axis)
    if (shape[axis] != 1 && shape[axis] != target[axis]) return false;
  return true;
}

// True if a row that nobody sees holds NaN or infinity. rows (B, …, S, D), seen (B or 1, …, S, 1).
bool unseen_not_finite(const Tensor& rows, const Tensor& seen) {
  const std::vector<Scalar> is_seen = seen.values();
  const Index keys = seen.size(-2);
  const auto any_in = [&](const Tensor& part, const Scalar* part_seen) {
    for (Index s = 0; s < keys;) {
      const Index begin = s;
      while (s < keys && part_seen[s] == part_seen[begin]) ++s;  // a stretch of keys alike
      if (part_seen[begin] == 0 && any_non_finite(slice(part, -2, begin, s))) return true;
    }
    return false;
  };
  if (seen.size(0) == 1) return any_in(rows, is_seen.data());
  for (Index b = 0; b < seen.size(0); ++b)
    if (any_in(select(rows, 0, b), is_seen.data() + b * keys)) return true;
  return false;
}

// Keys that no query may attend to have weight 0 everywhere, and so has every key for a query that may attend
// to nothing; but 0 · NaN is NaN. Where such rows are not finite they are set to 0, so that nothing in the
// padding can reach the result or any gradient; where they are, 0 times them is 0 already, and the rows need
// no copy.
Variable blank_unseen(const Variable& rows, const Tensor& seen) {
  return unseen_not_finite(rows.value(), seen) ? where(seen, rows, 0) : rows;
}

// Which rows have a query that may attend to them: allowed (B or 1, …, T, S) to (B or 1, …, S, 1).
Tensor seen_keys(const Tensor& allowed) {
  return transpose(max(allowed, -2, keep_axis));
}

}  // namespace

Variable hide_unseen(const Variable& rows, const Tensor& allowed) {
  return allowed.elements() > 0 ? blank_unseen(rows, seen_keys(allowed)) : rows;
}

Variable attention(const Variable& query, const Variable& key, const Variable& value, const Mask& mask,
                   const Variable& bias, Tensor* weights) {
  check_shapes(query.value().checked("attention").shape(), key.value().checked("attention").shape(),
               value.value().checked("attention").shape());
  const Index queries = query.size(-2);                                     // T
  const Index keys = key.size(-2);                                          // S
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(query.size(-1)));  // 1 / √D

  const Shape scores_shape = query.shape().with(-1, keys);  // (B, H, T, S)
  if (bias.defined() && !broadcasts_to(bias.shape(), scores_shape))
    fail<ShapeError>("attention: the bias does not broadcast to the scores: ", bias.shape(), " for ",
                     scores_shape, ": give sizes that are equal or 1");

  Variable q = query;  // (B, H, T, D)
  Variable k = key;    // (B, H, S, D)
  Variable v = value;  // (B, H, S, E)
  Tensor allowed;      // 1 may attend, 0 may not; undefined: everybody may
  if (!mask.allows_everything()) {
    allowed = mask.to_tensor(query.size(0), queries, keys);  // (B or 1, T, S)
    if (query.rank() == 4) allowed = unsqueeze(allowed, 1);  // (B or 1, 1, T, S)
    if (allowed.elements() > 0) {
      const Tensor seen = seen_keys(allowed);  // (B or 1, 1, S, 1): by some query
      if (min(seen).item() == 0) {
        k = blank_unseen(key, seen);    // (B, H, S, D)
        v = blank_unseen(value, seen);  // (B, H, S, E)
      }
      const Tensor sees = max(allowed, -1, keep_axis);           // (B or 1, 1, T, 1): some key
      if (min(sees).item() == 0) q = blank_unseen(query, sees);  // (B, H, T, D)
    }
  }

  // Scaling the queries is the same as scaling the scores: T x D or T x S numbers, whichever are fewer.
  Variable scores =
      keys < q.size(-1) ? matmul(q, transpose(k)) * scale : matmul(q * scale, transpose(k));  // (B, H, T, S)
  if (bias.defined()) scores = scores + bias;                                                 // (B, H, T, S)
  const Variable attended =
      allowed.defined() ? masked_softmax(scores, allowed) : softmax(scores);  // (B, H, T, S), rows sum to 1
  if (weights) *weights = attended.value();                                   // (B, H, T, S)
  return matmul(attended, v);                                                 // (B, H, T, E)
}

}  // namespace attune::inline ATTUNE_PRECISION
