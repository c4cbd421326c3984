#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "examples/translator/translator.h"

namespace attune::examples {

/// Everything that decides what training does. The defaults suit a few thousand to a few hundred thousand
/// sentences.
struct TrainingSettings {
  nn::TransformerSettings model = {};
  int epochs = 20;
  double minutes = 0;  // stop after this long; 0: after the epochs
  std::uint64_t seed = 1;
  Index batch_tokens = 2048;  // per step, padding included
  double rate = 3e-3;         // the highest learning rate
  Index warmup = 400;         // steps until it is reached
  bool cosine = true;  // then down along a cosine, to 0 at the last step; else with the inverse square root
  Scalar label_smoothing = Scalar(0.1);
  double clip = 1;
};

struct TrainingResult {
  Index steps = 0;
  int epochs = 0;
  double seconds = 0;
  double loss = 0;             // of the last steps, smoothed, nats per token
  double validation_loss = 0;  // of the weights that are kept
  bool interrupted = false;    // by Ctrl-C
};

/// What training has come to at the end of an epoch.
struct EpochFigures {
  int epoch = 0;
  Index steps = 0;
  double seconds = 0;
  double loss = 0;             // of the last steps, smoothed, nats per token
  double validation_loss = 0;  // nats per token
  double tokens_per_second = 0;
  bool best = false;  // no epoch before had a lower validation loss
};

/// Encoded pairs to learn from and to validate on.
struct TrainingData {
  std::vector<text::EncodedPair> training, validation;
};

/// Mean cross-entropy in nats per target token, without label smoothing.
double validation_loss(const nn::Transformer& model, const std::vector<text::EncodedPair>& pairs);

/// Trains `translator.model` in place, with a progress bar. `after_epoch` is called with the figures of each
/// epoch while the model has the weights they speak of; the weights of the lowest validation loss are the
/// ones that are left in the model. Ctrl-C ends training after the current step, which then counts as the
/// last of its epoch. ValueError, before any weight changes, when the loss or a gradient is not finite: it
/// names the operation and the layer in which that began.
TrainingResult train(Translator& translator, const TrainingData& data, const TrainingSettings& settings,
                     const std::function<void(const EpochFigures&)>& after_epoch);

/// The same, and after each epoch whose validation loss is the lowest so far the translator is saved in
/// `folder`, so that nothing worse than a step is lost whatever happens. training.tsv there gets a line of
/// figures for every epoch. `notes` go into the metadata of the weights.
TrainingResult train_into(const std::filesystem::path& folder, Translator& translator,
                          const TrainingData& data, const TrainingSettings& settings,
                          const std::map<std::string, std::string>& notes);

}  // namespace attune::examples
