#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include "autograd/attention.h"
#include "autograd/dropout.h"
#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/loss.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "autograd/rows.h"
#include "autograd/variable.h"
#include "autograd/views.h"
#include "tensor/error.h"

// What a user can do wrong, as they would write it, and the sentence that tells them.

using namespace attune;

TEST_CASE("misuse: backward twice through one graph") {
  const Variable x = tracked(Tensor(2));
  const Variable y = x * x;
  backward(y);
  CHECK_THROWS_WITH_AS(
      backward(y),
      "backward: this graph has been used before, at multiply: run the forward pass again, or cut the "
      "history with detach(), or let the earlier pass be gradients(…) with {.keep_graph = true}",
      GraphError);
  CHECK(x.gradient().item() == 4);
}

TEST_CASE("misuse: backward through a part that another pass has used") {
  const Variable x = tracked(Tensor(2));
  const Variable shared = exp(x);
  backward(shared * 2);
  const Tensor before = x.gradient();
  CHECK_THROWS_WITH_AS(
      backward(shared * 3),
      "backward: this graph has been used before, at exp: run the forward pass again, or cut the history "
      "with detach(), or let the earlier pass be gradients(…) with {.keep_graph = true}",
      GraphError);
  CHECK(same_values(x.gradient(), before));
}

TEST_CASE("misuse: backward from more than one number") {
  const Variable x = tracked(ones({3}));
  CHECK_THROWS_WITH_AS(backward(x * 2),
                       "backward: the loss must be a single number: (3,): reduce it with sum or mean first",
                       ShapeError);
  CHECK_THROWS_AS(backward(tracked(zeros({0}))), ShapeError);
}

TEST_CASE("misuse: backward from a value without history") {
  const char* const no_history =
      "backward: the value has no history: (): it comes from constants or frozen parameters only, from "
      "detach(), from a time under NoGradient, or from gradients(…) without {.record = true}";
  const Variable x = tracked(Tensor(2));
  CHECK_THROWS_WITH_AS(backward(detach(x * x)), no_history, GraphError);
  CHECK_THROWS_WITH_AS(backward(Tensor(3)), no_history, GraphError);
  const NoGradient off;
  CHECK_THROWS_WITH_AS(backward(x * x), no_history, GraphError);
}

TEST_CASE("misuse: values that were never assigned") {
  CHECK_THROWS_WITH_AS(backward(Variable()),
                       "backward: an undefined tensor was given: assign a value to it first", ValueError);
  CHECK_THROWS_WITH_AS(tracked(Tensor()),
                       "tracked: an undefined tensor was given: assign a value to it first", ValueError);
  CHECK_THROWS_AS(Variable() + 1, ValueError);
  CHECK_THROWS_AS(softmax(Variable()), ValueError);
  CHECK_THROWS_AS(reshape(Variable(), {2}), ValueError);
  CHECK_THROWS_AS(concatenate({Variable(), Variable()}), ValueError);
  CHECK_THROWS_AS(attention({}, {}, {}), ValueError);
  CHECK_THROWS_AS(to_dot(Variable()), ValueError);
  CHECK_THROWS_AS(linear(tracked(ones({2, 2})), Variable()), ValueError);
  CHECK_THROWS_AS(layer_norm(tracked(ones({2, 2})), Variable(), Variable()), ValueError);
  CHECK_THROWS_AS(matmul(tracked(ones({2, 2})), Variable()), ValueError);
  CHECK_THROWS_AS(gather_rows(Variable(), Indices({1}, {0})), ValueError);
  CHECK_THROWS_AS(pick(Variable(), Indices({1}, {0})), ValueError);
  CHECK_THROWS_AS(stack({Variable()}), ValueError);
  CHECK_THROWS_AS(embed_slice(Variable(), {2}, 0, 0, 1), ValueError);
  CHECK_THROWS_AS(broadcast_to(Variable(), {2}), ValueError);
  CHECK_THROWS_AS(sum_to(Variable(), {}), ValueError);
  CHECK_THROWS_AS(sum(Variable()), ValueError);
  CHECK_THROWS_AS(mean_squared_error(Variable(), Variable()), ValueError);
  CHECK_THROWS_AS(cross_entropy(Variable(), Indices({1}, {0})), ValueError);
  CHECK_THROWS_AS(dropout(Variable(), Scalar(0.5), Rng(1)), ValueError);
  CHECK_THROWS_AS(where(Tensor(), tracked(Tensor(1)), 2), ValueError);
}

TEST_CASE("misuse: the gradient of something that keeps none") {
  const Variable x = tracked(Tensor(2));
  const Variable y = exp(x);
  backward(y * y);
  CHECK_THROWS_WITH_AS(
      y.gradient(),
      "gradient: only leaves keep theirs, this is the result of exp: ask gradients(y, {x}) for it",
      GraphError);
  CHECK_THROWS_WITH_AS(Variable(Tensor(1)).gradient(),
                       "gradient: a constant has none: make the value with tracked() to want its gradient",
                       GraphError);
}

TEST_CASE("misuse: gradients of many numbers without weights, with weights that do not fit, by a constant") {
  const Variable x = tracked(ones({3}));
  CHECK_THROWS_WITH_AS(gradients(x * 2, {x}),
                       "gradients: y must be a single number: (3,): or give dy, the weight of each element",
                       ShapeError);
  CHECK_THROWS_WITH_AS(
      gradients(x * 2, {x}, ones({2})),
      "gradients: dy must have the shape of y: (2,) and (3,): give one weight for each element of y",
      ShapeError);
  CHECK_THROWS_WITH_AS(gradients(sum(x), {Variable(ones({3}))}),
                       "gradients: an x has no history: (3,): make it with tracked() before y is computed",
                       GraphError);
  CHECK_THROWS_WITH_AS(
      gradients(Tensor(1), {x}),
      "gradients: the value has no history: (): it comes from constants or frozen parameters only, from "
      "detach(), from a time under NoGradient, or from gradients(…) without {.record = true}",
      GraphError);
}

TEST_CASE(
    "misuse: asking for gradients twice, of what was never assigned, or of gradients that were not "
    "recorded") {
  const Variable x = tracked(ones({3}));
  const Variable y = sum(x * x * x);
  const Variable slope = gradients(y, {x})[0];
  CHECK_THROWS_WITH_AS(
      gradients(y, {x}),
      "gradients: this graph has been used before, at sum: run the forward pass again, or cut the history "
      "with detach(), or let the earlier pass be gradients(…) with {.keep_graph = true}",
      GraphError);
  CHECK_THROWS_WITH_AS(
      gradients(sum(slope), {x}),
      "gradients: the value has no history: (): it comes from constants or frozen parameters only, from "
      "detach(), from a time under NoGradient, or from gradients(…) without {.record = true}",
      GraphError);
  CHECK_THROWS_WITH_AS(gradients(Variable(), {x}),
                       "gradients: an undefined tensor was given: assign a value to it first", ValueError);
  CHECK_THROWS_WITH_AS(gradients(sum(x), {Variable()}),
                       "gradients: an undefined tensor was given: assign a value to it first", ValueError);
  CHECK(gradients(sum(x), {}).empty());
}

TEST_CASE("misuse: an operation of one's own without a value is named") {
  const Variable x = tracked(Tensor(1));
  CHECK_THROWS_WITH_AS(record("my layer", Tensor(), {x}, [](const Variable& dy) { return Gradients{dy}; }),
                       "my layer: an undefined tensor was given: assign a value to it first", ValueError);
}

TEST_CASE("misuse: numbers cannot be changed under a history's feet") {
  // What is written goes to a copy: neither the value that was used nor its gradient notices.
  Tensor numbers = tensor({1, 2});
  const Variable x = tracked(numbers);
  const Variable y = sum(square(x));
  numbers.writable()[0] = 100;
  Tensor seen = x.value();
  seen.writable()[1] = 100;
  backward(y);
  CHECK(y.item() == 5);
  CHECK(x.value().values() == std::vector<Scalar>{1, 2});
  CHECK(x.gradient().values() == std::vector<Scalar>{2, 4});
  Tensor gradient = x.gradient();
  gradient.writable()[0] = 100;
  CHECK(x.gradient().values() == std::vector<Scalar>{2, 4});
}

TEST_CASE("misuse: indices whose sizes and values were changed apart from each other") {
  const Variable table = tracked(ones({3, 2}));
  Indices torn({2}, {0, 1});
  torn.sizes = {2, 2};
  const std::string rule =
      ": the sizes and the number of values differ: (2, 2) needs 4 values, got 2: give one value per element";
  CHECK_THROWS_WITH_AS(gather_rows(table, torn), ("gather_rows" + rule).c_str(), ShapeError);
  CHECK_THROWS_WITH_AS(scatter_add_rows(ones({2, 2, 2}), torn, 3), ("scatter_add_rows" + rule).c_str(),
                       ShapeError);
  CHECK_THROWS_WITH_AS(pick(ones({2, 2, 3}), torn), ("pick" + rule).c_str(), ShapeError);
  CHECK_THROWS_WITH_AS(unpick(ones({2, 2}), torn, 3), ("unpick" + rule).c_str(), ShapeError);
  CHECK_THROWS_WITH_AS(cross_entropy(ones({2, 2, 3}), torn), ("cross_entropy" + rule).c_str(), ShapeError);
}

TEST_CASE("misuse: a pullback that returns a gradient of the wrong shape is named") {
  const Variable x = tracked(ones({2, 3}));
  const Variable y =
      record("my layer", sum(x.value()), {x}, [](const Variable& dy) { return Gradients{dy}; });
  CHECK_THROWS_WITH_AS(backward(y),
                       "my layer: its pullback returned a gradient of the wrong shape: () for a parent of "
                       "shape (2, 3): sum over what was broadcast with sum_to",
                       ShapeError);
  CHECK_FALSE(x.gradient().defined());
}

TEST_CASE("misuse: a pullback that returns too many or too few gradients is named") {
  const Variable x = tracked(Tensor(1));
  const Variable none = record("my layer", Tensor(1), {x}, [](const Variable&) { return Gradients{}; });
  CHECK_THROWS_WITH_AS(
      backward(none),
      "my layer: its pullback returned 0 gradients for 1 parents: return one for each, in order", GraphError);
  const Variable two = record("my layer", Tensor(1), {x}, [](const Variable& dy) {
    return Gradients{dy, dy};
  });
  CHECK_THROWS_WITH_AS(
      backward(two),
      "my layer: its pullback returned 2 gradients for 1 parents: return one for each, in order", GraphError);
}

TEST_CASE("misuse: parts of gradients that do not fit their parent are refused with the operation's name") {
  const Variable x = tracked(ones({4, 2}));
  const auto with_part = [](const Variable& parent, const Gradient& part) {
    return record("my layer", Tensor(1), {parent}, [part](const Variable&) { return Gradients{part}; });
  };
  const std::string what_to_do = ": give the axis, the begin and the step of the slice that was taken";
  const auto refused = [&](const Gradient& part, const std::string& text) {
    CHECK_THROWS_WITH_AS(backward(with_part(x, part)), text.c_str(), ShapeError);
    // Where gradients are to be differentiable themselves, parts take another path.
    CHECK_THROWS_WITH_AS(gradients(with_part(x, part), {x}, {}, {.record = true}), text.c_str(), ShapeError);
  };
  const std::string slice = "my layer: its pullback returned a slice that does not fit: ";
  const std::string parent = " for a parent of shape (4, 2)" + what_to_do;
  refused(Gradient::slice(ones({3, 2}), 0, 2, 1),
          slice + "(3, 2) along axis 0 from 2 in steps of 1" + parent);
  refused(Gradient::slice(ones({2, 2}), 0, 0, 4),
          slice + "(2, 2) along axis 0 from 0 in steps of 4" + parent);
  refused(Gradient::slice(ones({1, 2}), 0, -1, 1),
          slice + "(1, 2) along axis 0 from -1 in steps of 1" + parent);
  refused(Gradient::slice(ones({1, 2}), 0, 0, 0),
          slice + "(1, 2) along axis 0 from 0 in steps of 0" + parent);
  refused(Gradient::slice(ones({2, 3}), 0, 0, 1),
          slice + "(2, 3) along axis 0 from 0 in steps of 1" + parent);
  refused(Gradient::slice(ones({2}), 2, 0, 1), slice + "(2,) along axis 2 from 0 in steps of 1" + parent);
  refused(Gradient::rows(ones({2, 3}), Indices({2}, {0, 1})),
          "my layer: its pullback returned rows that do not fit: (2, 3) for (2,) rows of a parent of shape "
          "(4, 2): give one row of the parent's width for each index");
  CHECK_THROWS_WITH_AS(backward(with_part(x, Gradient::rows(ones({2, 2}), Indices({2}, {0, 4})))),
                       "my layer: its pullback returned a gradient for row 4 of a parent of shape (4, 2): "
                       "use the rows that were gathered",
                       IndexError);
  const Variable number = tracked(Tensor(1));
  CHECK_THROWS_AS(backward(with_part(number, Gradient::rows(ones({1}), Indices({1}, {0})))), ShapeError);
  CHECK_THROWS_AS(backward(with_part(number, Gradient::slice(ones({1}), 0, 0, 1))), ShapeError);
  CHECK_FALSE(x.gradient().defined());
  // Parts that do fit, to the last place.
  backward(with_part(x, Gradient::slice(ones({2, 2}), -2, 1, 2)));
  CHECK(x.gradient().values() == std::vector<Scalar>{0, 0, 1, 1, 0, 0, 1, 1});
}

TEST_CASE("misuse: where a pullback throws, no gradient has changed") {
  const Variable a = tracked(Tensor(2));
  const Variable b = tracked(Tensor(3));
  backward(a * b);
  const Tensor before_a = a.gradient();
  const Tensor before_b = b.gradient();
  // b's gradient is complete before the bad pullback runs: it must not be committed either.
  const Variable bad =
      record("bad", a.value(), {a}, [](const Variable&) -> Gradients { throw std::runtime_error("no"); });
  const Variable loss = bad * 2 + b * 5;
  CHECK_THROWS_WITH_AS(backward(loss), "no", std::runtime_error);
  CHECK(same_values(a.gradient(), before_a));
  CHECK(same_values(b.gradient(), before_b));
  CHECK(a.gradient().item() == 3);
  CHECK(b.gradient().item() == 2);
}

TEST_CASE("misuse: shapes that do not broadcast name the operation and both shapes") {
  const Variable a = tracked(ones({2, 3}));
  const Variable b = tracked(ones({2}));
  const std::string rule =
      ": shapes do not broadcast: (2, 3) and (2,): aligned at the last axis, sizes must be equal or one of "
      "them 1";
  CHECK_THROWS_WITH_AS(a + b, ("add" + rule).c_str(), ShapeError);
  CHECK_THROWS_WITH_AS(a - b, ("subtract" + rule).c_str(), ShapeError);
  CHECK_THROWS_WITH_AS(a * b, ("multiply" + rule).c_str(), ShapeError);
  CHECK_THROWS_WITH_AS(a / b, ("divide" + rule).c_str(), ShapeError);
  CHECK_THROWS_WITH_AS(maximum(a, b), ("maximum" + rule).c_str(), ShapeError);
  CHECK_THROWS_WITH_AS(pow(a, b), ("pow" + rule).c_str(), ShapeError);
  CHECK_THROWS_WITH_AS(where(ones({2, 3}), a, b), ("where" + rule).c_str(), ShapeError);
}

TEST_CASE("misuse: matrices, norms and losses that do not fit") {
  const Variable a = tracked(ones({2, 3}));
  CHECK_THROWS_WITH_AS(matmul(a, a),
                       "matmul: inner sizes differ, 3 and 2: (2, 3) and (2, 3): (…, M, K) · (…, K, N) needs "
                       "equal K; transpose one of them?",
                       ShapeError);
  CHECK_THROWS_WITH_AS(layer_norm(a, ones({2}), zeros({3})),
                       "layer_norm: the scale must have the size of the last axis: (2,) for (2, 3): make the "
                       "layer with the width of its input",
                       ShapeError);
  CHECK_THROWS_WITH_AS(
      mean_squared_error(a, ones({3})),
      "mean_squared_error: shapes differ: (2, 3) and (3,): losses do not broadcast; reshape one of them",
      ShapeError);
  CHECK_THROWS_WITH_AS(cross_entropy(a, Indices({3}, {0, 1, 2})),
                       "cross_entropy: one target for each row of logits is wanted: logits (2, 3) and "
                       "targets (3,): the targets' shape must be (2,)",
                       ShapeError);
  CHECK_THROWS_WITH_AS(cross_entropy(ones({2, 0}), Indices({2}, {0, 0})),
                       "cross_entropy: there are no classes: logits (2, 0): the last axis must be 1 or more",
                       ShapeError);
  CHECK_THROWS_WITH_AS(layer_norm(a, ones({3}), zeros({3}), -1),
                       "layer_norm: epsilon is -1: it must be 0 or a little more: 1e-5 is a usual choice",
                       ValueError);
  CHECK_THROWS_AS(rms_norm(a, ones({3}), std::numeric_limits<Scalar>::quiet_NaN()), ValueError);
  CHECK_THROWS_WITH_AS(masked_softmax(a, ones({2, 4})),
                       "masked_softmax: shapes do not broadcast: (2, 4) and (2, 3): aligned at the last "
                       "axis, sizes must be equal or one of them 1",
                       ShapeError);
  CHECK_THROWS_WITH_AS(masked_softmax(tracked(ones({3})), ones({2, 3})),
                       "masked_softmax: the mask must broadcast to the scores: (2, 3) for (3,): give sizes "
                       "that are equal or 1",
                       ShapeError);
  CHECK_THROWS_WITH_AS(cross_entropy(a, Indices({2}, {0, 3})),
                       "cross_entropy: target 3 is no class: logits (2, 3): use 0 to 2 or the ignored index",
                       IndexError);
  CHECK_THROWS_WITH_AS(cross_entropy(a, Indices({2}, {0, 1}), {.label_smoothing = Scalar(1.5)}),
                       "cross_entropy: label smoothing is 1.5: it must be between 0 and 1", ValueError);
  CHECK_THROWS_AS(
      cross_entropy(a, Indices({2}, {0, 1}), {.label_smoothing = std::numeric_limits<Scalar>::quiet_NaN()}),
      ValueError);
}

TEST_CASE("misuse: ids, axes and rates out of range") {
  const Variable table = tracked(ones({3, 2}));
  CHECK_THROWS_WITH_AS(gather_rows(table, Indices({1}, {7})),
                       "gather_rows: row 7 is outside a table of 3 rows: is the id from another vocabulary?",
                       IndexError);
  CHECK_THROWS_WITH_AS(sum(table, 2), "sum: axis 2 is not there: (3, 2): use -2 to 1", ShapeError);
  CHECK_THROWS_WITH_AS(softmax(table, -3), "softmax: axis -3 is not there: (3, 2): use -2 to 1", ShapeError);
  CHECK_THROWS_WITH_AS(
      select(table, 0, 3),
      "select: position 3 along axis 0 is outside: (3, 2): count from 0, or from -1 at the end", IndexError);
  CHECK_THROWS_WITH_AS(slice(table, 0, 0, 4), "slice: 0 to 4 is outside axis 0: (3, 2): use 0 to 3",
                       ShapeError);
  CHECK_THROWS_WITH_AS(
      split(table, 2, 0),
      "split: axis 0 does not split into 2 equal parts: (3, 2): give a number that divides its size",
      ShapeError);
  CHECK_THROWS_WITH_AS(concatenate(std::vector<Variable>{}),
                       "concatenate: no tensors given: give at least one", ShapeError);
  CHECK_THROWS_WITH_AS(stack({table, tracked(ones({2}))}),
                       "stack: shapes differ: (3, 2) and (2,): stack needs equal shapes", ShapeError);
  CHECK_THROWS_WITH_AS(dropout(table, Scalar(1.5), Rng(1)),
                       "dropout: the rate is 1.5: it must be at least 0 and below 1", ValueError);
  CHECK_THROWS_WITH_AS(max(tracked(zeros({0}))),
                       "max: an empty axis has none: (0,): check for elements() == 0 first", ShapeError);
  CHECK_THROWS_AS(embed_slice(table, {3, 2}, 2, 0, 1), ShapeError);
  CHECK_THROWS_AS(embed_slice(table, {2, 2}, 0, 0, 1), ShapeError);
  CHECK_THROWS_AS(scatter_add_rows(table, Indices({3}, {0, 1, 2}), -1), ShapeError);
}

TEST_CASE("misuse: a failed operation records nothing and the operands stay usable") {
  const std::int64_t nodes = live_nodes();
  const Variable a = tracked(ones({2, 3}));
  CHECK_THROWS_AS(a + tracked(ones({2})), ShapeError);
  CHECK(live_nodes() == nodes + 1);
  backward(sum(a));
  CHECK(a.gradient().values() == std::vector<Scalar>(6, 1));
}
