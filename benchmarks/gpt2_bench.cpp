#include "benchmarks/gpt2.h"

#include <cstdint>
#include <vector>

#include "autograd/loss.h"
#include "benchmarks/workloads.h"
#include "optim/adam.h"

// A training step of GPT-2 with 124 million parameters: forward, backward and Adam, 4 texts of 64 tokens.
// Takes about 2.5 GB of memory.
//
//   gpt2_bench --benchmark_filter=threads:1

using namespace attune;

namespace {

constexpr Index B = 4, T = 64;

// Operations of a step, counted as forward_operations in workloads.h does: every weight of a matrix once for
// each token, the scores and sums of attention, and twice as many again in the backward pass. 191 billion.
double operations(const bench::Gpt2Settings& settings) {
  const auto C = static_cast<double>(settings.width), V = static_cast<double>(settings.vocabulary);
  const double of_a_token = static_cast<double>(settings.layers) * 12 * C * C + C * V;
  const double queries_and_keys = static_cast<double>(settings.layers * T * T);
  return 3 * 2 * B * (T * of_a_token + 2 * C * queries_and_keys);
}

Indices make_tokens(Index vocabulary, Index shift) {
  std::vector<std::int32_t> values;
  for (Index b = 0; b < B; ++b)
    for (Index t = 0; t < T; ++t)
      values.push_back(static_cast<std::int32_t>((7919 * b + 31 * (t + shift)) % vocabulary));
  return Indices({B, T}, std::move(values));
}

void training_steps(benchmark::State& state, int threads) {
  const bench::Gpt2Settings settings;
  Rng rng(1);
  const bench::Gpt2 model(settings, rng);
  optim::Adam adam(model);
  const Indices tokens = make_tokens(settings.vocabulary, 0), next = make_tokens(settings.vocabulary, 1);

  double first_loss = 0;
  bench::measure(state, threads, operations(settings), [&] {
    nn::Pass pass{.training = true};
    const Variable loss = cross_entropy(model(tokens, pass), next);
    backward(loss);
    adam.step(1e-4);
    if (first_loss == 0) first_loss = static_cast<double>(loss.item());
  });
  state.counters["parameters"] = static_cast<double>(nn::parameter_count(model));
  state.counters["tokens"] = static_cast<double>(B * T);
  state.counters["first_loss"] = first_loss;
}

[[maybe_unused]] const bool registered = [] {
  bench::register_benchmark("training_gpt2", training_steps);
  return true;
}();

}  // namespace
