#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "benchmarks/workloads.h"
#include "tensor/gemm_buffer.h"

// The matrix products that training and decoding ask for, measured alike for attune (gemm_bench), oneDNN
// (onednn_bench) and PyTorch with OpenBLAS (compare_pytorch).

namespace bench {

/// `batch` products of (M, K) and (K, N). A transposed operand is stored the other way round.
struct Product {
  const char* name;
  Index batch, m, k, n;
  bool a_transposed = false, b_transposed = false;
};

inline const Product products[] = {
    {"square 512", 1, 512, 512, 512, false, false},
    {"square 512, A transposed", 1, 512, 512, 512, true, false},
    {"square 512, B transposed", 1, 512, 512, 512, false, true},
    {"square 512, both transposed", 1, 512, 512, 512, true, true},
    {"square 128", 1, 128, 128, 128, false, false},
    {"square 64", 1, 64, 64, 64, false, false},
    {"linear 128-128", 1, 1280, 128, 128, false, true},
    {"linear 128-128, gradient of the input", 1, 1280, 128, 128, false, false},
    {"linear 128-256", 1, 1280, 128, 256, false, true},
    {"linear 256-128", 1, 1280, 256, 128, false, true},
    {"gradient of a 128-128 weight", 1, 128, 1280, 128, true, false},
    {"gradient of a 256-128 weight", 1, 256, 1280, 128, true, false},
    {"logits 128-8000", 1, 1280, 128, 8000, false, true},
    {"gradient of logits' input", 1, 1280, 8000, 128, false, false},
    {"gradient of logits' weight", 1, 8000, 1280, 128, true, false},
    {"GPT-2 768-3072", 1, 256, 768, 3072, false, true},
    {"GPT-2 3072-768", 1, 256, 3072, 768, false, true},
    {"GPT-2 gradient of a 3072-768 weight", 1, 3072, 256, 768, true, false},
    {"convolution 400-128", 1, 2000, 400, 128, false, true},
    {"attention QK'", 256, 20, 32, 20, false, true},
    {"attention PV", 256, 20, 20, 32, false, false},
    {"attention P'dO", 256, 20, 20, 32, true, false},
    {"attention QK', 15 keys", 256, 15, 32, 15, false, true},
    {"attention PV, 15 keys", 256, 15, 15, 32, false, false},
    {"attention QK', 128 keys", 32, 128, 32, 128, false, true},
    {"attention PV, 128 keys", 32, 128, 128, 32, false, false},
    {"decode 1 row", 1, 1, 128, 128, false, true},
    {"decode 4 rows", 1, 4, 128, 128, false, true},
    {"decode 16 rows", 1, 16, 128, 128, false, true},
    {"decode 64 rows", 1, 64, 128, 128, false, true},
    {"decode 64 rows to logits", 1, 64, 128, 8000, false, true},
};

/// A product's numbers: A (batch, M, K), B (batch, K, N), C (batch, M, N), each stored as Product says, and
/// beginning with a cache line, as tensors do.
struct Operands {
  class Numbers {
   public:
    explicit Numbers(Index count) : first_(memory_.reserve(count)) {
      for (Index i = 0; i < count; ++i) first_[i] = static_cast<Scalar>(std::sin(double(i)));
    }
    Scalar* data() const { return first_; }

   private:
    GemmBuffer memory_;
    Scalar* first_;
  };
  Numbers a, b, c;

  explicit Operands(const Product& p)
      : a(p.batch * p.m * p.k), b(p.batch * p.k * p.n), c(p.batch * p.m * p.n) {}
};

/// Measures `multiply`, which does the product once. Counters:
///   GFLOP/s, median      of the fastest timing, and of the one in the middle
///   peak, of_peak        the multiply-add peak, measured beside it on as many threads, and what share of it
///                        the fastest timing reaches; a unit for matrices, where there is one, can be faster
///   A_transposed, …      how the operands are stored
///   N_mod_lanes          of a row's numbers, how many are left beside whole registers
template <class Multiply>
void measure_product(benchmark::State& state, const Product& p, int threads, Multiply&& multiply) {
  // Many products per timing, so that a short one is not lost in the clock.
  const double operations = 2.0 * static_cast<double>(p.batch * p.m * p.k * p.n);
  const int repeats = static_cast<int>(std::max(1.0, 2e7 / operations));
  multiply();
  double peak = measure_peak(threads);
  std::vector<double> times;  // of one product, in seconds
  for ([[maybe_unused]] const auto _ : state) {
    const double start = seconds();
    for (int repeat = 0; repeat < repeats; ++repeat) {
      multiply();
      benchmark::ClobberMemory();
    }
    times.push_back((seconds() - start) / repeats);
    state.SetIterationTime(times.back());
  }
  peak = std::max(peak, measure_peak(threads));
  std::sort(times.begin(), times.end());
  state.counters["GFLOP/s"] = operations / times.front() / 1e9;
  state.counters["median"] = operations / times[times.size() / 2] / 1e9;
  state.counters["peak"] = peak / 1e9;
  state.counters["of_peak"] = operations / times.front() / peak;
  state.counters["best_us"] = times.front() * 1e6;
  state.counters["A_transposed"] = p.a_transposed;
  state.counters["B_transposed"] = p.b_transposed;
  state.counters["N_mod_lanes"] = static_cast<double>(p.n % kernels().lanes);
}

/// Registers all products with 1 and 2 threads; `measure(state, product, threads)` is to call
/// measure_product.
template <class Measure>
bool register_products(Measure measure) {
  for (const int threads : {1, 2}) {
    for (const Product& p : products) {
      const std::string name = std::string(p.name) + " (" + std::to_string(p.batch) + " x " +
                               std::to_string(p.m) + ", " + std::to_string(p.k) + ", " + std::to_string(p.n) +
                               ")/threads:" + std::to_string(threads);
      benchmark::RegisterBenchmark(
          name.c_str(), [&p, threads, measure](benchmark::State& state) { measure(state, p, threads); })
          ->UseManualTime()
          ->MinTime(0.1)
          ->Unit(benchmark::kMicrosecond);
    }
  }
  return true;
}

}  // namespace bench
