#include "tensor/memory.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>
#include <string_view>
#include <vector>

namespace attune::inline ATTUNE_PRECISION {
namespace {

// AddressSanitizer must see every block come and go, so under it the pool keeps nothing; for Valgrind and its
// like the same is asked for with ATTUNE_POOL=off in the environment.
bool keeps_blocks() {
#if defined(__SANITIZE_ADDRESS__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  return false;
#endif
#endif
  const char* setting = std::getenv("ATTUNE_POOL");
  return setting == nullptr || std::string_view(setting) != "off";
}

constexpr std::size_t alignment = 64;  // also how much room the header of a block takes

// Blocks come in four sizes per doubling (64, 80, 96, 112, 128, 160 …), so at most a fifth of a block is
// wasted.
int size_class(std::size_t bytes) {
  const std::size_t units = std::max<std::size_t>(4, (bytes + 15) / 16);
  const int doubling =
      static_cast<int>(std::bit_width(units - 1)) - 3;  // units in (4·2^doubling, 8·2^doubling]
  const int shift = std::max(doubling, 0);
  const std::size_t quarter = (units + (std::size_t{1} << shift) - 1) >> shift;  // 4 to 8
  return shift * 4 + static_cast<int>(quarter) - 4;
}
std::size_t class_bytes(int index) {
  return (static_cast<std::size_t>(4 + index % 4) << (index / 4)) * 16;
}

// Memory from the system. Large blocks in pages of 2 MiB, where it has such: a matrix read down its columns
// meets another page at each row, and the processor knows only so many by heart.
constexpr std::size_t large_page = std::size_t{2} << 20;

std::align_val_t alignment_of(std::size_t bytes) {
  return std::align_val_t(bytes >= large_page ? large_page : alignment);
}

void* allocate(std::size_t bytes) {
  void* block = ::operator new(bytes, alignment_of(bytes));
#if defined(__linux__)
  if (bytes >= large_page) madvise(block, bytes, MADV_HUGEPAGE);  // a wish: nothing is lost if it is not met
#endif
  return block;
}

void deallocate(void* block, std::size_t bytes) {
  ::operator delete(block, alignment_of(bytes));
}

// Small blocks that one thread has freed and will take again. Nobody else touches them, so that takes no
// lock: of an operation on few numbers a mutex, locked for each tensor that comes and goes, would be a
// quarter. The one thread is the first that makes a tensor, as a rule the one that trains; all others use the
// pool.
class OwnBlocks {
 public:
  static constexpr int classes = 33;  // up to 16 KiB

  // A block, or null.
  void* take(int index) {
    Block* block = first_[index];
    if (block == nullptr) return nullptr;
    first_[index] = block->next;
    held_[index] -= class_bytes(index);
    add(idle_, -static_cast<std::int64_t>(class_bytes(index)));
    add(in_use_, static_cast<std::int64_t>(class_bytes(index)));
    return block;
  }

  // False, and nothing done, if there are enough of them.
  bool keep(void* block, int index) {
    constexpr std::size_t most = 64 * 1024;  // bytes of each class
    if (held_[index] + class_bytes(index) > most) return false;
    first_[index] = new (block) Block{first_[index]};
    held_[index] += class_bytes(index);
    add(idle_, static_cast<std::int64_t>(class_bytes(index)));
    add(in_use_, -static_cast<std::int64_t>(class_bytes(index)));
    return true;
  }

  void release() {
    for (int index = 0; index < classes; ++index) {
      while (Block* block = first_[index]) {
        first_[index] = block->next;
        deallocate(block, alignment + class_bytes(index));
      }
      held_[index] = 0;
    }
    idle_.store(0, std::memory_order_relaxed);
  }

  // Beside what the pool has counted: other threads may ask.
  MemoryUse use() const {
    return {in_use_.load(std::memory_order_relaxed), idle_.load(std::memory_order_relaxed)};
  }

 private:
  struct Block {
    Block* next;
  };
  static void add(std::atomic<std::int64_t>& sum, std::int64_t bytes) {  // one thread writes
    sum.store(sum.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  }

  Block* first_[classes] = {};
  std::size_t held_[classes] = {};
  std::atomic<std::int64_t> in_use_ = 0, idle_ = 0;
};

OwnBlocks own_blocks;
std::atomic<bool> own_blocks_have_an_owner = false;

// True in the thread that may use own_blocks, until it ends.
bool owns_blocks() {
  enum Answer : char { unknown, yes, no };
  constinit thread_local Answer answer = unknown;
  if (answer == unknown) {
    answer = own_blocks_have_an_owner.exchange(true) ? no : yes;
    struct Last {
      ~Last() {
        if (answer == no) return;
        own_blocks.release();
        answer = no;
      }
    };
    thread_local Last last;
  }
  return answer == yes;
}

class Pool {
 public:
  // The pool outlives every static tensor: it is never destroyed.
  static Pool& instance() {
    static Pool* pool = new Pool;
    return *pool;
  }

  // A block of that class. One that will not be kept has room for the `bytes` asked for and no more, so that
  // the tools that look for accesses beyond the end see the true one.
  void* take(int index, std::size_t bytes) {
    if (index < OwnBlocks::classes && owns_blocks())
      if (void* block = own_blocks.take(index)) return block;
    {
      const std::lock_guard lock(mutex_);
      in_use_ += static_cast<std::int64_t>(class_bytes(index));
      auto& idle = idle_[index];
      if (!idle.empty()) {
        void* block = idle.back();
        idle.pop_back();
        idle_bytes_ -= static_cast<std::int64_t>(class_bytes(index));
        return block;
      }
    }
    try {
      return allocate(whole(index, bytes));
    } catch (...) {
      const std::lock_guard lock(mutex_);
      in_use_ -= static_cast<std::int64_t>(class_bytes(index));
      throw;
    }
  }

  // `bytes` as asked for in take().
  void give_back(void* block, int index, std::size_t bytes) noexcept {
    if (keeps_ && index < OwnBlocks::classes && owns_blocks() && own_blocks.keep(block, index)) return;
    const std::lock_guard lock(mutex_);
    in_use_ -= static_cast<std::int64_t>(class_bytes(index));
    if (keeps_) {
      try {
        idle_[index].push_back(block);
        idle_bytes_ += static_cast<std::int64_t>(class_bytes(index));
        return;
      } catch (const std::bad_alloc&) {  // no room to remember it: give it to the system instead
      }
    }
    deallocate(block, whole(index, bytes));
  }

  bool keeps() const { return keeps_; }

  MemoryUse use() {
    const std::lock_guard lock(mutex_);
    const MemoryUse own = own_blocks.use();
    return {in_use_ + own.in_use, idle_bytes_ + own.idle};
  }

  void release_idle() {
    if (owns_blocks()) own_blocks.release();
    const std::lock_guard lock(mutex_);
    for (int index = 0; index < classes; ++index) {
      for (void* block : idle_[index]) deallocate(block, whole(index, 0));
      idle_[index].clear();
    }
    idle_bytes_ = 0;
  }

 private:
  static constexpr int classes = 256;
  // A block with its header.
  std::size_t whole(int index, std::size_t bytes) const {
    return alignment + (keeps_ ? class_bytes(index) : bytes);
  }

  const bool keeps_ = keeps_blocks();
  std::mutex mutex_;
  std::vector<void*> idle_[classes];
  std::int64_t in_use_ = 0;
  std::int64_t idle_bytes_ = 0;
};

// In checked builds a block is full of signalling NaN when it comes and when it goes: whoever reads it too
// early or too late gets NaN, where the operation that did it can be found.
void poison([[maybe_unused]] Scalar* numbers, [[maybe_unused]] Index count) {
#if defined(ATTUNE_CHECKED)
  // Volatile, or the compiler sees that nobody may read what is about to be freed.
  volatile Scalar* seen = numbers;
  for (Index i = 0; i < count; ++i) seen[i] = std::numeric_limits<Scalar>::signaling_NaN();
#endif
}

}  // namespace

Memory::Memory(Index count) {
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(Scalar);
  const int index = size_class(bytes);
  block_ = new (Pool::instance().take(index, bytes)) Block;
  block_->size_class = index;
  block_->count = count;
  poison(block_->data(), count);
}

const Memory::Companion* Memory::keep(std::unique_ptr<const Companion> fresh) const {
  const Companion* there = nullptr;
  if (block_->companion.compare_exchange_strong(there, fresh.get(), std::memory_order_acq_rel))
    return fresh.release();
  return there;
}

void Memory::free_block() noexcept {
  drop_companion();
  const int index = block_->size_class;
  const std::size_t bytes = static_cast<std::size_t>(block_->count) * sizeof(Scalar);
  poison(block_->data(), block_->count);
  block_->~Block();
  Pool::instance().give_back(block_, index, bytes);
}

MemoryUse memory_use() {
  return Pool::instance().use();
}

bool memory_is_pooled() {
  return Pool::instance().keeps();
}

void release_idle_memory() {
  Pool::instance().release_idle();
}

}  // namespace attune::inline ATTUNE_PRECISION
