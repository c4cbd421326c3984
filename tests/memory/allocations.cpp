// Work counted in memory asked for, by an operator new of this program's own, not by the clock.
//
//   allocations step     what a training step asks of the system once the first steps have been made: no
//                        memory for numbers, and of other memory what the graph is made of, a few small
//                        blocks for each of its nodes, all given back when the graph goes
//   allocations slices   what the backward pass through 256 and 512 slices of a sequence asks for, with
//                        ATTUNE_POOL=off: twice as many slices, twice the numbers

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string_view>
#include <vector>

#include "autograd/ops.h"
#include "tensor/thread_pool.h"
#include "tests/nn/small_training.h"

using namespace attune;

namespace {

// Tensors are the only ones that ask for memory with an alignment.
std::atomic<long> number_blocks, number_bytes, other_blocks, other_freed, largest_other;

void note(std::size_t bytes) {
  ++other_blocks;
  if (largest_other < static_cast<long>(bytes)) largest_other = static_cast<long>(bytes);
}

void free_other(void* block) noexcept {
  if (block != nullptr) ++other_freed;
  std::free(block);
}

}  // namespace

void* operator new(std::size_t bytes) {
  note(bytes);
  if (void* block = std::malloc(bytes > 0 ? bytes : 1)) return block;
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const std::size_t unit = static_cast<std::size_t>(alignment);
  ++number_blocks;
  number_bytes += static_cast<long>(bytes);
  if (void* block = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  free_other(block);
}
void operator delete(void* block, std::size_t) noexcept {
  free_other(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  std::free(block);
}

namespace {

// How many nodes there have been.
long nodes_so_far() {
  return static_cast<long>(tracked(Tensor(Scalar(0))).node()->order);
}

bool step() {
  // For each node: itself, its list of parents, what the backward pass notes of it, its gradients, and now
  // and then a list that an operation is given or keeps.
  constexpr long blocks_per_node = 10, large = 32768;
  bool kept = true;
  for (const int threads : {1, 2}) {
    set_thread_count(threads);
    testing::SmallTraining training;
    for (int warm_up = 0; warm_up < 3; ++warm_up) training.step();
    for (int i = 0; i < 3; ++i) {
      const long nodes_before = nodes_so_far();
      const long numbers_before = number_blocks, others_before = other_blocks, freed_before = other_freed;
      largest_other = 0;
      training.step();
      const long numbers = number_blocks - numbers_before, others = other_blocks - others_before;
      const long left = others - (other_freed - freed_before), largest = largest_other;
      const long nodes = nodes_so_far() - nodes_before;
      std::printf(
          "%d threads: %ld blocks for numbers; %ld others for %ld nodes, of at most %ld bytes, %ld left\n",
          threads, numbers, others, nodes, largest, left);
      kept = kept && numbers == 0 && others <= blocks_per_node * nodes && largest <= large && left == 0;
    }
  }
  if (!kept)
    std::printf("wanted: 0 for numbers; at most %ld others for each node, of at most %ld bytes; 0 left\n",
                blocks_per_node, large);
  return kept;
}

// What backward asks for when each step of a sequence (steps, 16) has been read by itself.
long bytes_through(Index steps) {
  const Variable x = tracked(ones({steps, 16}));
  std::vector<Variable> parts;
  for (Index t = 0; t < steps; ++t) parts.push_back(slice(x, 0, t, t + 1));
  const Variable loss = sum(concatenate(parts));
  const long before = number_bytes;
  backward(loss);
  return number_bytes - before;
}

bool slices() {
  bytes_through(1);
  const long some = bytes_through(256), twice = bytes_through(512);
  std::printf("backward through 256 slices asked for %ld bytes, through 512 for %ld\n", some, twice);
  if (some > 0 && twice <= 2 * some) return true;
  std::printf("wanted: at most twice as many (and some, which takes ATTUNE_POOL=off)\n");
  return false;
}

}  // namespace

int main(int count, char** words) {
  const std::string_view what = count > 1 ? words[1] : "";
  if (what == "step") return step() ? 0 : 1;
  if (what == "slices") return slices() ? 0 : 1;
  std::printf("allocations step|slices\n");
  return 2;
}
