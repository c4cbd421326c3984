#include "autograd/attention.h"

#include <algorithm>
#include <cmath>

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

// Keys that no query may attend to have weight 0 everywhere, but 0 · NaN is NaN: their rows are set to 0, so
// that nothing in the padding can reach the result or any gradient.
Variable blank_unseen(const Variable& rows, const Tensor& seen) {
  return where(seen, rows, 0);
}

}  // namespace

Variable attention(const Variable& query, const Variable& key, const Variable& value, const Mask& mask,
                   const Variable& bias, Tensor* weights) {
  check_shapes(query.value().checked("attention").shape(), key.value().checked("attention").shape(),
               value.value().checked("attention").shape());
  const Index queries = query.size(-2);                                     // T
  const Index keys = key.size(-2);                                          // S
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(query.size(-1)));  // 1 / √D

  Variable k = key;
  Variable v = value;
  Tensor allowed;
  if (!mask.allows_everything()) {
    allowed = mask.to_tensor(query.size(0), queries, keys);  // (B or 1, T, S)
    if (query.rank() == 4) allowed = unsqueeze(allowed, 1);  // (B or 1, 1, T, S)
    if (queries > 0) {
      const Tensor seen = transpose(max(allowed, -2, keep_axis));  // (B or 1, 1, S, 1)
      if (seen.elements() > 0 && min(seen).item() == 0) {
        k = blank_unseen(key, seen);
        v = blank_unseen(value, seen);
      }
    }
  }

  // Scaling the queries instead of the scores is the same, and touches T x D numbers instead of T x S.
  Variable scores = matmul(query * scale, transpose(k));  // (B, H, T, S)
  if (bias.defined()) scores = scores + bias;
  if (!(scores.shape() == query.shape().with(-1, keys)))
    fail<ShapeError>("attention: the bias does not broadcast to the scores: ", bias.shape(), " for ",
                     query.shape().with(-1, keys));
  const Variable attended = allowed.defined() ? masked_softmax(scores, allowed) : softmax(scores);
  if (weights) *weights = attended.value();
  return matmul(attended, v);  // (B, H, T, E)
}

}  // namespace attune::inline ATTUNE_PRECISION
