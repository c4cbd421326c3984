#pragma once

#include <functional>
#include <vector>

#include "examples/translator/evaluation.h"
#include "examples/translator/gradient.h"
#include "examples/translator/interrupt.h"
#include "examples/translator/progress.h"
#include "examples/translator/training_state.h"
#include "examples/translator/translator.h"

// The training loop. What it leaves in a folder, and how it goes on after an interruption, is in
// run_folder.h.

namespace attune::examples {

enum class RateSchedule { cosine, inverse_square_root };
enum class KeepBestBy { loss, bleu };  // on the validation pairs

/// Everything that decides what training does. The defaults suit a few thousand to a few hundred thousand
/// sentences.
struct TrainingSettings {
  nn::TransformerSettings model = {};
  std::uint64_t seed = 1;
  // When it ends: at whichever comes first.
  int epochs = 20;
  Index steps = 0;     // 0: after the epochs
  double minutes = 0;  // of training, over all runs; 0: after the epochs
  int patience = 0;    // epochs without a better validation score; 0: never for that reason
  KeepBestBy keep_best_by = KeepBestBy::loss;
  // What a step is.
  Index batch_tokens = 2048;                     // of a batch, padding included
  Index accumulate = 1;                          // batches per step
  double rate = 3e-3;                            // the highest learning rate
  Index warmup = 400;                            // steps until it is reached
  RateSchedule schedule = RateSchedule::cosine;  // from there on; the cosine ends at 0 with the last step
  double beta1 = 0.9, beta2 = 0.98;              // of Adam
  Scalar label_smoothing = Scalar(0.1);
  double clip = 1;  // the largest norm of the gradient; 0: any
  // What is kept. None of it changes a bit of what is trained.
  int keep = 5;                // the weights of so many epochs, the latest; and of the best
  int average = 5;             // at the end the mean of so many is tried, too
  double save_every = 5;       // minutes between checkpoints, besides those after each epoch
  Index save_every_steps = 0;  // steps between checkpoints; 0: by the clock alone
};

/// Pairs to learn from and to validate on: as ids, and, to count BLEU, as text.
struct TrainingData {
  std::vector<text::EncodedPair> training, validation;
  std::vector<text::SentencePair> validation_text = {};
};

/// What a step did.
struct StepFigures {
  Index step = 0;
  int epoch = 0;
  double seconds = 0;
  double rate = 0;
  StepGradient gradient = {};
};

/// What training has come to at the end of an epoch.
struct EpochFigures {
  int epoch = 0;
  Index steps = 0;
  double seconds = 0;
  double rate = 0;  // of the last step
  double loss = 0;  // mean over the target tokens of the epoch, with label smoothing and dropout
  Evaluation validation = {};
  double tokens_per_second = 0;  // of target sentences, in this epoch
  double gradient_norm = 0;      // mean over the steps of the epoch, before clipping
  bool best = false;             // no epoch before had a better validation score
};

/// What happens around the steps; each may be empty.
struct TrainingHooks {
  std::function<void(const StepFigures&)> after_step = {};
  /// While the model has the weights that the figures speak of. An epoch that a limit has cut short is not
  /// `whole`, and the last one.
  std::function<void(const EpochFigures&, bool whole)> after_epoch = {};
  /// When a checkpoint is due: state, weights and optimiser fit together.
  std::function<void()> save = {};
};

/// A training, from where it stands to its end. The model is trained in place.
class Training {
 public:
  enum class Ending { finished, interrupted };

  Training(Translator& translator, const TrainingData& data, const TrainingSettings& settings);

  /// Goes on until a limit is reached or Ctrl-C is pressed, which lets the step end. ValueError, before any
  /// weight changes, when the loss or a gradient is not finite.
  Ending run(const TrainingHooks& hooks, const InterruptFlag& interrupt);

  TrainingState state = {};
  optim::Adam optimiser;

  const Translator& translator() const { return translator_; }
  Translator& translator() { return translator_; }
  const TrainingData& data() const { return data_; }
  const TrainingSettings& settings() const { return settings_; }
  /// Steps of the whole training, as far as epochs and steps say.
  Index planned_steps() const { return planned_; }
  /// True when `a` is the better result, as the settings count it.
  bool better(const Evaluation& a, const TrainingState::Best& b) const;
  /// True when a limit has been reached, so that no further epoch begins.
  bool is_over() const;

 private:
  using Plan = std::vector<std::vector<std::size_t>>;
  Plan plan(int epoch) const;
  StepFigures step(const Plan& plan);
  EpochFigures end_epoch();
  double seconds() const { return seconds_before_ + clock_.seconds(); }
  double seconds_limit() const;
  bool budget_is_spent() const;

  Translator& translator_;
  const TrainingData& data_;
  TrainingSettings settings_;
  Rng rng_;
  Index planned_ = 0;
  optim::Schedule schedule_;
  Stopwatch clock_;
  double seconds_before_ = 0;  // of earlier runs
};

struct TrainingResult {
  Index steps = 0;
  int epochs = 0;
  double seconds = 0;
  double validation_loss = 0;                  // of the weights that are kept
  bool interrupted = false;                    // by Ctrl-C
  std::optional<double> validation_bleu = {};  // of those weights
  std::string weights = {};                    // which they are: "epoch 7", "the mean of epochs 6 to 10"
};
/// What has come out so far; the weights are those of the best epoch.
TrainingResult result_of(const TrainingState& state, bool interrupted);

/// Trains `translator.model` in place, with a progress bar, and leaves nothing on the disk. `after_epoch` is
/// called with the figures of each epoch; the weights of the best one are left in the model. After Ctrl-C
/// those of the last step are, unless an epoch was finished.
TrainingResult train(Translator& translator, const TrainingData& data, const TrainingSettings& settings,
                     const std::function<void(const EpochFigures&)>& after_epoch);

}  // namespace attune::examples
