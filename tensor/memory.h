#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

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
  Memory(const Memory& other) noexcept : block_(other.block_) {
    if (block_) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  Memory(Memory&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Memory& operator=(Memory other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  // The last owner is alone with the block, so it need not count down to know.
  ~Memory() {
    if (block_ && (sole_owner() || block_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1)) free_block();
  }

  Scalar* data() const { return block_ ? block_->data() : nullptr; }
  /// True when no other handle shares the block.
  bool sole_owner() const { return block_ && block_->owners.load(std::memory_order_acquire) == 1; }

  /// Something made from the numbers that is worth keeping for as long as they do not change: a packed copy,
  /// say. It belongs to the block and ends with it, or when somebody is about to write.
  struct Companion {
    Companion() = default;
    Companion(const Companion&) = delete;
    Companion& operator=(const Companion&) = delete;
    virtual ~Companion() = default;
  };
  /// Null if there is none. It lives as long as this handle, unless the sole owner drops it.
  const Companion* companion() const {
    return block_ ? block_->companion.load(std::memory_order_acquire) : nullptr;
  }
  /// Keeps one, and returns it; if there is one already, by another thread perhaps, that one.
  const Companion* keep(std::unique_ptr<const Companion> fresh) const;
  /// For the sole owner, before it writes.
  void drop_companion() {
    if (block_ && block_->companion.load(std::memory_order_relaxed))
      delete block_->companion.exchange(nullptr);
  }

 private:
  struct alignas(64) Block {  // the numbers follow it
    std::atomic<std::int64_t> owners{1};
    int size_class = 0;
    Index count = 0;
    std::atomic<const Companion*> companion{nullptr};
    Scalar* data() { return reinterpret_cast<Scalar*>(this + 1); }
  };
  void free_block() noexcept;

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

/// Gives idle blocks back to the system: all of them in the thread that made the first tensor; in another,
/// but for the 2 MiB at most that the first keeps at hand for itself.
void release_idle_memory();

}  // namespace attune::inline ATTUNE_PRECISION
