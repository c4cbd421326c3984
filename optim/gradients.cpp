#include "optim/gradients.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tensor/error.h"
#include "tensor/simd/kernels.h"
#include "tensor/thread_pool.h"

namespace attune::optim {
namespace {

constexpr Index chunk = 8192;  // numbers; fixed, so that sums do not depend on the number of threads

double norm_of(const std::string& op, const std::vector<nn::NamedParameter>& parameters) {
  double sum = 0;
  for (const nn::NamedParameter& parameter : parameters) {
    if (!detail::has_gradient(parameter)) continue;
    const Tensor gradient = contiguous(parameter.cell->leaf->gradient);
    const Scalar* g = gradient.data();
    sum += parallel_reduce(
        gradient.elements(), chunk, 0.0,
        [&](Index begin, Index end) {
          return kernels().sum_of_squares(g + begin, static_cast<std::size_t>(end - begin));
        },
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

namespace {

// √(Σ x²) of several tensors, scaled by the largest so that no square leaves the range of numbers.
class Norm {
 public:
  void add(const Tensor& x) {
    for (const Scalar number : x.values()) {
      const double size = std::abs(static_cast<double>(number));
      if (!std::isfinite(size)) {
        nan_ |= std::isnan(size);
        infinite_ = true;
      } else if (size > largest_) {
        sum_ = 1 + sum_ * (largest_ / size) * (largest_ / size);
        largest_ = size;
      } else if (size > 0) {
        sum_ += (size / largest_) * (size / largest_);
      }
    }
  }
  double value() const { return nan_ ? NAN : infinite_ ? INFINITY : largest_ * std::sqrt(sum_); }

 private:
  double largest_ = 0, sum_ = 0;
  bool nan_ = false, infinite_ = false;
};

// The end of a name that is too long: layers differ there.
std::string shortened(const std::string& name, std::size_t width) {
  return name.size() <= width ? name : "…" + name.substr(name.size() - (width - 1));
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

struct Row {
  std::string layer;
  Index numbers = 0;
  Norm weights, gradients;
  bool any_gradient = false;
  std::vector<std::string> members, frozen, none, zero, bad_weights, bad_gradients;

  void add(const nn::NamedParameter& parameter) {
    const std::size_t dot = parameter.name.rfind('.');
    const std::string member = dot == std::string::npos ? parameter.name : parameter.name.substr(dot + 1);
    const Tensor& value = parameter.cell->value;
    members.push_back(member);
    numbers += value.elements();
    weights.add(value);
    if (any_non_finite(value)) bad_weights.push_back(member);
    if (parameter.cell->frozen) return frozen.push_back(member);
    const Tensor& gradient = parameter.cell->leaf->gradient;
    if (!gradient.defined()) return none.push_back(member);
    any_gradient = true;
    Norm own;
    own.add(gradient);
    gradients.add(gradient);
    if (any_non_finite(gradient)) bad_gradients.push_back(member);
    if (own.value() == 0 && gradient.elements() > 0) zero.push_back(member);
  }

  std::string remark() const {
    std::string text;
    const auto say = [&](const std::string& what, const std::vector<std::string>& which) {
      if (which.empty()) return;
      text += (text.empty() ? "" : "; ") + what;
      if (which.size() < members.size()) text += ": " + joined(which);
    };
    say("weights not finite", bad_weights);
    say("gradient not finite", bad_gradients);
    say("zero", zero);
    say("no gradient", none);
    say("frozen", frozen);
    return text;
  }

  std::string line(std::size_t name_width) const {
    const std::string name = shortened(layer, name_width);
    const std::size_t columns = name.size() > name_width ? name.size() - 2 : name.size();  // … is three bytes
    char count[32];
    std::snprintf(count, sizeof count, "%11lld", static_cast<long long>(numbers));
    std::string text = name + std::string(name_width - columns, ' ') + count + cell(weights.value(), 10, 3);
    if (any_gradient) {
      text += cell(gradients.value(), 10, 3);
      text += weights.value() > 0 ? cell(gradients.value() / weights.value(), 9, 2) : "        -";
    } else {
      text += "         -        -";
    }
    if (const std::string said = remark(); !said.empty()) text += "  " + said;
    return text + "\n";
  }

 private:
  // NaN has a sign, which says nothing and differs from machine to machine.
  static std::string cell(double number, int width, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, "%*.*g", width, digits,
                  std::isnan(number) ? static_cast<double>(NAN) : number);
    return text;
  }
};

}  // namespace

std::string gradient_table(const std::vector<nn::NamedParameter>& parameters) {
  constexpr std::size_t longest_name = 44;
  std::vector<Row> rows;
  Row whole;
  whole.layer = "whole model";
  for (const nn::NamedParameter& parameter : parameters) {
    const std::size_t dot = parameter.name.rfind('.');
    const std::string layer = dot == std::string::npos ? "(model)" : parameter.name.substr(0, dot);
    auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.layer == layer; });
    if (row == rows.end()) {
      row = rows.insert(rows.end(), Row());
      row->layer = layer;
    }
    row->add(parameter);
    whole.numbers += parameter.cell->value.elements();
    whole.weights.add(parameter.cell->value);
    if (!detail::has_gradient(parameter)) continue;
    whole.gradients.add(parameter.cell->leaf->gradient);
    whole.any_gradient = true;
  }
  std::size_t width = std::string("whole model").size();
  for (const Row& row : rows) width = std::max(width, std::min(longest_name, row.layer.size()));
  char header[128];
  std::snprintf(header, sizeof header, "%-*s%11s%10s%10s%9s\n", static_cast<int>(width), "layer", "numbers",
                "weights", "gradients", "ratio");
  std::string text = header;
  for (const Row& row : rows) text += row.line(width);
  return text + whole.line(width);
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
