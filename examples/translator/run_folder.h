#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "examples/translator/train.h"
#include "io/file.h"

// What a training leaves in its folder:
//
//   weights.safetensors, source.vocabulary, …    the model that `translate` reads: the best so far
//   settings.ini                                 all settings: `train --settings` repeats the training
//   training.csv, steps.csv                      a line of figures for each epoch, and for each step
//   checkpoints/start/                           the model before its first step, with its vocabularies
//   checkpoints/latest.safetensors               all it takes to go on: weights, optimiser, state
//   checkpoints/previous.safetensors             the same, one checkpoint earlier
//   checkpoints/epoch-0012.safetensors           the weights after epoch 12: the last few, and the best
//
// latest.safetensors alone says how far the training has come. It is replaced in one instant, and everything
// else is written before it or follows from it. So whenever the process dies, going on begins at a whole
// checkpoint; lines and weights of steps that come later are dropped, and come again with the same bits.

namespace attune::examples {

class RunFolder {
 public:
  /// Nothing is read or written yet.
  explicit RunFolder(std::filesystem::path folder);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// True when there is a checkpoint to go on from.
  bool begun() const;
  /// True when that training has come to its end.
  bool finished() const;

  /// Takes the folder for a new training of `training.translator()`, whose earlier checkpoints are deleted;
  /// a trained model stays until there is a better one. `settings` becomes settings.ini; `notes` go into the
  /// metadata of all weights. FileError when another process trains here.
  void begin(const Training& training, const std::string& settings, const io::Notes& notes);

  /// The settings that the training here began with. FileError, naming the first line that differs, when
  /// settings.ini has been changed since.
  std::string settings() const;
  /// The model before its first step: vocabularies, sizes and notes.
  Translator start() const;
  /// Gives `training`, of the translator that start() gave, weights, optimiser and state of the checkpoint,
  /// and cuts the tables back to it. A damaged checkpoint is passed over, with a word on standard error, if
  /// the one before it is whole. FileError otherwise, when the corpus is not the one that the training began
  /// with, and when another process trains here.
  void resume(Training& training);

  /// Writes the checkpoint.
  void save(const Training& training);
  /// Keeps the figures of a step, or of an epoch with its weights.
  void add(const StepFigures& figures);
  void add(const Training& training, const EpochFigures& figures);
  /// Makes the weights that the training has now the folder's model.
  void keep_model(const Training& training, const io::Notes& notes);
  /// The end: makes the best epoch, or the mean of the last ones if it scores better, the folder's model, and
  /// leaves it in the training. Says which it was, and its scores.
  TrainingResult finish(Training& training);

  /// The files of the last `count` epochs whose weights are kept, or fewer. FileError when there is none.
  struct Epoch {
    int number;
    std::filesystem::path file;
  };
  std::vector<Epoch> last_epochs(int count) const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path checkpoints() const { return folder_ / "checkpoints"; }
  std::filesystem::path latest() const { return checkpoints() / "latest.safetensors"; }
  std::filesystem::path previous() const { return checkpoints() / "previous.safetensors"; }
  std::filesystem::path epoch_file(int epoch) const;
  std::vector<Epoch> epochs() const;
  void lock();
  void open_tables(Index epochs, Index steps);
  io::Notes checkpoint_notes() const;

  std::filesystem::path folder_;
  io::Notes notes_;    // of all weights
  io::Notes run_;      // what does not change during a run: settings, checksum of the corpus, kernels
  std::string table_;  // training.csv
  std::unique_ptr<io::Journal> steps_;
  int lock_ = -1;
};

/// Trains in a folder: begins, and goes on until it is finished or interrupted. When it fails, it says on
/// standard error how to go on.
TrainingResult train_into(const std::filesystem::path& folder, Translator& translator,
                          const TrainingData& data, const TrainingSettings& settings, const io::Notes& notes,
                          const std::string& settings_text = "");

/// Goes on in a folder, with the translator that RunFolder::start gave.
TrainingResult resume_in(const std::filesystem::path& folder, Translator& translator,
                         const TrainingData& data, const TrainingSettings& settings);

}  // namespace attune::examples
