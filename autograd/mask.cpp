#include "autograd/mask.h"

#include <algorithm>

#include "tensor/error.h"
#include "tensor/indexing.h"

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
    case Kind::explicitly:
      return given_row(batch, query)[key] != 0;
  }
  return true;
}

const Scalar* Mask::Rule::given_row(Index batch, Index query) const {
  const Index row = allowed.rank() == 3 ? batch * allowed.size(-2) + query : query;
  return allowed.data() + row * allowed.size(-1);
}

// The smallest stretch that holds all the keys allowed.
Mask::Reach Mask::Rule::reach(Index batch, Index query, Index keys) const {
  const auto around = [&](Index before,
                          Index after) {  // no sum that a reach as large as an Index could overflow
    const Index end = after < keys - query ? query + after + 1 : keys;
    return Reach{.begin = std::min(query - std::min(before, query), std::max(end, Index{0})), .end = end};
  };
  switch (kind) {
    case Kind::causal:
      return {.begin = 0, .end = std::min(query + 1, keys)};
    case Kind::padding:
      return {.begin = 0, .end = std::min<Index>(lengths[static_cast<std::size_t>(batch)], keys)};
    case Kind::window:
      return around(first, second);
    case Kind::local_and_global: {
      if (query < second) return {.begin = 0, .end = keys};
      const Reach near = around(first, first);
      const Index global = std::min(second, keys);
      if (global == 0) return near;
      if (near.size() == 0) return {.begin = 0, .end = global};
      return {.begin = 0, .end = std::max(global, near.end), .gaps = near.begin > global};
    }
    case Kind::explicitly:
      return {.begin = 0, .end = keys, .gaps = true};
  }
  return {.begin = 0, .end = keys};
}

Mask::Reach Mask::reach(Index batch, Index query, Index keys) const {
  Reach common{.begin = 0, .end = keys};
  for (const Rule& rule : rules_) {
    const Reach one = rule.reach(batch, query + query_offset(), keys);
    common.begin = std::max(common.begin, one.begin);
    common.end = std::min(common.end, one.end);
    common.gaps = common.gaps || one.gaps;
  }
  return common.begin < common.end ? common : Reach{};
}

bool Mask::may_have_gaps() const {
  return std::any_of(rules_.begin(), rules_.end(), [](const Rule& rule) {
    return rule.kind == Rule::Kind::explicitly || rule.kind == Rule::Kind::local_and_global;
  });
}

void Mask::write_row(Index batch, Index query, Index begin, Index end, Scalar* row) const {
  const Reach whole = reach(batch, query, end);
  const Index from = std::max(whole.begin, begin);
  std::fill(row, row + (end - begin), Scalar(0));
  if (from >= whole.end) return;
  std::fill(row + (from - begin), row + (whole.end - begin), Scalar(1));
  if (!whole.gaps) return;
  for (const Rule& rule : rules_) {
    const Index at = query + query_offset();
    if (rule.kind == Rule::Kind::explicitly) {
      const Scalar* const given = rule.given_row(batch, at);
      for (Index key = from; key < whole.end; ++key) row[key - begin] *= given[key];
    } else if (rule.reach(batch, at, end).gaps) {
      for (Index key = from; key < whole.end; ++key)
        if (!rule.allows(batch, at, key)) row[key - begin] = 0;
    }
  }
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

Mask Mask::of_entries(const Indices& entries) const {
  Mask some = *this;
  for (Rule& rule : some.rules_) {
    if (rule.kind == Rule::Kind::padding) {
      const std::vector<int> all = std::move(rule.lengths);
      rule.lengths.clear();
      for (const std::int32_t entry : entries.values) {
        if (entry < 0 || entry >= static_cast<std::int32_t>(all.size()))
          fail<IndexError>("mask: entry ", entry, " of ", all.size(), ": count from 0, within the batch");
        rule.lengths.push_back(all[static_cast<std::size_t>(entry)]);
      }
    }
    if (rule.kind == Rule::Kind::explicitly && rule.allowed.rank() == 3)
      rule.allowed = gather_rows(rule.allowed, entries);
  }
  return some;
}

bool Mask::same_for_all(Index batch, Index queries, Index keys) const {
  bool alike = true;
  for (const Rule& rule : rules_) {
    if (rule.kind == Rule::Kind::padding) {
      alike = false;
      if (static_cast<Index>(rule.lengths.size()) != batch)
        fail<ShapeError>("mask: ", rule.lengths.size(), " lengths for a batch of ", batch,
                         ": give one for each entry");
    }
    if (rule.kind == Rule::Kind::explicitly) {
      const Shape& shape = rule.allowed.shape();
      if (shape.rank() == 3) alike = false;
      // Rows for later queries are of use only when decoding step by step.
      const bool fits_queries = first_query_ ? shape[-2] >= *first_query_ + queries : shape[-2] == queries;
      if (shape[-1] != keys || !fits_queries || (shape.rank() == 3 && shape[0] != batch))
        fail<ShapeError>("mask: an explicit mask of ", shape, " does not fit a batch of ", batch, ", ",
                         queries, " queries from position ", query_offset(), " and ", keys,
                         " keys: give (T, S) or (B, T, S)");
    }
  }
  return alike;
}

Tensor Mask::to_tensor(Index batch, Index queries, Index keys) const {
  const Index entries = same_for_all(batch, queries, keys) ? 1 : batch;
  Tensor result = Tensor::uninitialised({entries, queries, keys});
  Scalar* out = result.writable();
  for (Index b = 0; b < entries; ++b)
    for (Index t = 0; t < queries; ++t) write_row(b, t, 0, keys, out + (b * queries + t) * keys);
  return result;
}

}  // namespace attune::inline ATTUNE_PRECISION
