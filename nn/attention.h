#pragma once

#include "nn/layers.h"

// Attention layers. B batch, T queries, S keys, H heads, D = width / H.

namespace attune::nn {

/// Additive attention (Bahdanau et al. 2015, appendix A.1.2): a small network scores each pair of query and
/// key,
///   e_ts = vᵀ tanh(W q_t + U k_s),   weights = softmax over s,   output_t = Σ_s weights_ts value_s
struct AdditiveAttention {
  Linear query, key;  // W (hidden, query width) with bias, U (hidden, key width) without
  Linear score;       // vᵀ, (1, hidden), without bias

  AdditiveAttention(Index query_width, Index key_width, Index hidden, Rng& rng);
  /// from (B, T, query width) asks, to (B, S, key width) is compared, value (B, S, E) is read; the result is
  /// (B, T, E).
  Variable operator()(const Variable& from, const Variable& to, const Variable& value, const Mask& mask,
                      Pass& pass) const;
  void visit(Visitor& v) { v("query", query), v("key", key), v("score", score); }
};

/// Scaled dot-product attention without parameters ("Attention Is All You Need", section 3.2.1).
struct DotProductAttention {
  /// query (B, T, D), key (B, S, D), value (B, S, E); the result is (B, T, E).
  Variable operator()(const Variable& query, const Variable& key, const Variable& value, const Mask& mask,
                      Pass& pass) const;
  void visit(Visitor&) {}
};

/// Keys and values of one attention layer, split into heads: (B, H, S, D) each. Kept between steps of
/// decoding.
struct KeyValues {
  Variable key, value;
};

/// Keys and values that grow step by step. There is room for more positions than have come, so that the next
/// ones are written behind the others and nothing is copied; the room doubles when it is full.
struct GrowingKeyValues : KeyValues {
  /// Adds the latest positions, (B, H, n, D) each. Where gradients are recorded all are copied into new
  /// tensors, since what a graph holds must not change.
  void append(const KeyValues& latest);
  /// Keeps these batch entries only, in this order.
  void keep(const Indices& entries);

 private:
  // (B, room, H, D): a position's heads side by side, as projections give them.
  Tensor key_room_, value_room_;
};

/// Some batch entries (B) of (B, H, S, D).
KeyValues kept(const KeyValues& all, const Indices& entries);

/// Multi-head attention ("Attention Is All You Need", section 3.2.2):
///   head_i = softmax(Q_i K_iᵀ / √D) V_i,   output = concat(head_1 … head_H) W_O
/// Deviation from the paper: the projections have biases.
struct MultiHeadAttention {
  Index heads;
  Linear query, key, value, output;  // each (width, width)

  /// Throws ValueError unless `width` is a multiple of `head_count`.
  MultiHeadAttention(Index width, Index head_count, Rng& rng);

  /// `from` (B, T, width) asks, `to` (B, S, width) answers; the result is (B, T, width). Self-attention when
  /// both are one.
  Variable operator()(const Variable& from, const Variable& to, const Mask& mask, Pass& pass) const {
    return attend(from, key_values(to), mask, pass);
  }
  /// The two halves of the above, for decoding step by step: what `to` offers, computed once, and asking it.
  KeyValues key_values(const Variable& to) const;
  Variable attend(const Variable& from, const KeyValues& memory, const Mask& mask, Pass& pass) const;

  void visit(Visitor& v) { v("query", query), v("key", key), v("value", value), v("output", output); }
};

}  // namespace attune::nn
