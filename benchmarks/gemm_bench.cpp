#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/workloads.h"
#include "tensor/gemm.h"

// The matrix product at the sizes that training and decoding ask for, as a share of what the processor can
// do.
//
//   gemm_bench --benchmark_counters_tabular=true
//
// "of_peak" is the fastest repetition over the peak; the peak is measured right beside it, on as many
// threads, by a loop of independent multiply-adds in registers. On a busy machine run it several times and
// take the best.

using namespace attune;

namespace {

struct Product {
  const char* name;
  std::int64_t batch, m, k, n;
  bool a_transposed, b_transposed;
};

void run(benchmark::State& state, const Product& product, int threads) {
  set_thread_count(threads);
  const auto [name, batch, m, k, n, a_transposed, b_transposed] = product;
  std::vector<Scalar> a(static_cast<std::size_t>(batch * m * k), Scalar(0.5));
  std::vector<Scalar> b(static_cast<std::size_t>(batch * k * n), Scalar(0.25));
  std::vector<Scalar> c(static_cast<std::size_t>(batch * m * n));
  const GemmOperand left =
      a_transposed ? GemmOperand{a.data(), k, m, m, 1}.transposed() : GemmOperand{a.data(), m, k, k, 1};
  const GemmOperand right =
      b_transposed ? GemmOperand{b.data(), n, k, k, 1}.transposed() : GemmOperand{b.data(), k, n, n, 1};

  // Many products per timing, so that a short one is not lost in the clock; the fastest timing counts.
  const GemmBatchAxis axis{batch, m * k, k * n, m * n};
  const double flops = 2.0 * static_cast<double>(batch * m * k * n);
  const int repeats = static_cast<int>(std::max(1.0, 2e7 / flops));
  double peak = bench::measure_peak(threads);
  double fastest = 1e9;
  for (auto _ : state) {
    const double start = bench::seconds();
    for (int repeat = 0; repeat < repeats; ++repeat) {
      batched_gemm(left, right, {c.data(), n}, &axis, batch > 1 ? 1 : 0);
      benchmark::ClobberMemory();
    }
    const double elapsed = bench::seconds() - start;
    fastest = std::min(fastest, elapsed / repeats);
    state.SetIterationTime(elapsed / repeats);
  }
  peak = std::max(peak, bench::measure_peak(threads));
  state.counters["GFLOP/s"] = flops / fastest / 1e9;
  state.counters["peak"] = peak / 1e9;
  state.counters["of_peak"] = flops / fastest / peak;
  state.counters["best_us"] = fastest * 1e6;
}

constexpr Product products[] = {
    // name, batch, m, k, n, A transposed, B transposed
    {"square 512", 1, 512, 512, 512, false, false},
    {"square 512, both transposed", 1, 512, 512, 512, true, true},
    {"square 128", 1, 128, 128, 128, false, false},
    {"linear 128-128", 1, 1280, 128, 128, false, true},
    {"linear 128-128, gradient of the input", 1, 2000, 128, 128, false, false},
    {"linear 128-512", 1, 2000, 128, 512, false, true},
    {"linear 512-128", 1, 2000, 512, 128, false, true},
    {"gradient of a 128-128 weight", 1, 128, 2000, 128, true, false},
    {"gradient of a 512-128 weight", 1, 512, 2000, 128, true, false},
    {"convolution 400-128", 1, 2000, 400, 128, false, true},
    {"logits 128-8000", 1, 2000, 128, 8000, false, true},
    {"cube 64", 1, 64, 64, 64, false, false},
    {"attention QK'", 256, 20, 32, 20, false, true},
    {"attention PV", 256, 20, 20, 32, false, false},
    {"attention P'dO", 256, 20, 20, 32, true, false},
    {"attention QK', 128 keys", 32, 128, 32, 128, false, true},
    {"attention PV, 128 keys", 32, 128, 128, 32, false, false},
    {"decode 1 row", 1, 1, 128, 128, false, true},
    {"decode 4 rows", 1, 4, 128, 128, false, true},
    {"decode 16 rows", 1, 16, 128, 128, false, true},
    {"decode 64 rows", 1, 64, 128, 128, false, true},
    {"decode 64 rows to logits", 1, 64, 128, 8000, false, true},
};

}  // namespace

int main(int argc, char** argv) {
  benchmark::AddCustomContext("kernels", kernels().name);
  for (const int threads : {1, 2}) {
    for (const Product& product : products) {
      const std::string name = std::string(product.name) + " (" + std::to_string(product.batch) + " x " +
                               std::to_string(product.m) + ", " + std::to_string(product.k) + ", " +
                               std::to_string(product.n) + ")/threads:" + std::to_string(threads);
      benchmark::RegisterBenchmark(
          name.c_str(), [&product, threads](benchmark::State& state) { run(state, product, threads); })
          ->UseManualTime()
          ->MinTime(0.1)
          ->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
