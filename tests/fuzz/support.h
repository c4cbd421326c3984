#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

// What the fuzzers share. Each is called with the folder of its inputs as its first argument:
//
//   cmake --preset fuzz && cmake --build build/fuzz --target weights_fuzz
//   mkdir -p inputs && build/fuzz/tests/fuzz/weights_fuzz inputs -max_total_time=60
//
// ctest runs them all, each for ATTUNE_FUZZ_SECONDS.

namespace attune::fuzz {

/// Ends the process, which libFuzzer reports with the input, unless the promise is kept.
inline void expect(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// Puts small good inputs into the folder that the command line names, for libFuzzer to start from. To be
/// called in LLVMFuzzerInitialize, which comes before the folder is read.
inline void plant_seeds(int argc, char** argv, const std::vector<std::string>& seeds) {
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '-' || !std::filesystem::is_directory(argv[i])) continue;
    int number = 0;
    for (const std::string& seed : seeds) {
      const std::string name = "seed-" + std::to_string(number++);
      std::ofstream(std::filesystem::path(argv[i]) / name, std::ios::binary) << seed;
    }
    return;
  }
}

}  // namespace attune::fuzz
