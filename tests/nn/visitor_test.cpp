#include "nn/visitor.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/check.h"
#include "nn/check.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/transformer.h"
#include "tensor/error.h"
#include "tensor/reduce.h"

using namespace attune;

namespace {

// A user's own layer: no base class, no registration.
struct GatedMlp {
  nn::Linear gate, up, down;
  GatedMlp(Index width, Index hidden, Rng& rng)
      : gate(width, hidden, rng), up(width, hidden, rng), down(hidden, width, rng) {}
  Variable operator()(const Variable& x) const { return down(silu(gate(x)) * up(x)); }
  void visit(nn::Visitor& v) { v("gate", gate), v("up", up), v("down", down); }
};

std::vector<std::string> names_of(const auto& model) {
  std::vector<std::string> names;
  for (const nn::NamedParameter& parameter : nn::named_parameters(model)) names.push_back(parameter.name);
  return names;
}

nn::TransformerSettings tiny() {
  nn::TransformerSettings settings;
  settings.source_vocabulary = 5;
  settings.target_vocabulary = 6;
  settings.width = 4;
  settings.heads = 2;
  settings.hidden = 3;
  return settings;
}

}  // namespace

static_assert(!std::is_copy_constructible_v<nn::Parameter> && !std::is_copy_assignable_v<nn::Parameter>);
static_assert(!std::is_copy_constructible_v<nn::Linear> && !std::is_copy_constructible_v<nn::Transformer>);
static_assert(std::is_move_constructible_v<nn::Linear> && std::is_move_constructible_v<nn::Transformer>);

TEST_CASE("visitor: names nest, and members of lists are numbered") {
  struct Stack {
    std::vector<GatedMlp> layers;
    std::optional<nn::LayerNorm> norm, nothing;
    void visit(nn::Visitor& v) { v("layers", layers), v("norm", norm), v("nothing", nothing); }
  };
  Rng rng(1);
  Stack stack;
  stack.layers.push_back(GatedMlp(2, 3, rng));
  stack.layers.push_back(GatedMlp(2, 3, rng));
  stack.norm = nn::LayerNorm(2);
  const std::vector<std::string> names = names_of(stack);
  REQUIRE(names.size() == 14);
  CHECK(names[0] == "layers.0.gate.weight");
  CHECK(names[11] == "layers.1.down.bias");
  CHECK(names[12] == "norm.scale");
  CHECK(nn::parameter_count(stack) == 2 * (2 * (6 + 3) + 6 + 2) + 4);
  const std::vector<std::string> transformer = names_of(nn::Transformer(tiny(), rng));
  CHECK(std::find(transformer.begin(), transformer.end(), "encoder.layers.0.self_attention.query.weight") !=
        transformer.end());
}

TEST_CASE("visitor: one line checks the gradients of a user's own layer") {
  Rng rng(2);
  GatedMlp layer(3, 4, rng);
  const Tensor before = layer.up.weight.value();
  const Tensor x = uniform({2, 3}, -1, 1, rng);
  const GradientCheck check = nn::check_gradients(layer, {x}, [&](auto& inputs) { return layer(inputs[0]); });
  CHECK_MESSAGE(check.passed, check.sentence);
  CHECK(same_values(layer.up.weight.value(), before));
  CHECK(layer.up.weight.value().shares_memory_with(before));
  // It looks at parameters too: one that visit names and a wrong pullback spoils is found.
  const attune::detail::PullbackTap tap([](const Node& node, const Variable&, Gradients& parts) {
    if (std::string(node.op) == "linear") parts[1] = parts[1].with_value(parts[1].value() * Scalar(1.05));
  });
  const GradientCheck spoiled =
      nn::check_gradients(layer, {x}, [&](auto& inputs) { return layer(inputs[0]); });
  CHECK(!spoiled.passed);
  CHECK(spoiled.sentence.find("has a wrong gradient") != std::string::npos);
}

TEST_CASE("visitor: two names for one parameter, or one name for two, are refused") {
  struct Twice {
    nn::Linear a;
    void visit(nn::Visitor& v) { v("a", a), v("b", a); }
  };
  struct Same {
    nn::Linear a, b;
    void visit(nn::Visitor& v) { v("a", a), v("a", b); }
  };
  Rng rng(1);
  CHECK_THROWS_WITH_AS(
      nn::named_parameters(Twice{nn::Linear(2, 2, rng)}),
      "visit: one parameter is named twice, a.weight and b.weight: tied weights belong to one owner, "
      "which names them once",
      ValueError);
  CHECK_THROWS_WITH_AS(nn::named_parameters(Same{nn::Linear(2, 2, rng), nn::Linear(2, 2, rng)}),
                       "visit: two parameters are named a.weight: give each member its own name", ValueError);
}

TEST_CASE("visitor: a member that visit forgets is found by what the loss reaches") {
  struct Forgetful {
    nn::Linear known, forgotten;
    Variable operator()(const Variable& x) const { return forgotten(known(x)); }
    void visit(nn::Visitor& v) { v("known", known); }
  };
  Rng rng(1);
  Forgetful layer{nn::Linear(2, 3, rng), nn::Linear(3, 5, rng, nn::Linear::Bias::no)};
  CHECK_THROWS_WITH_AS(
      nn::check_visited(sum(layer(ones({1, 2}))), layer),
      "check_visited: the loss depends on a parameter of shape (5, 3) that visit does not name: it would "
      "be neither trained nor saved: add it to its layer's visit",
      GraphError);
  nn::check_visited(sum(layer.known(ones({1, 2}))), layer);
  const GradientCheck check =
      nn::check_gradients(layer, {ones({1, 2})}, [&](auto& inputs) { return layer(inputs[0]); });
  CHECK(!check.passed);
  CHECK(check.sentence.find("(5, 3) that visit does not name") != std::string::npos);
}

TEST_CASE("visitor: a clone has the same values in memory of its own, a frozen parameter gets no gradient") {
  Rng rng(1);
  nn::Transformer model(tiny(), rng);
  nn::Transformer twin = nn::clone(model);
  CHECK(same_values(twin.source_embedding.weight.value(), model.source_embedding.weight.value()));
  twin.source_embedding.weight.set_value(zeros({5, 4}));
  CHECK(model.source_embedding.weight.value().at({0, 0}) != 0);
  nn::TransformerSettings other = tiny();
  other.hidden = 5;
  nn::Transformer wider(other, rng);
  CHECK_THROWS_WITH_AS(
      nn::copy_parameters(model, wider),
      "copy_parameters: the models differ: encoder.layers.0.feed_forward.inner.weight (3, 4) and "
      "encoder.layers.0.feed_forward.inner.weight (5, 4): make both with the same settings",
      ValueError);

  GatedMlp layer(2, 3, rng);
  nn::freeze(layer.gate);
  backward(sum(layer(ones({1, 2}))));
  CHECK(!layer.gate.weight.gradient().defined());
  CHECK(layer.up.weight.gradient().defined());
  nn::clear_gradients(layer);
  CHECK(!layer.up.weight.gradient().defined());
  nn::unfreeze(layer);
  backward(sum(layer(ones({1, 2}))));
  CHECK(layer.gate.weight.gradient().defined());
}

TEST_CASE("parameters: what was computed from one stays what it was when it changes") {
  nn::Parameter weight(tensor({1, 2, 3}));
  const Tensor taken = weight.value();
  const Variable used = weight;
  weight.set_value(tensor({4, 5, 6}));
  CHECK(taken.values() == std::vector<Scalar>{1, 2, 3});
  CHECK(used.value().values() == std::vector<Scalar>{1, 2, 3});
  CHECK(weight.value().values() == std::vector<Scalar>{4, 5, 6});
  CHECK_THROWS_WITH_AS(
      weight.set_value(zeros({2})),
      "set_value: shapes differ: (2,) for a parameter of (3,): only numbers can change, not sizes",
      ShapeError);
  CHECK_THROWS_WITH_AS(
      static_cast<void>(nn::Parameter().value()),
      "parameter: it has no value: assign Parameter(tensor) in the layer's constructor; if the model was "
      "moved, use the one it was moved to",
      ValueError);
}

TEST_CASE("initialisers: the spread is what the papers say") {
  Rng rng(1);
  const Tensor xavier = nn::xavier_uniform({300, 200}, rng);
  const double bound = std::sqrt(6.0 / 500);
  CHECK(static_cast<double>(max(xavier).item()) <= bound);
  CHECK(static_cast<double>(max(xavier).item()) > 0.999 * bound);
  CHECK(static_cast<double>(variance(xavier).item()) == doctest::Approx(bound * bound / 3).epsilon(0.02));
  CHECK(static_cast<double>(variance(nn::kaiming_normal({300, 200}, rng)).item()) ==
        doctest::Approx(2.0 / 200).epsilon(0.03));
  const nn::Embedding embedding(500, 64, rng);
  CHECK(static_cast<double>(variance(embedding.weight.value()).item()) ==
        doctest::Approx(1.0 / 64).epsilon(0.03));
}
