#include <cstdint>
#include <string>
#include <vector>

#include "autograd/loss.h"
#include "benchmarks/workloads.h"
#include "optim/adam.h"
#include "optim/gradients.h"

// Whole training steps of the Transformer: forward, backward, clipping, Adam.
//
//   training_step_bench --benchmark_filter=training_tiny/threads:1
//
// compare_pytorch does the same work in PyTorch and runs both in turn. B pairs, T target positions, S source
// positions.

using namespace attune;

namespace {

struct Workload {
  const char* name;
  nn::TransformerSettings settings;
  Scalar label_smoothing;
  std::vector<Shape> batches;  // (B, longest) of each; the time is that of all of them, one after the other
  Index shorter;               // sentences have between longest and longest - shorter tokens
};

const Workload workloads[] = {
    {"training_tiny", bench::tiny(Scalar(0.3)), Scalar(0.1), {{64, 20}}, 0},
    {"training_tiny_no_dropout", bench::tiny(0), Scalar(0.1), {{64, 20}}, 0},
    {"training_toy", bench::toy(Scalar(0.1)), Scalar(0.1), {{32, 12}}, 0},
    // The model of the translator's tour: batches of about 2048 tokens, padded.
    {"tour",
     {.source_vocabulary = 330,
      .target_vocabulary = 680,
      .width = 128,
      .heads = 4,
      .hidden = 256,
      .encoder_layers = 2,
      .decoder_layers = 2,
      .dropout = 0,
      .norm = nn::NormPlacement::pre},
     0,
     {{256, 8}, {227, 9}, {204, 10}, {186, 11}, {170, 12}, {157, 13}},
     2},
};

struct Batch {
  Indices source, target_in, target_out;  // (B, S) and twice (B, T)
  std::vector<int> source_lengths;
};

constexpr std::int32_t pad = 0;

// Lengths and tokens by rules that pytorch_side.py repeats.
Batch make_batch(const Workload& workload, const Shape& size) {
  const auto length_of = [&](Index b) { return size[1] - b % (workload.shorter + 1); };
  const auto tokens = [&](Index vocabulary, Index shift) {
    std::vector<std::int32_t> values;
    for (Index b = 0; b < size[0]; ++b)
      for (Index t = 0; t < size[1]; ++t)
        values.push_back(t < length_of(b)
                             ? static_cast<std::int32_t>(4 + (31 * b + 7 * (t + shift)) % (vocabulary - 4))
                             : pad);
    return Indices({size[0], size[1]}, std::move(values));
  };
  Batch batch{.source = tokens(workload.settings.source_vocabulary, 0),
              .target_in = tokens(workload.settings.target_vocabulary, 0),
              .target_out = tokens(workload.settings.target_vocabulary, 1),
              .source_lengths = {}};
  for (Index b = 0; b < size[0]; ++b) batch.source_lengths.push_back(static_cast<int>(length_of(b)));
  return batch;
}

void training_steps(benchmark::State& state, const Workload& workload, int threads) {
  Rng rng(1);
  const nn::Transformer model(workload.settings, rng);
  optim::Adam adam(model, {.beta2 = 0.98});
  std::vector<Batch> batches;
  double tokens = 0, operations = 0;
  for (const Shape& size : workload.batches) {
    batches.push_back(make_batch(workload, size));
    for (const int length : batches.back().source_lengths) tokens += length;
    // The backward pass makes two products for each of the forward one: by the input and by the weight.
    operations += 3 * bench::forward_operations(workload.settings, size[0], size[1], size[1]);
  }

  std::uint64_t step = 0;
  double first_loss = 0;
  bench::measure(state, threads, operations, [&] {
    for (const Batch& batch : batches) {
      nn::Pass pass{.training = true, .rng = rng.at(++step)};
      const Variable logits = model(batch.source, batch.source_lengths, batch.target_in, pass);  // (B, T, V)
      const Variable loss = cross_entropy(logits, batch.target_out,
                                          {.label_smoothing = workload.label_smoothing, .ignored = pad});
      backward(loss);
      optim::clip_gradient_norm(model, 1);
      adam.step(1e-4);
      const double value = static_cast<double>(loss.item());
      if (step == 1) first_loss = value;
    }
  });
  state.counters["parameters"] = static_cast<double>(nn::parameter_count(model));
  state.counters["tokens"] = tokens;
  state.counters["first_loss"] = first_loss;
}

const bool registered = [] {
  for (const Workload& workload : workloads)
    bench::register_benchmark(workload.name, [&workload](benchmark::State& state, int threads) {
      training_steps(state, workload, threads);
    });
  return true;
}();

}  // namespace
