#include "optim/gradients.h"

#include <cmath>

#include "tensor/error.h"
#include "tensor/simd/kernels.h"
#include "tensor/thread_pool.h"

namespace attune::optim {
namespace {

constexpr Index chunk = 8192;  // numbers; fixed, so that sums do not depend on the number of threads

double sum_of_squares(const Scalar* x, Index n) {
  // Eight sums side by side, so that an addition need not wait for the one before. In double, because the
  // square of a float may be too large or too small for a float.
  double sums[8] = {};
  Index i = 0;
  for (; i + 8 <= n; i += 8)
    for (int k = 0; k < 8; ++k) sums[k] += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
  for (; i < n; ++i) sums[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

double norm_of(const std::string& op, const std::vector<nn::NamedParameter>& parameters) {
  double sum = 0;
  for (const nn::NamedParameter& parameter : parameters) {
    if (!detail::has_gradient(parameter)) continue;
    const Tensor gradient = contiguous(parameter.cell->leaf->gradient);
    const Scalar* g = gradient.data();
    sum += parallel_reduce(
        gradient.elements(), chunk, 0.0,
        [&](Index begin, Index end) { return sum_of_squares(g + begin, end - begin); },
        [](double a, double b) { return a + b; });
  }
  if (!std::isfinite(sum)) {
    detail::check_finite(op, parameters);
    fail<ValueError>(op, ": the squares of the gradients are too large to be added: scale the loss down");
  }
  return std::sqrt(sum);
}

}  // namespace

double gradient_norm(const std::vector<nn::NamedParameter>& parameters) {
  return norm_of("gradient_norm", parameters);
}

double clip_gradient_norm(const std::vector<nn::NamedParameter>& parameters, double max_norm) {
  if (!(max_norm > 0))
    fail<ValueError>("clip_gradient_norm: max_norm must be above 0: ", max_norm, ": 1 is a usual choice");
  const double norm = norm_of("clip_gradient_norm", parameters);
  if (norm > max_norm) scale_gradients(parameters, max_norm / norm);
  return norm;
}

void scale_gradients(const std::vector<nn::NamedParameter>& parameters, double factor) {
  if (!std::isfinite(factor))
    fail<ValueError>("scale_gradients: the factor must be a finite number: ", factor,
                     ": was the number of batches or tokens 0?");
  for (const nn::NamedParameter& parameter : parameters) {
    if (!detail::has_gradient(parameter)) continue;
    Tensor& gradient = parameter.cell->leaf->gradient;
    Scalar* g = gradient.writable();
    parallel_for(gradient.elements(), chunk, [&](Index begin, Index end) {
      kernels().scale(static_cast<Scalar>(factor), g + begin, g + begin,
                      static_cast<std::size_t>(end - begin));
    });
  }
}

namespace detail {

bool has_gradient(const nn::NamedParameter& parameter) {
  return !parameter.cell->frozen && parameter.cell->leaf->gradient.defined();
}

void check_finite(const std::string& op, const std::vector<nn::NamedParameter>& parameters) {
  for (const nn::NamedParameter& parameter : parameters) {
    if (!has_gradient(parameter)) continue;
    const Tensor gradient = contiguous(parameter.cell->leaf->gradient);
    const Scalar* g = gradient.data();
    const int bad = parallel_reduce(
        gradient.elements(), chunk, 0,
        [&](Index begin, Index end) {
          return kernels().any_non_finite(g + begin, static_cast<std::size_t>(end - begin)) ? 1 : 0;
        },
        [](int a, int b) { return a | b; });
    if (bad == 0) continue;
    Index at = 0;
    while (std::isfinite(g[at])) ++at;
    fail<ValueError>(op, ": the gradient of ", parameter.name, " ", gradient.shape(), " holds ",
                     std::isnan(g[at]) ? "nan"
                     : g[at] > 0       ? "infinity"
                                       : "-infinity",
                     " at element ", at,
                     ": nothing has changed: lower the rate, or look for what divides by zero, takes the "
                     "logarithm of zero or overflows on the way to the loss");
  }
}

}  // namespace detail

}  // namespace attune::optim
