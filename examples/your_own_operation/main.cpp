// Adds two operations of your own, squared ReLU and sparsemax: forward, backward, tested, trained with.
//
// Command:  ./run your_own_operation
// Data:     sets of coloured numbers, made by the program
// Time:     less than a second
// Ends with the line:
//   Sparsemax gives every wrong item a weight of exactly 0, softmax gives it to none.
//
// An operation takes two places, its function and its row in a table of tests:
//   operations.h                                 squared_relu in 4 lines, sparsemax in 19: read this first
//   tests/examples/your_own_operation_test.cpp   a row of 6 or 7 lines for each, and its naive twin
// This file only tries them out. `./run test your_own_operation` runs the tests.

#include "examples/your_own_operation/operations.h"

#include <cmath>
#include <cstdio>

using namespace attune;
using examples::sparsemax;
using examples::squared_relu;

// ---- what they do, and whether their derivatives are right

void print_row(const char* name, const Tensor& row) {
  std::printf("  %-10s", name);
  for (const Scalar number : row.values()) std::printf("%8.4f", static_cast<double>(number));
  std::printf("\n");
}

bool check(const char* name, const Function& operation, const Tensor& x) {
  const GradientCheck first = check_gradients(operation, {x}),
                      second = check_second_gradients(operation, {x});
  const bool right = first && second;
  std::printf("  %-13s %s%s%s\n", name,
              right ? "derivative and second derivative are right" : "wrong: ", first.sentence.c_str(),
              second.sentence.c_str());
  return right;
}

bool look_at_both() {
  const Tensor scores = tensor({2, Scalar(1.5), Scalar(0.3), -1});  // (4)
  std::printf("Softmax leaves something for everybody, sparsemax does not:\n");
  print_row("scores", scores);
  print_row("softmax", softmax(scores));
  print_row("sparsemax", sparsemax(scores));

  // The pullback is made of differentiable operations, so the derivative of the derivative comes for free.
  const Variable x = tracked(Tensor(3));
  const Variable slope = gradients(squared_relu(x), {x}, {}, {.record = true})[0];
  const Variable curvature = gradients(slope, {x})[0];
  std::printf("\nSquared ReLU at 3: %.0f, its slope %.0f, its curvature %.0f\n", squared_relu(x).item(),
              slope.item(), curvature.item());

  std::printf("\nAgainst difference quotients:\n");
  const bool relu_is_right = check(
      "squared_relu", [](auto& in) { return squared_relu(in[0]); }, scores);
  return check(
             "sparsemax", [](auto& in) { return sparsemax(in[0]); }, scores) &&
         relu_is_right;
}

// ---- something to learn: the items of the colour asked for, the square of the mean of their numbers

constexpr Index colours = 6, items = 8, sets = 64;  // S = items, B = sets

struct Batch {
  Indices asked;   // (B, 1)
  Indices colour;  // (B, S)
  Tensor number;   // (B, S, 1)
  Tensor match;    // (B, 1, S): 1 for items of the colour asked for, 0 for wrong ones
  Tensor answer;   // (B, 1, 1)
};

Batch draw(Rng rng) {
  Batch batch{Indices::full({sets, 1}, 0), Indices::full({sets, items}, 0), {}, {}, {}};
  batch.number = uniform({sets, items, 1}, -1, 1, rng);
  std::vector<Scalar> match;
  for (Index b = 0; b < sets; ++b) {
    for (Index s = 0; s < items; ++s) batch.colour.at(b, s) = static_cast<int>(rng.below(colours));
    batch.asked.at(b, 0) =
        batch.colour.at(b, static_cast<Index>(rng.below(items)));  // a colour that is there
    for (Index s = 0; s < items; ++s) match.push_back(batch.colour.at(b, s) == batch.asked.at(b, 0));
  }
  batch.match = tensor({sets, 1, items}, match);
  batch.answer = square(matmul(batch.match, batch.number) / sum(batch.match, -1, keep_axis));
  return batch;
}

/// weights = sparsemax(query · key), or softmax,   found = Σ_s weights_s number_s,   answer = f(found)
/// In f, a squared ReLU between two linear layers, two hidden units would do: x² = max(x, 0)² + max(−x, 0)².
struct Reader {
  bool sparse;
  nn::Embedding query, key;           // (colours, C)
  nn::Linear inner, outer;            // (8, 1) and (1, 8)
  static constexpr Index width = 16;  // C

  Reader(bool with_sparsemax, Rng& rng)
      : sparse(with_sparsemax),
        query(colours, width, rng),
        key(colours, width, rng),
        inner(1, 8, rng),
        outer(8, 1, rng) {}
  Variable weights(const Batch& batch) const {
    const Variable scores = matmul(query(batch.asked), transpose(key(batch.colour)));  // (B, 1, S)
    return sparse ? sparsemax(scores) : softmax(scores);
  }
  Variable operator()(const Batch& batch) const {
    const Variable found = matmul(weights(batch), batch.number);  // (B, 1, 1)
    return outer(squared_relu(inner(found)));                     // (B, 1, 1)
  }
  void visit(nn::Visitor& v) { v("query", query), v("key", key), v("inner", inner), v("outer", outer); }
};

Reader train(bool sparse) {
  std::printf("\nAttention with %s\n", sparse ? "sparsemax" : "softmax");
  Rng weights(1);
  const Rng data(1);
  Reader model(sparse, weights);
  optim::Adam adam(model);
  for (std::uint64_t step = 1; step <= 300; ++step) {
    const Batch batch = draw(data.at(step));
    const Variable loss = mean_squared_error(model(batch), batch.answer);
    if (step == 1) nn::check_visited(loss, model);
    backward(loss);
    adam.step(0.01);
    if (step == 1 || step % 100 == 0)
      std::printf("  step %3d   loss %.5f\n", static_cast<int>(step), static_cast<double>(loss.item()));
  }
  return model;
}

// The share of the wrong items whose weight is exactly 0, in sets that training has not shown.
double share_ignored(const Reader& model, const Batch& test) {
  const Tensor weights = model.weights(test).value(), wrong = 1 - test.match;  // (B, 1, S) each
  const double share = static_cast<double>((sum(wrong * equal(weights, 0)) / sum(wrong)).item());
  print_row(model.sparse ? "sparsemax" : "softmax", reshape(select(weights, 0, 0), {items}));
  return share;
}

int main() {
  const bool checked = look_at_both();
  std::printf(
      "\nTo learn: of items with a colour and a number, pick those of one colour, take their mean, square "
      "it.\n");
  const Reader with_softmax = train(false), with_sparsemax = train(true);

  const Batch test = draw(Rng(2));
  std::printf("\nThe weights of the eight items of a set that training has not shown:\n");
  print_row("asked for", reshape(select(test.match, 0, 0), {items}));
  const double by_softmax = share_ignored(with_softmax, test),
               by_sparsemax = share_ignored(with_sparsemax, test);
  std::printf("Wrong items with a weight of exactly 0: %.0f %% with softmax, %.0f %% with sparsemax.\n",
              100 * by_softmax, 100 * by_sparsemax);
  const bool right = checked && by_softmax == 0 && by_sparsemax == 1;
  std::printf("%s\n",
              right ? "Sparsemax gives every wrong item a weight of exactly 0, softmax gives it to none."
                    : "Something is off: see above.");
  return right ? 0 : 1;
}
