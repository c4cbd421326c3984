#include "autograd/check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "tensor/elementwise.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

double dot(const Tensor& a, const Tensor& b) {
  const std::vector<Scalar> left = a.values();
  const std::vector<Scalar> right = b.values();
  double total = 0;
  for (std::size_t i = 0; i < left.size(); ++i)
    total += static_cast<double>(left[i]) * static_cast<double>(right[i]);
  return total;
}

std::vector<Variable> as_leaves(const std::vector<Tensor>& inputs) {
  std::vector<Variable> leaves;
  for (const Tensor& input : inputs) leaves.push_back(tracked(contiguous(input)));
  return leaves;
}

}  // namespace

GradientCheck check_gradients(const Function& f, const std::vector<Tensor>& inputs,
                              const GradientCheckOptions& options) {
  // What backward says, for the result weighted with random numbers.
  if (!(options.step > 0 && options.tolerance > 0))
    fail<ValueError>("check_gradients: step and tolerance must be above 0: ", options.step, " and ",
                     options.tolerance);
  const std::vector<Variable> leaves = as_leaves(inputs);
  const Variable y = f(leaves);
  y.value().checked("check_gradients");
  Rng rng(options.seed);
  const Tensor weights = uniform(y.shape(), Scalar(-1), Scalar(1), rng);
  std::vector<Tensor> said;
  if (y.requires_gradient()) {
    for (const Variable& gradient : gradients(y, leaves, weights)) said.push_back(gradient.value());
  } else {
    for (const Tensor& input : inputs) said.push_back(zeros(input.shape()));
  }

  // What the difference quotients say. The function is run recorded, as above: that must not change its
  // values.
  const auto value_at = [&](std::size_t which, std::size_t element, double offset) {
    std::vector<Tensor> moved = inputs;
    moved[which] = copy(inputs[which]);
    Scalar* numbers = moved[which].writable();
    numbers[element] = static_cast<Scalar>(static_cast<double>(numbers[element]) + offset);
    const Variable again = f(as_leaves(moved));
    if (!(again.value().checked("check_gradients").shape() == y.shape()))
      fail<ShapeError>("check_gradients: the function's result changes its shape from call to call: ",
                       y.shape(), " and ", again.shape(), ": it must depend on its inputs alone");
    return dot(again.value(), weights);
  };
  std::vector<std::vector<double>> measured(inputs.size());
  for (std::size_t which = 0; which < inputs.size(); ++which) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(inputs[which].elements()); ++i) {
      // The step that rounding leaves: x ± h as they can be represented.
      const double x = static_cast<double>(inputs[which].values()[i]);
      const double up = static_cast<double>(static_cast<Scalar>(x + options.step));
      const double down = static_cast<double>(static_cast<Scalar>(x - options.step));
      measured[which].push_back((value_at(which, i, up - x) - value_at(which, i, down - x)) / (up - down));
    }
  }

  // Compare norms, so that a gradient of zeros beside large ones is not held to impossible digits. Nor is it
  // held to more than rounding leaves of a difference quotient: where the true gradient is zero, that is all
  // there is.
  double all = 0;
  for (const auto& gradient : measured)
    for (const double g : gradient) all += g * g;
  all = std::sqrt(all);
  const double rounding = 4 * static_cast<double>(std::numeric_limits<Scalar>::epsilon()) / options.step *
                          std::sqrt(dot(weights, weights) + dot(square(y.value()), square(weights)));
  GradientCheck check;
  for (std::size_t which = 0; which < inputs.size(); ++which) {
    const std::vector<Scalar> backward_says = said[which].values();
    double difference = 0;
    double norm = 0;
    double largest = -1;
    std::size_t worst_element = 0;
    for (std::size_t i = 0; i < measured[which].size(); ++i) {
      const double off = std::abs(static_cast<double>(backward_says[i]) - measured[which][i]);
      difference += off * off;
      norm += measured[which][i] * measured[which][i];
      if (!(off <= largest)) {
        largest = off;
        worst_element = i;
      }
    }
    const double scale = std::max({std::sqrt(norm), all * 1e-3, 1e-30});
    const double error =
        std::max(std::sqrt(difference) - rounding, 0.0) / scale;  // NaN stays NaN in this order
    if (!(error <= check.worst)) check.worst = error;
    if (error <= options.tolerance || measured[which].empty()) continue;
    if (check.passed) {
      std::ostringstream text;
      text << "input " << which << " of shape " << inputs[which].shape()
           << " has a wrong gradient: relative error " << error << " where " << options.tolerance
           << " is allowed; worst at element " << worst_element << ": backward says "
           << backward_says[worst_element] << ", the difference quotient " << measured[which][worst_element];
      if (!y.requires_gradient()) text << "; the result has no history";
      check.sentence = text.str();
    }
    check.passed = false;
  }
  return check;
}

// The gradients are a function of the inputs and of dy, and dy is checked with them, as one more input. For
// relu and other functions made of straight lines it is the only one that tells: the derivative of their
// gradient by x is 0, which is also what a pullback says that cannot be differentiated.
GradientCheck check_second_gradients(const Function& f, const std::vector<Tensor>& inputs,
                                     const GradientCheckOptions& options) {
  Rng rng(options.seed + 1);
  std::vector<Tensor> all = inputs;
  all.push_back(uniform(f(as_leaves(inputs)).shape(), Scalar(-1), Scalar(1), rng));
  const Function gradient = [&](const std::vector<Variable>& all_leaves) {
    const std::vector<Variable> xs(all_leaves.begin(), all_leaves.end() - 1);
    Rng random = rng;  // the same numbers at every call
    Variable total;
    for (const Variable& g : gradients(f(xs), xs, all_leaves.back(), {.record = true})) {
      const Variable part = sum(g * Variable(uniform(g.shape(), Scalar(-1), Scalar(1), random)));
      total = total.defined() ? total + part : part;
    }
    return total;
  };
  return check_gradients(gradient, all, options);
}

}  // namespace attune::inline ATTUNE_PRECISION
