#include "autograd/mask.h"

#include <algorithm>

#include "tensor/error.h"

namespace attune::inline ATTUNE_PRECISION {

Mask Mask::of(Rule rule) {
  Mask mask;
  mask.rules_.push_back(std::move(rule));
  return mask;
}

Mask Mask::causal() {
  return of({.kind = Rule::Kind::causal});
}

Mask Mask::padding(std::vector<int> lengths) {
  for (const int length : lengths)
    if (length < 0) fail<ValueError>("mask: a length is ", length, ": lengths must be 0 or more");
  return of({.kind = Rule::Kind::padding, .lengths = std::move(lengths)});
}

Mask Mask::window(Index before, Index after) {
  if (before < 0 || after < 0)
    fail<ValueError>("mask: a window of ", before, " before and ", after, " after: give 0 or more");
  return of({.kind = Rule::Kind::window, .first = before, .second = after});
}

Mask Mask::local_and_global(Index reach, Index global) {
  if (reach < 0 || global < 0)
    fail<ValueError>("mask: reach ", reach, " and ", global, " global: give 0 or more");
  return of({.kind = Rule::Kind::local_and_global, .first = reach, .second = global});
}

Mask Mask::explicitly(Tensor allowed) {
  const int rank = allowed.checked("mask").rank();
  if (rank != 2 && rank != 3)
    fail<ShapeError>("mask: an explicit mask is (T, S) or (B, T, S): ", allowed.shape(),
                     ": all heads share it");
  const Tensor numbers = contiguous(allowed);
  for (Index i = 0; i < numbers.elements(); ++i)
    if (const Scalar number = numbers.data()[i]; number != 0 && number != 1)
      fail<ValueError>("mask: an explicit mask holds ", number,
                       ": give 1 where attention is allowed and 0 where not; numbers to be added to the "
                       "scores are attention's bias");
  return of({.kind = Rule::Kind::explicitly, .allowed = numbers});
}

// Padding is a matter of keys alone.
bool Mask::depends_on_queries() const {
  return std::any_of(rules_.begin(), rules_.end(),
                     [](const Rule& rule) { return rule.kind != Rule::Kind::padding; });
}

Mask Mask::operator&(const Mask& other) const {
  if (depends_on_queries() && other.depends_on_queries() && query_offset() != other.query_offset())
    fail<ValueError>("mask: query offsets differ, ", query_offset(), " and ", other.query_offset(),
                     ": join the masks first, then call from_query");
  Mask both = *this;
  both.rules_.insert(both.rules_.end(), other.rules_.begin(), other.rules_.end());
  const bool only_other = other.depends_on_queries() && !depends_on_queries();
  const bool only_this = depends_on_queries() && !other.depends_on_queries();
  if (only_other || (!only_this && !first_query_)) both.first_query_ = other.first_query_;
  return both;
}

Mask Mask::from_query(Index offset) const {
  if (offset < 0) fail<ValueError>("mask: the first query stands at ", offset, ": give 0 or more");
  Mask moved = *this;
  moved.first_query_ = offset;
  return moved;
}

bool Mask::Rule::allows(Index batch, Index query, Index key) const {
  switch (kind) {
    case Kind::causal:
      return key <= query;
    case Kind::padding:
      return key < lengths[static_cast<std::size_t>(batch)];
    case Kind::window:
      return query - key <= first &&
             key - query <= second;  // no sum: a reach may be as large as an Index gets
    case Kind::local_and_global:
      return query < second || key < second || (query - key <= first && key - query <= first);
    case Kind::explicitly: {
      const Index rows = allowed.size(-2);
      const Index row = allowed.rank() == 3 ? batch * rows + query : query;
      return allowed.data()[row * allowed.size(-1) + key] != 0;
    }
  }
  return true;
}

bool Mask::allows(Index batch, Index query, Index key) const {
  const Index at = query + query_offset();
  for (const Rule& rule : rules_) {
    const bool is_given = rule.kind == Rule::Kind::explicitly;
    const bool knows_entry = rule.kind == Rule::Kind::padding
                                 ? batch < static_cast<Index>(rule.lengths.size())
                                 : !is_given || rule.allowed.rank() < 3 || batch < rule.allowed.size(0);
    const bool knows_place = !is_given || (at < rule.allowed.size(-2) && key < rule.allowed.size(-1));
    if (batch < 0 || query < 0 || key < 0 || !knows_entry || !knows_place)
      fail<IndexError>("mask: it knows nothing of entry ", batch, ", query ", at, ", key ", key,
                       ": count from 0, within the sizes that the mask was made for");
  }
  return std::all_of(rules_.begin(), rules_.end(),
                     [&](const Rule& rule) { return rule.allows(batch, at, key); });
}

Tensor Mask::to_tensor(Index batch, Index queries, Index keys) const {
  bool same_for_all = true;
  for (const Rule& rule : rules_) {
    if (rule.kind == Rule::Kind::padding) {
      same_for_all = false;
      if (static_cast<Index>(rule.lengths.size()) != batch)
        fail<ShapeError>("mask: ", rule.lengths.size(), " lengths for a batch of ", batch,
                         ": give one for each entry");
    }
    if (rule.kind == Rule::Kind::explicitly) {
      const Shape& shape = rule.allowed.shape();
      if (shape.rank() == 3) same_for_all = false;
      // Rows for later queries are of use only when decoding step by step.
      const bool fits_queries = first_query_ ? shape[-2] >= *first_query_ + queries : shape[-2] == queries;
      if (shape[-1] != keys || !fits_queries || (shape.rank() == 3 && shape[0] != batch))
        fail<ShapeError>("mask: an explicit mask of ", shape, " does not fit a batch of ", batch, ", ",
                         queries, " queries from position ", query_offset(), " and ", keys,
                         " keys: give (T, S) or (B, T, S)");
    }
  }
  const Index entries = same_for_all ? 1 : batch;
  Tensor result = full({entries, queries, keys}, 1);
  Scalar* out = result.writable();
  for (const Rule& rule : rules_)
    for (Index b = 0; b < entries; ++b)
      for (Index t = 0; t < queries; ++t)
        for (Index s = 0; s < keys; ++s)
          if (!rule.allows(b, t + query_offset(), s)) out[(b * queries + t) * keys + s] = 0;
  return result;
}

}  // namespace attune::inline ATTUNE_PRECISION
