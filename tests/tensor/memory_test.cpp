#include "tensor/memory.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <thread>
#include <vector>

#include "tensor/elementwise.h"
#include "tensor/tensor.h"

using namespace attune;

TEST_CASE("memory: what is in use goes up with a tensor and back to its base without it") {
  const std::int64_t base = memory_use().in_use;
  {
    const Tensor x = zeros({1000});
    CHECK(memory_use().in_use >= base + static_cast<std::int64_t>(1000 * sizeof(Scalar)));
    const std::int64_t with_one = memory_use().in_use;
    const Tensor view = reshape(x, {10, 100});
    const Tensor handle = x;
    CHECK(memory_use().in_use == with_one);
  }
  CHECK(memory_use().in_use == base);
}

TEST_CASE("memory: every block is aligned to a cache line") {
  std::vector<Tensor> held;
  for (Index size = 0; size < 200; ++size) {
    held.push_back(Tensor::uninitialised({size}));
    CHECK(reinterpret_cast<std::uintptr_t>(held.back().data()) % 64 == 0);
  }
}

TEST_CASE("memory: no block is more than a fifth larger than asked for, from a cache line on") {
  for (Index size : {64, 65, 100, 1000, 1023, 1025, 5000, 123457}) {
    const std::int64_t base = memory_use().in_use;
    const Tensor x = Tensor::uninitialised({size});
    const std::int64_t bytes = size * static_cast<std::int64_t>(sizeof(Scalar));
    CHECK(memory_use().in_use - base >= bytes);
    CHECK(memory_use().in_use - base <= bytes + bytes / 4);
  }
}

TEST_CASE("memory: a freed block is kept for the next tensor of its size until it is released") {
  release_idle_memory();
  CHECK(memory_use().idle == 0);
  if (!memory_is_pooled()) {  // under AddressSanitizer, or when asked not to
    { const Tensor x = zeros({5000}); }
    CHECK(memory_use().idle == 0);
    return;
  }
  { const Tensor x = zeros({5000}); }
  const std::int64_t idle = memory_use().idle;
  CHECK(idle >= static_cast<std::int64_t>(5000 * sizeof(Scalar)));
  {
    const Tensor again = zeros({5000});
    CHECK(memory_use().idle < idle);
  }
  release_idle_memory();
  CHECK(memory_use().idle == 0);
}

TEST_CASE("memory: handles may come and go in many threads at once") {
  const std::int64_t base = memory_use().in_use;
  {
    const Tensor shared = arange(100);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([shared] {
        for (int turn = 0; turn < 2000; ++turn) {
          Tensor mine = shared;
          Tensor other = Tensor::uninitialised({1 + turn % 50});
          if (turn % 16 == 0) mine.writable()[0] = static_cast<Scalar>(turn);
        }
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(shared.at({0}) == 0);
  }
  CHECK(memory_use().in_use == base);
}

#if defined(ATTUNE_CHECKED)
TEST_CASE("memory: in a checked build fresh memory holds NaN") {
  const Tensor x = Tensor::uninitialised({33});
  for (Index i = 0; i < 33; ++i) CHECK(x.data()[i] != x.data()[i]);
}
#endif
