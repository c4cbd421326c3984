// Fits a line through noisy points: the smallest training, first by hand, then with a layer and an optimiser.
//
// Command:  ./run fit_a_line
// Data:     64 points of y = 2x − 1 with noise, made by the program
// Time:     less than a second
// Ends with the line:
//   Both found the same line, and it is the true one within 0.1.

#include <cmath>
#include <cstdio>

#include "attune.h"
using namespace attune;

constexpr int steps = 60;
constexpr Scalar rate = Scalar(0.1);
constexpr Scalar true_slope = 2, true_intercept = -1;

struct Line {
  Scalar slope, intercept;
};

void show(int step, const Variable& loss) {
  if (step == 1 || step % 20 == 0) std::printf("  step %2d   loss %.3f\n", step, double(loss.item()));
}

// The model is y = w x + b, and w and b are two numbers whose gradient we ask for. Each step goes downhill:
//   w ← w − rate · dloss/dw,   b ← b − rate · dloss/db
Line fit_by_hand(const Tensor& x, const Tensor& y) {
  Variable w = tracked(Tensor(0)), b = tracked(Tensor(0));  // () each
  for (int step = 1; step <= steps; ++step) {
    const Variable guess = w * x + b;               // (64, 1)
    const Variable loss = mean(square(guess - y));  // ()
    backward(loss);
    w = tracked(w.value() - rate * w.gradient());
    b = tracked(b.value() - rate * b.gradient());
    show(step, loss);
  }
  return {w.item(), b.item()};
}

// The same again. Linear(1, 1) is y = x Wᵀ + b with a weight of shape (1, 1), and Sgd takes the step.
Line fit_with_a_layer(const Tensor& x, const Tensor& y) {
  Rng rng(1);
  nn::Linear line(1, 1, rng);
  line.weight.set_value(zeros({1, 1}));  // a random number otherwise: both shall start at y = 0
  optim::Sgd sgd(line);
  for (int step = 1; step <= steps; ++step) {
    const Variable loss = mean_squared_error(line(x), y);  // ()
    backward(loss);
    sgd.step(double(rate));  // and clears the gradients
    show(step, loss);
  }
  return {line.weight.value().item(), line.bias.value().item()};
}

void print(const char* name, Line line) {
  std::printf("  %-12s y = %.2f x %c %.2f\n", name, double(line.slope), line.intercept < 0 ? '-' : '+',
              std::abs(double(line.intercept)));
}

bool close(Line a, Line b, Scalar tolerance) {
  return std::abs(a.slope - b.slope) < tolerance && std::abs(a.intercept - b.intercept) < tolerance;
}

int main() {
  Rng rng(1);
  const Tensor x = uniform({64, 1}, -1, 1, rng);
  const Tensor noise = normal({64, 1}, 0, Scalar(0.2), rng);
  const Tensor y = true_slope * x + true_intercept + noise;  // (64, 1)

  std::printf("Two numbers, gradient descent by hand:\n");
  const Line by_hand = fit_by_hand(x, y);
  std::printf("nn::Linear and optim::Sgd:\n");
  const Line by_layer = fit_with_a_layer(x, y);
  std::printf("The true line itself has the loss %.3f, from the noise.\n\n",
              double(mean(square(noise)).item()));

  const Line truth{true_slope, true_intercept};
  print("by hand", by_hand);
  print("by a layer", by_layer);
  print("the truth", truth);
  const bool right = close(by_hand, by_layer, Scalar(1e-4)) && close(by_hand, truth, Scalar(0.1));
  std::printf("%s\n", right ? "Both found the same line, and it is the true one within 0.1."
                            : "The lines differ: something is wrong.");
  return right ? 0 : 1;
}
