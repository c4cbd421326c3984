#include "text/search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tensor/error.h"
#include "tensor/indexing.h"
#include "tensor/rows.h"
#include "text/vocabulary.h"

using namespace attune;
using text::BeamOptions;
using text::Hypothesis;
using text::TokenIds;

namespace {

nn::Transformer random_model(Index vocabulary, std::uint64_t seed, nn::NormPlacement norm) {
  Rng rng(seed);
  nn::Transformer model({.source_vocabulary = 11,
                         .target_vocabulary = vocabulary,
                         .width = 8,
                         .heads = 2,
                         .hidden = 12,
                         .encoder_layers = 1,
                         .decoder_layers = 2,
                         .dropout = 0,
                         .norm = norm},
                        rng);
  // Larger embeddings make decided models, where one beginning matters to what comes after it.
  Tensor embedding = model.target_embedding->weight.value();
  model.target_embedding->weight.set_value(embedding * 3);
  return model;
}

// log P of a whole translation, </s> included, by one pass of the teacher-forced model.
double log_probability(const nn::Transformer& model, const TokenIds& source, const TokenIds& tokens) {
  const NoGradient no_gradient;
  nn::Pass pass;
  const text::SourceBatch batch = text::make_source_batch({source});
  TokenIds in{text::Vocabulary::start}, out = tokens;
  in.insert(in.end(), tokens.begin(), tokens.end());
  out.push_back(text::Vocabulary::end);
  const auto length = static_cast<Index>(in.size());
  const Tensor logits = model(batch.source, batch.lengths, Indices({1, length}, in), pass).value();
  const Tensor log_p = log_softmax(select(logits, 0, 0));  // (T, V)
  double sum = 0;
  for (Index t = 0; t < length; ++t)
    sum += static_cast<double>(log_p.at({t, out[static_cast<std::size_t>(t)]}));
  return sum;
}

double penalised(double log_p, const TokenIds& tokens, double alpha) {
  return log_p / std::pow(static_cast<double>(tokens.size() + 1), alpha);
}

// Every translation of at most `longest` tokens, the best first.
std::vector<Hypothesis> all_translations(const nn::Transformer& model, const TokenIds& source, Index longest,
                                         double alpha, bool allow_unknown) {
  std::vector<TokenIds> sequences{{}};
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (static_cast<Index>(sequences[i].size()) == longest) continue;
    for (std::int32_t token = 0; token < model.settings.target_vocabulary; ++token) {
      if (token == text::Vocabulary::pad || token == text::Vocabulary::start ||
          token == text::Vocabulary::end || (token == text::Vocabulary::unknown && !allow_unknown))
        continue;
      TokenIds longer = sequences[i];
      longer.push_back(token);
      sequences.push_back(longer);
    }
  }
  std::vector<Hypothesis> all;
  for (const TokenIds& tokens : sequences) {
    const double log_p = log_probability(model, source, tokens);
    all.push_back({tokens, log_p, penalised(log_p, tokens, alpha)});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
  return all;
}

constexpr double tolerance = sizeof(Scalar) == 4 ? 1e-4 : 1e-10;
const std::vector<TokenIds> sources{{4, 5, 6}, {7}, {8, 9, 10, 4, 4}, {6, 6}};
constexpr nn::NormPlacement placements[] = {nn::NormPlacement::pre, nn::NormPlacement::post};

}  // namespace

TEST_CASE("beam search: a beam as wide as everything gives the exact ranking of all translations") {
  int compared = 0;
  for (const std::uint64_t seed : {1, 2, 3})
    for (const double alpha : {0.0, 0.6, 1.0, 2.0})
      for (const bool unknown : {true, false}) {
        const Index longest = unknown ? 3 : 4;  // 1 + 3 + 9 + 27 translations, or 1 + 2 + … + 16
        const nn::Transformer model = random_model(6, seed, placements[seed % 2]);
        BeamOptions options;
        options.beam = 40;
        options.length_penalty = alpha;
        options.n_best = 31;
        options.limits = {.length_factor = 0, .length_extra = longest, .allow_unknown = unknown};
        const auto found = text::beam_search(model, sources, 10'000, options);
        for (std::size_t i = 0; i < sources.size(); ++i) {
          const std::vector<Hypothesis> all = all_translations(model, sources[i], longest, alpha, unknown);
          REQUIRE(found[i].size() == std::min<std::size_t>(all.size(), 31));
          for (std::size_t n = 0; n < found[i].size(); ++n, ++compared) {
            CHECK(found[i][n].log_probability == doctest::Approx(all[n].log_probability).epsilon(tolerance));
            CHECK(found[i][n].score == doctest::Approx(all[n].score).epsilon(tolerance));
            CHECK(found[i][n].tokens == all[n].tokens);
          }
        }
      }
  CHECK(compared == 3 * 4 * 2 * 4 * 31);
}

TEST_CASE("beam search: with a beam of 1 it is greedy search, under every penalty") {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6})
    for (const double alpha : {0.0, 1.0, 3.0}) {
      const nn::Transformer model = random_model(40, seed, placements[seed % 2]);
      const auto greedy = text::greedy_search(model, sources, 1000);
      const auto beam = text::beam_search(model, sources, 1000, {.beam = 1, .length_penalty = alpha});
      for (std::size_t i = 0; i < sources.size(); ++i) {
        REQUIRE(beam[i].size() == 1);
        CHECK(beam[i][0].tokens == greedy[i]);
      }
    }
}

TEST_CASE("beam search: its scores are those of the whole model, for every beam and in order") {
  std::size_t longest = 0;
  for (const std::uint64_t seed : {1, 2, 3, 4})
    for (const Index beam : {2, 5, 9}) {
      const nn::Transformer model = random_model(30, seed, placements[seed % 2]);
      BeamOptions options{.beam = beam, .length_penalty = 0.8, .n_best = beam};
      const auto found = text::beam_search(model, sources, 1000, options);
      for (std::size_t i = 0; i < sources.size(); ++i) {
        REQUIRE(found[i].size() == static_cast<std::size_t>(beam));
        for (std::size_t n = 0; n < found[i].size(); ++n) {
          const Hypothesis& hypothesis = found[i][n];
          longest = std::max(longest, hypothesis.tokens.size());
          const double log_p = log_probability(model, sources[i], hypothesis.tokens);
          CHECK(hypothesis.log_probability == doctest::Approx(log_p).epsilon(tolerance));
          CHECK(hypothesis.score ==
                doctest::Approx(penalised(log_p, hypothesis.tokens, 0.8)).epsilon(tolerance));
          if (n > 0) CHECK(found[i][n - 1].score >= hypothesis.score);
          for (std::size_t m = 0; m < n; ++m) CHECK(found[i][m].tokens != hypothesis.tokens);
          for (const std::int32_t token : hypothesis.tokens)
            CHECK((token == text::Vocabulary::unknown || token >= text::Vocabulary::special_count));
        }
      }
    }
  CHECK(longest > 8);  // long enough for caches to be taken over many times
}
