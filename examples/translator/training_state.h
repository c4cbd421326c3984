#pragma once

#include <limits>

#include "io/checkpoint.h"

namespace attune::examples {

/// Where a training stands between two steps. With the weights and the optimiser this is all that the next
/// step depends on: the order of sentences and the random numbers of dropout are functions of the seed and of
/// these numbers.
struct TrainingState {
  Index steps = 0;     // that have been made
  Index batches = 0;   // that have been read; more than steps where gradients are accumulated
  int epoch = 1;       // the one that training is in …
  Index position = 0;  // … and how many of its batches have been read
  double seconds = 0;  // spent on training, in all runs
  double tokens = 0;   // of target sentences, seen so far
  double loss = 0;     // of the last steps, smoothed, nats per token

  /// What has come together in this epoch.
  struct Sums {
    Index steps = 0;
    double tokens = 0, loss = 0, gradient_norm = 0;  // loss: times tokens
    double seconds = 0;                              // of training when the epoch began
  } sums = {};

  /// The epoch with the best validation score so far.
  struct Best {
    int epoch = 0;  // 0: none yet
    Index steps = 0;
    double loss = std::numeric_limits<double>::infinity();
    double bleu = -1;  // -1: not measured
  } best = {};
  int epochs_without_better = 0;
};

/// The state as notes of a checkpoint, to the last bit, and back. FileError, naming the file, for what is
/// missing or no number.
io::Notes to_notes(const TrainingState& state);
TrainingState state_from(const io::Notes& notes, const std::filesystem::path& file);

}  // namespace attune::examples
