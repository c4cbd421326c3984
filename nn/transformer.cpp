#include "nn/transformer.h"

#include <cmath>

#include "tensor/error.h"

namespace attune::nn {
namespace {

const TransformerSettings& checked(const TransformerSettings& settings) {
  const auto positive = [](const char* what, Index value) {
    if (value < 1) fail<ValueError>("transformer: ", what, " is ", value, ": give 1 or more");
  };
  positive("the source vocabulary", settings.source_vocabulary);
  positive("the target vocabulary", settings.target_vocabulary);
  positive("the width", settings.width);
  positive("the hidden width", settings.hidden);
  positive("the number of encoder layers", settings.encoder_layers);
  positive("the number of decoder layers", settings.decoder_layers);
  positive("the longest input", settings.longest);
  if (settings.share_embeddings && settings.source_vocabulary != settings.target_vocabulary)
    fail<ValueError>("transformer: embeddings cannot be shared by vocabularies of ",
                     settings.source_vocabulary, " and ", settings.target_vocabulary,
                     " tokens: share one vocabulary, or set share_embeddings to false");
  return settings;
}

void check_tokens(const char* what, const Indices& tokens) {
  if (tokens.checked("transformer").rank() != 2)
    fail<ShapeError>("transformer: the ", what,
                     " must be (B, length), padded to one length: ", Shape(tokens.sizes),
                     ": a single sentence is a batch of 1");
}

void check_batch(const Indices& targets, Index sources) {
  if (targets.size(0) != sources)
    fail<ShapeError>("transformer: one target for each source is wanted: ", targets.size(0), " targets for ",
                     sources, " sources: take both from one batch");
}

}  // namespace

// ---- layers

EncoderLayer::EncoderLayer(const TransformerSettings& settings, Rng& rng)
    : self_attention(settings.width, settings.heads, rng),
      feed_forward(settings.width, settings.hidden, rng, settings.activation),
      around_attention(settings, rng),
      around_feed_forward(settings, rng) {}

Variable EncoderLayer::operator()(const Variable& x, const Mask& mask, Pass& pass) const {
  const Variable seen =  // (B, S, C)
      around_attention(x, pass, [&](const Variable& y) { return self_attention(y, y, mask, pass); });
  return around_feed_forward(seen, pass, [&](const Variable& y) { return feed_forward(y); });  // (B, S, C)
}

void EncoderLayer::visit(Visitor& v) {
  v("self_attention", self_attention);
  v("feed_forward", feed_forward);
  v("around_attention", around_attention);
  v("around_feed_forward", around_feed_forward);
}

DecoderLayer::DecoderLayer(const TransformerSettings& settings, Rng& rng)
    : self_attention(settings.width, settings.heads, rng),
      cross_attention(settings.width, settings.heads, rng),
      feed_forward(settings.width, settings.hidden, rng, settings.activation),
      around_self_attention(settings, rng),
      around_cross_attention(settings, rng),
      around_feed_forward(settings, rng) {}

Variable DecoderLayer::operator()(const Variable& x, const Variable& source, const Mask& self_mask,
                                  const Mask& source_mask, Pass& pass) const {
  const Variable own = around_self_attention(  // (B, T, C)
      x, pass, [&](const Variable& y) { return self_attention(y, y, self_mask, pass); });
  const Variable read = around_cross_attention(  // (B, T, C), of keys and values (B, S, C)
      own, pass, [&](const Variable& y) { return cross_attention(y, source, source_mask, pass); });
  return around_feed_forward(read, pass, [&](const Variable& y) { return feed_forward(y); });  // (B, T, C)
}

Variable DecoderLayer::step(const Variable& x, DecoderLayerCache& cache, const Mask& source_mask,
                            Pass& pass) const {
  const Variable own = around_self_attention(x, pass, [&](const Variable& y) {
    // Each hypothesis sees itself only, so here it is a batch entry of its own. Nothing about earlier
    // positions has changed: they have seen only what came before them.
    const Variable latest = reshape(y, {y.size(0) * y.size(1), 1, y.size(2)});       // (B · K, 1, C)
    cache.self.append(self_attention.key_values(latest));                            // (B · K, H, t, D)
    return reshape(self_attention.attend(latest, cache.self, {}, pass), y.shape());  // all is in the past
  });
  // To the source, the K hypotheses are K queries of one entry: its keys and values are there once.
  const Variable read = around_cross_attention(own, pass, [&](const Variable& y) {
    return cross_attention.attend(y, cache.source, source_mask, pass);
  });
  return around_feed_forward(read, pass, [&](const Variable& y) { return feed_forward(y); });
}

void DecoderLayer::visit(Visitor& v) {
  v("self_attention", self_attention);
  v("cross_attention", cross_attention);
  v("feed_forward", feed_forward);
  v("around_self_attention", around_self_attention);
  v("around_cross_attention", around_cross_attention);
  v("around_feed_forward", around_feed_forward);
}

// ---- stacks

Encoder::Encoder(const TransformerSettings& settings, Rng& rng) {
  for (Index i = 0; i < settings.encoder_layers; ++i) layers.push_back(EncoderLayer(settings, rng));
  if (settings.norm == NormPlacement::pre) norm = LayerNorm(settings.width);
}

Variable Encoder::operator()(const Variable& x, const Mask& mask, Pass& pass) const {
  Variable y = x;
  for (const EncoderLayer& layer : layers) y = layer(y, mask, pass);  // (B, S, C)
  return norm ? (*norm)(y) : y;
}

Decoder::Decoder(const TransformerSettings& settings, Rng& rng) {
  for (Index i = 0; i < settings.decoder_layers; ++i) layers.push_back(DecoderLayer(settings, rng));
  if (settings.norm == NormPlacement::pre) norm = LayerNorm(settings.width);
}

Variable Decoder::operator()(const Variable& x, const Variable& source, const Mask& self_mask,
                             const Mask& source_mask, Pass& pass) const {
  Variable y = x;
  for (const DecoderLayer& layer : layers) y = layer(y, source, self_mask, source_mask, pass);  // (B, T, C)
  return norm ? (*norm)(y) : y;
}

// ---- the whole

Transformer::Transformer(const TransformerSettings& model_settings, Rng& rng)
    : settings(checked(model_settings)),
      source_embedding(settings.source_vocabulary, settings.width, rng),
      positions(settings.width, settings.longest),
      source_dropout(settings.dropout, rng),
      target_dropout(settings.dropout, rng),
      encoder(settings, rng),
      decoder(settings, rng) {
  if (!settings.share_embeddings)
    target_embedding = Embedding(settings.target_vocabulary, settings.width, rng);
}

// Embeddings are scaled by √C (section 3.4): tied to the output they must stay small, and beside positions of
// size 1 they would be lost.
Variable Transformer::embed(const Embedding& embedding, const Dropout& dropout, const Indices& tokens,
                            Index offset, Pass& pass) const {
  const Variable vectors = embedding(tokens) * std::sqrt(static_cast<Scalar>(settings.width));  // (B, T, C)
  return dropout(positions(vectors, offset), pass);
}

Transformer::Memory Transformer::encode(const Indices& source, const std::vector<int>& lengths,
                                        Pass& pass) const {
  check_tokens("source", source);
  if (static_cast<Index>(lengths.size()) != source.size(0))
    fail<ShapeError>("transformer: one length for each source is wanted: ", lengths.size(), " lengths for ",
                     source.size(0), " sources: take both from one batch");
  for (const int length : lengths)
    if (length < 0 || length > source.size(1))
      fail<ValueError>("transformer: a length is ", length, ": sources padded to ", source.size(1),
                       " have lengths from 0 to that: take both from one batch");
  const Mask mask = Mask::padding(lengths);
  const Variable encoded =
      encoder(embed(source_embedding, source_dropout, source, 0, pass), mask, pass);  // (B, S, C)
  if (settings.source_view == SourceView::attention) return {encoded, mask};
  // The mean over the real positions, as a source of a single position that everybody may see.
  const Tensor real = transpose(mask.to_tensor(source.size(0), 1, source.size(1)));  // (B, S, 1)
  const Tensor count = maximum(sum(real, 1, keep_axis), 1);                          // (B, 1, 1)
  return {sum(encoded * Variable(real), 1, keep_axis) / Variable(count), {}};        // (B, 1, C)
}

namespace {

const Transformer::Memory& checked(const Transformer::Memory& memory) {
  if (!memory.encoded.defined()) fail<ValueError>("transformer: the memory is empty: make it with encode");
  return memory;
}

}  // namespace

Variable Transformer::decode(const Indices& target_in, const Memory& memory, Pass& pass) const {
  check_tokens("target", target_in);
  check_batch(target_in, checked(memory).encoded.size(0));
  const Variable x = embed(embedding_of_target(), target_dropout, target_in, 0, pass);  // (B, T, C)
  // Padding follows the target's real tokens, so the causal mask alone keeps them from seeing it.
  return embedding_of_target().scores(
      decoder(x, memory.encoded, Mask::causal(), memory.mask, pass));  // (B, T, V)
}

Transformer::DecodingState Transformer::begin_decoding(const Memory& memory) const {
  DecodingState state;
  state.source_mask = checked(memory).mask;
  for (const DecoderLayer& layer : decoder.layers) {
    DecoderLayerCache cache;
    cache.source = layer.cross_attention.key_values(memory.encoded);  // (B, H, S, D) each
    state.layers.push_back(std::move(cache));
  }
  return state;
}

void Transformer::DecodingState::keep(const Indices& sentences) {
  Indices same = Indices::full({static_cast<Index>(sentences.values.size()), hypotheses}, 0);
  for (std::size_t i = 0; i < same.values.size(); ++i)
    same.values[i] = static_cast<std::int32_t>(i % static_cast<std::size_t>(hypotheses));
  branch(sentences, same);
}

void Transformer::DecodingState::branch(const Indices& sentences, const Indices& origins) {
  if (layers.empty())
    fail<ValueError>("transformer: the decoding state is empty: make it with begin_decoding");
  if (sentences.checked("transformer").rank() != 1 || origins.checked("transformer").rank() != 2 ||
      origins.size(0) != sentences.size(0) || origins.size(1) < 1)
    fail<ShapeError>("transformer: to branch, sentences (B) and origins (B, K) are wanted: ",
                     Shape(sentences.sizes), " and ", Shape(origins.sizes));
  const Index branches = origins.size(1);
  Indices rows = Indices::full({sentences.size(0) * branches}, 0);  // of the caches: K for each sentence
  for (std::size_t row = 0; row < rows.values.size(); ++row) {
    const std::int32_t origin = origins.values[row];
    if (origin < 0 || origin >= hypotheses)
      fail<IndexError>("transformer: a hypothesis cannot continue number ", origin, ": there are ",
                       hypotheses, " of each sentence, counted from 0");
    const std::int32_t sentence = sentences.values[row / static_cast<std::size_t>(branches)];
    rows.values[row] = static_cast<std::int32_t>(sentence * hypotheses + origin);
  }
  // Where all sentences stay, their sources stay where they are.
  bool all_stay = sentences.size(0) == layers.front().source.key.size(0);
  for (Index b = 0; b < sentences.size(0); ++b)
    all_stay = all_stay && sentences.values[static_cast<std::size_t>(b)] == b;
  for (DecoderLayerCache& layer : layers) {
    if (!all_stay) layer.source = kept(layer.source, sentences);
    layer.self.keep(rows);
  }
  if (!all_stay) source_mask = source_mask.of_entries(sentences);
  hypotheses = branches;
}

Variable Transformer::decode_step(const Indices& tokens, DecodingState& state, Pass& pass) const {
  if (state.layers.size() != decoder.layers.size())
    fail<ValueError>("transformer: the decoding state has ", state.layers.size(), " layers and the model ",
                     decoder.layers.size(), ": make it with this model's begin_decoding");
  const Index rank = tokens.checked("transformer").rank(), hypotheses = state.hypotheses;  // K
  if (rank == 0 || rank > 2 || (rank == 1 ? 1 : tokens.size(1)) != hypotheses)
    fail<ShapeError>("transformer: the latest tokens must be (B), one for each sentence",
                     hypotheses == 1 ? "" : ", or after branch (B, K), one for each hypothesis", ": ",
                     Shape(tokens.sizes));
  check_batch(tokens, state.layers.front().source.key.size(0));
  const Indices column({tokens.size(0) * hypotheses, 1}, tokens.values);  // all at one position
  Variable x = embed(embedding_of_target(), target_dropout, column, state.position++, pass);
  x = reshape(x, {tokens.size(0), hypotheses, x.size(2)});  // (B, K, C)
  for (std::size_t i = 0; i < decoder.layers.size(); ++i)
    x = decoder.layers[i].step(x, state.layers[i], state.source_mask, pass);  // (B, K, C)
  if (decoder.norm) x = (*decoder.norm)(x);
  const Variable scores = embedding_of_target().scores(x);  // (B, K, V)
  return rank == 1 ? squeeze(scores, 1) : scores;
}

void Transformer::visit(Visitor& v) {
  v("source_embedding", source_embedding);
  v("target_embedding", target_embedding);
  v("encoder", encoder);
  v("decoder", decoder);
}

}  // namespace attune::nn
