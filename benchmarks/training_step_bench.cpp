#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "nn/transformer.h"
#include "optim/adam.h"
#include "optim/gradients.h"
#include "tensor/thread_pool.h"

// Whole training steps of the Transformer: forward, backward, clipping, Adam. `items_per_second` counts real
// target tokens.
//
//   training_step_bench --benchmark_filter=tour/threads:1
//
// training_step_torch.py does exactly the same work in PyTorch; compare_with_torch.sh runs both in turn.
// B batch, T target positions, S source positions.

using namespace attune;

namespace {

struct Workload {
  const char* name;
  nn::TransformerSettings settings;
  Scalar label_smoothing;
  Index padded_tokens;         // of a batch: B · T
  std::vector<Index> longest;  // T of each batch; sentences are up to two tokens shorter
};

const Workload workloads[] = {
    // The model of the translator's tour.
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
     2048,
     {8, 9, 10, 11, 12, 13}},
    // Transformer-Tiny (Wu et al. 2021, "Good for Misconceived Reasons"), as trained on Multi30k.
    {"tiny",
     {.source_vocabulary = 10000,
      .target_vocabulary = 10000,
      .width = 128,
      .heads = 4,
      .hidden = 256,
      .encoder_layers = 4,
      .decoder_layers = 4,
      .dropout = Scalar(0.3),
      .norm = nn::NormPlacement::post,
      .share_embeddings = true},
     Scalar(0.1),
     4096,
     {10, 13, 16, 19, 22, 25}},
};

struct Batch {
  Indices source, target_in, target_out;  // (B, S) and twice (B, T)
  std::vector<int> source_lengths;
};

constexpr std::int32_t pad = 0;

// Batch number `number`: lengths and tokens by rules that training_step_torch.py repeats.
Batch make_batch(const Workload& workload, Index number, Index longest, Index& real_tokens) {
  const Index size = workload.padded_tokens / longest;  // B
  const auto tokens = [&](Index vocabulary, Index shift, bool count) {
    std::vector<std::int32_t> values;
    for (Index b = 0; b < size; ++b) {
      const Index length = longest - b % 3;
      if (count) real_tokens += length;
      for (Index t = 0; t < longest; ++t)
        values.push_back(t < length ? static_cast<std::int32_t>(4 + (31 * b + 7 * (t + shift) + 13 * number) %
                                                                        (vocabulary - 4))
                                    : pad);
    }
    return Indices({size, longest}, std::move(values));
  };
  Batch batch{.source = tokens(workload.settings.source_vocabulary, 0, false),
              .target_in = tokens(workload.settings.target_vocabulary, 0, false),
              .target_out = tokens(workload.settings.target_vocabulary, 1, true),
              .source_lengths = {}};
  for (Index b = 0; b < size; ++b) batch.source_lengths.push_back(static_cast<int>(longest - b % 3));
  return batch;
}

void training_steps(benchmark::State& state, const Workload& workload, int threads) {
  set_thread_count(threads);
  Rng rng(1);
  const nn::Transformer model(workload.settings, rng);
  optim::Adam adam(model, {.beta2 = 0.98});
  std::vector<Batch> batches;
  Index real_tokens = 0;  // of all batches together
  for (const Index longest : workload.longest)
    batches.push_back(make_batch(workload, static_cast<Index>(batches.size()), longest, real_tokens));

  std::uint64_t step = 0;
  Scalar last_loss = 0;
  const auto train = [&] {
    for (const Batch& batch : batches) {
      nn::Pass pass{.training = true, .rng = rng.at(++step)};
      const Variable logits = model(batch.source, batch.source_lengths, batch.target_in, pass);  // (B, T, V)
      const Variable loss = cross_entropy(logits, batch.target_out,
                                          {.label_smoothing = workload.label_smoothing, .ignored = pad});
      backward(loss);
      optim::clip_gradient_norm(model, 1);
      adam.step(1e-4);
      last_loss = loss.item();
    }
  };
  train();  // once unmeasured: memory and caches are filled
  for ([[maybe_unused]] const auto _ : state) train();
  state.SetItemsProcessed(state.iterations() * real_tokens);
  state.counters["loss"] = static_cast<double>(last_loss);
}

const bool registered = [] {
  for (const Workload& workload : workloads)
    for (const int threads : {1, 2})
      benchmark::RegisterBenchmark(
          (std::string(workload.name) + "/threads:" + std::to_string(threads)).c_str(),
          [&workload, threads](benchmark::State& state) { training_steps(state, workload, threads); })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
  return true;
}();

}  // namespace
