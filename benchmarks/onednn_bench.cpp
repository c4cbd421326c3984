#include <omp.h>

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "benchmarks/products.h"

// The products of gemm_bench by oneDNN, Intel's library for them, by whichever of its ways is the faster.
// Only for comparison, and built only where CMake finds it (Debian: libdnnl-dev).

using namespace attune;

namespace {

void multiply(benchmark::State& state, const bench::Product& product, int threads) {
  set_thread_count(threads);
  omp_set_num_threads(threads);
  const auto [name, batch, m, k, n, a_transposed, b_transposed] = product;
  bench::Operands numbers(product);

  // Its two ways to multiply plain matrices: primitives, made once for these sizes, and BLAS's function.
  using Memory = dnnl::memory;
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const auto describe = [&](Index rows, Index columns, bool transposed) {  // (batch, rows, columns)
    const Memory::dims strides =
        transposed ? Memory::dims{rows * columns, 1, rows} : Memory::dims{rows * columns, columns, 1};
    return Memory::desc({product.batch, rows, columns}, Memory::data_type::f32, strides);
  };
  const Memory::desc a = describe(m, k, a_transposed), b = describe(k, n, b_transposed),
                     c = describe(m, n, false);
  const dnnl::matmul matmul(dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b, c), engine));
  const std::unordered_map<int, Memory> arguments = {{DNNL_ARG_SRC, {a, engine, numbers.a.data()}},
                                                     {DNNL_ARG_WEIGHTS, {b, engine, numbers.b.data()}},
                                                     {DNNL_ARG_DST, {c, engine, numbers.c.data()}}};
  const auto primitive = [&] {
    matmul.execute(stream, arguments);
    stream.wait();
  };
  const auto function = [&] {
    const bench::Product& p = product;
    dnnl::sgemm(p.a_transposed ? 'T' : 'N', p.b_transposed ? 'T' : 'N', p.m, p.n, p.k, 1, numbers.a.data(),
                p.a_transposed ? p.m : p.k, numbers.b.data(), p.b_transposed ? p.k : p.n, 0, numbers.c.data(),
                p.n);
  };

  const auto fastest_of_ten = [](const auto& work) {
    double fastest = 1e9;
    for (int i = 0; i < 10; ++i) {
      const double start = bench::seconds();
      work();
      fastest = std::min(fastest, bench::seconds() - start);
    }
    return fastest;
  };
  if (batch == 1 && fastest_of_ten(function) < fastest_of_ten(primitive))
    bench::measure_product(state, product, threads, function);
  else
    bench::measure_product(state, product, threads, primitive);
}

[[maybe_unused]] const bool registered = bench::register_products(multiply);

}  // namespace
