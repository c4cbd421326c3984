// Gradients with a pencil and by backward, the order in which to visit, and the graph as a picture.
//
// Command:  ./run gradients_by_hand
// Data:     a handful of numbers, in the program
// Time:     less than a second
// Ends with the line:
//   All gradients by hand and by backward are the same.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "attune.h"
using namespace attune;

const std::string folder = "out/gradients_by_hand/";

// Writes a graph for Graphviz, and lets it make a picture if it is installed.
void draw(const std::string& name, const std::string& graph) {
  std::ofstream(folder + name + ".dot") << graph;
  const std::string command = "dot -Tsvg " + folder + name + ".dot -o " + folder + name + ".svg";
  const bool drawn = std::system(("command -v dot >/dev/null && " + command).c_str()) == 0;
  std::cout << (drawn ? "Its graph as a picture, open it in a browser:  " + folder + name + ".svg"
                      : "For a picture of its graph install Graphviz and run:  " + command)
            << '\n';
}

// ---- 1. With a pencil
//
//   L = (w x + b)² + w²      at w = 2, x = 3, b = -1
//
// dL/dx says how steep L is in x: when x grows by a little, L grows by dL/dx times that little.

// The gradients of v, u, b, x and w.
std::vector<Scalar> by_hand() {
  // Forwards, one small step at a time.
  const Scalar w = 2, x = 3, b = -1;
  const Scalar u = w * x;             // 6
  const Scalar v = u + b;             // 5
  const Scalar loss = v * v + w * w;  // 29
  std::cout << "u = w x = " << u << ",  v = u + b = " << v << ",  L = v² + w² = " << loss << '\n';

  // Backwards, from L. The chain rule: what came to the result of a step, times the derivative of that step.
  const Scalar dv = 2 * v;           // 10             L = v² + …
  const Scalar du = dv * 1;          // 10             v = u + …
  const Scalar db = dv * 1;          // 10             v = … + b
  const Scalar dx = du * w;          // 10 · 2 = 20    u = w x
  const Scalar dw = du * x + 2 * w;  // 10 · 3 + 4    u = w x and L = … + w²: what both uses get adds up
  return {dv, du, db, dx, dw};
}

std::vector<Scalar> by_backward() {
  const Variable w = tracked(Tensor(2)), x = tracked(Tensor(3)), b = tracked(Tensor(-1));  // leaves
  const Variable u = w * x;
  const Variable v = u + b;
  const Variable loss = v * v + w * w;
  // backward leaves gradients in the leaves only; those of what is between are asked for.
  const std::vector<Variable> between = gradients(loss, {v, u}, {}, {.keep_graph = true});
  backward(loss);
  draw("pencil", to_dot(loss, {{"w", w}, {"x", x}, {"b", b}, {"u", u}, {"v", v}, {"L", loss}}));
  const Scalar dv = between[0].item(), du = between[1].item();
  return {dv, du, b.gradient().item(), x.gradient().item(), w.gradient().item()};
}

bool compare(const std::vector<Scalar>& hand, const std::vector<Scalar>& machine) {
  const std::vector<const char*> rules = {"dL/dv = 2 v", "dL/du = dL/dv", "dL/db = dL/dv", "dL/dx = dL/du w",
                                          "dL/dw = dL/du x + 2 w"};
  std::printf("\n  %-24s%7s%10s\n", "", "by hand", "backward");
  for (std::size_t i = 0; i < rules.size(); ++i)
    std::printf("  %-24s%7g%10g\n", rules[i], double(hand[i]), double(machine[i]));
  return hand == machine;
}

// ---- 2. In which order?
//
//   b = a + a;   c = b + b;      so c = 4 a and dc/da = 4
//
// To visit a value means: it gives its gradient to each of those that it is the sum of, where it is added up.

struct Toy {
  std::map<char, std::string> parts = {{'a', ""}, {'b', "aa"}, {'c', "bb"}};
  std::map<char, int> gradient = {{'a', 0}, {'b', 0}, {'c', 1}};  // dc/dc = 1

  void give(char from, char to) {
    gradient[to] += gradient[from];
    std::cout << "  " << from << " gives " << to << ' ' << gradient[from] << ',';
  }
  void visit(char value) {
    for (const char part : parts[value]) give(value, part);
  }
  void visit_deeply(char value) {  // each part is visited as soon as something has been given to it
    for (const char part : parts[value]) give(value, part), visit_deeply(part);
  }
  void answer(const char* why) { std::cout << "  so dc/da = " << gradient['a'] << "\n    " << why << '\n'; }
};

bool orders() {
  Toy oldest, deep, newest;
  std::cout << "Oldest first:";
  for (const char value : {'a', 'b', 'c'}) oldest.visit(value);
  oldest.answer("Wrong: b was visited before anything had been given to it.");

  std::cout << "Depth first: ";
  deep.visit_deeply('c');
  deep.answer("Wrong: b was visited twice, and gave what it had got first both times.");

  std::cout << "Newest first:";
  for (const char value : {'c', 'b', 'a'}) newest.visit(value);
  newest.answer("Right: whatever uses b is newer than b, so it has been visited before b is.");

  const Variable a = tracked(Tensor(1)), b = a + a, c = b + b;
  backward(c);
  std::cout << "backward(c) visits newest first: dc/da = " << a.gradient().item() << '\n';
  return a.gradient().item() == Scalar(newest.gradient['a']);
}

// ---- 3. The same for more than single numbers: the twelve lines of README.md

void twelve_lines() {
  const Variable x = tracked(tensor({{1, 0}, {0, 1}, {1, 1}}));  // (3, 2): three tokens of width 2
  const Variable products = matmul(x, transpose(x));             // (3, 2) (2, 3) = (3, 3)
  const Variable scores = products / std::sqrt(Scalar(2));       // (3, 3): how well each fits each
  const Variable weights = softmax(scores);                      // (3, 3): rows sum to one
  const Variable y = matmul(weights, x);  // (3, 3) (3, 2) = (3, 2): each token, mixed from all
  const Variable loss = sum(y * y);       // (): one number
  backward(loss);
  std::cout << "weights " << weights.value() << "\ngradient of x " << x.gradient() << '\n';
  draw("graph", to_dot(loss, {{"x", x}, {"scores", scores}, {"weights", weights}, {"y", y}, {"loss", loss}}));
}

int main() try {
  std::filesystem::create_directories(folder);
  std::cout << "1. With a pencil: L = (w x + b)² + w² at w = 2, x = 3, b = -1\n\n";
  const std::vector<Scalar> hand = by_hand();
  bool same = compare(hand, by_backward());
  std::cout << "\n2. In which order: b = a + a; c = b + b\n\n";
  same = orders() && same;
  std::cout << "\n3. Three tokens attend to each other: the twelve lines of README.md\n\n";
  twelve_lines();
  std::cout << (same ? "\nAll gradients by hand and by backward are the same.\n"
                     : "\nThe gradients differ.\n");
  return same ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
