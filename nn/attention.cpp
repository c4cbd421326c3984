#include "nn/attention.h"

#include <algorithm>

#include "tensor/error.h"
#include "tensor/thread_pool.h"

namespace attune::nn {
namespace {

Variable attend_and_record(const void* layer, const Variable& query, const Variable& key,
                           const Variable& value, const Mask& mask, Pass& pass) {
  Tensor weights;                                                                              // (B, H, T, S)
  Variable result = attention(query, key, value, mask, {}, pass.record ? &weights : nullptr);  // (B, H, T, E)
  if (pass.record) pass.record->add(layer, std::move(weights));
  return result;
}

// x (B, length, width). A sequence without its batch would be taken for a batch of single tokens, or end in
// an error about axes.
void check_sequence(const char* op, const Variable& x, Index width) {
  if (x.value().checked(op).rank() != 3 || x.size(2) != width)
    fail<ShapeError>(op, ": the input must be (B, length, ", width, "): ", x.shape(),
                     ": a single sequence is a batch of 1; another width wants another layer");
}

}  // namespace

// ---- additive

AdditiveAttention::AdditiveAttention(Index query_width, Index key_width, Index hidden, Rng& rng)
    : query(query_width, hidden, rng),
      key(key_width, hidden, rng, Linear::Bias::no),
      score(hidden, 1, rng, Linear::Bias::no) {}

Variable AdditiveAttention::operator()(const Variable& from, const Variable& to, const Variable& value,
                                       const Mask& mask, Pass& pass) const {
  check_sequence("additive attention", from, query.weight.shape()[1]);
  check_sequence("additive attention", to, key.weight.shape()[1]);
  if (value.value().checked("additive attention").rank() != 3 || value.size(0) != to.size(0) ||
      value.size(1) != to.size(1) || from.size(0) != to.size(0))
    fail<ShapeError>("additive attention: shapes do not fit: from ", from.shape(), ", to ", to.shape(),
                     ", value ", value.shape(),
                     ": wanted are (B, T, query width), (B, S, key width) and (B, S, E)");
  Variable keys = to;       // (B, S, key width)
  Variable values = value;  // (B, S, E)
  Tensor allowed;
  if (!mask.allows_everything()) {
    allowed = mask.to_tensor(from.size(0), from.size(1), to.size(1));  // (B or 1, T, S)
    keys = hide_unseen(to, allowed);                                   // (B, S, key width)
    values = hide_unseen(value, allowed);                              // (B, S, E)
  }
  const Variable asked = unsqueeze(query(from), 2);                  // (B, T, 1, hidden)
  const Variable offered = unsqueeze(key(keys), 1);                  // (B, 1, S, hidden)
  const Variable scores = squeeze(score(tanh(asked + offered)), 3);  // (B, T, S, hidden) to (B, T, S)
  const Variable weights =
      allowed.defined() ? masked_softmax(scores, allowed) : softmax(scores);  // (B, T, S), rows sum to 1
  if (pass.record) pass.record->add(this, unsqueeze(weights.value(), 1));     // (B, 1, T, S): one head
  return matmul(weights, values);                                             // (B, T, E)
}

// ---- dot product

Variable DotProductAttention::operator()(const Variable& query, const Variable& key, const Variable& value,
                                         const Mask& mask, Pass& pass) const {
  check_sequence("dot-product attention", query, query.rank() > 0 ? query.size(-1) : 0);
  // One head: (B, T, D) is (B, 1, T, D).
  return squeeze(
      attend_and_record(this, unsqueeze(query, 1), unsqueeze(key, 1), unsqueeze(value, 1), mask, pass), 1);
}

// ---- several heads

MultiHeadAttention::MultiHeadAttention(Index width, Index head_count, Rng& rng)
    : heads(head_count),
      query(width, width, rng),
      key(width, width, rng),
      value(width, width, rng),
      output(width, width, rng) {
  if (heads < 1 || width % heads != 0)
    fail<ValueError>("multi-head attention: width ", width, " does not split into ", heads,
                     " heads: the width must be a multiple of the number of heads");
}

namespace {

// (B, T, C) to (B, H, T, D): a view. C numbers are H times D; then H moves in front of T.
Variable split_heads(const Variable& x, Index heads) {
  const Variable parts = reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads});  // (B, T, H, D)
  return permute(parts, {0, 2, 1, 3});                                                  // (B, H, T, D)
}

// (B, H, T, D) to (B, T, C): a copy. The same two moves backwards.
Variable join_heads(const Variable& x) {
  const Variable parts = permute(x, {0, 2, 1, 3});                       // (B, T, H, D)
  return reshape(parts, {x.size(0), x.size(2), x.size(1) * x.size(3)});  // (B, T, C)
}

}  // namespace

namespace {

// The first `count` positions of the room (B, room, H, D), seen as (B, H, count, D).
Tensor first_positions(const Tensor& room, Index count) {
  return permute(slice(room, 1, 0, count), {0, 2, 1, 3});
}

// Writes the latest (B, H, n, D) behind the first `count` positions of the room (B, room, H, D).
void write_behind(Tensor& room, Index count, const Tensor& latest) {
  const Tensor rows = contiguous(permute(latest, {0, 2, 1, 3}));  // (B, n, H, D)
  const Index entries = rows.size(0), added = rows.size(1), width = rows.size(2) * rows.size(3);
  if (!room.defined() || count + added > room.size(1)) {
    Tensor larger = Tensor::uninitialised(
        {entries, std::max<Index>(16, 2 * (count + added)), rows.size(2), rows.size(3)});
    if (count > 0) write_behind(larger, 0, first_positions(room, count));
    room = std::move(larger);
  }
  Scalar* const out = room.writable();
  for (Index b = 0; b < entries; ++b)
    std::copy_n(rows.data() + b * added * width, added * width, out + (b * room.size(1) + count) * width);
}

// Some entries of the room (B, room, H, D), with their first `count` positions.
Tensor kept_positions(const Tensor& room, Index count, const Indices& entries) {
  const Index stride = room.size(1) * room.size(2) * room.size(3);
  const Index used = count * room.size(2) * room.size(3);
  for (const std::int32_t entry : entries.values)
    if (entry < 0 || entry >= room.size(0))
      fail<IndexError>("key values: there is no entry ", entry, ": the batch has ", room.size(0));
  Tensor result = Tensor::uninitialised(
      {static_cast<Index>(entries.values.size()), room.size(1), room.size(2), room.size(3)});
  Scalar* const out = result.writable();
  parallel_for(result.size(0), std::max<Index>(1, 16384 / std::max<Index>(1, used)),
               [&](Index begin, Index end) {
                 for (Index row = begin; row < end; ++row)
                   std::copy_n(room.data() + entries.values[static_cast<std::size_t>(row)] * stride, used,
                               out + row * stride);
               });
  return result;
}

Variable kept_entries(const Variable& x, const Indices& entries) {
  const Variable rows = gather_rows(permute(x, {0, 2, 1, 3}), entries);  // (B, S, H, D)
  return permute(rows, {0, 2, 1, 3});
}

}  // namespace

void GrowingKeyValues::append(const KeyValues& latest) {
  const bool first = !key.defined();
  const Index count = first ? 0 : key.size(2);
  if (latest.key.requires_gradient() || latest.value.requires_gradient() || key.requires_gradient() ||
      value.requires_gradient()) {
    key = first ? latest.key : concatenate({key, latest.key}, 2);
    value = first ? latest.value : concatenate({value, latest.value}, 2);
    key_room_ = value_room_ = Tensor();
    return;
  }
  if (!first && !key_room_.defined()) {  // so far gradients were recorded
    write_behind(key_room_, 0, key.value());
    write_behind(value_room_, 0, value.value());
  }
  key = value = Variable();  // the room must have one owner to be written in place
  write_behind(key_room_, count, latest.key.value());
  write_behind(value_room_, count, latest.value.value());
  key = first_positions(key_room_, count + latest.key.size(2));
  value = first_positions(value_room_, count + latest.key.size(2));
}

KeyValues kept(const KeyValues& all, const Indices& entries) {
  return {kept_entries(all.key, entries), kept_entries(all.value, entries)};
}

void GrowingKeyValues::keep(const Indices& entries) {
  if (!key.defined()) return;
  if (!key_room_.defined()) {  // gradients are recorded
    static_cast<KeyValues&>(*this) = kept(*this, entries);
    return;
  }
  const Index count = key.size(2);
  auto kept_keys = kept_positions(key_room_, count, entries);  // an entry that is not there changes nothing
  auto kept_values = kept_positions(value_room_, count, entries);
  key_room_ = std::move(kept_keys);
  value_room_ = std::move(kept_values);
  key = first_positions(key_room_, count);
  value = first_positions(value_room_, count);
}

KeyValues MultiHeadAttention::key_values(const Variable& to) const {
  check_sequence("multi-head attention", to, key.weight.shape()[1]);
  return {split_heads(key(to), heads), split_heads(value(to), heads)};  // (B, H, S, D) each
}

Variable MultiHeadAttention::attend(const Variable& from, const KeyValues& memory, const Mask& mask,
                                    Pass& pass) const {
  check_sequence("multi-head attention", from, query.weight.shape()[1]);
  const Variable asked = split_heads(query(from), heads);                                      // (B, H, T, D)
  const Variable read = attend_and_record(this, asked, memory.key, memory.value, mask, pass);  // (B, H, T, D)
  return output(join_heads(read));                                                             // (B, T, C)
}

}  // namespace attune::nn
