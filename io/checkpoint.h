#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/model.h"
#include "optim/optimiser.h"

// A checkpoint: all that a training needs to go on as if it had never stopped, in one file.
//
//   the weights             under the names of the model's `visit`, as io::save_weights writes them
//   optimiser/<name>        what the optimiser remembers (optim::Optimiser::state): moments, counts
//   notes                   free text in the metadata: the step, the epoch, the best score so far, …
//
// One file and not three, because three cannot be replaced in one instant: a process killed between the first
// and the second would leave weights of one step and moments of another. Random numbers need no place of
// their own: in attune they are functions of a seed and of the number of the step.

namespace attune::io {

using Notes = std::map<std::string, std::string>;

namespace detail {
void save_checkpoint(const std::filesystem::path& path, const ModelTensors& tensors,
                     const optim::Optimiser& optimiser, const Notes& notes);
Notes load_checkpoint(const std::filesystem::path& path, const ModelTensors& tensors,
                      optim::Optimiser& optimiser);
/// Takes what belongs to the optimiser, and the mark that it is a checkpoint, out of a file, and leaves the
/// weights. Nothing for a file that is not a checkpoint.
std::optional<std::vector<optim::NamedTensor>> take_optimiser_state(SafetensorsFile& file);
}  // namespace detail

/// Writes model, optimiser and notes to `path`, atomically, with checksums. Errors as save_weights; then the
/// file that was there is as it was.
template <nn::Layer Model>
void save_checkpoint(const std::filesystem::path& path, const Model& model, const optim::Optimiser& optimiser,
                     const Notes& notes = {}) {
  detail::save_checkpoint(path, detail::tensors_of(model), optimiser, notes);
}

/// Gives model and optimiser what the file holds, and returns the notes. All of it is checked first:
/// FileError for a damaged file, for one that holds weights only, and for names or shapes that differ, all of
/// which are listed. Then neither model nor optimiser has changed.
template <nn::Layer Model>
Notes load_checkpoint(const std::filesystem::path& path, Model& model, optim::Optimiser& optimiser) {
  return detail::load_checkpoint(path, detail::tensors_of(model), optimiser);
}

/// A number as the shortest text that gives the same bits again: "0.1", "3e-05", "inf".
std::string exact_text(double number);
/// The number that exact_text wrote. FileError, naming note and file, if it is missing or is no number.
double number_of(const Notes& notes, const std::string& name, const std::filesystem::path& file);
/// The same for a count: a whole number from 0 on.
std::int64_t count_of(const Notes& notes, const std::string& name, const std::filesystem::path& file);

}  // namespace attune::io
