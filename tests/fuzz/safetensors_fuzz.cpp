// A libFuzzer target: any bytes end in tensors or in a FileError, and what is accepted can be written and
// read again.
//
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I. tests/io/safetensors_fuzz.cpp
//           io/safetensors.cpp io/file.cpp io/unicode.cpp -o safetensors_fuzz && ./safetensors_fuzz
//           -max_total_time=60

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "io/safetensors.h"
#include "tensor/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attune::io;
  SafetensorsFile file;
  try {
    file = from_safetensors({reinterpret_cast<const char*>(data), size}, "input");
  } catch (const attune::FileError&) {
    return 0;
  }
  for (const NamedArray& array : file.arrays) {
    if (!std::all_of(array.values.begin(), array.values.end(), [](auto v) { return std::isfinite(v); }))
      return 0;
  }
  const SafetensorsFile again = from_safetensors(to_safetensors(file), "written");
  if (again.metadata != file.metadata || again.arrays.size() != file.arrays.size()) std::abort();
  for (std::size_t i = 0; i < file.arrays.size(); ++i) {
    const NamedArray &a = file.arrays[i], &b = again.arrays[i];
    // The order of empty tensors among themselves is kept as well.
    if (a.name != b.name || a.shape != b.shape || a.values != b.values) std::abort();
  }
  return 0;
}
