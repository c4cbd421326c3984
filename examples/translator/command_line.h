#pragma once

#include <optional>
#include <string>

#include "examples/translator/options.h"

namespace attune::examples {

/// Reads the command line; nothing when it asked for help, which has then been printed. Flags that have no
/// effect are named on standard error. Throws UsageError.
std::optional<Options> read_command_line(int argc, const char* const* argv);

/// The options of `translator train` with these settings and no flags. `file` is what errors call them.
Options options_of_settings(const std::string& settings, const std::string& file);

}  // namespace attune::examples
