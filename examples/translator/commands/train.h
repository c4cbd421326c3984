#pragma once

#include "examples/translator/options.h"

namespace attune::examples {

/// Trains as the options say, or goes on in their folder; the exit status. `resume` calls it too.
int run_train(Options& options);

}  // namespace attune::examples
