#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace attune::inline ATTUNE_PRECISION {

struct GradientCheckOptions {
  /// Half the distance between the two values of a central difference. Defaults fit the build's precision.
  double step = sizeof(Scalar) == 8 ? 1e-5 : 1e-2;
  /// The largest accepted error, relative to the larger of the gradient's norm and a thousandth of all
  /// gradients' norm (the true gradient of a key's bias, for one, is zero), beyond what rounding alone
  /// explains.
  double tolerance = sizeof(Scalar) == 8 ? 1e-7 : 1e-3;
  /// For the random weights of the results.
  std::uint64_t seed = 1;
};

/// What a gradient check found: converts to true when every gradient is right, and says in a sentence what is
/// wrong otherwise.
struct GradientCheck {
  bool passed = true;
  double worst = 0;      // the largest relative error
  std::string sentence;  // "input 1 (3, 4): element 5: backward says …, the difference quotient …"
  explicit operator bool() const { return passed; }
};

using Function = std::function<Variable(const std::vector<Variable>&)>;

/// Compares the gradients that backward computes with central differences,
///   ∂f/∂x_i ≈ (f(x + h e_i) - f(x - h e_i)) / 2h,
/// for every element of every input. The result of `f` may have any shape: it is summed with random weights,
/// because a plain sum hides errors (the sum of a softmax is constant, and its true gradient zero).
///
///     CHECK(check_gradients([](auto& x) { return softmax(x[0] * x[1]); }, {a, b}));
GradientCheck check_gradients(const Function& f, const std::vector<Tensor>& inputs,
                              const GradientCheckOptions& options = {});

/// The same for gradients of gradients: checks the derivative of f's gradients, which must be recorded
/// correctly too, by the inputs and by the gradient of f's result: in the sentence, one more input, the last.
GradientCheck check_second_gradients(const Function& f, const std::vector<Tensor>& inputs,
                                     const GradientCheckOptions& options = {});

}  // namespace attune::inline ATTUNE_PRECISION
