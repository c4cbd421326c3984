#pragma once

#include <string>
#include <vector>

#include "examples/translator/options.h"

// Settings as a file: lines `name = value`, with the names of the flags of `train` and without their dashes.
// Lines that begin with # are comments.

namespace attune::examples {

struct SettingsLine {
  std::string name, value;
  int line = 0;
};

/// UsageError, naming file and line, for what is no such line and for a name that comes twice.
std::vector<SettingsLine> parse_settings(const std::string& text, const std::string& file);

/// All settings of a training, whether they were given or left to their defaults: `train --settings` with
/// this text repeats the training.
std::string settings_text(const Options& options);

}  // namespace attune::examples
