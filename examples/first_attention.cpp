// The smallest attention: scaled dot product and additive, step by step and in one call, with pictures.
//
// Command:  ./run first_attention
// Data:     random numbers with a pattern in them, made by the program
// Time:     less than a second
// Ends with the line:
//   The pictures are in out/first_attention/attention.svg, with numbers; open it in a browser.

#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <string>

#include "attune.h"
using namespace attune;

// Attention looks things up, but not all or nothing: a query is compared with every key, and what it gets is
// a mixture of all values, mostly of those whose keys fit it best. Here are 10 queries, 10 keys and 10 values
// of 100 numbers each, as one batch: (B, T, D) = (1, 10, 100).
constexpr Index length = 10, width = 100;

// Who resembles whom: row t has a 1 in column s where query t is made from key s. Queries 0 to 7 are made
// from one key each, query 8 from two, query 9 from none. The pictures of the weights should show this table
// again.
Tensor pattern() {
  return tensor({{0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                 {0, 0, 0, 0, 0, 0, 0, 0, 1, 0},
                 {0, 0, 0, 0, 0, 0, 0, 1, 0, 0},
                 {0, 0, 0, 0, 0, 0, 1, 0, 0, 0},
                 {0, 0, 0, 0, 0, 1, 0, 0, 0, 0},
                 {0, 0, 0, 0, 1, 0, 0, 0, 0, 0},
                 {0, 0, 0, 1, 0, 0, 0, 0, 0, 0},
                 {0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
                 {0, 0, 0, 1, 0, 0, 1, 0, 0, 0},
                 {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}});
}

struct Attended {
  Variable weights;  // (1, 10, 10): a row for each query, a column for each key
  Variable output;   // (1, 10, 100): the mixture that each query gets
};

// Scaled dot product ("Attention Is All You Need", section 3.2.1):
//   Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V
// A key of 100 random numbers has the dot product 100, give or take, with itself and 0 ± 10 with any other. A
// query made of 0.4 times a key thus scores 0.4 · 100 / 10 = 4 with it and about 0 elsewhere, and e⁴ = 55
// outweighs nine times e⁰.
Attended dot_product_step_by_step(const Variable& query, const Variable& key, const Variable& value) {
  const Variable products = matmul(query, transpose(key));      // (1, 10, 100) (1, 100, 10) = (1, 10, 10)
  const Variable scores = products / std::sqrt(Scalar(width));  // (1, 10, 10)
  const Variable weights = softmax(scores);                     // (1, 10, 10), positive, each row sums to one
  const Variable output = matmul(weights, value);               // (1, 10, 10) (1, 10, 100) = (1, 10, 100)
  return {weights, output};
}

// Additive (Bahdanau et al. 2015, appendix A.1.2): a network with one hidden layer scores each pair of query
// and key,
//   e_ts = vᵀ tanh(W q_t + U k_s)
Attended additive_step_by_step(const nn::AdditiveAttention& net, const Variable& query, const Variable& key,
                               const Variable& value) {
  const Variable asked = unsqueeze(net.query(query), 2);  // (1, 10, 1, 32)   W q_t
  const Variable offered = unsqueeze(net.key(key), 1);    // (1, 1, 10, 32)   U k_s
  const Variable hidden = tanh(asked + offered);          // (1, 10, 10, 32)  for every query with every key
  const Variable scores = squeeze(net.score(hidden), 3);  // (1, 10, 10, 1) without its last axis: (1, 10, 10)
  const Variable weights = softmax(scores);               // (1, 10, 10)
  return {weights, matmul(weights, value)};               // (1, 10, 10) (1, 10, 100) = (1, 10, 100)
}

// Prints the weights as blocks, and returns what the SVG needs to show them again.
io::HeatMap show(const std::string& title, const Variable& weights) {
  io::HeatMap map{.weights = weights.value().values(), .title = title};
  for (Index i = 0; i < length; ++i) {
    map.row_labels.push_back("q" + std::to_string(i));
    map.column_labels.push_back("k" + std::to_string(i));
  }
  io::print_heat_map(std::cout, map);
  return map;
}

void compare(const char* call, const Variable& one, const Variable& other) {
  const Scalar difference = max(abs(one.value() - other.value())).item();
  std::cout << "Step by step and " << call << " differ by " << difference << " at most.\n";
  if (difference > Scalar(1e-5)) throw Error("the two ways should agree");
}

// A well-known introduction writes attention in PyTorch as  Linear(100, 1)(Q Kᵀ) V / √d_v. That stops with
// "mat1 and mat2 shapes cannot be multiplied (10x10 and 100x1)", and behind this mistake are two more:
//   1. The layer. Linear(100, 1) takes rows of 100 numbers, and a row of scores has 10. Linear(10, 1) runs,
//      but makes one number of a query's ten scores, and which key fits is lost; nor can its (1, 10, 1)
//      multiply V. Such a layer belongs before the scores, like net.score above: 32 numbers of a pair in, its
//      score out.
//   2. No softmax. The weights have any size and sign, so what comes out is no mixture of the values.
//   3. √d_v under the result instead of √d_k under the products. The scores are then 10 times larger, and a
//      softmax would give nearly everything to one key, whether it fits or not, and have almost no gradient.
//      To divide the result mends nothing of that, and makes it 10 times too small.
void three_mistakes(const Variable& query, const Variable& key, const Variable& value, Rng& rng) {
  std::cout << "\nThree mistakes, tried\n1. ";
  const Variable products = matmul(query, transpose(key));  // (1, 10, 10)
  try {
    nn::Linear(width, 1, rng)(products);
  } catch (const ShapeError& error) {
    std::cout << error.what() << '\n';
  }
  const Variable sums = sum(products, -1);  // (1, 10)
  std::cout << "2. Without softmax the weights of a query sum to " << std::lround(min(sums).item()) << " … "
            << std::lround(max(sums).item()) << " instead of 1.\n";
  const auto largest_of_q9 = [](const Variable& weights) { return max(select(weights, 1, 9)).item(); };
  std::cout << "3. Without √d_k query 9, which resembles no key, gives one of them the weight "
            << largest_of_q9(softmax(products)) << "; with it, "
            << largest_of_q9(dot_product_step_by_step(query, key, value).weights) << ".\n";
}

int main() try {
  std::cout << std::setprecision(2);
  Rng rng(1);
  const Tensor key = normal({1, length, width}, 0, 1, rng);
  const Tensor value = normal({1, length, width}, 0, 1, rng);
  const Tensor noise = normal({1, length, width}, 0, 1, rng);
  const Tensor query = Scalar(0.4) * matmul(pattern(), key) + Scalar(0.3) * noise;  // (1, 10, 100), as all
  std::cout
      << "Query q0 is made from key k9, q1 from k8, … q7 from k2; q8 from both k3 and k6; q9 from none.\n\n";

  const Attended dot = dot_product_step_by_step(query, key, value);
  std::vector<io::HeatMap> pictures = {show("Scaled dot product", dot.weights)};
  compare("attention(Q, K, V)", dot.output, attention(query, key, value));

  std::cout << "\nThe additive network knows nothing yet: it likes some keys better, for whatever query.\n";
  nn::AdditiveAttention net(width, width, 32, rng);
  nn::Pass pass;
  const Attended untrained = additive_step_by_step(net, query, key, value);
  pictures.push_back(show("Additive, before training", untrained.weights));
  compare("net(Q, K, V)", untrained.output, net(query, key, value, {}, pass));

  // Its task: the outputs that the dot product had. Ten keys are soon known by heart; to compare keys that it
  // has never seen it would have to see many. A dot product needs no training for that.
  std::cout
      << "\nA dot product compares by itself. The network learns to, for these ten keys, in 300 steps.\n";
  optim::Adam adam(net);
  for (int step = 1; step <= 300; ++step) {
    backward(mean_squared_error(net(query, key, value, {}, pass), dot.output.value()));
    adam.step(0.003);
  }
  pictures.push_back(show("Additive, after training", additive_step_by_step(net, query, key, value).weights));

  three_mistakes(query, key, value, rng);

  std::filesystem::create_directories("out/first_attention");
  io::write_heat_map("out/first_attention/attention.svg", pictures,
                     {.title = "Which keys each query looks at",
                      .row_axis = "query",
                      .column_axis = "key",
                      .panels_per_row = 3});
  std::cout
      << "\nThe pictures are in out/first_attention/attention.svg, with numbers; open it in a browser.\n";
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
