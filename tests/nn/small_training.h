#pragma once

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "nn/transformer.h"
#include "optim/adam.h"
#include "optim/gradients.h"
#include "text/batch.h"
#include "text/vocabulary.h"

// A training in small of all that a real one has: a Transformer with attention and dropout, label smoothing,
// padding, clipping and Adam, learning to say a sentence backwards.

namespace attune::testing {

struct SmallTrainingOptions {
  Index width = 16;
  Index hidden = 24;
  Index layers = 1;
  Index sentences = 12;
  Index longest = 7;  // of a sentence
  Scalar dropout = Scalar(0.2);
  nn::NormPlacement norm = nn::NormPlacement::pre;
  std::uint64_t seed = 7;
};

class SmallTraining {
 public:
  explicit SmallTraining(const SmallTrainingOptions& options = {})
      : rng_(options.seed), model(settings_of(options), rng_), adam(model, {.beta2 = 0.98}) {
    Rng dice(options.seed + 1);
    for (Index i = 0; i < options.sentences; ++i) {
      text::EncodedPair pair;
      const std::uint64_t length = 1 + dice.below(static_cast<std::uint64_t>(options.longest));
      for (std::uint64_t t = 0; t < length; ++t) {
        pair.source.push_back(static_cast<std::int32_t>(4 + dice.below(13)));
        pair.target.insert(pair.target.begin(), pair.source.back());
      }
      pairs_.push_back(std::move(pair));
    }
    std::vector<std::size_t> first, second;
    for (std::size_t i = 0; i < pairs_.size(); ++i) (i % 2 ? second : first).push_back(i);
    batches = {text::make_batch(pairs_, first), text::make_batch(pairs_, second)};
  }

  /// The generator of a step.
  Rng at(Index step) const { return rng_.at(static_cast<std::uint64_t>(step)); }

  nn::Pass pass_of(Index step, nn::AttentionRecord* record = nullptr) const {
    return {.training = true, .rng = at(step), .record = record};
  }

  Variable loss(const text::Batch& batch, nn::Pass& pass) const {
    const Variable logits = model(batch.source, batch.source_lengths, batch.target_in, pass);
    return cross_entropy(logits, batch.target_out,
                         {.label_smoothing = Scalar(0.1), .ignored = text::Vocabulary::pad});
  }

  /// The end of a step, when both halves have been backward.
  void finish() {
    optim::scale_gradients(model, 0.5);
    optim::clip_gradient_norm(model, 1);
    adam.step(1e-3);
  }

  /// A whole step: both halves of the sentences, each with dropout of its own.
  void step(nn::AttentionRecord* record = nullptr) {
    const Index now = adam.steps() + 1;
    for (std::size_t half = 0; half < batches.size(); ++half) {
      nn::Pass pass = pass_of(2 * now + static_cast<Index>(half), record);
      backward(loss(batches[half], pass));
    }
    finish();
  }

  /// The bits of all weights and of all that the optimiser remembers.
  std::vector<Scalar> bits() const {
    std::vector<Scalar> all;
    for (const nn::NamedParameter& parameter : nn::named_parameters(model))
      append(all, parameter.cell->value);
    for (const optim::NamedTensor& tensor : adam.state()) append(all, tensor.value);
    return all;
  }

  /// The bits of all gradients, and which there are.
  std::vector<Scalar> gradient_bits() const {
    std::vector<Scalar> all;
    for (const nn::NamedParameter& parameter : nn::named_parameters(model)) {
      const Tensor& gradient = parameter.cell->leaf->gradient;
      all.push_back(gradient.defined() ? 1 : 0);
      if (gradient.defined()) append(all, gradient);
    }
    return all;
  }

 private:
  static nn::TransformerSettings settings_of(const SmallTrainingOptions& options) {
    nn::TransformerSettings settings;
    settings.source_vocabulary = settings.target_vocabulary = 17;
    settings.width = options.width;
    settings.heads = 4;
    settings.hidden = options.hidden;
    settings.encoder_layers = settings.decoder_layers = options.layers;
    settings.dropout = options.dropout;
    settings.norm = options.norm;
    return settings;
  }
  static void append(std::vector<Scalar>& all, const Tensor& x) {
    const std::vector<Scalar> values = x.values();
    all.insert(all.end(), values.begin(), values.end());
  }

  Rng rng_;
  std::vector<text::EncodedPair> pairs_;

 public:
  nn::Transformer model;
  optim::Adam adam;
  std::vector<text::Batch> batches;
};

/// Every bit, so that 0 and -0 differ, and a NaN is itself.
inline bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0);
}

/// A short name for many bits (FNV-1a).
inline std::uint64_t fingerprint(const std::vector<Scalar>& numbers) {
  std::uint64_t hash = 14695981039346656037u;
  for (const Scalar number : numbers) {
    unsigned char bytes[sizeof(Scalar)];
    std::memcpy(bytes, &number, sizeof(Scalar));
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 1099511628211u;
  }
  return hash;
}

}  // namespace attune::testing
