#pragma once

#include <optional>
#include <vector>

#include "tensor/indices.h"
#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

/// Who may attend to whom: a rule for query position t, key position s and batch entry b. One polarity: true
/// = may attend.
///
///     Mask mask = Mask::causal() & Mask::padding(lengths);
///
/// A query that may attend to nothing gets zeros, and its gradients are zeros.
///
/// A Mask is a value that holds rules, not a tensor of booleans; `&` keeps what both sides allow. With
/// nothing said, everything is allowed.
class Mask {
 public:
  Mask() = default;

  /// Query t sees keys s ≤ t.
  static Mask causal();
  /// In batch entry b, keys s < lengths[b] are real; the rest is padding, which nobody sees.
  static Mask padding(std::vector<int> lengths);
  /// Query t sees keys from t - before to t + after.
  static Mask window(Index before, Index after);
  /// Positions below `global` see and are seen by all; the others see a window of `reach` to either side as
  /// well (Beltagy et al. 2020, section 3.1).
  static Mask local_and_global(Index reach, Index global);
  /// Given outright: 1 may attend, 0 may not; of shape (T, S) or (B, T, S). ValueError for other numbers: 0
  /// and -∞, as some add them to the scores, are a bias and no mask.
  static Mask explicitly(Tensor allowed);

  /// What both allow. ValueError when their queries begin at different positions; padding, which asks only
  /// for the key, goes with any.
  Mask operator&(const Mask& other) const;
  /// The same rules for queries that begin at position `offset`: query t stands at t + offset. For
  /// incremental decoding, where one query meets the keys of all positions so far. An explicit mask may then
  /// have rows for queries still to come.
  Mask from_query(Index offset) const;

  /// The same rules for some of the batch's entries, in this order.
  Mask of_entries(const Indices& entries) const;

  bool allows_everything() const { return rules_.empty(); }
  /// Throws IndexError for an entry, a query or a key that a rule knows nothing of.
  bool allows(Index batch, Index query, Index key) const;

  /// 1 where allowed, 0 elsewhere, of shape (B or 1, T, S): 1 when all batch entries are alike.
  /// Throws ShapeError when a rule was made for other sizes.
  Tensor to_tensor(Index batch, Index queries, Index keys) const;

  // ---- row by row, for what never makes the whole tensor

  /// True when all batch entries are alike. Throws ShapeError as to_tensor does.
  bool same_for_all(Index batch, Index queries, Index keys) const;
  /// The keys that one query may attend to: all from `begin` to `end`, `end` left out; some of them where it
  /// has `gaps`.
  struct Reach {
    Index begin = 0, end = 0;
    bool gaps = false;
    Index size() const { return end - begin; }
  };
  Reach reach(Index batch, Index query, Index keys) const;
  /// False if no query can have gaps.
  bool may_have_gaps() const;
  /// 1 or 0 for the keys from `begin` to `end`.
  void write_row(Index batch, Index query, Index begin, Index end, Scalar* row) const;

 private:
  struct Rule {
    enum class Kind { causal, padding, window, local_and_global, explicitly } kind;
    Index first = 0, second = 0;
    std::vector<int> lengths = {};
    Tensor allowed = {};
    bool allows(Index batch, Index query, Index key) const;
    Reach reach(Index batch, Index query, Index keys) const;
    const Scalar* given_row(Index batch, Index query) const;
  };
  static Mask of(Rule rule);
  bool depends_on_queries() const;
  Index query_offset() const { return first_query_.value_or(0); }

  std::vector<Rule> rules_;
  std::optional<Index> first_query_;  // where from_query put the first query
};

}  // namespace attune::inline ATTUNE_PRECISION
