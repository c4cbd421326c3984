#include "examples/translator/overfit.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "examples/translator/builtin.h"

using namespace attune;
using namespace attune::examples;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TrainingSettings settings_of_a_small_model() {
  TrainingSettings settings = tour_settings();
  settings.model.width = 32;
  settings.model.hidden = 32;
  settings.model.heads = 2;
  settings.model.encoder_layers = settings.model.decoder_layers = 1;
  settings.batch_tokens = 60;
  settings.rate = 0.01;
  return settings;
}

struct Trial {
  Translator translator;
  std::vector<text::EncodedPair> batch;
};

Trial make_trial(TrainingSettings settings) {
  const Corpus corpus = make_corpus(1, 200, 0);
  Translator translator = make_builtin_translator(corpus, settings);
  const std::vector<text::EncodedPair> pairs = encode_builtin(translator, corpus).training;
  return {std::move(translator), one_batch(pairs, settings)};
}

OverfitResult run(Trial& trial, const TrainingSettings& settings, Index steps) {
  std::ostringstream nowhere;
  return overfit(trial.translator, trial.batch, settings, steps, nowhere);
}

}  // namespace

TEST_CASE("overfit: a model that works knows a batch by heart, and says so in one line") {
  const TrainingSettings settings = settings_of_a_small_model();
  Trial trial = make_trial(settings);
  std::ostringstream curve;
  const OverfitResult result = overfit(trial.translator, trial.batch, settings, 300, curve);
  CHECK(result.learnt());
  CHECK(result.loss < overfit_bar);
  CHECK(result.start == doctest::Approx(result.guessing).epsilon(0.3));
  CHECK(result.guessing == std::log(static_cast<double>(trial.translator.target.vocabulary.size())));
  CHECK(result.reproduced == static_cast<int>(trial.batch.size()));
  const std::string line = verdict(result);
  CHECK_MESSAGE(contains(line, "It learns: the loss fell to 0.00"), line);
  CHECK(contains(line, "after " + std::to_string(result.steps) + " steps"));
  CHECK(line.find('\n') == std::string::npos);
  CHECK(contains(curve.str(), "expected: ln V = "));
}

TEST_CASE("overfit: the same seed takes the same batch, of at most the tokens asked for") {
  TrainingSettings settings = settings_of_a_small_model();
  const Trial first = make_trial(settings), same = make_trial(settings);
  CHECK(first.batch == same.batch);
  std::size_t longest = 0;
  for (const text::EncodedPair& pair : first.batch)
    longest = std::max({longest, pair.source.size() + 1, pair.target.size() + 1});
  CHECK(longest * first.batch.size() <= 60);
  settings.seed = 2;
  CHECK_FALSE(make_trial(settings).batch == first.batch);
}

TEST_CASE("overfit: with next to no rate, it says that the weights hardly move") {
  TrainingSettings settings = settings_of_a_small_model();
  settings.rate = 1e-12;
  Trial trial = make_trial(settings);
  const OverfitResult result = run(trial, settings, 5);
  CHECK_FALSE(result.learnt());
  CHECK_MESSAGE(contains(verdict(result), "It does not learn: after 5 steps"), verdict(result));
  CHECK(contains(verdict(result), "the weights hardly move: raise --rate"));
}

TEST_CASE("overfit: with a rate that is far too high, it says that the steps are too long") {
  TrainingSettings settings = settings_of_a_small_model();
  settings.rate = 10;
  Trial trial = make_trial(settings);
  CHECK_MESSAGE(contains(verdict(run(trial, settings, 20)), "lower --rate"),
                verdict(run(trial, settings, 1)));
  settings.rate = sizeof(Scalar) == 8 ? 1e200 : 1e30;
  Trial another = make_trial(settings);
  const OverfitResult result = run(another, settings, 20);
  CHECK_FALSE(result.problem.empty());
  CHECK_MESSAGE(contains(verdict(result), "lower --rate"), verdict(result));
}

TEST_CASE("overfit: a model whose weights are all zero starts at ln V, learns nothing, and is told apart") {
  const TrainingSettings settings = settings_of_a_small_model();
  Trial trial = make_trial(settings);
  nn::for_each_parameter(trial.translator.model, [](const std::string&, nn::Parameter& parameter) {
    parameter.set_value(zeros(parameter.value().shape()));
  });
  const OverfitResult result = run(trial, settings, 30);
  CHECK(result.start == doctest::Approx(result.guessing));  // every token alike
  CHECK_FALSE(result.learnt());
  CHECK_MESSAGE(contains(verdict(result), "every parameter is visited and gets a gradient"), verdict(result));
}

TEST_CASE("overfit: a source with two targets is found, as no model can give both") {
  const TrainingSettings settings = settings_of_a_small_model();
  Trial trial = make_trial(settings);
  REQUIRE(trial.batch.size() >= 2);
  trial.batch[1].source = trial.batch[0].source;
  const OverfitResult result = run(trial, settings, 100);
  CHECK(result.contradictions == 2);
  CHECK_FALSE(result.learnt());
  CHECK_MESSAGE(contains(verdict(result), "2 sentences of this batch have a source"), verdict(result));
}

TEST_CASE("overfit: every other ending has a verdict of its own") {
  OverfitResult result{.steps = 100, .guessing = 6, .frequencies = 4, .start = 6, .sentences = 9};
  const auto says = [&](double half, double loss, int reproduced, const std::string& words) {
    result.half = half, result.loss = loss, result.reproduced = reproduced;
    CHECK_MESSAGE(contains(verdict(result), words), verdict(result));
    CHECK(verdict(result).find('\n') == std::string::npos);
  };
  says(0.1, 0.005, 9, "It learns");
  says(0.1, 0.005, 3,
       "greedy decoding reproduces only 3 of 9 sentences: training sees what translating does not");
  says(1, 0.3, 0, "still falls: it needs longer: raise --steps");
  says(1.1, 1, 0, "the model is too small for this batch");
  says(4.1, 4, 0, "how often each token occurs");
  says(6, 5.9, 0, "hardly move");
  says(8, 9, 0, "the steps are too long");
}
