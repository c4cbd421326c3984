#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/workloads.h"
#include "text/search.h"

// Translating with Transformer-Tiny, which remembers keys and values: 20 tokens become 30. By greedy search
// and by beam search with 5 hypotheses, one sentence at a time and 64 together.
//
//   translation_bench --benchmark_filter=translation_64/threads:1
//   translation_bench --benchmark_filter=translation_64_beam_5/threads:1

using namespace attune;

namespace {

constexpr Index source_length = 20, target_length = 30;

// What K hypotheses of each sentence take: one encoder, K decoders.
double operations(const nn::TransformerSettings& settings, Index sentences, Index hypotheses) {
  const auto all = [&](Index sources, Index targets) {
    return bench::forward_operations(settings, sources, source_length, targets);
  };
  return all(sentences, 0) + all(sentences * hypotheses, target_length) - all(sentences * hypotheses, 0);
}

// With a beam of 0: greedy search.
void translate(benchmark::State& state, Index sentences, Index beam, int threads) {
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
  const text::SearchOptions limits{.length_factor = 0, .length_extra = target_length};
  Index tokens = 0;
  const auto count = [&](const text::TokenIds& sentence) { tokens += static_cast<Index>(sentence.size()); };
  bench::measure(state, threads, operations(model.settings, sentences, std::max<Index>(beam, 1)), [&] {
    tokens = 0;
    if (beam == 0)
      for (const text::TokenIds& found : text::greedy_search(model, batch, limits)) count(found);
    else
      for (const auto& found : text::beam_search(model, batch, {.beam = beam, .limits = limits}))
        count(found.front().tokens);
  });
  if (tokens != sentences * target_length) state.SkipWithError("a sentence ended early");
  state.counters["parameters"] = static_cast<double>(nn::parameter_count(model));
  state.counters["sentences_per_s"] = static_cast<double>(sentences) / (state.counters["median_ms"] / 1000);
  state.counters["tokens"] = static_cast<double>(tokens);
}

[[maybe_unused]] const bool registered = [] {
  for (const Index beam : {0, 5})
    for (const Index sentences : {1, 64})
      bench::register_benchmark(
          "translation_" + std::to_string(sentences) + (beam > 0 ? "_beam_" + std::to_string(beam) : ""),
          [=](benchmark::State& state, int threads) { translate(state, sentences, beam, threads); });
  return true;
}();

}  // namespace
