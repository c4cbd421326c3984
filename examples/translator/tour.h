#pragma once

#include <filesystem>
#include <string>

#include "examples/translator/builtin.h"

namespace attune::examples {

/// The tour: trains on the built-in corpus unless `folder` holds a model already, scores it on held-out
/// sentences, translates some, and writes weights and pictures into the folder.
int tour(const std::filesystem::path& folder, TrainingSettings settings, const TargetLanguage& language);

}  // namespace attune::examples
