// Adds a layer of your own, multi-query attention: written, checked, trained, saved and loaded.
//
// Command:  ./run your_own_layer
// Data:     rows of random numbers, never the same twice
// Time:     less than a second
// Ends with the line:
//   The layer is right: gradients, masks, training, file.
//
// A layer takes one place, a struct: here 29 lines. Nothing in the library has to know of it. What follows
// the struct is how to trust it: its gradients, what it must not see, and a task that it must learn.

#include <filesystem>
#include <iomanip>
#include <iostream>
#include <limits>

#include "attune.h"
using namespace attune;

/// Multi-query attention (Shazeer 2019, "Fast Transformer Decoding: One Write-Head is All You Need"): each
/// head asks in its own way, and all share one key and one value.
///   head_i = softmax(Q_i Kᵀ / √D) V,   output = concat(head_1 … head_H) W_O
/// So a decoder has to remember H times fewer numbers of each position. B batch, T queries, S keys, H heads,
/// C width, D = C / H. Deviation from the paper: the projections have biases.
struct MultiQueryAttention {
  Index heads;
  nn::Linear query, key, value, output;  // weights (C, C), (D, C), (D, C), (C, C)

  MultiQueryAttention(Index width, Index head_count, Rng& rng)
      : heads(head_count),
        query(width, width, rng),
        key(width, head_width(width, head_count), rng),
        value(width, head_width(width, head_count), rng),
        output(width, width, rng) {}
  static Index head_width(Index width, Index heads) {  // D
    if (heads < 1 || width % heads != 0)
      fail<ValueError>("multi-query attention: width ", width, " does not split into ", heads, " heads");
    return width / heads;
  }

  /// `from` (B, T, C) asks, `to` (B, S, C) answers; the result is (B, T, C).
  Variable operator()(const Variable& from, const Variable& to, const Mask& mask, nn::Pass& pass) const {
    const Index B = from.size(0), T = from.size(1), S = to.size(1), C = from.size(2), D = C / heads;
    const Variable q = permute(reshape(query(from), {B, T, heads, D}), {0, 2, 1, 3});  // (B, H, T, D)
    const Variable k = broadcast_to(unsqueeze(key(to), 1), {B, heads, S, D});    // one key, seen H times
    const Variable v = broadcast_to(unsqueeze(value(to), 1), {B, heads, S, D});  // one value, likewise
    Tensor weights;                                                              // (B, H, T, S)
    const Variable read = attention(q, k, v, mask, {}, pass.record ? &weights : nullptr);  // (B, H, T, D)
    if (pass.record) pass.record->add(this, weights);
    return output(reshape(permute(read, {0, 2, 1, 3}), {B, T, C}));  // (B, T, C)
  }
  void visit(nn::Visitor& v) { v("query", query), v("key", key), v("value", value), v("output", output); }
};

bool report(const char* what, bool right) {
  std::cout << "  " << (right ? "yes  " : "NO   ") << what << '\n';
  return right;
}

// ---- is it right?

bool gradients_are_right() {
  Rng rng(1);
  MultiQueryAttention layer(8, 2, rng);
  nn::Pass pass;
  const GradientCheck check =
      nn::check_gradients(layer, {normal({2, 3, 8}, 0, 1, rng), normal({2, 4, 8}, 0, 1, rng)},
                          [&](auto& in) { return layer(in[0], in[1], Mask::causal(), pass); });
  return report("gradients by inputs and parameters equal difference quotients", bool(check)) ||
         report(check.sentence.c_str(), false);
}

// What may not be seen may hold anything, and the result keeps its bits. Shapes never tell a wrong mask.
bool nothing_leaks() {
  Rng rng(1);
  const MultiQueryAttention layer(8, 2, rng);
  nn::Pass pass;
  const Tensor x = normal({2, 6, 8}, 0, 1, rng), other = normal({2, 6, 8}, 0, 1, rng);  // (B, T, C)

  const Tensor another_future = concatenate({slice(x, 1, 0, 4), slice(other, 1, 4, 6)}, 1);
  const auto causal = [&](const Tensor& seen) {
    return slice(layer(seen, seen, Mask::causal(), pass).value(), 1, 0, 4);  // what positions 0 … 3 say
  };
  const bool future =
      report("positions 0 to 3 do not see positions 4 and 5", same_values(causal(x), causal(another_future)));

  const Tensor real = tensor({2, 6, 1}, {1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1});  // lengths 4 and 6
  const Tensor spoiled = where(real, x, std::numeric_limits<Scalar>::quiet_NaN());
  const auto padded = [&](const Tensor& to) { return layer(other, to, Mask::padding({4, 6}), pass).value(); };
  return report("what stands in the padding is not seen, be it NaN",
                same_values(padded(x), padded(spoiled))) &&
         future;
}

// With one head it is nn::MultiHeadAttention, and one seed gives both the same weights. With more it is
// smaller.
bool compares_with_multi_head() {
  Rng rng(1), same(1), other(1);
  const MultiQueryAttention one(8, 1, rng), shared(512, 8, other);
  const nn::MultiHeadAttention usual_one(8, 1, same), usual(512, 8, other);
  nn::Pass pass;
  const Tensor x = normal({2, 3, 8}, 0, 1, rng);
  const Tensor y = one(x, x, Mask::causal(), pass).value();
  const bool equal = report("one head gives the same bits as nn::MultiHeadAttention",
                            same_values(y, usual_one(x, x, Mask::causal(), pass).value()));
  std::cout << "\nAt width 512 with 8 heads it has " << nn::parameter_count(shared)
            << " parameters instead of " << nn::parameter_count(usual)
            << ",\nand of each position a decoder remembers " << 2 * shared.key.bias.elements()
            << " numbers instead of " << 2 * usual.key.bias.elements() << ".\n";
  return equal;
}

// ---- can it learn?

constexpr Index rows = 64, length = 8, width = 32;  // B, T, C

/// Looks back: x_0 … x_t in, one number for each t out.
struct LookBack {
  nn::Linear in, out;
  nn::LearnedPositions positions;
  MultiQueryAttention attend;

  LookBack(Index heads, Rng& rng)
      : in(1, width, rng), out(width, 1, rng), positions(width, length, rng), attend(width, heads, rng) {}
  Variable operator()(const Variable& x, nn::Pass& pass) const {
    const Variable h = positions(in(x));             // (B, T, 1) to (B, T, C)
    return out(attend(h, h, Mask::causal(), pass));  // (B, T, 1)
  }
  void visit(nn::Visitor& v) { v("in", in), v("out", out), v("positions", positions), v("attend", attend); }
};

// y_t = x_{t−1} − x_{t−3}, with 0 for what is before the beginning. Two places to look at, so two heads: one
// head mixes what it sees with positive weights, and cannot subtract.
double train(LookBack& model) {
  std::cout << "\nLearning y_t = x_{t-1} - x_{t-3}, heads: " << model.attend.heads << '\n';
  const Rng data(1);
  optim::Adam adam(model, {.beta2 = 0.98});
  const optim::InverseSquareRoot rate{.peak = 0.01, .warmup = 50};
  double latest = 0;
  for (Index step = 1; step <= 500; ++step) {
    Rng rng = data.at(static_cast<std::uint64_t>(step));
    const Tensor x = normal({rows, length, 1}, 0, 1, rng);
    const Tensor before = concatenate({zeros({rows, 3, 1}), x}, 1);                  // 0 0 0 x_0 x_1 …
    const Tensor y = slice(before, 1, 2, 2 + length) - slice(before, 1, 0, length);  // (B, T, 1)
    nn::Pass pass;
    const Variable loss = mean_squared_error(model(x, pass), y);
    if (step == 1) nn::check_visited(loss, model);
    backward(loss);
    optim::clip_gradient_norm(model, 1);
    adam.step(rate(step));
    latest = static_cast<double>(loss.item());
    if (step == 1 || step % 100 == 0)
      std::cout << "  step " << std::setw(3) << step << "   loss " << latest << '\n';
  }
  return latest;
}

void show_heads(const LookBack& model) {
  Rng rng(2);
  nn::AttentionRecord record;
  nn::Pass pass{.record = &record};
  model(normal({1, length, 1}, 0, 1, rng), pass);
  const Tensor weights = select(record.of(model.attend), 0, 0);  // (H, T, S)
  std::vector<std::string> names;
  for (Index t = 0; t < length; ++t) names.push_back("x" + std::to_string(t));
  for (Index head = 0; head < model.attend.heads; ++head) {
    std::cout << "\nHead " << head + 1
              << ": each row is a position that asks, each column one that it looks at\n";
    io::print_heat_map(
        std::cout,
        {.weights = select(weights, 0, head).values(), .row_labels = names, .column_labels = names});
  }
}

// ---- does it come back from a file?

bool comes_back(const LookBack& model) {
  const std::filesystem::path file = "out/your_own_layer/weights.safetensors";
  std::filesystem::create_directories(file.parent_path());
  io::save_weights(file, model);
  Rng other(99), rng(3);
  LookBack loaded(model.attend.heads, other);
  io::load_weights(file, loaded);
  std::cout << "\nSaved to " << file.string() << " and loaded into a model of other numbers, by name:\n";
  nn::for_each_parameter(loaded, [](const std::string& name, const nn::Parameter& p) {
    std::cout << "  " << name << ' ' << p.shape() << '\n';
  });
  nn::Pass pass;
  const Tensor x = normal({rows, length, 1}, 0, 1, rng);
  return report("the loaded model computes the same bits",
                same_values(model(x, pass).value(), loaded(x, pass).value()));
}

int main() try {
  std::cout << std::fixed << std::setprecision(3) << "Multi-query attention:\n";
  bool right = gradients_are_right();
  right = nothing_leaks() && right;
  right = compares_with_multi_head() && right;

  Rng rng(3);
  LookBack one(1, rng), two(2, rng);
  const double with_one = train(one), with_two = train(two);
  std::cout << "One head cannot do it, and two can: each looks at one of the two places.\n";
  show_heads(two);
  right = comes_back(two) && right && with_one > 0.3 && with_two < 0.1;
  std::cout << (right ? "The layer is right: gradients, masks, training, file."
                      : "Something is off: see above.")
            << '\n';
  return right ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
