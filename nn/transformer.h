#pragma once

#include <optional>
#include <vector>

#include "nn/attention.h"

// The encoder-decoder Transformer ("Attention Is All You Need", section 3).
// B batch, T target positions, S source positions, C width, V vocabulary.

namespace attune::nn {

/// Where the norms stand. The paper norms after each residual sum (post); most later models norm what goes
/// into each sublayer, and once at the end (pre), which trains without a long warm-up (Xiong et al. 2020).
enum class NormPlacement { pre, post };

/// What the decoder sees of the source. `mean` replaces the encoded source by its mean over the sentence, a
/// single vector: a baseline that shows what attention is for.
enum class SourceView { attention, mean };

/// What the encoder and the decoder are made of.
struct TransformerSettings {
  Index source_vocabulary = 0;
  Index target_vocabulary = 0;
  Index width = 128;
  Index heads = 4;
  Index hidden = 512;  // of the feed-forward networks
  Index encoder_layers = 2;
  Index decoder_layers = 2;
  Scalar dropout = Scalar(0.1);
  NormPlacement norm = NormPlacement::pre;
  Activation activation = Activation::relu;
  SourceView source_view = SourceView::attention;
  /// One embedding for source, target and output; both vocabularies must then be one. Otherwise the output
  /// layer still shares the target's embedding.
  bool share_embeddings = false;
  Index longest = 512;  // positions computed in advance; longer inputs work, only slower
};

/// x + sublayer(x), normed before or after: the frame that every sublayer stands in.
///   pre:  x + dropout(f(norm(x)))        post:  norm(x + dropout(f(x)))
struct Residual {
  LayerNorm norm;
  Dropout dropout;
  NormPlacement placement;

  Residual(const TransformerSettings& settings, Rng& rng)
      : norm(settings.width), dropout(settings.dropout, rng), placement(settings.norm) {}
  template <class Sublayer>
  Variable operator()(const Variable& x, const Pass& pass, Sublayer&& sublayer) const {
    if (placement == NormPlacement::pre) return x + dropout(sublayer(norm(x)), pass);
    return norm(x + dropout(sublayer(x), pass));
  }
  void visit(Visitor& v) { v("norm", norm); }
};

/// Self-attention, then feed-forward. (B, S, C) to (B, S, C).
struct EncoderLayer {
  MultiHeadAttention self_attention;
  FeedForward feed_forward;
  Residual around_attention, around_feed_forward;

  EncoderLayer(const TransformerSettings& settings, Rng& rng);
  Variable operator()(const Variable& x, const Mask& mask, Pass& pass) const;
  void visit(Visitor& v);
};

/// What one decoder layer remembers between steps of decoding.
struct DecoderLayerCache {
  GrowingKeyValues self;  // of the target positions so far, (B · K, H, t, D): a row for each hypothesis
  KeyValues source;       // of the encoded source, computed once, (B, H, S, D): shared by the K of a sentence
};

/// Causal self-attention, attention to the source, then feed-forward. (B, T, C) to (B, T, C).
struct DecoderLayer {
  MultiHeadAttention self_attention;
  MultiHeadAttention cross_attention;
  FeedForward feed_forward;
  Residual around_self_attention, around_cross_attention, around_feed_forward;

  DecoderLayer(const TransformerSettings& settings, Rng& rng);
  /// x (B, T, C) sees itself through `self_mask` and source (B, S, C) through `source_mask`.
  Variable operator()(const Variable& x, const Variable& source, const Mask& self_mask,
                      const Mask& source_mask, Pass& pass) const;
  /// The same for the next position only, x (B, K, C) for K translations of each source: earlier positions
  /// are remembered in `cache`, which grows by one.
  Variable step(const Variable& x, DecoderLayerCache& cache, const Mask& source_mask, Pass& pass) const;
  void visit(Visitor& v);
};

/// A stack of encoder layers; with pre-norm, one more norm at the end.
struct Encoder {
  std::vector<EncoderLayer> layers;
  std::optional<LayerNorm> norm;

  Encoder(const TransformerSettings& settings, Rng& rng);
  Variable operator()(const Variable& x, const Mask& mask, Pass& pass) const;
  void visit(Visitor& v) { v("layers", layers), v("norm", norm); }
};

struct Decoder {
  std::vector<DecoderLayer> layers;
  std::optional<LayerNorm> norm;

  Decoder(const TransformerSettings& settings, Rng& rng);
  Variable operator()(const Variable& x, const Variable& source, const Mask& self_mask,
                      const Mask& source_mask, Pass& pass) const;
  void visit(Visitor& v) { v("layers", layers), v("norm", norm); }
};

/// Encoder and decoder with embeddings, positions and an output layer tied to the target's embedding.
struct Transformer {
  TransformerSettings settings;
  Embedding source_embedding;
  std::optional<Embedding> target_embedding;  // none when it is the source's
  SinusoidalPositions positions;
  Dropout source_dropout, target_dropout;
  Encoder encoder;
  Decoder decoder;

  /// Throws ValueError for settings that do not fit together.
  Transformer(const TransformerSettings& model_settings, Rng& rng);

  /// The encoded source, and what may be attended to in it.
  struct Memory {
    Variable encoded;  // (B, S, C), or (B, 1, C) with SourceView::mean
    Mask mask;
  };
  /// source (B, S) padded to one length; `lengths` says how much of each is real.
  Memory encode(const Indices& source, const std::vector<int>& lengths, Pass& pass) const;
  /// Scores of the next token at every position, (B, T, V): position t sees target_in 0 … t only.
  Variable decode(const Indices& target_in, const Memory& memory, Pass& pass) const;
  /// Both: source (B, S) and target_in (B, T) to logits (B, T, V).
  Variable operator()(const Indices& source, const std::vector<int>& lengths, const Indices& target_in,
                      Pass& pass) const {
    return decode(target_in, encode(source, lengths, pass), pass);
  }

  /// Decoding one token at a time, without computing earlier positions again. Beam search lets K translations
  /// (hypotheses) of each sentence grow side by side; all K read one encoded source.
  struct DecodingState {
    std::vector<DecoderLayerCache> layers;
    Mask source_mask;
    Index position = 0;
    Index hypotheses = 1;  // K

    /// Keeps these sentences only, in this order: those that have come to their end need no more steps.
    void keep(const Indices& sentences);
    /// The same, and from now on hypothesis k of sentence sentences[b] continues what was its hypothesis
    /// origins(b, k). origins (B, K): another K than before is fine.
    void branch(const Indices& sentences, const Indices& origins);
  };
  DecodingState begin_decoding(const Memory& memory) const;
  /// tokens (B), the latest of each sentence, to the scores of the next, (B, V). Equal to decode's at that
  /// position. After `branch`: tokens (B, K) to scores (B, K, V).
  Variable decode_step(const Indices& tokens, DecodingState& state, Pass& pass) const;

  const Embedding& embedding_of_target() const {
    return target_embedding ? *target_embedding : source_embedding;
  }
  void visit(Visitor& v);

 private:
  Variable embed(const Embedding& embedding, const Dropout& dropout, const Indices& tokens, Index offset,
                 Pass& pass) const;
};

}  // namespace attune::nn
