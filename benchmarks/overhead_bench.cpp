#include <benchmark/benchmark.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "tensor/random.h"
#include "tensor/thread_pool.h"

// What an operation costs beside its arithmetic: on so few numbers that the arithmetic is a few nanoseconds.
//
//   overhead_bench --benchmark_filter=add
//
// `per_operation` is the time of a chain of 64 operations, each on the result of the one before it, divided
// by 64. Of each operation there are three rows:
//
//   unrecorded   under NoGradient: what translating costs
//   recorded     on a leaf, and the graph dropped without being used
//   backward     recorded, run backward from a sum of the last result, and dropped: what training costs

using namespace attune;

namespace {

constexpr int chain = 64;

benchmark::Counter per(int count) {
  return benchmark::Counter(count,
                            benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

enum class Mode { unrecorded, recorded, backward };

// `step` makes the next link of the chain from the last one.
template <class Step>
void run_chain(benchmark::State& state, Mode mode, const Tensor& start, const Step& step) {
  set_thread_count(1);
  std::optional<NoGradient> guard;
  if (mode == Mode::unrecorded) guard.emplace();
  const Variable x = tracked(start);
  for ([[maybe_unused]] const auto _ : state) {
    Variable y = x;
    for (int i = 0; i < chain; ++i) y = step(y);
    if (mode == Mode::backward) {
      backward(sum(y));
      x.clear_gradient();
    }
    benchmark::DoNotOptimize(y.value().data());
  }
  state.counters["per_operation"] = per(chain);
}

template <class Step>
void chains(const std::string& name, const Tensor& start, const Step& step) {
  const std::pair<const char*, Mode> modes[] = {
      {"unrecorded", Mode::unrecorded}, {"recorded", Mode::recorded}, {"backward", Mode::backward}};
  for (const auto& [mode_name, mode] : modes)
    benchmark::RegisterBenchmark(
        (name + "/" + mode_name).c_str(),
        [start, step](benchmark::State& state, Mode how) { run_chain(state, how, start, step); }, mode);
}

// Reading a sequence of (steps, 16) numbers one by one: backward alone, whose time must be linear in the
// number of steps. `per_step` is the same for all of them.
void slices(benchmark::State& state) {
  set_thread_count(1);
  const auto steps = static_cast<int>(state.range(0));
  const Variable x = tracked(ones({steps, 16}));
  for ([[maybe_unused]] const auto _ : state) {
    state.PauseTiming();
    std::vector<Variable> rows;
    for (int i = 0; i < steps; ++i) rows.push_back(slice(x, 0, i, i + 1));
    const Variable loss = sum(concatenate(rows));
    state.ResumeTiming();
    backward(loss);
    x.clear_gradient();
  }
  state.counters["per_step"] = per(steps);
}
BENCHMARK(slices)->RangeMultiplier(2)->Range(128, 1024)->Unit(benchmark::kMicrosecond);

// Fork and join: two chunks without any work. The pause before each one is work that is not shared out.
void fork_and_join(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  set_thread_count(2);
  const std::chrono::microseconds pause(state.range(0));
  const auto fork = [] { parallel_for(2, 1, [](std::int64_t, std::int64_t) {}); };
  fork();  // starts the threads
  for ([[maybe_unused]] const auto _ : state) {
    Clock::time_point begin = Clock::now();
    if (pause.count() > 0) {
      const Clock::time_point go = begin + pause;
      while ((begin = Clock::now()) < go) {
      }
    }
    fork();
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  set_thread_count(1);
}
BENCHMARK(fork_and_join)->ArgName("pause_us")->Arg(0)->Arg(10)->Arg(100)->UseManualTime();

const bool registered = [] {
  Rng rng(1);
  const Tensor few = normal({16}, 0, 1, rng);
  chains("add", few, [](const Variable& x) { return x + x; });
  chains("multiply", few, [one = Variable(ones({16}))](const Variable& x) { return x * one; });
  chains("relu", few, [](const Variable& x) { return relu(x); });
  chains("reshape", few, [](const Variable& x) { return reshape(x, {4, 4}); });
  chains("softmax", few, [](const Variable& x) { return softmax(x); });

  const auto chain_of_linear = [&](const char* name, Index width, const Shape& shape) {
    const Variable weight = tracked(normal({width, width}, 0, Scalar(0.1), rng));
    const Variable bias = tracked(zeros({width}));
    chains(name, normal(shape, 0, 1, rng),
           [weight, bias](const Variable& x) { return linear(x, weight, bias); });
  };
  chain_of_linear("linear_4x4", 4, {4, 4});

  // What decoding one sentence, token by token, is made of.
  const Shape token = {1, 1, 128};
  chains("token/add", normal(token, 0, 1, rng), [](const Variable& x) { return x + x; });
  chains("token/layer_norm", normal(token, 0, 1, rng),
         [scale = tracked(ones({128})), shift = tracked(zeros({128}))](const Variable& x) {
           return layer_norm(x, scale, shift);
         });
  chain_of_linear("token/linear", 128, token);
  return true;
}();

}  // namespace
