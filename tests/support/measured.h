#pragma once

#include <cstdarg>
#include <cstdio>

namespace attune::testing {

/// Prints one line `measured: …` in the manner of printf: a figure that a test arrived at, such as a worst
/// error and where it was. `./run test --full` gathers these lines into its report.
[[gnu::format(printf, 1, 2)]] inline void measured(const char* format, ...) {
  std::printf("measured: ");
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\n");
}

}  // namespace attune::testing
