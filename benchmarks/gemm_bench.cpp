#include "benchmarks/products.h"
#include "tensor/gemm.h"

// The matrix product at the sizes that training and decoding ask for, as a share of what the processor can
// do (products.h says what the columns are).
//
//   gemm_bench --benchmark_counters_tabular=true --benchmark_filter=threads:1
//
// On a busy machine run it several times and take the best.

using namespace attune;

namespace {

void multiply(benchmark::State& state, const bench::Product& product, int threads) {
  set_thread_count(threads);
  const auto [name, batch, m, k, n, a_transposed, b_transposed] = product;
  bench::Operands numbers(product);
  const GemmOperand a = a_transposed ? GemmOperand{numbers.a.data(), k, m, m, 1}.transposed()
                                     : GemmOperand{numbers.a.data(), m, k, k, 1};
  const GemmOperand b = b_transposed ? GemmOperand{numbers.b.data(), n, k, k, 1}.transposed()
                                     : GemmOperand{numbers.b.data(), k, n, n, 1};
  const GemmBatchAxis axis{batch, m * k, k * n, m * n};
  bench::measure_product(state, product, threads, [&] {
    batched_gemm(a, b, {numbers.c.data(), product.n}, &axis, product.batch > 1 ? 1 : 0);
  });
}

[[maybe_unused]] const bool registered = bench::register_products(multiply);

}  // namespace
