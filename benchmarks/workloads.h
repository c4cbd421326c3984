#pragma once

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "nn/transformer.h"
#include "tensor/simd/kernels.h"
#include "tensor/thread_pool.h"

// What the benchmarks share: the Transformers they train and ask, how they take the time, and what they
// compare it with. pytorch_side.py has the same Transformers; compare_pytorch sees to it that their sizes
// agree. B pairs, S source tokens, T target tokens.

namespace bench {

using namespace attune;

// ---- models

/// Transformer-Tiny (Wu et al. 2021, "Good for Misconceived Reasons"), with one vocabulary of 8000.
inline nn::TransformerSettings tiny(Scalar dropout) {
  return {.source_vocabulary = 8000,
          .target_vocabulary = 8000,
          .width = 128,
          .heads = 4,
          .hidden = 256,
          .encoder_layers = 4,
          .decoder_layers = 4,
          .dropout = dropout,
          .norm = nn::NormPlacement::post,
          .share_embeddings = true};
}

/// So small that what counts is how little is done around the arithmetic.
inline nn::TransformerSettings toy(Scalar dropout) {
  return {.source_vocabulary = 200,
          .target_vocabulary = 200,
          .width = 64,
          .heads = 4,
          .hidden = 256,
          .encoder_layers = 2,
          .decoder_layers = 2,
          .dropout = dropout,
          .norm = nn::NormPlacement::post,
          .share_embeddings = true};
}

/// Operations on numbers in the products of matrices of one forward pass, two for each multiply-add: every
/// weight is used once for each token, and each pair of query and key takes 2 C multiply-adds, for its score
/// and for the sum. Half of the decoder's pairs are hidden by its mask and count nevertheless.
inline double forward_operations(const nn::TransformerSettings& settings, Index pairs, Index sources,
                                 Index targets) {
  const auto [C, hidden, V] =
      std::array{double(settings.width), double(settings.hidden), double(settings.target_vocabulary)};
  const auto [B, S, T] = std::array{double(pairs), double(sources), double(targets)};
  const auto [encoder, decoder] =
      std::array{double(settings.encoder_layers), double(settings.decoder_layers)};
  const double of_a_source_token = encoder * (4 * C * C + 2 * C * hidden) + decoder * 2 * C * C;
  const double of_a_target_token = decoder * (6 * C * C + 2 * C * hidden) + C * V;
  const double queries_and_keys = encoder * S * S + decoder * (T * T + T * S);
  return 2 * B * (S * of_a_source_token + T * of_a_target_token + 2 * C * queries_and_keys);
}

// ---- the machine

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// What the processor can do at most: operations per second of `threads` threads that do nothing but
/// independent multiply-adds in registers, two operations each.
inline double measure_peak(int threads) {
  constexpr std::int64_t rounds = 100'000;
  std::vector<Scalar> sink(static_cast<std::size_t>(threads));
  double best = 0;
  for (int repeat = 0; repeat < 60; ++repeat) {
    const double start = seconds();
    parallel_for(threads, 1, [&](std::int64_t thread, std::int64_t) {
      sink[static_cast<std::size_t>(thread)] = kernels().gemm_peak(rounds);
    });
    const double operations = 2.0 * 12 * static_cast<double>(rounds) * kernels().lanes * threads;
    best = std::max(best, operations / (seconds() - start));
  }
  benchmark::DoNotOptimize(sink);
  return best;
}

/// The most memory that this process has had at a time, in MiB.
inline double peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
#else
  return static_cast<double>(usage.ru_maxrss) / (1 << 10);
#endif
}

// ---- measuring

/// Times each call of `work` by itself, after three that are not measured: memory and caches are filled then.
/// `operations` are those of one call. Counters:
///   median_ms, best_ms   of one call
///   GFLOP, of_peak       its operations, and how many of those possible in the median time these are
///   peak_MiB             of the process so far
template <class Work>
void measure(benchmark::State& state, int threads, double operations, Work&& work) {
  for (int i = 0; i < 3; ++i) work();
  double peak = measure_peak(threads);
  std::vector<double> times;
  for ([[maybe_unused]] const auto _ : state) {
    const double start = seconds();
    work();
    times.push_back(seconds() - start);
    state.SetIterationTime(times.back());
  }
  peak = std::max(peak, measure_peak(threads));
  std::sort(times.begin(), times.end());
  const double median = (times[(times.size() - 1) / 2] + times[times.size() / 2]) / 2;
  state.counters["median_ms"] = median * 1e3;
  state.counters["best_ms"] = times.front() * 1e3;
  state.counters["GFLOP"] = operations / 1e9;
  state.counters["of_peak"] = operations / median / peak;
  state.counters["peak_MiB"] = peak_memory();
}

/// Registers NAME/threads:1 and NAME/threads:2, which call body(state, threads).
template <class Body>
void register_benchmark(const std::string& name, Body body) {
  for (const int threads : {1, 2})
    benchmark::RegisterBenchmark((name + "/threads:" + std::to_string(threads)).c_str(),
                                 [body, threads](benchmark::State& state) {
                                   set_thread_count(threads);
                                   body(state, threads);
                                 })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
}

}  // namespace bench
