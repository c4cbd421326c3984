#include "nn/diagnostics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "nn/transformer.h"
#include "tensor/error.h"
#include "tests/nn/small_training.h"
#include "tests/support/alive.h"
#include "tests/support/measured.h"

using namespace attune;
using attune::testing::SmallTraining;
using Verdict = nn::FirstLoss::Verdict;

namespace {

constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Indices drawn_targets(Index count, Index classes, Rng& rng) {
  std::vector<std::int32_t> targets;
  for (Index i = 0; i < count; ++i)
    targets.push_back(static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(classes))));
  return Indices({count}, targets);
}

// Two layers with an activation that a test chooses between them.
template <class Between>
struct Pair {
  nn::Linear first, second;
  Between between;
  Pair(Index width, Rng& rng, Between f) : first(width, width, rng), second(width, width, rng), between(f) {}
  Variable operator()(const Variable& x) const { return second(between(first(x))); }
  void visit(nn::Visitor& v) { v("first", first), v("second", second); }
};

void spoil(nn::Parameter& parameter, Index at, Scalar with) {
  Tensor value = copy(parameter.value());
  value.writable()[at] = with;
  parameter.set_value(value);
}

// Weights 1, everything else 0.
void fill(auto& model) {
  nn::for_each_parameter(model, [](const std::string& name, nn::Parameter& parameter) {
    parameter.set_value(full(parameter.shape(), contains(name, "weight") ? 1 : 0));
  });
}

std::string sentence_of(const std::optional<nn::AnomalyReport>& report) {
  return report ? report->sentence : "nothing";
}

}  // namespace

// ---- the loss before training

TEST_CASE("first loss: chance is the mean over all targets there could be, and ln V for logits alike") {
  CHECK(nn::uniform_loss(1000) == doctest::Approx(std::log(1000.0)));
  CHECK(nn::chance_loss(full({4, 50}, 3)) == doctest::Approx(std::log(50.0)).epsilon(1e-6));
  Rng rng(1);
  const Tensor logits = normal({3, 7}, 1, 2, rng);
  double mean = 0;
  for (std::int32_t target = 0; target < 7; ++target)
    mean += static_cast<double>(cross_entropy(logits, Indices({3}, {target, target, target})).item()) / 7;
  CHECK(nn::chance_loss(logits) == doctest::Approx(mean).epsilon(1e-6));
  // Above ln V by about half the variance.
  CHECK(nn::chance_loss(normal({200, 1000}, 0, 1, rng)) - nn::uniform_loss(1000) ==
        doctest::Approx(0.5).epsilon(0.02));
  // A class that is forbidden is never drawn.
  CHECK(nn::chance_loss(tensor({{2, 2, -infinity}})) == doctest::Approx(std::log(2.0)));
  CHECK_THROWS_WITH_AS(nn::chance_loss(zeros({0, 5})),
                       "chance_loss: the logits must be (…, V) with at least one row and one class: (0, 5)",
                       ShapeError);
  CHECK_THROWS_WITH_AS(nn::uniform_loss(0), "uniform_loss: the number of classes is 0: give 1 or more",
                       ValueError);
}

TEST_CASE("first loss: each way to begin has its sentence") {
  // 500 targets, five of each class; logits that are ±spread in turn, so that the targets are neither liked
  // nor disliked.
  constexpr Index classes = 100;
  std::vector<std::int32_t> all;
  for (int i = 0; i < 500; ++i) all.push_back(i % 100);
  const Indices targets({500}, all);
  const auto spread_by = [&](Scalar spread) {
    Tensor row = zeros({classes});
    for (Index j = 0; j < classes; ++j) row.writable()[j] = j % 2 == 0 ? spread : -spread;
    return Variable(broadcast_to(row, {500, classes}));
  };
  const auto first_of = [&](const Variable& logits) {
    return nn::check_first_loss(cross_entropy(logits, targets), logits, targets);
  };
  const nn::FirstLoss fine = first_of(spread_by(Scalar(0.1)));
  CHECK(fine);
  CHECK(fine.sentence ==
        "first loss: it is 4.61, as it should be: 4.61 (ln 100) is the loss of who knows nothing");
  CHECK(fine.uniform == doctest::Approx(std::log(100.0)));
  const nn::FirstLoss spread = first_of(spread_by(1));
  CHECK(spread);
  CHECK(
      spread.sentence ==
      "first loss: it is 5.04; guessing with these logits costs 5.04, 0.43 above 4.61 (ln 100), because they "
      "start with a deviation of 1.00: usual where the output layer is the embedding");
  const nn::FirstLoss large = first_of(spread_by(10));
  CHECK(large.verdict == Verdict::large);
  CHECK(large.sentence ==
        "first loss: it is 13.91; guessing with these logits costs 13.91, far above 4.61 (ln 100), because "
        "they "
        "start with a deviation of 10.00: make the initial weights of the output layer smaller, or norm what "
        "goes into it");

  // Logits that know a little about the targets: half a nat.
  const Variable hint = unpick(full({500}, Scalar(0.5)), targets, classes);
  const nn::FirstLoss leak = first_of(spread_by(Scalar(0.1)) + hint);
  CHECK(leak.verdict == Verdict::leak);
  CHECK_FALSE(leak);
  CHECK(leak.sentence ==
        "first loss: it is 4.12 where guessing would give 4.61: the model sees what it is to predict: look "
        "whether its input are the targets (they must be shifted by one); or it has been trained before");
  const nn::FirstLoss opposed = first_of(spread_by(Scalar(0.1)) - hint);
  CHECK(opposed.verdict == Verdict::opposed);
  CHECK(opposed.sentence ==
        "first loss: it is 5.11 where guessing would give 4.61: the model holds the targets for less likely "
        "than "
        "others: look whether the targets belong to these inputs; or it has been trained, on others");
  const nn::FirstLoss broken = first_of(full({500, classes}, not_a_number));
  CHECK(broken.verdict == Verdict::no_number);
  CHECK(broken.sentence ==
        "first loss: it is nan, no number: nn::find_anomaly(model, …) names the operation "
        "and the layer");

  // Few targets, or always the same one, stray further by chance than many different ones.
  const auto verdict_on = [&](const Indices& some) {
    const Variable logits = slice(spread_by(1), 0, 0, some.size(0));
    return nn::check_first_loss(cross_entropy(logits, some), logits, some).verdict;
  };
  std::vector<std::int32_t> even;
  for (int i = 0; i < 50; ++i) even.push_back(2 * i);
  CHECK(verdict_on(Indices({3}, {0, 2, 4})) == Verdict::fine);
  CHECK(verdict_on(Indices({200}, std::vector<std::int32_t>(200, 0))) == Verdict::fine);
  CHECK(verdict_on(Indices({50}, even)) == Verdict::leak);
}

TEST_CASE(
    "first loss: smoothing and ignored targets are taken into account, and forgetting them is noticed") {
  Rng rng(3);
  Indices targets = drawn_targets(60, 20, rng);
  for (std::size_t i = 40; i < 60; ++i) targets.values[i] = 0;  // padding
  const Variable logits = normal({60, 20}, 0, 1, rng) +
                          unpick(full({60}, Scalar(-2)), Indices({60}, std::vector<std::int32_t>(60, 0)), 20);
  const CrossEntropyOptions options{.label_smoothing = Scalar(0.1), .ignored = 0};
  const nn::FirstLoss first =
      nn::check_first_loss(cross_entropy(logits, targets, options), logits, targets, options);
  CHECK_MESSAGE(first, first.sentence);
  // Without the smoothing, over what counts.
  CHECK(first.loss ==
        doctest::Approx(static_cast<double>(cross_entropy(logits, targets, {.ignored = 0}).item())));
  CHECK(nn::check_first_loss(cross_entropy(logits, targets, {.ignored = 0, .reduction = Reduction::sum}),
                             logits, targets, {.ignored = 0, .reduction = Reduction::sum}));

  const std::string counted =
      std::to_string(60 - std::count(targets.values.begin(), targets.values.end(), 0));
  const auto mismatch = [&](const CrossEntropyOptions& used, const CrossEntropyOptions& said) {
    const nn::FirstLoss found =
        nn::check_first_loss(cross_entropy(logits, targets, used), logits, targets, said);
    CHECK(found.verdict == Verdict::mismatch);
    return found.sentence;
  };
  CHECK(contains(mismatch({.ignored = 0, .reduction = Reduction::sum}, {.ignored = 0}),
                 ", but cross_entropy of these logits and " + counted + " targets gives "));
  CHECK(contains(
      mismatch({.ignored = 0, .reduction = Reduction::sum}, {.ignored = 0}),
      ": it is the sum over the targets, not their mean: divide by their number, or the rate must be "
      "that much smaller"));
  CHECK(contains(mismatch({.ignored = 0}, {.ignored = 0, .reduction = Reduction::sum}),
                 ": it is the mean over the targets, not their sum"));
  CHECK(contains(mismatch({}, {.ignored = 0}),
                 ": it counts the ignored targets (padding) as well: give the loss .ignored = 0"));
  const nn::FirstLoss other = nn::check_first_loss(cross_entropy(logits * 2, targets), logits, targets);
  CHECK(other.verdict == Verdict::mismatch);
  CHECK(contains(other.sentence, ": give the same logits, targets and options to both, or look at the loss"));

  CHECK_THROWS_WITH_AS(
      nn::check_first_loss(zeros({}), zeros({2, 5}), Indices({2}, {3, 3}), {.ignored = 3}),
      "check_first_loss: no target counts: all 2 are 3, which is ignored: take a batch with targets",
      ValueError);
  CHECK_THROWS_AS(nn::check_first_loss(zeros({}), zeros({2, 5}), Indices({3}, {1, 1, 1})), ShapeError);
  CHECK_THROWS_AS(nn::check_first_loss(zeros({}), zeros({1, 5}), Indices({1}, {5})), IndexError);
}

TEST_CASE(
    "first loss: untrained Transformers begin by chance, and whose input are the targets is found out") {
  int models = 0;
  for (const nn::NormPlacement norm : {nn::NormPlacement::pre, nn::NormPlacement::post})
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const SmallTraining training({.width = 32, .sentences = 40, .norm = norm, .seed = seed});
      const text::Batch& batch = training.batches[0];
      nn::Pass pass;
      const Variable logits = training.model(batch.source, batch.source_lengths, batch.target_in, pass);
      const CrossEntropyOptions options{.label_smoothing = Scalar(0.1), .ignored = text::Vocabulary::pad};
      const nn::FirstLoss first = nn::check_first_loss(cross_entropy(logits, batch.target_out, options),
                                                       logits, batch.target_out, options);
      CHECK_MESSAGE(first, first.sentence);
      // Forgotten: to shift the target by one.
      const nn::FirstLoss leak = nn::check_first_loss(cross_entropy(logits, batch.target_in, options), logits,
                                                      batch.target_in, options);
      CHECK_MESSAGE(leak.verdict == Verdict::leak, leak.sentence);
      ++models;
    }
  testing::measured(
      "first loss: %d untrained Transformers held for untrained, and for leaking when they predict "
      "their input",
      models);
}

// ---- forgotten parameters

TEST_CASE("unreached: a layer that is made and never called is listed, a frozen one is not") {
  struct Forgetful {
    nn::Linear used, unused;
    std::vector<nn::LayerNorm> norms;
    Variable operator()(const Variable& x) const { return norms[1](used(x)); }
    void visit(nn::Visitor& v) { v("used", used), v("unused", unused), v("norms", norms); }
  };
  Rng rng(1);
  Forgetful model{nn::Linear(2, 3, rng), nn::Linear(3, 3, rng), {}};
  for (int i = 0; i < 2; ++i) model.norms.push_back(nn::LayerNorm(3));
  const Variable loss = sum(square(model(ones({1, 2}))));
  using Names = std::vector<std::string>;
  CHECK(nn::unreached_parameters(loss, model) ==
        Names{"unused.weight", "unused.bias", "norms.0.scale", "norms.0.shift"});
  nn::freeze(model.unused);
  CHECK(nn::unreached_parameters(loss, model) == Names{"norms.0.scale", "norms.0.shift"});
  backward(loss);  // after it, the same
  CHECK(nn::unreached_parameters(loss, model) == Names{"norms.0.scale", "norms.0.shift"});
  CHECK(nn::unreached_parameters(sum(model.norms[0](ones({1, 3}))), model).size() == 4);
  CHECK_THROWS_WITH_AS(nn::unreached_parameters(Variable(1), model),
                       "unreached_parameters: the loss depends on no parameter at all: (): compute it from "
                       "the model's output, "
                       "not under NoGradient and not with everything frozen",
                       GraphError);
  const SmallTraining training;
  nn::Pass pass = training.pass_of(1);
  CHECK(nn::unreached_parameters(training.loss(training.batches[0], pass), training.model).empty());
}

// ---- NaN and infinity

TEST_CASE(
    "find_anomaly: whichever parameter of a Transformer holds a NaN, it, its layer and its operation are "
    "named") {
  int parameters = 0;
  for (const nn::NormPlacement norm : {nn::NormPlacement::pre, nn::NormPlacement::post})
    for (const bool frozen : {false, true}) {
      SmallTraining training({.norm = norm});
      const auto loss = [&] {
        nn::Pass pass = training.pass_of(1);
        return training.loss(training.batches[0], pass);
      };
      CHECK(sentence_of(nn::find_anomaly(training.model, loss)) == "nothing");
      nn::for_each_parameter(training.model, [&](const std::string& name, nn::Parameter& parameter) {
        CAPTURE(name);
        const Tensor before = parameter.value();
        spoil(parameter, parameter.elements() - 1, not_a_number);
        if (frozen) parameter.freeze();
        // The last row of an embedding belongs to a token that may not occur; then the output layer meets it.
        const std::optional<nn::AnomalyReport> report = nn::find_anomaly(training.model, loss);
        REQUIRE(report);
        CHECK(report->parameter == name);
        CHECK(report->layer == (frozen ? report->layer : name.substr(0, name.rfind('.'))));
        CHECK(contains(report->sentence, ", the parameter " + name + " "));
        const bool is_norm = contains(name, "norm.");
        const bool is_embedding = contains(name, "embedding");
        CHECK((is_embedding ? report->anomaly.op == "gather_rows" || report->anomaly.op == "linear"
                            : report->anomaly.op == (is_norm ? "layer_norm" : "linear")));
        if (frozen) parameter.unfreeze();
        parameter.set_value(before);
        ++parameters;
      });
    }
  testing::measured("a NaN in each of %d parameters of Transformers: named with its operation and its layer",
                    parameters);
}

TEST_CASE(
    "find_anomaly: an operation without parameters is placed right after the layer that came before it") {
  Rng rng(1);
  const auto report_on = [&](const auto& between) {
    Pair pair(3, rng, between);
    fill(pair);
    return nn::find_anomaly(pair, [&] { return sum(pair(Variable(ones({2, 3})))); });
  };
  const std::optional<nn::AnomalyReport> log =
      report_on([](const Variable& x) { return attune::log(x - 4); });
  REQUIRE(log);
  CHECK(log->layer == "first");
  CHECK_FALSE(log->inside);
  CHECK(log->parameter.empty());
  CHECK(log->anomaly.op == "log");
  CHECK(
      log->sentence ==
      "log: nan in its result (2, 3) at [0, 0], in the forward pass, right after first: all that went in was "
      "finite, there -1: keep what goes into log above 0; for the logarithm of a softmax take log_softmax or "
      "cross_entropy");
  // The infinity comes from one place, the NaN in another.
  const std::optional<nn::AnomalyReport> divide = report_on([](const Variable& x) {
    return (x - Variable(tensor({0, 0, 6}))) / 0;
  });
  REQUIRE(divide);
  CHECK(divide->layer == "second");
  CHECK(divide->inside);
  CHECK(
      divide->sentence ==
      "linear: nan in its result (2, 3) at [0, 0], in the forward pass, in second: operand 0 (2, 3) holds "
      "infinity already at [0, 0]; infinity came first from divide, in its result (2, 3) at [0, 0], in the "
      "forward pass, right after first, from 3 and 0: keep the divisor away from 0, by adding a small number "
      "to it");
  // Only the way back is broken.
  const std::optional<nn::AnomalyReport> root =
      report_on([](const Variable& x) { return sqrt(square(x - 3)); });
  REQUIRE(root);
  CHECK(root->layer == "first");
  CHECK(
      root->sentence ==
      "multiply: nan in its result (2, 3) at [0, 0], in the pullback of square, right after first: operand 1 "
      "(2, 3) holds infinity already at [0, 0]; given were 0 and infinity; infinity came first from divide, "
      "in "
      "its result (2, 3) at [0, 0], in the pullback of sqrt, right after first, from 1.5 and 0: the "
      "derivative "
      "of a square root at 0 is infinite: add a small number under the root");
  // The loss is infinite, and nothing is NaN.
  const std::optional<nn::AnomalyReport> large =
      report_on([](const Variable& x) { return exp(x * Scalar(sizeof(Scalar) == 8 ? 300 : 40)); });
  REQUIRE(large);
  CHECK(contains(large->sentence,
                 "exp: infinity in its result (2, 3) at [0, 0], in the forward pass, right after "
                 "first: all that went in was finite, there "));
  // What `where` hides is not reported: loss and gradients are finite.
  CHECK(sentence_of(report_on(
            [](const Variable& x) { return where(ones({3}), x, attune::log(detach(x) - 4)); })) == "nothing");
}

TEST_CASE("find_anomaly: between queries and keys the common layer is named, and the weight that has grown") {
  struct Model {
    std::vector<nn::MultiHeadAttention> attention;
    Variable operator()(const Variable& x) const {
      nn::Pass pass;
      return attention[1](attention[0](x, x, {}, pass), x, {}, pass);
    }
    void visit(nn::Visitor& v) { v("attention", attention); }
  };
  Rng rng(1);
  Model model;
  for (int i = 0; i < 2; ++i) model.attention.push_back(nn::MultiHeadAttention(4, 2, rng));
  fill(model);
  nn::Parameter& query = model.attention[1].query.weight;
  query.set_value(query.value() * Scalar(sizeof(Scalar) == 8 ? 1e307 : 1e37));
  const std::optional<nn::AnomalyReport> report = nn::find_anomaly(model, [&] {
    return sum(model(Variable(ones({1, 3, 4}))));
  });
  REQUIRE(report);
  CHECK(report->layer == "attention.1");
  CHECK(contains(
      report->sentence,
      "softmax: nan in its result (1, 2, 3, 3) at [0, 0, 0, 0], in the forward pass, in attention.1: "
      "operand 0 (1, 2, 3, 3) holds infinity already at [0, 0, 0, 0]; infinity came first from linear, "
      "in its result (1, 3, 4) at [0, 0, 0], in the forward pass, in attention.1.query: the numbers "
      "have grown beyond what this type holds: lower the rate, or look whose weights or inputs have "
      "grown; the largest weight is 1.0e+"));
  CHECK(report->sentence.ends_with(", in attention.1.query.weight"));
}

TEST_CASE("find_anomaly: of two ways back the layer that was used last is named") {
  struct Model {
    std::vector<nn::Linear> layers;
    nn::Linear head;
    void visit(nn::Visitor& v) { v("layers", layers), v("head", head); }
  };
  Rng rng(1);
  Model model{{}, nn::Linear(3, 3, rng)};
  for (int i = 0; i < 2; ++i) model.layers.push_back(nn::Linear(3, 3, rng));
  fill(model);
  const Variable x = ones({2, 3});
  const auto layer = [&](const std::function<Variable()>& loss) {
    const std::optional<nn::AnomalyReport> report = nn::find_anomaly(model, loss);
    return report ? report->sentence.substr(0, report->sentence.find(": all")) : "nothing";
  };
  const std::string log = "log: nan in its result (2, 3) at [0, 0], in the forward pass, ";
  // One behind the other.
  CHECK(layer([&] { return sum(attune::log(-model.layers[1](model.layers[0](x)))); }) ==
        log + "right after layers.1");
  // A sum around a layer.
  CHECK(layer([&] {
          const Variable y = model.layers[0](x);
          return sum(attune::log(-(y + model.head(y))));
        }) == log + "right after head");
  // Two children of one layer.
  CHECK(layer([&] { return sum(attune::log(-(model.layers[0](x) + model.layers[1](x)))); }) ==
        log + "in layers");
  // Who is named as the culprit needs no other.
  model.layers[0].weight.set_value(full({3, 3}, 1e5));
  spoil(model.layers[1].weight, 4, not_a_number);
  CHECK(sentence_of(nn::find_anomaly(model, [&] {
          return sum(model.layers[1](x));
        })).ends_with("look at how those weights, or that input, came about"));
}

TEST_CASE("find_anomaly: what belongs to no layer is said as far as it is known") {
  struct Slope {
    nn::Parameter a{tensor({2})};
    void visit(nn::Visitor& v) { v("a", a); }
  };
  Slope model;
  const auto sentence = [&](const std::function<Variable()>& loss) {
    return sentence_of(nn::find_anomaly(model, loss));
  };
  CHECK(contains(sentence([&] { return sum(log(Variable(model.a) * Scalar(-1))); }),
                 "log: nan in its result (1,) at [0], in the forward pass, right after the model's own a: "));
  CHECK(contains(
      sentence([&] { return sum(Variable(model.a) * Variable(tensor({not_a_number}))); }),
      "multiply: nan in its result (1,) at [0], in the forward pass, in the model's own a: operand 1, "
      "an input or a constant (1,), holds nan already at [0]; given were 2 and nan: it was spoiled"));
  CHECK(contains(
      sentence([&] {
        const Variable x = Variable(model.a) - 2;
        const Variable first = sqrt(x), second = sqrt(x);
        return sum(first - second) + sum(x);
      }),
      "backward: nan in the sum of the gradients that reach subtract (1,) at [0], in the backward pass, "
      "in the model's own a: infinity and -infinity met there; -infinity came first from divide"));
  // Before any parameter has been used there is no layer to name.
  CHECK(contains(sentence([&] { return sum(Variable(model.a) * log(Variable(tensor({-1})))); }),
                 "log: nan in its result (1,) at [0], in the forward pass: all that went in was finite"));
  // Frozen, it is still recognised.
  model.a.freeze();
  spoil(model.a, 0, not_a_number);
  CHECK(contains(sentence([&] { return sum(Variable(model.a) * 2); }),
                 "operand 0, the parameter a (1,), holds nan already at [0]"));
  model.a.set_value(tensor({1}));
  CHECK_THROWS_AS(sentence([&] { return sum(Variable(model.a) * 2); }), GraphError);
  model.a.unfreeze();
  CHECK_THROWS_AS(sentence([&] { return concatenate({model.a, model.a}); }), ShapeError);
}

TEST_CASE("find_anomaly: leaves gradients, memory and the next step as they were") {
  SmallTraining training, undisturbed;
  nn::Pass first = training.pass_of(1);
  backward(training.loss(training.batches[0], first));
  const std::vector<Scalar> gradients_before = training.gradient_bits();
  nn::Parameter& weight = training.model.encoder.layers[0].feed_forward.inner.weight;
  const Tensor value = weight.value();
  const testing::Alive before;
  for (const bool broken : {false, true}) {
    if (broken) spoil(weight, 0, not_a_number);
    CHECK(nn::find_anomaly(training.model, [&] {
            nn::Pass pass = training.pass_of(1);
            return training.loss(training.batches[1], pass);
          }).has_value() == broken);
    weight.set_value(value);
  }
  CHECK(testing::same_bits(training.gradient_bits(), gradients_before));
  CHECK(testing::Alive().nodes == before.nodes);
  CHECK(testing::Alive().bytes ==
        before.bytes + value.elements() * static_cast<std::int64_t>(sizeof(Scalar)));
  nn::clear_gradients(training.model);
  training.step();
  undisturbed.step();
  CHECK(testing::same_bits(training.bits(), undisturbed.bits()));
}

// ---- what a model is made of

TEST_CASE("summary: layers with their types, parameters and counts; neighbours alike are shown once") {
  struct Block {
    nn::LayerNorm norm;
    nn::FeedForward mlp;
    Block(Index width, Index hidden, Rng& rng) : norm(width), mlp(width, hidden, rng) {}
    void visit(nn::Visitor& v) { v("norm", norm), v("mlp", mlp); }
  };
  struct Model {
    nn::Embedding embedding;
    std::vector<Block> blocks;
    std::optional<nn::LayerNorm> norm, nothing;
    nn::Parameter scale{ones({3})};
    nn::Buffer mean{zeros({4})};
    void visit(nn::Visitor& v) {
      v("embedding", embedding), v("blocks", blocks), v("norm", norm), v("nothing", nothing),
          v("scale", scale), v("mean", mean);
    }
  };
  Rng rng(1);
  Model model{nn::Embedding(1000, 4, rng), {}, nn::LayerNorm(4), std::nullopt};
  for (int i = 0; i < 3; ++i) model.blocks.push_back(Block(4, 8, rng));
  model.blocks.push_back(Block(4, 16, rng));
  nn::freeze(model.embedding);
  const bool wide = sizeof(Scalar) == 8;
  const std::string total = std::string("total: 4,419 numbers, ") + (wide ? "35.4 kB" : "17.7 kB") +
                            "; 4,000 of them frozen; and 4 in buffers, " + (wide ? "32" : "16") + " bytes\n";
  CHECK(nn::summary(model) ==
        "layer           type         numbers  parameters\n"
        "(model)         Model          4,419  scale (3,), mean (4,) buffer\n"
        "  embedding     Embedding      4,000  weight (1000, 4) frozen\n"
        "  blocks.0 … 2  Block         3 x 84\n"
        "    norm        LayerNorm          8  scale (4,), shift (4,)\n"
        "    mlp         FeedForward       76\n"
        "      inner     Linear            40  weight (8, 4), bias (8,)\n"
        "      outer     Linear            36  weight (4, 8), bias (4,)\n"
        "  blocks.3      Block            156\n"
        "    norm        LayerNorm          8  scale (4,), shift (4,)\n"
        "    mlp         FeedForward      148\n"
        "      inner     Linear            80  weight (16, 4), bias (16,)\n"
        "      outer     Linear            68  weight (4, 16), bias (4,)\n"
        "  norm          LayerNorm          8  scale (4,), shift (4,)\n" +
            total);
  const std::string unfolded = nn::summary(model, {.fold = false});
  for (const char* line : {"\n  blocks.0   Block             84\n", "\n  blocks.1   Block             84\n",
                           "\n  blocks.2   Block             84\n", "\n  blocks.3   Block            156\n"})
    CHECK(contains(unfolded, line));
  CHECK(unfolded.ends_with(total));
  // One frozen weight makes a neighbour another.
  nn::freeze(model.blocks[1].norm);
  CHECK(contains(nn::summary(model),
                 "\n  blocks.1   Block             84\n    norm     LayerNorm          8  "
                 "scale (4,) frozen, shift (4,) frozen\n"));
}

namespace {

template <class Inner>
struct Around {
  Inner inner;
  void visit(nn::Visitor& v) { v("inner", inner); }
};
struct Scales {
  std::vector<nn::Parameter> scales;
  void visit(nn::Visitor& v) { v("scales", scales); }
};

}  // namespace

TEST_CASE("summary: of templates, of lists of parameters, of lists in lists, and of nothing") {
  Around<Around<Scales>> model;
  for (Index i = 1; i <= 12; ++i) model.inner.inner.scales.push_back(nn::Parameter(zeros({i, 100})));
  CHECK(nn::summary(model) ==
        std::string("layer      type                    numbers  parameters\n"
                    "(model)    Around<Around<Scales>>    7,800\n"
                    "  inner    Around<Scales>            7,800\n"
                    "    inner  Scales                    7,800  scales.0 (1, 100), scales.1 (2, 100), "
                    "scales.2 (3, 100),\n"
                    "                                            scales.3 (4, 100), scales.4 (5, 100), "
                    "scales.5 (6, 100),\n"
                    "                                            scales.6 (7, 100), scales.7 (8, 100), "
                    "scales.8 (9, 100),\n"
                    "                                            scales.9 (10, 100), scales.10 (11, 100),\n"
                    "                                            scales.11 (12, 100)\n"
                    "total: 7,800 numbers, ") +
            (sizeof(Scalar) == 8 ? "62.4 kB\n" : "31.2 kB\n"));

  struct Grid {
    std::vector<std::vector<nn::LayerNorm>> norms;
    void visit(nn::Visitor& v) { v("norms", norms); }
  };
  Grid grid;
  grid.norms.resize(2);
  for (auto& row : grid.norms)
    for (int i = 0; i < 2; ++i) row.push_back(nn::LayerNorm(3));
  CHECK(nn::summary(grid) == std::string("layer            type       numbers  parameters\n"
                                         "(model)          Grid            24\n"
                                         "  norms.0.0 … 1  LayerNorm    2 x 6  scale (3,), shift (3,)\n"
                                         "  norms.1.0 … 1  LayerNorm    2 x 6  scale (3,), shift (3,)\n"
                                         "total: 24 numbers, ") +
                                 (sizeof(Scalar) == 8 ? "192 bytes\n" : "96 bytes\n"));

  struct Nothing {
    void visit(nn::Visitor&) {}
  };
  CHECK(nn::summary(Nothing()) ==
        "layer    type     numbers  parameters\n(model)  Nothing        0\ntotal: 0 numbers, 0 bytes\n");
}

TEST_CASE("summary: a Transformer's counts are those of parameter_count, and no line is wider than a page") {
  const SmallTraining training({.layers = 3});
  const std::string text = nn::summary(training.model);
  CHECK(contains(text, "(model)                       Transformer"));
  CHECK(contains(text, "\n  encoder                     Encoder"));
  CHECK(contains(text, "\n    layers.0 … 2              EncoderLayer        3 x 1,960\n"));
  CHECK(contains(
      text, "\n        query                 Linear                    272  weight (16, 16), bias (16,)\n"));
  Index in_total = 0;
  for (const char c : text.substr(text.find("total: ") + 7)) {
    if (c == ' ') break;
    if (c != ',') in_total = 10 * in_total + (c - '0');
  }
  CHECK(in_total == nn::parameter_count(training.model));
  std::size_t line = 0;
  for (const char c : text) {
    line = c == '\n' ? 0 : line + 1;
    CHECK(line <= 104);  // bytes; … is three of them and one column
  }
}

namespace {

struct Outer {
  // A layer whose type is named inside a template, with a buffer of its own.
  template <class T>
  struct Holder {
    struct Inner {
      nn::Parameter weight{zeros({2})};
      nn::Buffer count{zeros({3})};
      void visit(nn::Visitor& v) { v("weight", weight), v("count", count); }
    };
  };
  std::string summary_of_local() const {
    struct Local {
      Holder<int>::Inner norm;
      nn::Parameter norm_scale{zeros({5})};
      void visit(nn::Visitor& v) { v("norm", norm), v("norm_scale", norm_scale); }
    };
    return nn::summary(Local());
  }
};

}  // namespace

TEST_CASE(
    "summary: types in templates and functions lose what stands before them, layers keep to their own") {
  CHECK(Outer().summary_of_local() == std::string("layer    type   numbers  parameters\n"
                                                  "(model)  Local        7  norm_scale (5,)\n"
                                                  "  norm   Inner        2  weight (2,), count (3,) buffer\n"
                                                  "total: 7 numbers, ") +
                                          (sizeof(Scalar) == 8 ? "56 bytes; and 3 in buffers, 24 bytes\n"
                                                               : "28 bytes; and 3 in buffers, 12 bytes\n"));
  struct Likeness {
    nn::Parameter scale{ones({3})}, shift{zeros({3})};
    void visit(nn::Visitor& v) { v("scale", scale), v("shift", shift); }
  };
  struct Mixed {
    nn::LayerNorm first{3};
    Likeness second;
    void visit(nn::Visitor& v) { v("list.0", first), v("list.1", second); }
  };
  CHECK(contains(nn::summary(Mixed()),
                 "  list.0  LayerNorm        6  scale (3,), shift (3,)\n"
                 "  list.1  Likeness         6  scale (3,), shift (3,)\n"));
}
