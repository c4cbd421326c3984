#include <benchmark/benchmark.h>

#include <string>

#include "autograd/attention.h"
#include "tensor/memory.h"
#include "tensor/random.h"
#include "tensor/thread_pool.h"

// Attention forward and backward: streaming, and composed of one operation for each line of the formula.
// `GFLOPS` counts the multiply-adds of the seven products that the streaming form makes where everything may
// be seen, or of two without the backward pass; `held_MiB` is what waits for the backward pass besides Q, K
// and V.
//
//   attention_bench --benchmark_filter=threads:1

using namespace attune;

namespace {

struct Case {
  const char* name;
  Index batch, heads, queries, keys, width;  // B, H, T, S, D
  bool causal, backward;
};

const Case cases[] = {
    {"training, 64 x 20 tokens", 64, 4, 20, 20, 32, false, true},
    {"training, 64 x 20 tokens, causal", 64, 4, 20, 20, 32, true, true},
    {"T=64", 8, 8, 64, 64, 64, false, true},
    {"T=128", 4, 8, 128, 128, 64, false, true},
    {"T=256", 2, 8, 256, 256, 64, false, true},
    {"T=512", 1, 8, 512, 512, 64, false, true},
    {"T=512, causal", 1, 8, 512, 512, 64, true, true},
    {"T=1024", 1, 8, 1024, 1024, 64, false, true},
    {"T=1024, causal", 1, 8, 1024, 1024, 64, true, true},
    {"T=4096, causal", 1, 8, 4096, 4096, 64, true, true},
    {"decoding, 1 x 20 keys", 1, 4, 1, 20, 32, false, false},
    {"decoding, 64 x 20 keys", 64, 4, 1, 20, 32, false, false},
};

void attend(benchmark::State& state, const Case& c, bool streams, int threads) {
  set_thread_count(threads);
  Rng rng(1);
  // As projections give them: the heads of a position beside each other.
  const auto heads = [&](Index length) {
    return permute(normal({c.batch, length, c.heads, c.width}, 0, 1, rng), {0, 2, 1, 3});
  };
  const Tensor query = heads(c.queries), key = heads(c.keys), value = heads(c.keys), dy = heads(c.queries);
  const Mask mask = c.causal ? Mask::causal() : Mask();
  double held = 0;
  for ([[maybe_unused]] const auto _ : state) {
    const auto leaf = [&](const Tensor& x) { return c.backward ? tracked(x) : Variable(x); };
    const Variable q = leaf(query), k = leaf(key), v = leaf(value);
    const auto before = memory_use().in_use;
    const Variable y = streams ? streaming_attention(q, k, v, mask) : composed_attention(q, k, v, mask);
    held = static_cast<double>(memory_use().in_use - before) / (1 << 20);
    if (c.backward) gradients(y, {q, k, v}, dy);
  }
  const double products = c.backward ? 7 : 2;
  state.counters["GFLOPS"] = benchmark::Counter(
      2e-9 * products * static_cast<double>(c.batch * c.heads * c.queries * c.keys * c.width),
      benchmark::Counter::kIsIterationInvariantRate);
  state.counters["held_MiB"] = held;
}

const bool registered = [] {
  for (const Case& c : cases)
    for (const int threads : {1, 2})
      for (const bool streams : {true, false})
        benchmark::RegisterBenchmark(
            (std::string(c.name) + (streams ? ", streaming" : ", composed") +
             "/threads:" + std::to_string(threads))
                .c_str(),
            [&c, streams, threads](benchmark::State& state) { attend(state, c, streams, threads); })
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
  return true;
}();

}  // namespace
