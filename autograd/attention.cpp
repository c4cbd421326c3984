#include "autograd/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/elementwise.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "autograd/rows.h"
#include "autograd/streaming_attention.h"
#include "autograd/views.h"
#include "tensor/error.h"
#include "tensor/reduce.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

bool broadcasts_to(const Shape& shape, const Shape& target) {
  if (shape.rank() > target.rank()) return false;
  for (int axis = -1; axis >= -shape.rank(); --axis)
    if (shape[axis] != 1 && shape[axis] != target[axis]) return false;
  return true;
}

// Beside the (B, H, T, S) weights, streaming pays from so many scores of an entry on (measured).
constexpr Index worth_streaming = 256 * 256;

void check_shapes(const Shape& query, const Shape& key, const Shape& value, const Variable& bias) {
  const bool fits = query.rank() >= 3 && query.rank() <= 4 && key.rank() == query.rank() &&
                    value.rank() == query.rank() && key[-1] == query[-1] && value[-2] == key[-2] &&
                    std::equal(query.begin(), query.end() - 2, key.begin()) &&
                    std::equal(query.begin(), query.end() - 2, value.begin());
  if (!fits)
    fail<ShapeError>("attention: shapes do not fit: query ", query, ", key ", key, ", value ", value,
                     ": wanted are (B, H, T, D), (B, H, S, D) and (B, H, S, E), or all three without H");
  const Shape scores = query.with(-1, key[-2]);  // (B, H, T, S)
  if (bias.defined() && !broadcasts_to(bias.shape(), scores))
    fail<ShapeError>("attention: the bias does not broadcast to the scores: ", bias.shape(), " for ", scores,
                     ": give sizes that are equal or 1");
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

// The steps of the formula up to the weights, each an operation of its own.
struct Steps {
  Variable query, key, value;  // what nobody sees is 0 where it was not finite
  Variable weights;            // (B, H, T, S), rows sum to 1
};

Scalar scale_of(const Variable& query) {
  return 1 / std::sqrt(static_cast<Scalar>(query.size(-1)));  // 1 / √D
}

Steps steps_of(const Variable& query, const Variable& key, const Variable& value, const Mask& mask,
               const Variable& bias) {
  const Index queries = query.size(-2);  // T
  const Index keys = key.size(-2);       // S
  const Scalar scale = scale_of(query);
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
  return {q, k, v, allowed.defined() ? masked_softmax(scores, allowed) : softmax(scores)};
}

// dV = Aᵀ dY,   dA = dY Vᵀ,   dZ = A ⊙ (dA − rowsum(dA ⊙ A)),   dQ = dZ K / √D,   dK = dZᵀ Q / √D
// and dZ is the bias's.
Gradients composed_gradients(const Steps& steps, const Variable& bias, const Variable& dy) {
  const Scalar scale = scale_of(steps.query);
  const Variable dweights = matmul(dy, transpose(steps.value));        // (B, H, T, S)
  const Variable dscores = softmax_gradient(dweights, steps.weights);  // (B, H, T, S)
  Gradients result{matmul(dscores, steps.key) * scale, matmul(transpose(dscores), steps.query) * scale,
                   matmul(transpose(steps.weights), dy)};
  if (bias.defined()) result.push_back(sum_to(dscores, bias.shape()));
  return result;
}

// The streaming form wants the axis H.
Tensor with_heads(const Tensor& x) {
  return x.rank() == 3 ? unsqueeze(x, 1) : x;
}
Tensor without_heads(const Tensor& x, int rank) {
  return rank == 3 ? squeeze(x, 1) : x;
}

// Keys or values as the streaming form wants them: finite where nobody may look, if it reads them there.
Tensor readable(const Tensor& rows, const Mask& mask, Index queries) {
  if (!mask.may_have_gaps() || rows.elements() == 0) return rows;
  const Index keys = rows.size(2);
  const Index entries = mask.same_for_all(rows.size(0), queries, keys) ? 1 : rows.size(0);
  Tensor seen = zeros({entries, 1, keys, 1});  // by some query
  Scalar* const flags = seen.writable();
  std::vector<Scalar> row(static_cast<std::size_t>(keys));
  for (Index b = 0; b < entries; ++b)
    for (Index t = 0; t < queries; ++t) {
      mask.write_row(b, t, 0, keys, row.data());
      for (Index s = 0; s < keys; ++s)
        if (row[static_cast<std::size_t>(s)] != 0) flags[b * keys + s] = 1;
    }
  return unseen_not_finite(rows, seen) ? where(seen, rows, Tensor(Scalar(0))) : rows;
}

}  // namespace

Variable hide_unseen(const Variable& rows, const Tensor& allowed) {
  return allowed.elements() > 0 ? blank_unseen(rows, seen_keys(allowed)) : rows;
}

Variable composed_attention(const Variable& query, const Variable& key, const Variable& value,
                            const Mask& mask, const Variable& bias, Tensor* weights) {
  check_shapes(query.value().checked("attention").shape(), key.value().checked("attention").shape(),
               value.value().checked("attention").shape(), bias);
  const Steps steps = steps_of(query, key, value, mask, bias);
  if (weights) *weights = steps.weights.value();  // (B, H, T, S)
  return matmul(steps.weights, steps.value);      // (B, H, T, E)
}

Variable streaming_attention(const Variable& query, const Variable& key, const Variable& value,
                             const Mask& mask, const Variable& bias) {
  check_shapes(query.value().checked("attention").shape(), key.value().checked("attention").shape(),
               value.value().checked("attention").shape(), bias);
  // A guard is shown the steps.
  if (detail::anomaly_guard()) composed_attention(query, key, value, mask, bias);

  const int rank = query.rank();
  const Tensor q = with_heads(query.value());                             // (B, H, T, D)
  const Tensor k = readable(with_heads(key.value()), mask, q.size(2));    // (B, H, S, D)
  const Tensor v = readable(with_heads(value.value()), mask, q.size(2));  // (B, H, S, E)
  const Tensor added =
      bias.defined() && rank == 3 && bias.rank() == 3 ? unsqueeze(bias.value(), 1) : bias.value();
  const StreamedAttention forward = stream_attention(q, k, v, mask, added);
  std::vector<Variable> parents{query, key, value};
  if (bias.defined()) parents.push_back(bias);
  const auto pullback = [query, key, value, mask, bias, q, k, v, added, forward, rank](const Variable& dy) {
    const auto composed = [&] {
      return composed_gradients(steps_of(query, key, value, mask, bias), bias, dy);
    };
    // A bias's gradient has the scores' shape before it is summed up, so there is nothing to gain.
    if (recording() || bias.requires_gradient()) return composed();
    if (detail::anomaly_guard()) composed();
    const AttentionGradients streamed =
        stream_attention_backward(q, k, v, mask, added, forward, with_heads(dy.value()));
    Gradients result{Variable(without_heads(streamed.dquery, rank)),
                     Variable(without_heads(streamed.dkey, rank)),
                     Variable(without_heads(streamed.dvalue, rank))};
    if (bias.defined()) result.push_back(Gradient());
    return result;
  };
  return record("attention", without_heads(forward.y, rank), parents, pullback);
}

Variable attention(const Variable& query, const Variable& key, const Variable& value, const Mask& mask,
                   const Variable& bias, Tensor* weights) {
  check_shapes(query.value().checked("attention").shape(), key.value().checked("attention").shape(),
               value.value().checked("attention").shape(), bias);
  // One query at a time is what decoding asks.
  const bool streams = query.size(-2) == 1 || query.size(-2) * key.size(-2) >= worth_streaming;
  if (!streams) return composed_attention(query, key, value, mask, bias, weights);
  // Asking for the weights must change no bit of the result, so it does not change the form.
  if (weights) *weights = steps_of(query, key, value, mask, bias).weights.value();  // (B, H, T, S)
  return streaming_attention(query, key, value, mask, bias);
}

}  // namespace attune::inline ATTUNE_PRECISION
