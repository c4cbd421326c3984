#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

/// Who may attend to whom: a rule for query position t, key position s and batch entry b. One polarity: true
/// = may attend.
///
///     Mask mask = Mask::causal() & Mask::padding(lengths);
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
  /// Given outright: `allowed` ≠ 0 may attend; of shape (T, S) or (B, T, S).
  static Mask explicitly(Tensor allowed);

  /// What both allow.
  Mask operator&(const Mask& other) const;
  /// The same rules for queries that begin at position `offset`: query t stands at t + offset. For
  /// incremental decoding, where one query meets the keys of all positions so far.
  Mask from_query(Index offset) const;

  bool allows_everything() const { return rules_.empty(); }
  bool allows(Index batch, Index query, Index key) const;

  /// 1 where allowed, 0 elsewhere, of shape (B or 1, T, S): 1 when all batch entries are alike.
  /// Throws ShapeError when a rule was made for other sizes.
  Tensor to_tensor(Index batch, Index queries, Index keys) const;

 private:
  struct Rule {
    enum class Kind { causal, padding, window, local_and_global, explicitly } kind;
    Index first = 0, second = 0;
    std::vector<int> lengths = {};
    Tensor allowed = {};
    bool allows(Index batch, Index query, Index key) const;
  };
  static Mask of(Rule rule);

  std::vector<Rule> rules_;
  Index query_offset_ = 0;
};

}  // namespace attune::inline ATTUNE_PRECISION
