#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/workloads.h"
#include "text/search.h"

// Translating with Transformer-Tiny by greedy search, which remembers keys and values: 20 tokens become 30.
//
//   translation_bench --benchmark_filter=translation_64/threads:1

using namespace attune;

namespace {

constexpr Index source_length = 20, target_length = 30;

void translate(benchmark::State& state, Index sentences, int threads) {
  Rng rng(1);
  nn::Transformer model(bench::tiny(0), rng);
  // An untrained model may end a sentence anywhere. With embeddings of zeros </s> and its like score 0, and
  // some other token always more.
  Tensor embedding = model.source_embedding.weight.value();
  std::fill_n(embedding.writable(), text::Vocabulary::special_count * model.settings.width, Scalar(0));
  model.source_embedding.weight.set_value(embedding);

  std::vector<std::vector<std::int32_t>> sources;
  for (Index b = 0; b < sentences; ++b) {
    sources.emplace_back();
    for (Index t = 0; t + 1 < source_length; ++t)
      sources.back().push_back(
          static_cast<std::int32_t>(4 + (31 * b + 7 * t) % (model.settings.source_vocabulary - 4)));
  }
  const text::SourceBatch batch = text::make_source_batch(sources);  // (B, S), with </s>
  Index tokens = 0;
  bench::measure(state, threads,
                 bench::forward_operations(model.settings, sentences, source_length, target_length), [&] {
                   tokens = 0;
                   for (const auto& sentence : text::greedy_search(
                            model, batch, {.length_factor = 0, .length_extra = target_length}))
                     tokens += static_cast<Index>(sentence.size());
                 });
  if (tokens != sentences * target_length) state.SkipWithError("a sentence ended early");
  state.counters["parameters"] = static_cast<double>(nn::parameter_count(model));
  state.counters["tokens"] = static_cast<double>(tokens);
}

[[maybe_unused]] const bool registered = [] {
  for (const Index sentences : {1, 64})
    bench::register_benchmark(
        "translation_" + std::to_string(sentences),
        [sentences](benchmark::State& state, int threads) { translate(state, sentences, threads); });
  return true;
}();

}  // namespace
