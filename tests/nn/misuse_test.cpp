// What a learner can do wrong with models, masks, optimisers and files, as they would write it, and the
// sentence that tells them. (tests/autograd/misuse_test.cpp does the same for operations and graphs.)

#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "io/model.h"
#include "nn/check.h"
#include "nn/init.h"
#include "nn/transformer.h"
#include "optim/adam.h"
#include "optim/gradients.h"
#include "optim/schedules.h"
#include "optim/sgd.h"
#include "tensor/error.h"
#include "tests/io/scratch.h"
#include "tests/support/measured.h"

using namespace attune;

namespace {

struct Mlp {
  nn::Linear inner, outer;
  Mlp(Index inputs, Rng& rng) : inner(inputs, 4, rng), outer(4, 2, rng) {}
  Variable operator()(const Variable& x) const { return outer(relu(inner(x))); }
  void visit(nn::Visitor& v) { v("inner", inner), v("outer", outer); }
};

nn::TransformerSettings small() {
  nn::TransformerSettings settings;
  settings.source_vocabulary = 7;
  settings.target_vocabulary = 9;
  settings.width = 8;
  settings.heads = 2;
  settings.hidden = 8;
  settings.encoder_layers = settings.decoder_layers = 1;
  return settings;
}

int cases = 0;

// Expects exactly this error with exactly this text.
template <class Expected>
void refused(const char* mistake, const std::function<void()>& call, const std::string& text) {
  INFO(std::string(mistake));
  ++cases;
  std::string said = "nothing was thrown";
  bool right_kind = false;
  try {
    call();
  } catch (const Expected& error) {
    said = error.what();
    right_kind = true;
  } catch (const std::exception& error) {
    said = std::string("an error of another kind: ") + error.what();
  }
  CHECK(right_kind);
  CHECK(said == text);
}

const Indices source({2, 3}, {1, 2, 3, 4, 5, 6});
const Indices target({2, 2}, {1, 2, 3, 4});

}  // namespace

TEST_CASE("misuse: what would go wrong without a word does not compile") {
  static_assert(
      !std::is_copy_constructible_v<Mlp>);  // a copied model would train beside the one that is saved
  static_assert(!std::is_copy_assignable_v<nn::Parameter>);
  static_assert(!nn::Layer<int> && !nn::Layer<Tensor>);  // visit takes what it can name
  static_assert(!std::is_convertible_v<Indices, Tensor> && !std::is_convertible_v<Indices, Variable>);
  static_assert(
      !std::is_convertible_v<Variable, Tensor>);  // histories are cut by detach or value, not by chance
  static_assert(std::is_same_v<decltype(std::declval<Variable&>().value()), const Tensor&>);
  // Computing with a model changes nothing in it.
  static_assert(std::is_invocable_v<const nn::Transformer&, const Indices&, const std::vector<int>&,
                                    const Indices&, nn::Pass&>);
  static_assert(std::is_invocable_v<const nn::MultiHeadAttention&, const Variable&, const Variable&,
                                    const Mask&, nn::Pass&>);
}

TEST_CASE("misuse: making a model") {
  Rng rng(1);
  const auto made = [&](const std::function<void(nn::TransformerSettings&)>& change) {
    return [&rng, change] {
      nn::TransformerSettings settings = small();
      change(settings);
      static_cast<void>(nn::Transformer(settings, rng));
    };
  };
  using S = nn::TransformerSettings;
  refused<ValueError>(
      "the vocabularies forgotten", [&] { nn::Transformer({.width = 8}, rng); },
      "transformer: the source vocabulary is 0: give 1 or more");
  refused<ValueError>("heads that do not divide the width", made([](S& s) { s.heads = 3; }),
                      "multi-head attention: width 8 does not split into 3 heads: the width must be a "
                      "multiple of the number of heads");
  refused<ValueError>("no heads", made([](S& s) { s.heads = 0; }),
                      "multi-head attention: width 8 does not split into 0 heads: the width must be a "
                      "multiple of the number of heads");
  refused<ValueError>("no layers", made([](S& s) { s.decoder_layers = 0; }),
                      "transformer: the number of decoder layers is 0: give 1 or more");
  refused<ValueError>("dropout in per cent", made([](S& s) { s.dropout = 10; }),
                      "dropout: the rate is 10: it must be at least 0 and below 1");
  refused<ValueError>("everything dropped", made([](S& s) { s.dropout = 1; }),
                      "dropout: the rate is 1: it must be at least 0 and below 1");
  refused<ValueError>("one embedding for two vocabularies", made([](S& s) { s.share_embeddings = true; }),
                      "transformer: embeddings cannot be shared by vocabularies of 7 and 9 tokens: share one "
                      "vocabulary, or set share_embeddings to false");
  refused<ValueError>(
      "a layer without outputs", [&] { nn::Linear(4, 0, rng); },
      "linear: the output size is 0: give 1 or more");
  refused<ShapeError>(
      "a bias initialised as a matrix", [&] { nn::xavier_uniform({3}, rng); },
      "xavier_uniform: a weight (out, in) is wanted: (3,): give two sizes, both 1 or more");
  refused<ValueError>(
      "limits the wrong way round", [&] { uniform({2}, 1, -1, rng); },
      "uniform: there is nothing between 1 and -1: give two numbers, the lower one first");
  refused<ValueError>(
      "a variance below zero", [&] { normal({2}, 0, -1, rng); },
      "normal: mean 0 and deviation -1: they must be finite, the deviation 0 or more");
}

TEST_CASE("misuse: what goes into a layer") {
  Rng rng(1);
  nn::Pass pass;
  const Mlp model(3, rng);
  refused<ShapeError>(
      "inputs of another width",
      [&] {
        model(ones({2, 5}));
      },
      "linear: the last axis must have the weight's input size: (2, 5) and weight (4, 3): the weight is "
      "(out, in)");
  refused<ShapeError>(
      "a norm of another width",
      [&] {
        nn::LayerNorm(4)(ones({2, 3}));
      },
      "layer_norm: the scale must have the size of the last axis: (4,) for (2, 3): make the layer with the "
      "width of its input");
  const nn::MultiHeadAttention attention(8, 2, rng);
  refused<ShapeError>(
      "a sentence without its batch",
      [&] {
        attention(ones({3, 8}), ones({3, 8}), {}, pass);
      },
      "multi-head attention: the input must be (B, length, 8): (3, 8): a single sequence is a batch of 1; "
      "another width wants another layer");
  refused<ShapeError>(
      "another width",
      [&] {
        attention(ones({1, 3, 6}), ones({1, 3, 6}), {}, pass);
      },
      "multi-head attention: the input must be (B, length, 8): (1, 3, 6): a single sequence is a batch of 1; "
      "another width wants another layer");
  refused<ShapeError>(
      "queries and keys of different batches",
      [&] {
        attention(ones({1, 3, 8}), ones({2, 3, 8}), {}, pass);
      },
      "attention: shapes do not fit: query (1, 2, 3, 4), key (2, 2, 3, 4), value (2, 2, 3, 4): wanted are "
      "(B, H, T, D), (B, H, S, D) and (B, H, S, E), or all three without H");
  refused<ValueError>(
      "keys and values never computed",
      [&] {
        attention.attend(ones({1, 3, 8}), {}, {}, pass);
      },
      "attention: an undefined tensor was given: assign a value to it first");
  refused<ShapeError>(
      "dot-product attention over the batch",
      [&] {
        nn::DotProductAttention()(ones({3, 4}), ones({3, 4}), ones({3, 4}), {}, pass);
      },
      "dot-product attention: the input must be (B, length, 4): (3, 4): a single sequence is a batch of 1; "
      "another width wants another layer");
  const nn::AdditiveAttention additive(4, 4, 5, rng);
  refused<ShapeError>(
      "one value for all sentences",
      [&] {
        additive(ones({2, 3, 4}), ones({2, 3, 4}), ones({1, 3, 4}), {}, pass);
      },
      "additive attention: shapes do not fit: from (2, 3, 4), to (2, 3, 4), value (1, 3, 4): wanted are (B, "
      "T, query width), (B, S, key width) and (B, S, E)");
  refused<ShapeError>(
      "positions of another width",
      [&] {
        nn::SinusoidalPositions(4)(ones({1, 2, 1}));
      },
      "positions: the input must be (B, T, width): (1, 2, 1) for a width of 4");
  refused<ValueError>(
      "a negative first position",
      [&] {
        nn::SinusoidalPositions(4)(ones({1, 2, 4}), -1);
      },
      "positions: the first position is -1: give 0 or more");
  refused<ShapeError>(
      "more positions than were learned",
      [&] {
        nn::LearnedPositions(4, 3, rng)(ones({1, 5, 4}));
      },
      "positions: position 4 is beyond the longest learned, 2: make the model with more positions, or "
      "shorten the input");
}

TEST_CASE("misuse: training and translating with a Transformer") {
  Rng rng(1);
  const nn::Transformer model(small(), rng);
  nn::Pass pass;
  const auto call = [&](const Indices& from, const std::vector<int>& lengths, const Indices& to) {
    return [&model, from, lengths, to] {
      nn::Pass fresh;
      static_cast<void>(model(from, lengths, to, fresh));
    };
  };
  refused<ValueError>(
      "a pass without its generator",
      [&] {
        nn::Pass training{.training = true};
        model(source, {3, 3}, target, training);
      },
      "dropout: the pass has no generator: training needs one that differs at each step: make it with "
      "Pass{.training = true, .rng = rng.at(step)}");
  refused<IndexError>("ids of another vocabulary",
                      call(Indices({1, 2}, {1, 70}), {2}, Indices({1, 2}, {1, 2})),
                      "gather_rows: row 70 is outside a table of 7 rows: is the id from another vocabulary?");
  refused<IndexError>("-1 for padding", call(Indices({1, 2}, {1, -1}), {2}, Indices({1, 2}, {1, 2})),
                      "gather_rows: row -1 is outside a table of 7 rows: is the id from another vocabulary?");
  refused<ShapeError>("a source without its batch", call(Indices({2}, {1, 2}), {2}, target),
                      "transformer: the source must be (B, length), padded to one length: (2,): a single "
                      "sentence is a batch of 1");
  refused<ShapeError>("a target without its batch", call(source, {3, 3}, Indices({2}, {1, 2})),
                      "transformer: the target must be (B, length), padded to one length: (2,): a single "
                      "sentence is a batch of 1");
  refused<ShapeError>(
      "fewer targets than sources", call(source, {3, 3}, Indices({1, 2}, {1, 2})),
      "transformer: one target for each source is wanted: 1 targets for 2 sources: take both from one batch");
  refused<ShapeError>(
      "one length for all", call(source, {3}, target),
      "transformer: one length for each source is wanted: 1 lengths for 2 sources: take both from one batch");
  refused<ValueError>("lengths of another batch", call(source, {3, 9}, target),
                      "transformer: a length is 9: sources padded to 3 have lengths from 0 to that: take "
                      "both from one batch");
  refused<ValueError>("a negative length", call(source, {3, -1}, target),
                      "transformer: a length is -1: sources padded to 3 have lengths from 0 to that: take "
                      "both from one batch");
  refused<ValueError>(
      "decoding without encoding", [&] { model.decode(target, {}, pass); },
      "transformer: the memory is empty: make it with encode");
  refused<ValueError>(
      "begin_decoding without encoding", [&] { model.begin_decoding({}); },
      "transformer: the memory is empty: make it with encode");
  refused<ValueError>(
      "decode_step without begin_decoding",
      [&] {
        nn::Transformer::DecodingState state;
        model.decode_step(Indices({2}, {1, 2}), state, pass);
      },
      "transformer: the decoding state has 0 layers and the model 1: make it with this model's "
      "begin_decoding");
  const auto step = [&](const Indices& tokens) {
    return [&model, tokens] {
      nn::Pass fresh;
      nn::Transformer::DecodingState state = model.begin_decoding(model.encode(source, {3, 3}, fresh));
      model.decode_step(tokens, state, fresh);
    };
  };
  refused<ShapeError>("decode_step with all tokens so far", step(target),
                      "transformer: the latest tokens must be (B), one for each sentence: (2, 2)");
  refused<ShapeError>(
      "decode_step for other sentences", step(Indices({3}, {1, 2, 3})),
      "transformer: one target for each source is wanted: 3 targets for 2 sources: take both from one batch");
  refused<IndexError>(
      "targets of another vocabulary",
      [&] {
        cross_entropy(model(source, {3, 3}, target, pass), Indices({2, 2}, {1, 2, 9, 0}));
      },
      "cross_entropy: target 9 is no class: logits (2, 2, 9): use 0 to 8 or the ignored index");
  refused<ShapeError>(
      "targets in a row",
      [&] {
        cross_entropy(model(source, {3, 3}, target, pass), Indices({4}, {1, 2, 3, 4}));
      },
      "cross_entropy: one target for each row of logits is wanted: logits (2, 2, 9) and targets (4,): the "
      "targets' shape must be (2, 2)");
  refused<ValueError>(
      "the weights of a layer that was not recorded",
      [&] {
        const nn::AttentionRecord record;
        static_cast<void>(record.of(model.encoder.layers[0].self_attention));
      },
      "attention record: that layer left no weights: run the model with pass.record pointing to this record");
  // Without dropout there is nothing to draw, and a pass needs no generator.
  nn::TransformerSettings settings = small();
  settings.dropout = 0;
  nn::Pass training{.training = true};
  CHECK(nn::Transformer(settings, rng)(source, {3, 3}, target, training).shape() == Shape{2, 2, 9});
}

TEST_CASE("misuse: masks") {
  const Variable x = ones({2, 3, 4});
  refused<ShapeError>(
      "lengths of another batch",
      [&] {
        attention(x, x, x, Mask::padding({3, 3, 3}));
      },
      "mask: 3 lengths for a batch of 2: give one for each entry");
  refused<ShapeError>(
      "a mask of other sizes",
      [&] {
        attention(x, x, x, Mask::explicitly(ones({4, 3})));
      },
      "mask: an explicit mask of (4, 3) does not fit a batch of 2, 3 queries from position 0 and 3 keys: "
      "give (T, S) or (B, T, S)");
  refused<ShapeError>(
      "a mask for each head",
      [] {
        Mask::explicitly(ones({2, 1, 3, 3}));
      },
      "mask: an explicit mask is (T, S) or (B, T, S): (2, 1, 3, 3): all heads share it");
  refused<ValueError>(
      "a mask to be added",
      [] {
        Mask::explicitly(tensor({{0, -std::numeric_limits<Scalar>::infinity()}, {0, 0}}));
      },
      "mask: an explicit mask holds -inf: give 1 where attention is allowed and 0 where not; numbers to be "
      "added to the scores are attention's bias");
  refused<ValueError>(
      "a negative length", [] { Mask::padding({-1}); }, "mask: a length is -1: lengths must be 0 or more");
  refused<ValueError>(
      "masks for different positions", [] { Mask::causal().from_query(3) & Mask::window(1, 1); },
      "mask: query offsets differ, 3 and 0: join the masks first, then call from_query");
  refused<IndexError>(
      "asking beyond the lengths",
      [] {
        Mask::padding({3, 2}).allows(2, 0, 0);
      },
      "mask: it knows nothing of entry 2, query 0, key 0: count from 0, within the sizes that the mask was "
      "made for");
  refused<ShapeError>(
      "a bias of other sizes",
      [&] {
        attention(x, x, x, {}, ones({2, 3, 5}));
      },
      "attention: the bias does not broadcast to the scores: (2, 3, 5) for (2, 3, 3): give sizes that are "
      "equal or 1");
}

TEST_CASE("misuse: parameters, visit and moved models") {
  Rng rng(1);
  struct Forgetful {
    nn::Linear known, forgotten;
    Variable operator()(const Variable& x) const { return forgotten(known(x)); }
    void visit(nn::Visitor& v) { v("known", known); }
  };
  const Forgetful forgetful{nn::Linear(2, 3, rng), nn::Linear(3, 5, rng, nn::Linear::Bias::no)};
  refused<GraphError>(
      "a member that visit does not name",
      [&] {
        nn::check_visited(sum(forgetful(ones({1, 2}))), forgetful);
      },
      "check_visited: the loss depends on a parameter of shape (5, 3) that visit does not name: it would be "
      "neither trained nor saved: add it to its layer's visit");
  Mlp model(3, rng);
  refused<GraphError>(
      "checking what has no history",
      [&] {
        const NoGradient off;
        nn::check_visited(sum(model(ones({1, 3}))), model);
      },
      "check_visited: the loss depends on no parameter at all: (): compute it from the model's output, not "
      "under NoGradient and not with everything frozen");
  struct Empty {
    nn::Parameter weight;
    void visit(nn::Visitor& v) { v("weight", weight); }
  };
  refused<ValueError>(
      "a parameter without a value", [] { nn::named_parameters(Empty()); },
      "visit: parameter weight has no value: set it in its layer's constructor; if the model was moved, use "
      "the one it was moved to");
  refused<ValueError>(
      "a parameter made of nothing", [] { nn::Parameter{Tensor()}; },
      "parameter: an undefined tensor was given: assign a value to it first");
  refused<ShapeError>(
      "a value of another shape",
      [&] {
        model.inner.weight.set_value(ones({3, 4}));
      },
      "set_value: shapes differ: (3, 4) for a parameter of (4, 3): only numbers can change, not sizes");
  refused<ValueError>(
      "a buffer without a value", [] { nn::Buffer().set_value(ones({3})); },
      "set_value: the buffer has no value yet: assign Buffer(tensor) in the layer's constructor");
  Mlp other(3, rng);
  const Mlp wider(5, rng);
  refused<ValueError>(
      "copying from a model of other sizes", [&] { nn::copy_parameters(wider, other); },
      "copy_parameters: the models differ: inner.weight (4, 5) and inner.weight (4, 3): make both with the "
      "same settings");
  const Mlp& left_behind = other;
  const Mlp moved = std::move(other);
  const char* const used_after_move =
      "visit: parameter inner.weight has no value: set it in its layer's constructor; if the model was "
      "moved, use the one it was moved to";
  refused<ValueError>(
      "an optimiser of a model that was moved away", [&] { optim::Adam{left_behind}; }, used_after_move);
  refused<ValueError>(
      "computing with a model that was moved away",
      [&] {
        left_behind(ones({1, 3}));
      },
      "parameter: it has no value: assign Parameter(tensor) in the layer's constructor; if the model was "
      "moved, use the one it was moved to");
  CHECK(moved(ones({1, 3})).shape() == Shape{1, 2});
}

TEST_CASE("misuse: optimisers, clipping, schedules") {
  Rng rng(1);
  Mlp model(3, rng);
  const Tensor x = ones({1, 3});
  optim::Adam adam(model);
  refused<ValueError>(
      "a step without backward", [&] { adam.step(0.1); },
      "adam: no gradient has reached any of the 4 parameters: call backward(loss) before each step, with a "
      "loss of this model");
  backward(sum(model(x)));
  adam.step(0.1);
  refused<ValueError>(
      "two steps after one backward", [&] { adam.step(0.1); },
      "adam: no gradient has reached any of the 4 parameters: call backward(loss) before each step, with a "
      "loss of this model");
  nn::freeze(model);
  refused<ValueError>(
      "a step with everything frozen", [&] { adam.step(0.1); },
      "adam: no gradient has reached any of the 4 parameters: all are frozen: unfreeze what is to be "
      "trained");
  refused<GraphError>(
      "backward with everything frozen", [&] { backward(sum(model(x))); },
      "backward: the value has no history: (): it comes from constants or frozen parameters only, from "
      "detach(), from a time under NoGradient, or from gradients(…) without {.record = true}");
  nn::unfreeze(model);
  backward(sum(model(x)));
  refused<ValueError>(
      "a negative rate", [&] { adam.step(-0.1); },
      "adam: the rate must be finite and not negative: -0.1: look at the schedule");
  refused<ValueError>(
      "a schedule asked for step 0", [] { optim::Noam{}(0); },
      "noam: steps count from 1: 0: raise the step before asking");
  refused<ValueError>(
      "clipping to nothing", [&] { optim::clip_gradient_norm(model, 0); },
      "clip_gradient_norm: max_norm must be above 0: 0: 1 is a usual choice");
  refused<ValueError>(
      "the mean over no batches",
      [&] { optim::scale_gradients(model, std::numeric_limits<double>::infinity()); },
      "scale_gradients: the factor must be a finite number: inf: was the number of batches or tokens 0?");
  nn::clear_gradients(model);
  const nn::Linear line(3, 2, rng);
  optim::Adam adam_of_line(line);
  const Variable zero = line(x) * 0;
  backward(sum(zero / zero));
  refused<ValueError>(
      "dividing by zero on the way to the loss", [&] { adam_of_line.step(0.1); },
      "adam: the gradient of weight (2, 3) holds nan at element 0: nothing has changed: lower the rate, or "
      "look for what divides by zero, takes the logarithm of zero or overflows on the way to the loss");
  refused<ValueError>(
      "betas the wrong way round", [&] { optim::Adam(model, {.beta1 = 1}); },
      "adam: beta1 and beta2 must be at least 0 and below 1: 1 and 0.999: 0.9 and 0.999 are usual choices");
  refused<ValueError>(
      "parameters made by hand",
      [] {
        optim::Sgd(std::vector<nn::NamedParameter>{{"w", nullptr}});
      },
      "sgd: parameter w is empty: take it from named_parameters(model)");
  struct Nothing {
    void visit(nn::Visitor&) {}
  };
  refused<ValueError>(
      "a visit that names nothing", [] { optim::Sgd{Nothing()}; },
      "sgd: there are no parameters: name them in the layer's visit");

  // An optimiser holds shared handles: moving the model does it no harm, moving the optimiser leaves an empty
  // one.
  const Mlp moved = std::move(model);
  backward(sum(moved(x)));
  adam.step(0.1);
  optim::Adam& emptied = adam;
  optim::Adam kept = std::move(adam);
  backward(sum(moved(x)));
  refused<ValueError>(
      "a step of an optimiser that was moved away", [&] { emptied.step(0.1); },
      "optimiser: it has no parameters any more: it was moved: use the one it was moved to");
  kept.step(0.1);

  // States.
  optim::Sgd plain(moved);
  refused<ValueError>(
      "the state of another optimiser", [&] { kept.load_state(plain.state()); },
      "load_state: the state belongs to another model or optimiser: only here: inner.weight.m (4, 3), "
      "inner.weight.v (4, 3), inner.bias.m (4,), inner.bias.v (4,) and 4 more; only in the state: nothing: "
      "make model and optimiser with the settings they were saved with");
  std::vector<optim::NamedTensor> state = kept.state();
  for (optim::NamedTensor& tensor : state)
    if (tensor.name == "inner.weight.v") tensor.value = full({4, 3}, -1);
  refused<ValueError>(
      "a mean of squares below zero", [&] { kept.load_state(state); },
      "load_state: inner.weight.v (4, 3) holds -1, and a mean of squares is never negative: the state is "
      "damaged");
}

TEST_CASE("misuse: weights of another model") {
  const Scratch scratch;
  Rng rng(1);
  const Mlp saved(5, rng);
  io::save_weights(scratch / "mlp.safetensors", saved);
  Mlp other(3, rng);
  const std::vector<Scalar> before = other.inner.weight.value().values();
  CHECK_THROWS_AS(io::load_weights(scratch / "mlp.safetensors", other), FileError);
  CHECK_THROWS_AS(io::load_weights(scratch / "nowhere.safetensors", other), FileError);
  CHECK(other.inner.weight.value().values() == before);
}

TEST_CASE("misuse: checking gradients") {
  const std::vector<Tensor> inputs{tensor({1, 2})};
  refused<ValueError>(
      "a function that returns nothing",
      [&] { check_gradients([](const auto&) { return Variable(); }, inputs); },
      "check_gradients: an undefined tensor was given: assign a value to it first");
  refused<ShapeError>(
      "a function that changes its mind",
      [&] {
        int calls = 0;
        check_gradients(
            [&](const auto& x) {
              return ++calls == 1 ? x[0] * 1 : concatenate({x[0], x[0]});
            },
            inputs);
      },
      "check_gradients: the function's result changes its shape from call to call: (2,) and (4,): it must "
      "depend on its inputs alone");
  refused<ValueError>(
      "a step of nothing",
      [&] { check_gradients([](const auto& x) { return x[0] * 2; }, inputs, {.step = 0, .tolerance = 1}); },
      "check_gradients: step and tolerance must be above 0: 0 and 1");
  const GradientCheck detached = check_gradients([](const auto& x) { return detach(x[0] * 2); }, inputs);
  CHECK_FALSE(detached.passed);
  CHECK(detached.sentence.find("the result has no history") != std::string::npos);
}

TEST_CASE("misuse: how many mistakes with models have their own sentence") {
  testing::measured(
      "misuse of models, masks and optimisers: %d mistakes, each with its typed error and exact text", cases);
}
