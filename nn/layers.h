#pragma once

#include <cstdint>

#include "autograd/ops.h"
#include "nn/parameter.h"
#include "nn/pass.h"
#include "nn/visitor.h"

// The layers that everything else is built from. Each is its parameters, one call operator, and a visit that
// names them. B batch, T positions, C width, V vocabulary.

namespace attune::nn {

/// y = x Wᵀ + b. x (…, in), the result (…, out).
struct Linear {
  Parameter weight;  // (out, in)
  Parameter bias;    // (out), or undefined

  enum class Bias { yes, no };
  /// Weights by xavier_uniform, bias 0. Throws ValueError for sizes below 1.
  Linear(Index inputs, Index outputs, Rng& rng, Bias with_bias = Bias::yes);
  Variable operator()(const Variable& x) const;
  void visit(Visitor& v);
};

/// A vector for each of V tokens. Token ids (B, T) become (B, T, C).
struct Embedding {
  Parameter weight;  // (V, C)

  /// Normal with deviation 1/√C, so that the dot product of an embedding with itself is about 1.
  Embedding(Index vocabulary, Index width, Rng& rng);
  Variable operator()(const Indices& tokens) const;
  /// x · weightᵀ: the scores of all tokens, for models that tie input and output (Press & Wolf 2017). (…, C)
  /// to (…, V).
  Variable scores(const Variable& x) const;
  void visit(Visitor& v) { v("weight", weight); }
};

/// Layer norm over the last axis (Ba et al. 2016), biased variance.
struct LayerNorm {
  Parameter scale, shift;  // (C) each
  Scalar epsilon = Scalar(1e-5);

  explicit LayerNorm(Index width);
  Variable operator()(const Variable& x) const { return layer_norm(x, scale, shift, epsilon); }
  void visit(Visitor& v) { v("scale", scale), v("shift", shift); }
};

/// RMS norm over the last axis (Zhang & Sennrich 2019): no mean, no shift.
struct RmsNorm {
  Parameter scale;  // (C)
  Scalar epsilon = Scalar(1e-5);

  explicit RmsNorm(Index width);
  Variable operator()(const Variable& x) const { return rms_norm(x, scale, epsilon); }
  void visit(Visitor& v) { v("scale", scale); }
};

/// Dropout (Srivastava et al. 2014), only while training. Each Dropout has a stream of random numbers of its
/// own, so a mask depends on the pass's generator, the layer and the element, never on the order of calls.
/// One Dropout called twice in a pass therefore repeats its mask: give each place a Dropout of its own.
/// Throws ValueError when training without a generator.
struct Dropout {
  Scalar rate;
  std::uint64_t stream;

  /// Throws ValueError unless 0 ≤ rate < 1.
  Dropout(Scalar dropout_rate, Rng& rng);
  Variable operator()(const Variable& x, const Pass& pass) const;
  void visit(Visitor&) {}
};

/// The sinusoidal positions of "Attention Is All You Need", section 3.5, of shape (length, width):
///   p(t, 2i) = sin(t / 10000^(2i/width)),   p(t, 2i+1) = cos(t / 10000^(2i/width))
Tensor sinusoidal_positions(Index length, Index width);

/// Adds sinusoidal positions, first position `offset`, to x (B, T, C).
struct SinusoidalPositions {
  Tensor table;  // (longest, C), not a parameter: computed, not learned

  explicit SinusoidalPositions(Index width, Index longest = 512);
  /// Positions beyond the table are computed when they are needed.
  Variable operator()(const Variable& x, Index offset = 0) const;
  void visit(Visitor&) {}
};

/// Adds learned positions to x (B, T, C).
struct LearnedPositions {
  Embedding embedding;  // (longest, C)

  LearnedPositions(Index width, Index longest, Rng& rng) : embedding(longest, width, rng) {}
  /// Throws ShapeError for positions beyond the longest.
  Variable operator()(const Variable& x, Index offset = 0) const;
  void visit(Visitor& v) { v("embedding", embedding); }
};

/// A function between two linear layers.
enum class Activation { relu, gelu, silu };
Variable activate(Activation activation, const Variable& x);

/// The position-wise feed-forward network ("Attention Is All You Need", section 3.3):
///   y = f(x W₁ᵀ + b₁) W₂ᵀ + b₂
struct FeedForward {
  Linear inner, outer;  // (hidden, C) and (C, hidden)
  Activation activation;

  FeedForward(Index width, Index hidden, Rng& rng, Activation f = Activation::relu)
      : inner(width, hidden, rng), outer(hidden, width, rng), activation(f) {}
  Variable operator()(const Variable& x) const { return outer(activate(activation, inner(x))); }
  void visit(Visitor& v) { v("inner", inner), v("outer", outer); }
};

}  // namespace attune::nn
