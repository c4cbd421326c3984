#include "text/search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "tensor/error.h"
#include "tensor/indexing.h"
#include "tensor/rows.h"
#include "tensor/thread_pool.h"
#include "text/likeliest.h"
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

// Beam search as its header says it, without cache, batch and the first stopping rule: whatever is alive goes
// on to the limit, unless patience ends it.
std::vector<Hypothesis> plain_beam_search(const nn::Transformer& model, const TokenIds& source,
                                          const BeamOptions& options) {
  const NoGradient no_gradient;
  const auto width = static_cast<std::size_t>(options.beam);
  const Index longest = options.limits.longest(static_cast<int>(source.size()) + 1);
  std::vector<Hypothesis> live{{}}, finished;
  while (!live.empty() &&
         static_cast<double>(finished.size()) < options.patience * static_cast<double>(width)) {
    std::vector<Hypothesis> extended;  // with </s> as a token
    for (const Hypothesis& hypothesis : live) {
      nn::Pass pass;
      const text::SourceBatch batch = text::make_source_batch({source});
      TokenIds in{text::Vocabulary::start};
      in.insert(in.end(), hypothesis.tokens.begin(), hypothesis.tokens.end());
      const Indices target({1, static_cast<Index>(in.size())}, in);
      const Tensor log_p =
          log_softmax(select(select(model(batch.source, batch.lengths, target, pass).value(), 0, 0), 0, -1));
      for (std::int32_t token = 1; token < model.settings.target_vocabulary; ++token) {
        if (token == text::Vocabulary::start) continue;
        if (static_cast<Index>(hypothesis.tokens.size()) == longest && token != text::Vocabulary::end)
          continue;
        extended.push_back(hypothesis);
        extended.back().tokens.push_back(token);
        extended.back().log_probability += static_cast<double>(log_p.at({token}));
      }
    }
    std::sort(extended.begin(), extended.end(),
              [](const Hypothesis& a, const Hypothesis& b) { return a.log_probability > b.log_probability; });
    live.clear();
    for (std::size_t rank = 0; rank < extended.size() && live.size() < width; ++rank) {
      Hypothesis& next = extended[rank];
      if (next.tokens.back() != text::Vocabulary::end) {
        live.push_back(next);
      } else if (rank < width || static_cast<Index>(next.tokens.size()) > longest) {
        next.tokens.pop_back();
        next.score = penalised(next.log_probability, next.tokens, options.length_penalty);
        finished.push_back(next);
      }
    }
  }
  std::stable_sort(finished.begin(), finished.end(),
                   [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
  finished.resize(std::min(finished.size(), static_cast<std::size_t>(options.n_best)));
  return finished;
}

constexpr double tolerance = sizeof(Scalar) == 4 ? 1e-4 : 1e-10;
const std::vector<TokenIds> sources{{4, 5, 6}, {7}, {8, 9, 10, 4, 4}, {6, 6}};
constexpr nn::NormPlacement placements[] = {nn::NormPlacement::pre, nn::NormPlacement::post};

}  // namespace

TEST_CASE("beam search: a beam as wide as everything gives the exact ranking of all translations") {
  int compared = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u})
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

TEST_CASE("beam search: with a beam of 1 and a patience of 1 it is greedy search") {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u, 6u})
    for (const double alpha : {0.0, 1.0, 3.0}) {
      const nn::Transformer model = random_model(40, seed, placements[seed % 2]);
      const auto greedy = text::greedy_search(model, sources, 1000);
      const auto beam =
          text::beam_search(model, sources, 1000, {.beam = 1, .length_penalty = alpha, .patience = 1});
      for (std::size_t i = 0; i < sources.size(); ++i) {
        REQUIRE(beam[i].size() == 1);
        CHECK(beam[i][0].tokens == greedy[i]);
      }
    }
}

TEST_CASE("beam search: its scores are those of the whole model, for every beam and in order") {
  std::size_t longest = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u})
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

TEST_CASE("beam search: narrow beams find what the plain form finds; stopping early loses nothing") {
  constexpr double never = std::numeric_limits<double>::infinity();
  std::size_t compared = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u})
    for (const double alpha : {0.0, 1.0, 2.0})
      for (const double patience : {1.0, 2.0, never})
        for (const Index beam : {1, 2, 4}) {
          const nn::Transformer model = random_model(8, seed, placements[seed % 2]);
          BeamOptions options;
          options.beam = beam;
          options.length_penalty = alpha;
          options.n_best = std::min<Index>(beam, 2);
          options.patience = patience;
          options.limits = {.length_factor = 1, .length_extra = 2};
          const auto found = text::beam_search(model, sources, 100, options);
          for (std::size_t i = 0; i < sources.size(); ++i) {
            const std::vector<Hypothesis> plain = plain_beam_search(model, sources[i], options);
            REQUIRE(found[i].size() == plain.size());
            for (std::size_t n = 0; n < plain.size(); ++n, ++compared) {
              CHECK(found[i][n].tokens == plain[n].tokens);
              CHECK(found[i][n].score == doctest::Approx(plain[n].score).epsilon(tolerance));
            }
          }
        }
  CHECK(compared > 500);
}

TEST_CASE("beam search: it stops when nothing live can do better, however far the limit is") {
  const nn::Transformer model = random_model(6, 3, nn::NormPlacement::pre);
  BeamOptions options;
  options.length_penalty = 0;
  options.patience = std::numeric_limits<double>::infinity();
  options.limits.length_extra = 1'000'000'000;
  for (const std::vector<Hypothesis>& found : text::beam_search(model, sources, 100, options)) {
    REQUIRE(found.size() == 1);
    CHECK(found[0].tokens.size() < 1000);
  }
}

TEST_CASE("beam search: a larger penalty gives longer translations") {
  std::size_t shorter = 0, longer = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
    const nn::Transformer model = random_model(8, seed, placements[seed % 2]);
    for (const double alpha : {0.0, 3.0})
      for (const auto& found : text::beam_search(model, sources, 100, {.beam = 8, .length_penalty = alpha}))
        (alpha == 0 ? shorter : longer) += found[0].tokens.size();
  }
  CHECK(shorter < longer);
}

TEST_CASE("search: a sentence becomes the same alone and among others, for any number of threads") {
  const int before = thread_count();
  const nn::Transformer model = random_model(60, 5, nn::NormPlacement::post);
  std::vector<TokenIds> many;
  for (std::int32_t i = 0; i < 23; ++i) {
    many.emplace_back();
    for (std::int32_t t = 0; t <= i % 6; ++t) many.back().push_back(4 + (i + 3 * t) % 7);
  }
  many.emplace_back();  // an empty one
  const BeamOptions options{.beam = 3, .n_best = 3};
  const text::SamplingOptions sampling{.top_p = 0.9, .seed = 8};
  const auto beams = text::beam_search(model, many, 5000, options);
  const auto greedy = text::greedy_search(model, many, 5000);
  const auto samples = text::sample(model, many, 5000, sampling, 100);
  std::set<TokenIds> different(samples.begin(), samples.end());
  CHECK(different.size() > 15);
  for (const int threads : {1, 2, 3}) {
    set_thread_count(threads);
    const auto again = text::beam_search(model, many, 5000, options);
    for (std::size_t i = 0; i < many.size(); ++i)
      for (std::size_t n = 0; n < again[i].size(); ++n) {
        CHECK(again[i][n].tokens == beams[i][n].tokens);
        CHECK(again[i][n].log_probability == beams[i][n].log_probability);  // to the last bit
      }
    CHECK(text::sample(model, many, 5000, sampling, 100) == samples);
  }
  set_thread_count(before);
  CHECK(text::greedy_search(model, many, 12) == greedy);
  CHECK(text::sample(model, many, 12, sampling, 100) == samples);
  for (std::size_t i = 0; i < many.size(); ++i) {
    const auto alone = text::beam_search(model, {many[i]}, 1, options)[0];
    REQUIRE(alone.size() == beams[i].size());
    for (std::size_t n = 0; n < alone.size(); ++n) {
      CHECK(alone[n].tokens == beams[i][n].tokens);
      CHECK(alone[n].log_probability == doctest::Approx(beams[i][n].log_probability).epsilon(tolerance));
    }
    CHECK(text::greedy_search(model, {many[i]}, 1)[0] == greedy[i]);
    CHECK(text::sample(model, {many[i]}, 1, sampling, 100 + i)[0] == samples[i]);
  }
}

TEST_CASE("likeliest tokens: those of a full sort, for every size and with equal scores") {
  Rng rng(3);
  for (const Index vocabulary : {4, 5, 63, 67, 68, 69, 132, 200, 1000})
    for (const std::uint64_t levels : {2u, 20u, 1'000'000u})  // how many different scores
      for (const Index count : {1, 2, 6, 70, 2000})
        for (const bool unknown : {true, false}) {
          std::vector<Scalar> scores;
          for (Index i = 0; i < vocabulary; ++i) scores.push_back(static_cast<Scalar>(rng.below(levels)) - 7);
          std::vector<std::int32_t> order;
          for (std::int32_t token = unknown ? 1 : 3; token < vocabulary; ++token)
            if (token != text::Vocabulary::start) order.push_back(token);
          std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
            return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
          });
          order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
          std::vector<std::int32_t> found;
          for (const auto& token : text::likeliest_tokens("test", scores.data(), vocabulary, count, unknown))
            found.push_back(token.token);
          CHECK(found == order);
        }
}

namespace {

// How often each token comes when chance takes `draws` evenly spread values.
std::vector<double> frequencies(const std::vector<Scalar>& scores, const text::SamplingOptions& options,
                                int draws = 20'000) {
  std::vector<double> share(scores.size());
  for (int i = 0; i < draws; ++i)
    share[static_cast<std::size_t>(text::sample_token(scores.data(), static_cast<Index>(scores.size()),
                                                      options, (i + 0.5) / draws))] += 1.0 / draws;
  return share;
}

}  // namespace

TEST_CASE("sampling: tokens come as often as the softmax says, and those that are cut off never") {
  const std::vector<Scalar> scores{9, 1, 9, 0, 2, Scalar(0.5), -1, Scalar(1.5), -3, 2};
  const std::size_t n = scores.size();
  const auto compare = [&](const text::SamplingOptions& options, const std::set<std::size_t>& allowed) {
    std::vector<double> expected(n);
    double sum = 0;
    for (const std::size_t token : allowed)
      sum += expected[token] = std::exp(static_cast<double>(scores[token]) / options.temperature);
    const std::vector<double> share = frequencies(scores, options);
    for (std::size_t token = 0; token < n; ++token) {
      CHECK(std::abs(share[token] - expected[token] / sum) < 1e-4);
      CHECK((share[token] > 0) == (allowed.count(token) > 0));
    }
  };
  const std::set<std::size_t> all{1, 3, 4, 5, 6, 7, 8, 9};  // never <pad> and <s>
  compare({}, all);
  compare({.temperature = 2}, all);
  compare({.temperature = 0.5}, all);
  compare({.limits = {.allow_unknown = false}}, {3, 4, 5, 6, 7, 8, 9});
  compare({.top_k = 3}, {4, 9, 7});
  compare({.top_k = 1}, {4});
  compare({.top_k = 100}, all);
  // Probabilities, the likeliest first: 4 and 9 0.295 each, 7 0.179, 1 0.109, 5 0.066, …
  compare({.top_p = 0.29}, {4});
  compare({.top_p = 0.3}, {4, 9});
  compare({.top_p = 0.76}, {4, 9, 7});
  compare({.top_p = 0.78}, {4, 9, 7, 1});
  compare({.top_p = 1e-9}, {4});
  compare({.top_k = 3, .top_p = 0.5}, {4, 9});  // of the three, 4 and 9 have 0.38 each
  compare({.temperature = 0.1, .top_p = 0.99}, {4, 9});
}

TEST_CASE("sampling: first tokens of a model are distributed as it says (chi-square)") {
  const nn::Transformer model = random_model(12, 4, nn::NormPlacement::pre);
  constexpr int draws = 4000;
  const std::vector<TokenIds> copies(draws, TokenIds{4, 5});
  std::vector<double> count(12);
  for (const TokenIds& tokens :
       text::sample(model, copies, 3 * draws, {.seed = 5, .limits = {.length_factor = 0, .length_extra = 1}}))
    ++count[static_cast<std::size_t>(tokens.empty() ? text::Vocabulary::end : tokens[0])];
  const NoGradient no_gradient;
  nn::Pass pass;
  const text::SourceBatch batch = text::make_source_batch({{4, 5}});
  const Tensor p = softmax(
      select(select(model(batch.source, batch.lengths, Indices({1, 1}, {2}), pass).value(), 0, 0), 0, 0));
  const double possible = 1 - static_cast<double>(p.at({0}) + p.at({2}));
  double chi_square = 0;
  for (Index token = 0; token < 12; ++token) {
    if (token == text::Vocabulary::pad || token == text::Vocabulary::start) continue;
    const double expected = draws * static_cast<double>(p.at({token})) / possible;
    chi_square += std::pow(count[static_cast<std::size_t>(token)] - expected, 2) / expected;
  }
  MESSAGE("chi-square ", chi_square, " with 9 degrees of freedom; 27.9 is passed once in 1000 times");
  CHECK(chi_square < 27.9);
}

TEST_CASE("search: options that make no sense, and scores that are no numbers, are refused in a sentence") {
  const nn::Transformer model = random_model(8, 1, nn::NormPlacement::pre);
  const auto beam = [&](const BeamOptions& options) {
    static_cast<void>(text::beam_search(model, sources, 100, options));
  };
  CHECK_THROWS_WITH_AS(beam({.beam = 0}), "beam_search: a beam of 0: give 1 or more", ValueError);
  CHECK_THROWS_WITH_AS(beam({.beam = 2, .n_best = 3}),
                       "beam_search: the 3 best of a beam of 2: give 1 to the width of the beam", ValueError);
  CHECK_THROWS_WITH_AS(
      beam({.length_penalty = -1}),
      "beam_search: a length penalty of -1: give 0 for none, or more for longer translations", ValueError);
  CHECK_THROWS_WITH_AS(beam({.patience = 0}), "beam_search: a patience of 0: give more than 0; 1 is usual",
                       ValueError);
  CHECK_THROWS_WITH_AS(static_cast<void>(text::beam_search(model, sources, 0)),
                       "beam_search: batches of 0 tokens: give 1 or more", ValueError);
  const auto draw = [&](const text::SamplingOptions& options) {
    static_cast<void>(text::sample(model, sources, 100, options));
  };
  CHECK_THROWS_WITH_AS(
      draw({.temperature = 0}),
      "sample: a temperature of 0: give more than 0; greedy_search takes the likeliest token always",
      ValueError);
  CHECK_THROWS_WITH_AS(draw({.top_k = -1}), "sample: the -1 likeliest tokens: give 1 or more, or 0 for all",
                       ValueError);
  CHECK_THROWS_WITH_AS(draw({.top_p = 1.5}),
                       "sample: tokens of a probability of 1.5 together: give more than 0 and at most 1",
                       ValueError);
  const text::SourceBatch batch = text::make_source_batch(sources);
  CHECK_THROWS_WITH_AS(static_cast<void>(text::sample(model, batch, {}, {1, 2})),
                       "sample: one stream for each sentence is wanted: 2 streams for 4 sentences",
                       ShapeError);
  CHECK_THROWS_WITH_AS(
      static_cast<void>(text::greedy_search(random_model(3, 1, placements[0]), sources, 9)),
      "greedy_search: a vocabulary of 3 tokens has no </s>, which is token 3: build the model "
      "for the sizes of its vocabularies",
      ValueError);
  Rng rng(1);
  nn::Transformer spoilt = random_model(8, 1, nn::NormPlacement::pre);
  spoilt.target_embedding->weight.set_value(spoilt.target_embedding->weight.value() *
                                            std::numeric_limits<Scalar>::quiet_NaN());
  CHECK_THROWS_WITH_AS(static_cast<void>(text::beam_search(spoilt, sources, 100)),
                       "beam_search: the model's scores of the next token are not numbers (NaN): its weights "
                       "have been spoilt, take those from before",
                       ValueError);
}

TEST_CASE("decoding state: hypotheses branch from those that are there") {
  const nn::Transformer model = random_model(8, 1, nn::NormPlacement::pre);
  const NoGradient no_gradient;
  nn::Pass pass;
  const text::SourceBatch batch = text::make_source_batch({{4, 5}, {6}});
  auto state = model.begin_decoding(model.encode(batch.source, batch.lengths, pass));
  static_cast<void>(model.decode_step(Indices({2}, {2, 2}), state, pass));
  CHECK_THROWS_WITH_AS(state.branch(Indices({2}, {0, 1}), Indices({2, 2}, {0, 0, 0, 1})),
                       "transformer: a hypothesis cannot continue number 1: there are 1 of each sentence, "
                       "counted from 0",
                       IndexError);
  CHECK_THROWS_WITH_AS(state.branch(Indices({2}, {0, 1}), Indices({2}, {0, 0})),
                       "transformer: to branch, sentences (B) and origins (B, K) are wanted: (2,) and (2,)",
                       ShapeError);
  state.branch(Indices({2}, {0, 1}), Indices({2, 3}, {0, 0, 0, 0, 0, 0}));
  CHECK_THROWS_WITH_AS(static_cast<void>(model.decode_step(Indices({2}, {4, 4}), state, pass)),
                       "transformer: the latest tokens must be (B), one for each sentence, or after branch "
                       "(B, K), one for each hypothesis: (2,)",
                       ShapeError);
  CHECK(model.decode_step(Indices({2, 3}, {4, 5, 6, 7, 4, 5}), state, pass).shape() == Shape({2, 3, 8}));
}
