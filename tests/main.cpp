// The test runner: doctest's own, with one addition.
//
// Sweeps that take long are marked `* doctest::skip()`; they run when ATTUNE_FULL is set, as `./run test
// --full` does.

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>

int main(int argc, char** argv) {
  doctest::Context context;
  if (std::getenv("ATTUNE_FULL") != nullptr) context.setOption("no-skip", true);
  context.applyCommandLine(argc, argv);
  return context.run();
}
