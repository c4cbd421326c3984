#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "autograd/ops.h"
#include "nn/transformer.h"
#include "tests/oracle/case.h"

// attune's side of the oracle: how a recorded case calls each operation and each layer. reference.py has
// PyTorch's side, under the same names.

namespace attune::oracle {

/// What a row is called with.
struct Call {
  const Variables& x;                               // operands
  const Json& at;                                   // attributes
  std::map<std::string, Variable> parameters = {};  // of a layer, by the names that its visit gives them

  template <class T>
  T get(const char* attribute) const {
    return at.at(attribute).get<T>();
  }
  Scalar number(const char* attribute) const { return static_cast<Scalar>(get<double>(attribute)); }
  int axis() const { return get<int>("axis"); }
  Shape shape() const { return shape_of(at.at("shape")); }
  KeepAxis keep() const { return get<bool>("keep") ? keep_axis : drop_axis; }
  Axes axes() const {
    Axes result;
    for (const int axis : get<std::vector<int>>("axes")) result.add(axis);
    return result;
  }
  Indices indices(const char* attribute) const {
    return Indices(at.at(attribute).at("sizes"), at.at(attribute).at("values"));
  }
};

using Row = std::function<Variable(const Call&)>;

inline Mask mask_of(const Json& rules, Index from_query = 0) {
  Mask mask;
  for (const Json& rule : rules) {
    const std::string kind = rule.at(0);
    if (kind == "causal") mask = mask & Mask::causal();
    if (kind == "padding") mask = mask & Mask::padding(rule.at(1));
    if (kind == "window") mask = mask & Mask::window(rule.at(1), rule.at(2));
    if (kind == "local_and_global") mask = mask & Mask::local_and_global(rule.at(1), rule.at(2));
    if (kind == "explicit") {
      const auto bits = rule.at(2).get<std::vector<Scalar>>();
      mask = mask & Mask::explicitly(tensor(shape_of(rule.at(1)), std::span<const Scalar>(bits)));
    }
  }
  return mask.from_query(from_query);
}
inline Mask mask_of(const Call& call) {
  return mask_of(call.at.value("mask", Json::array()), call.at.value("from_query", Index{0}));
}
inline Mask source_mask_of(const Call& call) {
  return mask_of(call.at.value("source_mask", Json::array()));
}

/// A layer whose parameters are the case's: their values, and leaves that gradients can be asked for.
template <class Layer>
Layer with_parameters(Layer layer, const Call& call) {
  std::size_t count = 0;
  for (const nn::NamedParameter& parameter : nn::named_parameters(layer)) {
    const auto given = call.parameters.find(parameter.name);
    if (given == call.parameters.end()) fail<ValueError>("oracle: no numbers for parameter ", parameter.name);
    if (!(given->second.shape() == parameter.cell->value.shape()))
      fail<ShapeError>("oracle: parameter ", parameter.name, " is ", parameter.cell->value.shape(),
                       ", recorded ", given->second.shape());
    *parameter.cell = {given->second.value(), given->second.node(), false};
    ++count;
  }
  if (count != call.parameters.size())
    fail<ValueError>("oracle: ", call.parameters.size(), " parameters recorded, the layer has ", count);
  return layer;
}

inline nn::Activation activation_of(const Call& call) {
  const auto name = call.get<std::string>("activation");
  return name == "relu" ? nn::Activation::relu : name == "gelu" ? nn::Activation::gelu : nn::Activation::silu;
}
inline nn::NormPlacement norm_of(const Call& call) {
  return call.get<std::string>("norm") == "pre" ? nn::NormPlacement::pre : nn::NormPlacement::post;
}
inline nn::TransformerSettings settings_of(const Call& call) {
  const auto vocabularies = call.at.value("vocabularies", std::vector<Index>{1, 1});
  return {.source_vocabulary = vocabularies.at(0),
          .target_vocabulary = vocabularies.at(1),
          .width = call.get<Index>("width"),
          .heads = call.get<Index>("heads"),
          .hidden = call.get<Index>("hidden"),
          .encoder_layers = call.at.value("encoder_layers", Index{1}),
          .decoder_layers = call.at.value("decoder_layers", Index{1}),
          .dropout = 0,
          .norm = norm_of(call),
          .activation = activation_of(call),
          .source_view = call.at.value("source_view", "attention") == "mean" ? nn::SourceView::mean
                                                                             : nn::SourceView::attention,
          .share_embeddings = call.at.value("shared", false),
          .longest = 4};
}

// ---- operations

inline std::map<std::string, Row> operation_rows() {
  using C = const Call&;
  const auto reduction = [](Variable (*f)(const Variable&, const Axes&, KeepAxis)) {
    return [f](C c) { return f(c.x[0], c.axes(), c.keep()); };
  };
  const auto unary = [](Variable (*f)(const Variable&)) { return [f](C c) { return f(c.x[0]); }; };
  return {
      {"negate", [](C c) { return -c.x[0]; }},
      {"abs", unary(abs)},
      {"exp", unary(exp)},
      {"log", unary(log)},
      {"sqrt", unary(sqrt)},
      {"square", unary(square)},
      {"reciprocal", unary(reciprocal)},
      {"tanh", unary(tanh)},
      {"sigmoid", unary(sigmoid)},
      {"erf", unary(erf)},
      {"relu", unary(relu)},
      {"gelu", unary(gelu)},
      {"silu", unary(silu)},
      {"add", [](C c) { return c.x[0] + c.x[1]; }},
      {"subtract", [](C c) { return c.x[0] - c.x[1]; }},
      {"multiply", [](C c) { return c.x[0] * c.x[1]; }},
      {"divide", [](C c) { return c.x[0] / c.x[1]; }},
      {"maximum", [](C c) { return maximum(c.x[0], c.x[1]); }},
      {"minimum", [](C c) { return minimum(c.x[0], c.x[1]); }},
      {"pow", [](C c) { return pow(c.x[0], c.x[1]); }},
      {"where", [](C c) { return where(c.x[0].value(), c.x[1], c.x[2]); }},
      {"detach", [](C c) { return c.x[0] * detach(c.x[0]); }},

      {"sum", reduction(sum)},
      {"mean", reduction(mean)},
      {"variance", reduction(variance)},
      {"max", reduction(max)},
      {"min", reduction(min)},
      {"sum_to", [](C c) { return sum_to(c.x[0], c.shape()); }},

      {"matmul", [](C c) { return matmul(c.x[0], c.x[1]); }},
      {"linear", [](C c) { return linear(c.x[0], c.x[1], c.x.size() > 2 ? c.x[2] : Variable()); }},

      {"softmax", [](C c) { return softmax(c.x[0], c.axis()); }},
      {"log_softmax", [](C c) { return log_softmax(c.x[0], c.axis()); }},
      {"masked_softmax", [](C c) { return masked_softmax(c.x[0], c.x[1].value()); }},
      {"layer_norm", [](C c) { return layer_norm(c.x[0], c.x[1], c.x[2], c.number("epsilon")); }},
      {"rms_norm", [](C c) { return rms_norm(c.x[0], c.x[1], c.number("epsilon")); }},

      {"cross_entropy",
       [](C c) {
         return cross_entropy(
             c.x[0], c.indices("targets"),
             {.label_smoothing = c.number("smoothing"),
              .ignored = c.get<int>("ignored"),
              .reduction = c.get<std::string>("reduction") == "sum" ? Reduction::sum : Reduction::mean});
       }},
      {"mean_squared_error", [](C c) { return mean_squared_error(c.x[0], c.x[1]); }},

      {"gather_rows", [](C c) { return gather_rows(c.x[0], c.indices("rows")); }},
      {"scatter_add_rows",
       [](C c) { return scatter_add_rows(c.x[0], c.indices("rows"), c.get<Index>("row_count")); }},
      {"pick", [](C c) { return pick(c.x[0], c.indices("positions")); }},
      {"unpick", [](C c) { return unpick(c.x[0], c.indices("positions"), c.get<Index>("width")); }},

      {"reshape",
       [](C c) {
         const auto sizes = c.get<std::vector<Index>>("shape");
         return reshape(c.x[0], attune::detail::resolve_reshape(c.x[0].shape(), sizes));
       }},
      {"permute", [](C c) { return permute(c.x[0], c.get<std::vector<int>>("order")); }},
      {"transpose",
       [](C c) {
         return transpose(c.x[0], c.at.at("axes").at(0).get<int>(), c.at.at("axes").at(1).get<int>());
       }},
      {"slice",
       [](C c) {
         return slice(c.x[0], c.axis(), c.get<Index>("begin"), c.get<Index>("end"), c.get<Index>("step"));
       }},
      {"select", [](C c) { return select(c.x[0], c.axis(), c.get<Index>("position")); }},
      {"broadcast_to", [](C c) { return broadcast_to(c.x[0], c.shape()); }},
      {"unsqueeze", [](C c) { return unsqueeze(c.x[0], c.axis()); }},
      {"squeeze", [](C c) { return squeeze(c.x[0], c.axis()); }},
      {"concatenate", [](C c) { return concatenate(c.x, c.axis()); }},
      {"stack", [](C c) { return stack(c.x, c.axis()); }},
      // The parts joined in reverse order, so that each must be in its place.
      {"split",
       [](C c) {
         Variables parts = split(c.x[0], c.get<Index>("count"), c.axis());
         std::reverse(parts.begin(), parts.end());
         return concatenate(parts, c.axis());
       }},
      {"embed_slice",
       [](C c) {
         return embed_slice(c.x[0], c.shape(), c.axis(), c.get<Index>("begin"), c.get<Index>("step"));
       }},

      {"attention",
       [](C c) {
         return attention(c.x[0], c.x[1], c.x[2], mask_of(c), c.x.size() > 3 ? c.x[3] : Variable());
       }},
      {"dropout", [](C c) { return dropout(c.x[0], c.number("rate"), Rng(c.get<std::uint64_t>("seed"))); }},
  };
}

// ---- layers

inline std::map<std::string, Row> layer_rows() {
  using C = const Call&;
  using namespace nn;
  // What the layers' first values were does not matter: with_parameters replaces them.
  const auto rng = []() -> Rng& {
    static Rng any(1);
    return any;
  };
  return {
      {"Linear",
       [=](C c) {
         const auto bias = c.get<bool>("bias") ? Linear::Bias::yes : Linear::Bias::no;
         return with_parameters(Linear(c.get<Index>("inputs"), c.get<Index>("outputs"), rng(), bias),
                                c)(c.x[0]);
       }},
      {"Embedding",
       [=](C c) {
         return with_parameters(Embedding(c.get<Index>("vocabulary"), c.get<Index>("width"), rng()),
                                c)(c.indices("rows"));
       }},
      {"Embedding.scores",
       [=](C c) {
         return with_parameters(Embedding(c.get<Index>("vocabulary"), c.get<Index>("width"), rng()), c)
             .scores(c.x[0]);
       }},
      {"LayerNorm", [](C c) { return with_parameters(LayerNorm(c.get<Index>("width")), c)(c.x[0]); }},
      {"RmsNorm", [](C c) { return with_parameters(RmsNorm(c.get<Index>("width")), c)(c.x[0]); }},
      {"Dropout",
       [=](C c) {
         Dropout layer(c.number("rate"), rng());
         layer.stream = c.get<std::uint64_t>("stream");
         const Pass pass{.training = c.get<bool>("training"), .rng = Rng(c.get<std::uint64_t>("seed"))};
         return layer(c.x[0], pass);
       }},
      {"SinusoidalPositions",
       [](C c) {
         return SinusoidalPositions(c.x[0].size(-1), c.get<Index>("longest"))(c.x[0], c.get<Index>("offset"));
       }},
      {"LearnedPositions",
       [=](C c) {
         return with_parameters(LearnedPositions(c.x[0].size(-1), c.get<Index>("longest"), rng()), c)(
             c.x[0], c.get<Index>("offset"));
       }},
      {"FeedForward",
       [=](C c) {
         return with_parameters(FeedForward(c.x[0].size(-1), c.get<Index>("hidden"), rng(), activation_of(c)),
                                c)(c.x[0]);
       }},
      {"AdditiveAttention",
       [=](C c) {
         Pass pass;
         return with_parameters(
             AdditiveAttention(c.x[0].size(-1), c.x[1].size(-1), c.get<Index>("hidden"), rng()), c)(
             c.x[0], c.x[1], c.x[2], mask_of(c), pass);
       }},
      {"DotProductAttention",
       [](C c) {
         Pass pass;
         return DotProductAttention()(c.x[0], c.x[1], c.x[2], mask_of(c), pass);
       }},
      {"MultiHeadAttention",
       [=](C c) {
         Pass pass;
         return with_parameters(MultiHeadAttention(c.x[0].size(-1), c.get<Index>("heads"), rng()), c)(
             c.x[0], c.x[1], mask_of(c), pass);
       }},
      {"Residual",
       [=](C c) {
         const TransformerSettings settings{.width = c.x[0].size(-1), .dropout = 0, .norm = norm_of(c)};
         return with_parameters(Residual(settings, rng()), c)(c.x[0], Pass{},
                                                              [](const Variable& x) { return tanh(x); });
       }},
      {"EncoderLayer",
       [=](C c) {
         Pass pass;
         return with_parameters(EncoderLayer(settings_of(c), rng()), c)(c.x[0], mask_of(c), pass);
       }},
      {"DecoderLayer",
       [=](C c) {
         Pass pass;
         return with_parameters(DecoderLayer(settings_of(c), rng()), c)(c.x[0], c.x[1], mask_of(c),
                                                                        source_mask_of(c), pass);
       }},
      {"DecoderLayer.step",
       [=](C c) {
         Pass pass;
         const DecoderLayer layer = with_parameters(DecoderLayer(settings_of(c), rng()), c);
         DecoderLayerCache cache;
         cache.source = layer.cross_attention.key_values(c.x[1]);
         Variables steps;
         for (Index t = 0; t < c.x[0].size(1); ++t)
           steps.push_back(layer.step(slice(c.x[0], 1, t, t + 1), cache, source_mask_of(c), pass));
         return concatenate(steps, 1);
       }},
      {"Encoder",
       [=](C c) {
         Pass pass;
         return with_parameters(Encoder(settings_of(c), rng()), c)(c.x[0], mask_of(c), pass);
       }},
      {"Decoder",
       [=](C c) {
         Pass pass;
         return with_parameters(Decoder(settings_of(c), rng()), c)(c.x[0], c.x[1], mask_of(c),
                                                                   source_mask_of(c), pass);
       }},
      {"Transformer",
       [=](C c) {
         Pass pass;
         return with_parameters(Transformer(settings_of(c), rng()), c)(
             c.indices("source"), c.get<std::vector<int>>("lengths"), c.indices("target"), pass);
       }},
      {"Transformer.decode_step",
       [=](C c) {
         Pass pass;
         const Transformer model = with_parameters(Transformer(settings_of(c), rng()), c);
         const Transformer::Memory memory =
             model.encode(c.indices("source"), c.get<std::vector<int>>("lengths"), pass);
         Transformer::DecodingState state = model.begin_decoding(memory);
         const Indices target = c.indices("target");
         Variables steps;
         for (Index t = 0; t < target.size(1); ++t) {
           std::vector<std::int32_t> column;
           for (Index b = 0; b < target.size(0); ++b) column.push_back(target.at(b, t));
           steps.push_back(model.decode_step(Indices({target.size(0)}, column), state, pass));
         }
         return stack(steps, 1);  // (B, T, V)
       }},
  };
}

inline const std::map<std::string, Row>& rows() {
  static const std::map<std::string, Row> table = [] {
    std::map<std::string, Row> all = operation_rows();
    all.merge(layer_rows());
    return all;
  }();
  return table;
}

}  // namespace attune::oracle
