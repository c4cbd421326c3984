#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "nn/transformer.h"

// The settings of a model as text, kept in the metadata of its weights: without them the weights are numbers
// of unknown use.

namespace attune::examples {

using Notes = std::map<std::string, std::string>;

/// Everything that makes the model again, but for the sizes of the vocabularies, which are files of their
/// own.
Notes to_notes(const nn::TransformerSettings& settings);

/// The settings that `to_notes` wrote; notes of other names are passed over. FileError, which names `file`,
/// for a setting that is missing or makes no sense by itself. Whether they fit together is for the model to
/// say.
nn::TransformerSettings from_notes(const Notes& notes, const std::filesystem::path& file);

/// One note; FileError when it is missing.
const std::string& note(const Notes& notes, const std::string& name, const std::filesystem::path& file);

/// About how many numbers the weights of a model have, a little less than there are; without making it.
double least_weights(const nn::TransformerSettings& settings);

}  // namespace attune::examples
