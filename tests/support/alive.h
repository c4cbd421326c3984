#pragma once

#include <cstdint>
#include <fstream>

#include "autograd/variable.h"
#include "tensor/memory.h"

// What is alive and what it takes, for tests of what an action leaves behind.

namespace attune::testing {

/// Nodes of graphs and bytes of tensors that are alive when it is made.
struct Alive {
  std::int64_t nodes = live_nodes();
  std::int64_t bytes = memory_use().in_use;
  bool operator==(const Alive& other) const { return nodes == other.nodes && bytes == other.bytes; }
};

/// What the system says the process holds in memory; 0 where it does not say.
inline std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  file >> pages >> resident;
  return resident * 4096;
}

}  // namespace attune::testing
