#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "nn/visitor.h"
#include "tensor/error.h"
#include "tensor/random.h"
#include "tensor/thread_pool.h"

// What the tests of the optimisers share: a model without a forward pass, whose gradients are set by hand.

namespace attune::optim::test {

// Agreement with a naive loop in double, relative to 1.
constexpr double tolerance = sizeof(Scalar) == sizeof(double) ? 1e-13 : 2e-6;

struct SmallModel {
  nn::Parameter weight, bias;

  SmallModel() : weight(tensor({{0.5f, -1, 2}, {0.25f, 3, -0.125f}})), bias(tensor({1, -2, 0.5f})) {}
  void visit(nn::Visitor& v) { v("weight", weight), v("bias", bias); }
};

// Long enough to be shared between threads, with odd ends, a number of rank 0 and a parameter of no numbers.
struct BigModel {
  nn::Parameter matrix, vector, number, nothing;

  BigModel() {
    Rng rng(3);
    matrix = nn::Parameter(normal({301, 97}, 0, 1, rng));
    vector = nn::Parameter(normal({20003}, 0, 1, rng));
    number = nn::Parameter(normal({}, 0, 1, rng));
    nothing = nn::Parameter(zeros({0, 4}));
  }
  void visit(nn::Visitor& v) {
    v("matrix", matrix), v("vector", vector), v("number", number), v("nothing", nothing);
  }
};

inline void set_gradient(const nn::Parameter& parameter, Tensor gradient) {
  parameter.handle()->leaf->gradient = std::move(gradient);
}

// Gradients of step 1, 2, … that differ in size from step to step.
template <class Model>
void set_gradients(const Model& model, Index step) {
  Rng rng = Rng(11).at(static_cast<std::uint64_t>(step));
  for (const nn::NamedParameter& parameter : nn::named_parameters(model))
    parameter.cell->leaf->gradient =
        normal(parameter.cell->value.shape(), Scalar(0.1), static_cast<Scalar>(step), rng);
}

template <class Model>
std::vector<Scalar> all_values(const Model& model) {
  std::vector<Scalar> all;
  for (const nn::NamedParameter& parameter : nn::named_parameters(model)) {
    const std::vector<Scalar> values = parameter.cell->value.values();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

template <class Model>
std::vector<Scalar> all_gradients(const Model& model) {
  std::vector<Scalar> all;
  for (const nn::NamedParameter& parameter : nn::named_parameters(model)) {
    if (!parameter.cell->leaf->gradient.defined()) continue;
    const std::vector<Scalar> values = parameter.cell->leaf->gradient.values();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

inline double largest_difference(const std::vector<Scalar>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]) / std::max(1.0, std::abs(b[i]));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const ValueError& error) {
    return error.what();
  }
  return "no error";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The number of threads as it was, whatever a test does to it.
struct KeepThreadCount {
  int before = thread_count();
  ~KeepThreadCount() { set_thread_count(before); }
};

}  // namespace attune::optim::test
