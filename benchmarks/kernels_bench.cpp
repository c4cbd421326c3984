#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "attune.h"

// Everything in a training step that is not a matrix product, against what limits it: a copy of as many bytes
// (what a plain sum or a layer norm moves), or the exp and erf kernels on as many numbers (what a softmax or
// a gelu computes).
//
//   kernels_bench --benchmark_counters_tabular=true --benchmark_filter=softmax
//
// "of_limit" is the time of the limit over that of the row, each the fastest of many taken in turn;
// "limit_ns" and "best_ns" are those times. Operations take new memory for their results, as in a training
// step; names that begin with "kernel" are calls of one kernel on memory that is there. On a busy machine run
// it several times and take the best.

using namespace attune;

namespace {

using Work = std::function<void()>;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The time of one call. Many calls per timing, so that a short one is not lost in the clock.
double time_of(const Work& work, int repeats) {
  const double start = seconds();
  for (int i = 0; i < repeats; ++i) work();
  return (seconds() - start) / repeats;
}

// What a row is compared with.
enum class Limit { copy, exp, erf, exp_and_erf };

struct Row {
  const char* name;
  Limit limit;
  double moved;  // numbers read and written per element, for Limit::copy
  Index width;   // of a row of the operand; 0: all in one row
  std::function<Work(Index rows, Index width)> make;
};

template <class Value>
void keep(const Value& value) {
  benchmark::DoNotOptimize(value);
}

Tensor numbers(const Shape& shape, std::uint64_t seed = 1) {
  Rng rng(seed);
  return uniform(shape, -3, 3, rng);
}

Work make_limit(const Row& row, Index elements) {
  const std::size_t n = static_cast<std::size_t>(elements);
  if (row.limit == Limit::copy) {
    const Index half = static_cast<Index>(static_cast<double>(elements) * row.moved / 2);
    return [from = ones({half}), to = zeros({half})]() mutable {
      std::memcpy(to.writable(), from.data(), static_cast<std::size_t>(from.elements()) * sizeof(Scalar));
      benchmark::ClobberMemory();
    };
  }
  return [x = numbers({elements}), y = zeros({elements}), n, limit = row.limit]() mutable {
    if (limit != Limit::erf) kernels().exp(x.data(), y.writable(), n);
    if (limit != Limit::exp) kernels().erf(x.data(), y.writable(), n);
  };
}

// A row for an operation of one operand (rows, width), or of two of that shape.
template <class Operation>
auto of_one(Operation operation) {
  return [=](Index rows, Index width) -> Work {
    return [=, x = numbers({rows, width})] { keep(operation(x)); };
  };
}
template <class Operation>
auto of_two(Operation operation) {
  return [=](Index rows, Index width) -> Work {
    return [=, a = numbers({rows, width}), b = numbers({rows, width}, 2)] { keep(operation(a, b)); };
  };
}

// A kernel of a whole run.
template <class Kernel>
auto of_run(Kernel Kernels::*kernel) {
  return [=](Index rows, Index width) -> Work {
    return [=, x = numbers({rows * width}), y = zeros({rows * width})]() mutable {
      (kernels().*kernel)(x.data(), y.writable(), static_cast<std::size_t>(rows * width));
    };
  };
}

Indices targets_for(Index rows, Index width) {
  std::vector<std::int32_t> values;
  for (Index row = 0; row < rows; ++row) values.push_back(static_cast<std::int32_t>(31 * row % width));
  return Indices({rows}, std::move(values));
}

// One parameter with a gradient.
struct Model {
  nn::Parameter weight;
  explicit Model(Index n) : weight(numbers({n})) {}
  void visit(nn::Visitor& v) { v("weight", weight); }
};

const Row all_rows[] = {
    {"add", Limit::copy, 3, 128, of_two([](const Tensor& a, const Tensor& b) { return a + b; })},
    {"multiply", Limit::copy, 3, 128, of_two([](const Tensor& a, const Tensor& b) { return a * b; })},
    {"add a bias to rows", Limit::copy, 2, 128,
     [](Index rows, Index width) -> Work {
       return [x = numbers({rows, width}), bias = numbers({width})] { keep(x + bias); };
     }},
    {"add_in_place", Limit::copy, 3, 128,
     [](Index rows, Index width) -> Work {
       return [x = numbers({rows, width}), y = zeros({rows, width})]() mutable { add_in_place(y, x); };
     }},
    {"sum over rows", Limit::copy, 1, 128, of_one([](const Tensor& x) { return sum(x, 0); })},
    {"relu", Limit::copy, 2, 256, of_one([](const Tensor& x) { return relu(x); })},
    {"relu backward", Limit::copy, 3, 256,
     of_two([](const Tensor& x, const Tensor& dy) { return relu_backward(x, dy); })},
    {"dropout", Limit::copy, 2, 128,
     [](Index rows, Index width) -> Work {
       return [x = tracked(numbers({rows, width}))] { keep(dropout(x, Scalar(0.3), Rng(1))); };
     }},
    {"layer norm", Limit::copy, 2, 128,
     [](Index rows, Index width) -> Work {
       return [x = numbers({rows, width}), scale = ones({width}), shift = zeros({width})] {
         keep(layer_norm(x, scale, shift, Scalar(1e-5)));
       };
     }},
    {"layer norm backward", Limit::copy, 3, 128,
     [](Index rows, Index width) -> Work {
       const Tensor x = numbers({rows, width}), scale = ones({width});
       return [x, scale, dy = numbers({rows, width}, 2),
               forward = layer_norm(x, scale, zeros({width}), Scalar(1e-5))] {
         keep(layer_norm_backward(x, scale, forward, dy));
       };
     }},
    {"Adam", Limit::copy, 7, 0,
     [](Index, Index width) -> Work {
       const auto model = std::make_shared<Model>(width);
       const auto adam = std::make_shared<optim::Adam>(*model);
       return [model, adam, parameters = nn::named_parameters(*model), gradient = numbers({width}, 2)] {
         parameters[0].cell->leaf->gradient = gradient;
         adam->step(1e-6);
       };
     }},
    {"gradient norm", Limit::copy, 1, 0,
     [](Index, Index width) -> Work {
       const auto model = std::make_shared<Model>(width);
       const auto parameters = nn::named_parameters(*model);
       parameters[0].cell->leaf->gradient = numbers({width}, 2);
       return [model, parameters] { keep(optim::gradient_norm(parameters)); };
     }},

    {"softmax", Limit::exp, 0, 128, of_one([](const Tensor& x) { return softmax(x); })},
    {"softmax, 20 to a row", Limit::exp, 0, 20, of_one([](const Tensor& x) { return softmax(x); })},
    {"masked softmax, 20 to a row", Limit::exp, 0, 20,
     [](Index rows, Index width) -> Work {
       return [x = numbers({rows, width}), allowed = ones({1, width})] { keep(masked_softmax(x, allowed)); };
     }},
    {"softmax backward", Limit::copy, 3, 128,
     of_two([](const Tensor& y, const Tensor& dy) { return softmax_backward(y, dy); })},
    {"softmax backward, 20 to a row", Limit::copy, 3, 20,
     of_two([](const Tensor& y, const Tensor& dy) { return softmax_backward(y, dy); })},
    {"gelu", Limit::erf, 0, 256, of_one([](const Tensor& x) { return gelu(x); })},
    {"gelu backward", Limit::exp_and_erf, 0, 256,
     of_two([](const Tensor& x, const Tensor& dy) { return gelu_backward(x, dy); })},
    {"cross-entropy", Limit::exp, 0, 2048,
     [](Index rows, Index width) -> Work {
       return [x = numbers({rows, width}), targets = targets_for(rows, width)] {
         keep(cross_entropy_rows(x, targets, Scalar(0.1), -1));
       };
     }},
    {"cross-entropy backward", Limit::exp, 0, 2048,
     [](Index rows, Index width) -> Work {
       const Tensor x = numbers({rows, width});
       const Indices targets = targets_for(rows, width);
       return [x, targets, forward = cross_entropy_rows(x, targets, Scalar(0.1), -1), dy = ones({rows})] {
         keep(cross_entropy_rows_backward(x, targets, Scalar(0.1), -1, forward.logsumexp, dy));
       };
     }},

    {"kernel exp", Limit::copy, 2, 0, of_run(&Kernels::exp)},
    {"kernel erf", Limit::copy, 2, 0, of_run(&Kernels::erf)},
    {"kernel tanh", Limit::copy, 2, 0, of_run(&Kernels::tanh)},
    {"kernel log", Limit::copy, 2, 0, of_run(&Kernels::log)},
    {"kernel gelu", Limit::erf, 0, 0, of_run(&Kernels::gelu)},
    {"kernel add_to", Limit::copy, 3, 0, of_run(&Kernels::add_to)},
    {"kernel dropout", Limit::copy, 2, 0,
     [](Index, Index width) -> Work {
       return [x = numbers({width}), y = zeros({width})]() mutable {
         kernels().dropout(1, 2, 0, 3000000000u, Scalar(1.5), x.data(), y.writable(),
                           static_cast<std::size_t>(x.elements()));
       };
     }},
};

struct Size {
  const char* name;
  Index elements;
};
constexpr Size sizes[] = {{"L1", 2048}, {"L2", 65536}, {"L3", Index{4} << 20}};

void run(benchmark::State& state, const Row& row, Index elements) {
  set_thread_count(1);
  const Index width = row.width == 0 ? elements : row.width;
  const Index rows = std::max<Index>(1, elements / width);
  elements = rows * width;
  const Work work = row.make(rows, width);
  const Work limit = make_limit(row, elements);
  const int repeats = static_cast<int>(std::max<Index>(1, 200'000 / elements));
  double best = 1, best_limit = 1;  // seconds
  for (auto _ : state) {
    best_limit = std::min(best_limit, time_of(limit, repeats));
    const double elapsed = time_of(work, repeats);
    best = std::min(best, elapsed);
    state.SetIterationTime(elapsed);
  }
  state.counters["best_ns"] = best * 1e9;
  state.counters["limit_ns"] = best_limit * 1e9;
  state.counters["per_ns"] = static_cast<double>(elements) / (best * 1e9);
  state.counters["of_limit"] = best_limit / best;
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::AddCustomContext("kernels", kernels().name);
  for (const Row& row : all_rows)
    for (const Size& size : sizes)
      benchmark::RegisterBenchmark((std::string(row.name) + "/" + size.name).c_str(),
                                   [&row, &size](benchmark::State& state) { run(state, row, size.elements); })
          ->UseManualTime()
          ->MinTime(0.02)
          ->Unit(benchmark::kMicrosecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
