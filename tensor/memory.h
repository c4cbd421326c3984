#pragma once

#include <cstdint>

#include "tensor/shape.h"

namespace attune::inline ATTUNE_PRECISION {

/// A shared handle to an aligned block of numbers, taken from a pool and returned to it by the last handle.
///
/// Training asks for the same few hundred sizes at every step; the pool answers without going to the system,
/// and without the page faults of fresh memory. Handles may be copied and dropped from any thread.
/// Under AddressSanitizer, and with ATTUNE_POOL=off in the environment (for Valgrind), each block comes from
/// the system and goes back to it.
class Memory {
 public:
  Memory() = default;
  /// `count` numbers with undefined contents, aligned to a cache line. In checked builds they are signalling
  /// NaN, when the block comes and when it goes.
  explicit Memory(Index count);
  Memory(const Memory& other);
  Memory(Memory&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
  Memory& operator=(Memory other) noexcept;
  ~Memory();

  Scalar* data() const;
  /// True when no other handle shares the block.
  bool sole_owner() const;

 private:
  struct Block;
  Block* block_ = nullptr;
};

/// What the pool holds, in bytes: `in_use` by live tensors, `idle` kept for the next ones.
struct MemoryUse {
  std::int64_t in_use = 0;
  std::int64_t idle = 0;
};
MemoryUse memory_use();

/// Whether freed blocks are kept for the next tensors.
bool memory_is_pooled();

/// Gives idle blocks back to the system.
void release_idle_memory();

}  // namespace attune::inline ATTUNE_PRECISION
