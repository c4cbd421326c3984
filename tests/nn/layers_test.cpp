#include <doctest/doctest.h>

#include <numbers>

#include "nn/transformer.h"
#include "tensor/error.h"
#include "tests/nn/layer_twins.h"

using namespace attune;
using namespace attune::testing;
using nn::NormPlacement;

namespace {

// A layer as a row of the table of operations: its operands are its inputs, then its parameters in the order
// of visit. `call(layer, inputs)` runs it; the twin gets all operands.
template <class Layer>
Operation layer_row(const std::string& name, const std::function<Layer(Rng&)>& make,
                    const std::vector<Sizes>& inputs,
                    const std::function<Variable(const Layer&, const std::vector<Variable>&)>& call,
                    const std::function<Array(const std::vector<Array>&, Taker)>& twin) {
  Rng rng(3);
  const Layer sample = make(rng);
  Case c;
  for (const Sizes& sizes : inputs) c.operands.push_back({sizes});
  for (const nn::NamedParameter& parameter : nn::named_parameters(sample))
    c.operands.push_back({sizes_of(parameter.cell->value.shape())});
  const std::size_t count = inputs.size();
  return {.name = name,
          .records = "",
          .f =
              [make, call, count](const std::vector<Variable>& operands) {
                Rng fresh(3);
                const Layer layer = make(fresh);
                std::size_t next = count;
                for (const nn::NamedParameter& parameter : nn::named_parameters(layer)) {
                  const Variable& lent = operands.at(next++);
                  *parameter.cell = {lent.value(), lent.node(), false};
                }
                return call(layer, {operands.begin(), operands.begin() + static_cast<std::ptrdiff_t>(count)});
              },
          .twin =
              [twin, count](const std::vector<Array>& operands) {
                return twin({operands.begin(), operands.begin() + static_cast<std::ptrdiff_t>(count)},
                            Taker(operands, count));
              },
          .cases = {c},
          .ranges = {{-1, 1}},
          .float_tolerance = 2e-2};
}

using Inputs = std::vector<Variable>;
using Arrays = std::vector<Array>;

double silu_of(double x) {
  return x / (1 + std::exp(-x));
}
double smooth_relu(double x) {
  return std::max(x, 0.0);
}

const Indices tokens({2, 3}, {1, 4, 0, 2, 2, 3});

std::vector<Operation> simple_rows() {
  std::vector<Operation> rows;
  rows.push_back(layer_row<nn::Linear>(
      "Linear", [](Rng& rng) { return nn::Linear(3, 4, rng); }, {{2, 2, 3}},
      [](const nn::Linear& layer, const Inputs& x) { return layer(x[0]); },
      [](const Arrays& x, Taker take) { return LinearTwin(take)(x[0]); }));
  rows.push_back(layer_row<nn::Linear>(
      "Linear without bias", [](Rng& rng) { return nn::Linear(3, 4, rng, nn::Linear::Bias::no); }, {{2, 3}},
      [](const nn::Linear& layer, const Inputs& x) { return layer(x[0]); },
      [](const Arrays& x, Taker take) { return LinearTwin(take, false)(x[0]); }));
  rows.push_back(layer_row<nn::Embedding>(
      "Embedding", [](Rng& rng) { return nn::Embedding(5, 3, rng); }, {},
      [](const nn::Embedding& layer, const Inputs&) { return layer(tokens); },
      [](const Arrays&, Taker take) {
        const Array table = take();
        Array y(Sizes{2, 3, 3});
        for (Index i = 0; i < y.elements(); ++i)
          y[i] = table[tokens.values[static_cast<std::size_t>(i / 3)] * 3 + i % 3];
        return y;
      }));
  rows.push_back(layer_row<nn::Embedding>(
      "Embedding, as scores", [](Rng& rng) { return nn::Embedding(5, 3, rng); }, {{2, 2, 3}},
      [](const nn::Embedding& layer, const Inputs& x) { return layer.scores(x[0]); },
      [](const Arrays& x, Taker take) { return product_of(x[0], exchanged(take(), 0, 1)); }));
  rows.push_back(layer_row<nn::LayerNorm>(
      "LayerNorm", [](Rng&) { return nn::LayerNorm(5); }, {{2, 2, 5}},
      [](const nn::LayerNorm& layer, const Inputs& x) { return layer(x[0]); },
      [](const Arrays& x, Taker take) { return LayerNormTwin(take)(x[0]); }));
  rows.push_back(layer_row<nn::RmsNorm>(
      "RmsNorm", [](Rng&) { return nn::RmsNorm(5); }, {{2, 2, 5}},
      [](const nn::RmsNorm& layer, const Inputs& x) { return layer(x[0]); },
      [](const Arrays& x, Taker take) {
        const Array normed = each_row(x[0], [](const std::vector<double>& row) {
          double square = 0;
          for (const double value : row) square += value * value / static_cast<double>(row.size());
          std::vector<double> y;
          for (const double value : row) y.push_back(value / std::sqrt(square + 1e-5));
          return y;
        });
        return zip(normed, take(), [](double a, double b) { return a * b; });
      }));
  rows.push_back(layer_row<nn::Dropout>(
      "Dropout", [](Rng& rng) { return nn::Dropout(Scalar(0.25), rng); }, {{4, 5}},
      [](const nn::Dropout& layer, const Inputs& x) {
        return layer(x[0], nn::Pass{.training = true, .rng = Rng(5)});
      },
      [](const Arrays& x, Taker) {
        const Rng stream = Rng(5).at(0);
        Array y = x[0];
        for (Index i = 0; i < y.elements(); ++i)
          y[i] = stream.bits(static_cast<std::uint64_t>(i)) < 0.75 * 0x1p32 ? y[i] / 0.75 : 0;
        return y;
      }));
  rows.push_back(layer_row<nn::SinusoidalPositions>(
      "SinusoidalPositions", [](Rng&) { return nn::SinusoidalPositions(4, 3); }, {{1, 5, 4}},
      [](const nn::SinusoidalPositions& layer, const Inputs& x) { return layer(x[0], 2); },
      [](const Arrays& x, Taker) {
        Array y = x[0];
        for (Index i = 0; i < y.elements(); ++i) {
          const double t = static_cast<double>(i / 4 + 2);
          const double angle = t / std::pow(10000.0, static_cast<double>(i % 4 / 2 * 2) / 4);
          y[i] += i % 2 == 0 ? std::sin(angle) : std::cos(angle);
        }
        return y;
      }));
  rows.push_back(layer_row<nn::LearnedPositions>(
      "LearnedPositions", [](Rng& rng) { return nn::LearnedPositions(3, 6, rng); }, {{2, 3, 3}},
      [](const nn::LearnedPositions& layer, const Inputs& x) { return layer(x[0], 1); },
      [](const Arrays& x, Taker take) { return plus(x[0], sliced(take(), 0, 1, 4)); }));
  const std::pair<nn::Activation, double (*)(double)> activations[] = {
      {nn::Activation::relu, smooth_relu}, {nn::Activation::gelu, gelu_of}, {nn::Activation::silu, silu_of}};
  for (const auto& [activation, twin] : activations) {
    const nn::Activation chosen = activation;
    double (*const naive)(double) = twin;
    rows.push_back(layer_row<nn::FeedForward>(
        "FeedForward " + std::to_string(static_cast<int>(chosen)),
        [chosen](Rng& rng) { return nn::FeedForward(3, 4, rng, chosen); }, {{2, 2, 3}},
        [](const nn::FeedForward& layer, const Inputs& x) { return layer(x[0]); },
        [naive](const Arrays& x, Taker take) { return FeedForwardTwin(take, naive)(x[0]); }));
  }
  return rows;
}

const Mask padded = Mask::padding({3, 1});

std::vector<Operation> attention_layer_rows() {
  std::vector<Operation> rows;
  rows.push_back(layer_row<nn::DotProductAttention>(
      "DotProductAttention", [](Rng&) { return nn::DotProductAttention(); },
      {{2, 2, 3}, {2, 3, 3}, {2, 3, 2}},
      [](const nn::DotProductAttention& layer, const Inputs& x) {
        nn::Pass pass;
        return layer(x[0], x[1], x[2], padded, pass);
      },
      [](const Arrays& x, Taker) {
        const auto one_head = [](const Array& a) {
          return reshaped(a, {a.size(0), 1, a.size(1), a.size(2)});
        };
        return reshaped(attention_of(one_head(x[0]), one_head(x[1]), one_head(x[2]), padded, Array()),
                        {2, 2, 2});
      }));
  for (const bool masked : {false, true}) {
    const Mask mask = masked ? padded : Mask();
    rows.push_back(layer_row<nn::AdditiveAttention>(
        masked ? "AdditiveAttention with padding" : "AdditiveAttention",
        [](Rng& rng) { return nn::AdditiveAttention(2, 3, 4, rng); }, {{2, 2, 2}, {2, 3, 3}, {2, 3, 2}},
        [mask](const nn::AdditiveAttention& layer, const Inputs& x) {
          nn::Pass pass;
          return layer(x[0], x[1], x[2], mask, pass);
        },
        [mask](const Arrays& x, Taker take) {
          const LinearTwin query(take);
          const LinearTwin key(take, false);
          const LinearTwin score(take, false);
          const Array asked = query(x[0]);
          const Array offered = key(x[1]);
          Array y(Sizes{2, 2, 2});
          for (Index b = 0; b < 2; ++b)
            for (Index t = 0; t < 2; ++t) {
              double weights[3];
              double total = 0;
              for (Index s = 0; s < 3; ++s) {
                double e = 0;
                for (Index h = 0; h < 4; ++h)
                  e += score.weight[h] * std::tanh(asked[(b * 2 + t) * 4 + h] + offered[(b * 3 + s) * 4 + h]);
                weights[s] = mask.allows(b, t, s) ? std::exp(e) : 0;
                total += weights[s];
              }
              for (Index s = 0; s < 3; ++s)
                for (Index v = 0; v < 2; ++v)
                  y[(b * 2 + t) * 2 + v] += weights[s] / total * x[2][(b * 3 + s) * 2 + v];
            }
          return y;
        }));
  }
  rows.push_back(layer_row<nn::MultiHeadAttention>(
      "MultiHeadAttention to itself", [](Rng& rng) { return nn::MultiHeadAttention(4, 2, rng); }, {{2, 3, 4}},
      [](const nn::MultiHeadAttention& layer, const Inputs& x) {
        nn::Pass pass;
        return layer(x[0], x[0], Mask::causal() & padded, pass);
      },
      [](const Arrays& x, Taker take) {
        return MultiHeadTwin(take, 2)(x[0], x[0], Mask::causal() & padded);
      }));
  rows.push_back(layer_row<nn::MultiHeadAttention>(
      "MultiHeadAttention to another", [](Rng& rng) { return nn::MultiHeadAttention(4, 4, rng); },
      {{2, 2, 4}, {2, 3, 4}},
      [](const nn::MultiHeadAttention& layer, const Inputs& x) {
        nn::Pass pass;
        return layer(x[0], x[1], padded, pass);
      },
      [](const Arrays& x, Taker take) { return MultiHeadTwin(take, 4)(x[0], x[1], padded); }));
  return rows;
}

nn::TransformerSettings small(NormPlacement norm) {
  nn::TransformerSettings settings;
  settings.source_vocabulary = 5;
  settings.target_vocabulary = 5;
  settings.width = 4;
  settings.heads = 2;
  settings.hidden = 3;
  settings.encoder_layers = 1;
  settings.decoder_layers = 1;
  settings.dropout = 0;
  settings.activation = nn::Activation::gelu;  // smooth: difference quotients in float take large steps
  settings.norm = norm;
  return settings;
}

std::vector<Operation> transformer_rows() {
  std::vector<Operation> rows;
  for (const NormPlacement norm : {NormPlacement::pre, NormPlacement::post}) {
    const std::string placed = norm == NormPlacement::pre ? ", pre-norm" : ", post-norm";
    const nn::TransformerSettings settings = small(norm);
    rows.push_back(layer_row<nn::Residual>(
        "Residual" + placed, [settings](Rng& rng) { return nn::Residual(settings, rng); }, {{2, 2, 4}},
        [](const nn::Residual& layer, const Inputs& x) {
          return layer(x[0], {}, [](const Variable& y) { return y * y; });
        },
        [norm](const Arrays& x, Taker take) {
          return residual_twin(LayerNormTwin(take), norm, x[0],
                               [](const Array& y) { return map(y, [](double v) { return v * v; }); });
        }));
    rows.push_back(layer_row<nn::EncoderLayer>(
        "EncoderLayer" + placed, [settings](Rng& rng) { return nn::EncoderLayer(settings, rng); },
        {{2, 3, 4}},
        [](const nn::EncoderLayer& layer, const Inputs& x) {
          nn::Pass pass;
          return layer(x[0], padded, pass);
        },
        [settings](const Arrays& x, Taker take) { return EncoderLayerTwin(take, settings)(x[0], padded); }));
    rows.push_back(layer_row<nn::DecoderLayer>(
        "DecoderLayer" + placed, [settings](Rng& rng) { return nn::DecoderLayer(settings, rng); },
        {{2, 2, 4}, {2, 3, 4}},
        [](const nn::DecoderLayer& layer, const Inputs& x) {
          nn::Pass pass;
          return layer(x[0], x[1], Mask::causal(), padded, pass);
        },
        [settings](const Arrays& x, Taker take) {
          return DecoderLayerTwin(take, settings)(x[0], x[1], Mask::causal(), padded);
        }));
    for (const bool mean : {false, true}) {
      nn::TransformerSettings whole = settings;
      whole.share_embeddings = mean;  // both at once, to keep the table short
      whole.source_view = mean ? nn::SourceView::mean : nn::SourceView::attention;
      const Indices target({2, 2}, {2, 1, 2, 4});
      rows.push_back(layer_row<nn::Transformer>(
          "Transformer" + placed + (mean ? ", mean of the source, shared embeddings" : ""),
          [whole](Rng& rng) { return nn::Transformer(whole, rng); }, {},
          [target](const nn::Transformer& model, const Inputs&) {
            nn::Pass pass;
            return model(tokens, {3, 1}, target, pass);
          },
          [whole, target](const Arrays&, Taker take) {
            return TransformerTwin(take, whole)(tokens, {3, 1}, target);
          }));
    }
  }
  // The encoder and the decoder by themselves, two layers deep.
  nn::TransformerSettings deep = small(NormPlacement::pre);
  deep.encoder_layers = deep.decoder_layers = 2;
  rows.push_back(layer_row<nn::Encoder>(
      "Encoder", [deep](Rng& rng) { return nn::Encoder(deep, rng); }, {{2, 3, 4}},
      [](const nn::Encoder& layer, const Inputs& x) {
        nn::Pass pass;
        return layer(x[0], padded, pass);
      },
      [deep](const Arrays& x, Taker take) {
        const EncoderLayerTwin first(take, deep);
        const EncoderLayerTwin second(take, deep);
        return LayerNormTwin(take)(second(first(x[0], padded), padded));
      }));
  rows.push_back(layer_row<nn::Decoder>(
      "Decoder", [deep](Rng& rng) { return nn::Decoder(deep, rng); }, {{2, 2, 4}, {2, 3, 4}},
      [](const nn::Decoder& layer, const Inputs& x) {
        nn::Pass pass;
        return layer(x[0], x[1], Mask::causal(), padded, pass);
      },
      [deep](const Arrays& x, Taker take) {
        const DecoderLayerTwin first(take, deep);
        const DecoderLayerTwin second(take, deep);
        const auto run = [&](const DecoderLayerTwin& layer, const Array& y) {
          return layer(y, x[1], Mask::causal(), padded);
        };
        return LayerNormTwin(take)(run(second, run(first, x[0])));
      }));
  return rows;
}

// Spoils the gradients of one operation after the other inside a layer, and expects the gradient check to
// notice. (The layers are too large for the exhaustive spoiling of single operations.)
void check_spoiled_layers(const std::vector<Operation>& rows) {
  int caught = 0;
  for (const Operation& row : rows) {
    INFO(row.name);
    const Case& c = row.cases.front();
    const std::vector<Tensor> inputs = bases(row, c);
    const std::vector<Array> right = leaf_gradients(row, c, inputs);
    int noticed = 0;
    for (const int spoiled : {0, 1, 3, 6}) {
      int met = 0;
      const attune::detail::PullbackTap tap([&](const Node&, const Variable&, Gradients& parts) {
        if (met++ != spoiled) return;
        for (Gradient& part : parts)
          if (part.defined()) part = part.with_value(Variable(part.value().value() * Scalar(1.2)));
      });
      const std::vector<Array> wrong = leaf_gradients(row, c, inputs);
      bool visible = false;
      for (std::size_t i = 0; i < right.size(); ++i)
        visible = visible || norm_of(zip(right[i], wrong[i], [](double a, double b) { return a - b; })) >
                                 0.05 * norm_of(right[i]) + 1e-6;
      if (!visible) continue;
      met = 0;
      CHECK_MESSAGE(!check_gradients(of_bases(row, c), inputs, check_options(row)).passed,
                    "a gradient scaled by 1.2 inside the layer, at operation ", spoiled, ", was not noticed");
      ++noticed;
    }
    CHECK_MESSAGE(noticed > 0, "nothing could be spoiled");
    caught += noticed;
  }
  MESSAGE("spoiled layers: ", caught, " of ", rows.size(), " layers caught");
}

void check_layers(const std::vector<Operation>& rows) {
  SUBCASE("values equal the twins'") {
    check_values(rows);
  }
  SUBCASE("gradients of inputs and of all parameters equal difference quotients") {
    check_first_gradients(rows);
  }
  SUBCASE("gradients that can be differentiated equal those that cannot") {
    check_fused_gradients(rows);
  }
  SUBCASE("spoiled gradients are caught") {
    check_spoiled_layers(rows);
  }
}

}  // namespace

TEST_CASE("layers: the simple ones equal their twins, and their gradients are right") {
  check_layers(simple_rows());
}
TEST_CASE("layers: attention equals its twins, and its gradients are right") {
  check_layers(attention_layer_rows());
}
TEST_CASE("layers: the Transformer equals its twins, and its gradients are right") {
  check_layers(transformer_rows());
}

TEST_CASE(
    "layers: padding of NaN changes nothing in attention without projections of the values, to the last "
    "bit") {
  const Mask mask = Mask::padding({3, 1});
  Rng rng(4);
  const nn::AdditiveAttention additive(2, 3, 4, rng);
  const nn::DotProductAttention dot_product;
  const Tensor to = normal({2, 3, 3}, 0, 1, rng);
  const Tensor value = normal({2, 3, 2}, 0, 1, rng);
  const Tensor padding = Mask::padding({3, 1}).to_tensor(2, 1, 3);  // (2, 1, 3)
  const auto with = [&](const Tensor& x, Scalar filler) {
    return where(transpose(padding), x, Tensor(filler));
  };
  for (const bool is_additive : {true, false}) {
    const Tensor from = normal({2, 2, is_additive ? 2 : 3}, 0, 1, rng);
    const auto run = [&](Scalar filler) {
      nn::Pass pass;
      const std::vector<Variable> x{tracked(from), tracked(with(to, filler)), tracked(with(value, filler))};
      const Variable y =
          is_additive ? additive(x[0], x[1], x[2], mask, pass) : dot_product(x[0], x[1], x[2], mask, pass);
      std::vector<Tensor> results{y.value()};
      std::vector<Variable> wanted = x;
      if (is_additive)
        for (const nn::NamedParameter& parameter : nn::named_parameters(additive))
          wanted.emplace_back(parameter.cell->value, parameter.cell->leaf);
      for (const Variable& gradient : gradients(y, wanted, ones(y.shape())))
        results.push_back(gradient.value());
      return results;
    };
    const std::vector<Tensor> clean = run(0);
    for (const Scalar filler :
         {Scalar(5), std::numeric_limits<Scalar>::quiet_NaN(), std::numeric_limits<Scalar>::infinity()}) {
      const std::vector<Tensor> dirty = run(filler);
      INFO((is_additive ? std::string("additive") : std::string("dot product")), ", padding of ", filler);
      for (std::size_t i = 0; i < clean.size(); ++i) CHECK(same_values(dirty[i], clean[i]));
    }
  }
}

// Each number of each parameter asks for two gradients of gradients, so whole models take long.
TEST_CASE("layers: gradients of gradients are right") {
  check_gradients_twice(simple_rows());
  check_gradients_twice(attention_layer_rows());
  std::vector<Operation> single = transformer_rows();
  std::erase_if(single, [](const Operation& row) { return row.cases.front().operands.size() > 30; });
  REQUIRE(single.size() >= 6);
  check_gradients_twice(single);
}
TEST_CASE("layers: gradients of gradients are right, of whole models too" * doctest::skip()) {
  check_gradients_twice(transformer_rows());
}

TEST_CASE("layers: every layer of the library has a row in the table") {
  std::string names;
  for (const auto& rows : {simple_rows(), attention_layer_rows(), transformer_rows()})
    for (const Operation& row : rows) names += row.name + "\n";
  int layers = 0;
  for (const char* file : {"layers.h", "attention.h", "transformer.h"}) {
    std::ifstream in(std::filesystem::path(ATTUNE_SOURCE_DIR) / "nn" / file);
    REQUIRE(in);
    const std::string source{std::istreambuf_iterator<char>(in), {}};
    const std::regex declaration(R"(\nstruct (\w+) \{)");
    for (std::sregex_iterator match(source.begin(), source.end(), declaration), end; match != end; ++match) {
      const std::string name = (*match)[1];
      const std::size_t body = static_cast<std::size_t>(match->position());
      const std::size_t next = source.find("\nstruct ", body + 1);
      if (source.substr(body, next - body).find("void visit(Visitor&") == std::string::npos)
        continue;  // plain data
      ++layers;
      CHECK_MESSAGE(names.find(name) != std::string::npos, name, " has no row");
    }
  }
  CHECK(layers > 12);
}

TEST_CASE("layers: wrong sizes are refused in a sentence") {
  Rng rng(1);
  CHECK_THROWS_WITH_AS(
      nn::MultiHeadAttention(6, 4, rng),
      "multi-head attention: width 6 does not split into 4 heads: the width must be a multiple of the "
      "number of heads",
      ValueError);
  CHECK_THROWS_WITH_AS(nn::Dropout(1, rng), "dropout: the rate is 1: it must be at least 0 and below 1",
                       ValueError);
  CHECK_THROWS_WITH_AS(nn::Linear(0, 4, rng), "linear: the input size is 0: give 1 or more", ValueError);
  const nn::LearnedPositions positions(2, 3, rng);
  CHECK_THROWS_WITH_AS(
      positions(zeros({1, 2, 2}), 2),
      "positions: position 3 is beyond the longest learned, 2: make the model with more positions, or "
      "shorten the input",
      ShapeError);
  nn::TransformerSettings settings = small(NormPlacement::pre);
  settings.share_embeddings = true;
  settings.target_vocabulary = 6;
  CHECK_THROWS_WITH_AS(
      nn::Transformer(settings, rng),
      "transformer: embeddings cannot be shared by vocabularies of 5 and 6 tokens: share one vocabulary, "
      "or set share_embeddings to false",
      ValueError);
}
