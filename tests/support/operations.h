#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "autograd/check.h"
#include "autograd/elementwise.h"
#include "autograd/views.h"
#include "tensor/elementwise.h"
#include "tensor/random.h"
#include "tests/support/array.h"
#include "tests/support/measured.h"

// The table of operations, and what is tested of each of its rows:
//
//   check_values             the numbers equal those of a naive twin in double; recording changes no bit
//   check_extremes           far out, where a careless formula overflows or loses its digits, they do as well
//   check_first_gradients    backward equals the difference quotients
//   check_gradients_twice    so do the gradients of the gradients
//   check_fused_gradients    a gradient that can be differentiated equals the one that cannot
//   check_spoiled_gradients  the check would have caught a wrong pullback, spoiled in three ways
//
// A folder with operations or layers of its own makes a vector of rows and calls `check_operations(rows)` in
// a test.

namespace attune::testing {

/// How an operand lies in memory. Operations must not care.
enum class Layout {
  plain,
  transposed,  // the last two axes exchanged
  sliced,      // every second number of the last axis, from the second on; and not from the first row on
  repeated,    // its first axis is one row seen many times
};

struct Operand {
  Sizes sizes;
  Layout layout = Layout::plain;
};

struct Case {
  std::vector<Operand> operands;
  bool shared = false;  // one tensor is all the operands
};

struct Range {
  double low = -2;
  double high = 2;
};

struct Operation {
  std::string name;     // what a failure is reported under
  std::string records;  // the name that the operation gives to record(); empty for what is composed of others
  std::function<Variable(const std::vector<Variable>&)> f;
  std::function<Array(const std::vector<Array>&)> twin;
  std::vector<Case> cases;
  /// Where each operand's numbers come from; the last range serves the operands after it as well.
  std::vector<Range> ranges = {{}};
  /// All numbers differ from each other and from 0 by more than any step of a difference quotient: for kinks.
  bool distinct = false;
  /// For an operation of one operand, element by element: points at which a careless formula would overflow
  /// or lose its digits. There the value must equal the twin's (which must be careful itself) in relative
  /// terms, and the gradient must not be NaN.
  std::vector<double> extremes = {};
  /// In float the difference quotient itself is inexact; some operations need more room. Double never does.
  double float_tolerance = 1e-3;
};

inline std::string describe(const Operation& operation, const Case& c) {
  std::ostringstream text;
  text << operation.name << " of ";
  const char* between = "";
  for (const Operand& operand : c.operands) {
    static const char* const layouts[] = {"", " transposed", " sliced", " repeated"};
    text << between << shape_of(operand.sizes) << layouts[static_cast<int>(operand.layout)];
    between = " and ";
  }
  if (c.shared) text << ", one tensor for all";
  return text.str();
}

/// The sizes of the tensor that an operand is a view of.
inline Sizes base_sizes(const Operand& operand) {
  Sizes sizes = operand.sizes;
  switch (operand.layout) {
    case Layout::plain:
      break;
    case Layout::transposed:
      std::swap(sizes.at(sizes.size() - 1), sizes.at(sizes.size() - 2));
      break;
    case Layout::sliced:
      sizes.back() = 2 * sizes.back() + 1;
      if (sizes.size() > 1) ++sizes.front();
      break;
    case Layout::repeated:
      sizes.at(0) = 1;
      break;
  }
  return sizes;
}

/// That view, of a Tensor or of a Variable.
template <class T>
T seen(const T& base, const Operand& operand) {
  switch (operand.layout) {
    case Layout::plain:
      return base;
    case Layout::transposed:
      return transpose(base);
    case Layout::sliced: {
      const T columns = slice(base, -1, 1, base.size(-1), 2);
      return base.rank() > 1 ? slice(columns, 0, 1, base.size(0)) : columns;
    }
    case Layout::repeated:
      return broadcast_to(base, shape_of(operand.sizes));
  }
  return base;
}

/// The tensors that the operands of a case are views of, with the same numbers at every call.
inline std::vector<Tensor> bases(const Operation& operation, const Case& c) {
  std::mt19937 engine(static_cast<std::mt19937::result_type>(operation.name.size() * 31 + c.operands.size()));
  const std::size_t count = c.shared ? 1 : c.operands.size();
  std::vector<double> grid;
  if (operation.distinct) {
    Index total = 0;
    for (std::size_t i = 0; i < count; ++i) total += product(base_sizes(c.operands[i]));
    for (Index i = 0; i < total; ++i) grid.push_back((static_cast<double>(i - total / 2) + 0.5) * 0.125);
    std::shuffle(grid.begin(), grid.end(), engine);
  }
  std::vector<Tensor> result;
  for (std::size_t i = 0; i < count; ++i) {
    const Sizes sizes = base_sizes(c.operands[i]);
    if (operation.distinct) {
      Array numbers(sizes);
      for (double& number : numbers.values) {
        number = grid.back();
        grid.pop_back();
      }
      result.push_back(tensor_of(numbers));
    } else {
      const Range range = operation.ranges[std::min(i, operation.ranges.size() - 1)];
      result.push_back(random_tensor(sizes, engine, range.low, range.high));
    }
  }
  return result;
}

/// The operation as a function of those tensors.
inline Function of_bases(const Operation& operation, const Case& c) {
  return [&operation, &c](const std::vector<Variable>& leaves) {
    std::vector<Variable> operands;
    for (std::size_t i = 0; i < c.operands.size(); ++i)
      operands.push_back(seen(leaves[c.shared ? 0 : i], c.operands[i]));
    return operation.f(operands);
  };
}

inline std::vector<Variable> tracked_all(const std::vector<Tensor>& tensors) {
  std::vector<Variable> leaves;
  for (const Tensor& x : tensors) leaves.push_back(tracked(x));
  return leaves;
}

/// The weights that stand for what comes after the operation.
inline Tensor cotangent(const Shape& shape) {
  Rng rng(1);
  return uniform(shape, -1, 1, rng);
}

inline GradientCheckOptions check_options(const Operation& operation) {
  GradientCheckOptions options;
  if (sizeof(Scalar) == 4) options.tolerance = operation.float_tolerance;
  return options;
}

template <class Body>
void for_each_case(const std::vector<Operation>& operations, const Body& body) {
  for (const Operation& operation : operations) {
    for (const Case& c : operation.cases) {
      INFO(describe(operation, c));
      body(operation, c);
    }
  }
}

/// One line of figures about a table of rows.
inline void report(const char* what, const std::vector<Operation>& operations, int cases, double worst,
                   const std::string& worst_case) {
  const char* first = operations.empty() ? "" : operations.front().name.c_str();
  const char* last = operations.empty() ? "" : operations.back().name.c_str();
  measured("%s, %s to %s (%s): %d cases, worst %.2g%s%s", what, first, last,
           sizeof(Scalar) == 8 ? "double" : "float", cases, worst, worst_case.empty() ? "" : " at ",
           worst_case.substr(0, 80).c_str());
}

inline void check_values(const std::vector<Operation>& operations) {
  int cases = 0;
  double worst = 0;
  std::string worst_case;
  for_each_case(operations, [&](const Operation& operation, const Case& c) {
    const std::vector<Tensor> inputs = bases(operation, c);
    std::vector<Array> arrays;
    std::vector<Variable> constants;
    for (std::size_t i = 0; i < c.operands.size(); ++i) {
      constants.emplace_back(seen(inputs[c.shared ? 0 : i], c.operands[i]));
      arrays.push_back(array_of(constants.back().value()));
    }
    const Tensor y = operation.f(constants).value();
    const double off = difference(array_of(y), operation.twin(arrays));
    CHECK_MESSAGE(off <= value_tolerance, "the value differs from its twin's by ", off);
    if (off > worst) {
      worst = off;
      worst_case = describe(operation, c);
    }
    const Variable recorded = of_bases(operation, c)(tracked_all(inputs));
    CHECK_MESSAGE(recorded.requires_gradient(), "it is not recorded");
    CHECK_MESSAGE(array_of(recorded.value()).values == array_of(y).values, "recording changes the value");
    ++cases;
  });
  report("values against naive twins", operations, cases, worst, worst_case);
}

inline void check_extremes(const std::vector<Operation>& operations) {
  const double tolerance = sizeof(Scalar) == 8 ? 1e-12 : 1e-5;
  for (const Operation& operation : operations) {
    for (const double point : operation.extremes) {
      const Variable x = tracked(Tensor(static_cast<Scalar>(point)));
      const Variable y = operation.f({x});
      const double value = static_cast<double>(y.item());
      const double wanted = operation.twin({array_of(x.value())}).values.at(0);
      // What is too large for a Scalar is infinite; what is too small may be 0.
      const bool same =
          value == static_cast<double>(static_cast<Scalar>(wanted)) ||
          std::abs(value - wanted) <=
              tolerance * std::abs(wanted) + static_cast<double>(std::numeric_limits<Scalar>::min());
      CHECK_MESSAGE(same, operation.name, " of ", point, " gives ", value, " and should give ", wanted);
      const double gradient = static_cast<double>(gradients(y, {x})[0].item());
      CHECK_MESSAGE(!std::isnan(gradient), operation.name, " has the gradient nan at ", point);
    }
  }
}

inline void check_first_gradients(const std::vector<Operation>& operations) {
  int cases = 0;
  double worst = 0;
  std::string worst_case;
  for_each_case(operations, [&](const Operation& operation, const Case& c) {
    const GradientCheck check =
        check_gradients(of_bases(operation, c), bases(operation, c), check_options(operation));
    CHECK_MESSAGE(check.passed, check.sentence);
    if (check.worst > worst) {
      worst = check.worst;
      worst_case = describe(operation, c);
    }
    ++cases;
  });
  report("gradients against difference quotients", operations, cases, worst, worst_case);
}

inline void check_gradients_twice(const std::vector<Operation>& operations) {
  int cases = 0;
  double worst = 0;
  std::string worst_case;
  for_each_case(operations, [&](const Operation& operation, const Case& c) {
    const GradientCheck check =
        check_second_gradients(of_bases(operation, c), bases(operation, c), check_options(operation));
    CHECK_MESSAGE(check.passed, check.sentence);
    if (check.worst > worst) {
      worst = check.worst;
      worst_case = describe(operation, c);
    }
    ++cases;
  });
  report("gradients of gradients against difference quotients", operations, cases, worst, worst_case);
}

inline void check_fused_gradients(const std::vector<Operation>& operations) {
  int cases = 0;
  double worst = 0;
  std::string worst_case;
  for_each_case(operations, [&](const Operation& operation, const Case& c) {
    const std::vector<Variable> leaves = tracked_all(bases(operation, c));
    const Variable y = of_bases(operation, c)(leaves);
    const Tensor dy = cotangent(y.shape());
    const std::vector<Variable> composed = gradients(y, leaves, dy, {.record = true});
    const std::vector<Variable> fused = gradients(y, leaves, dy);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const double off = difference(array_of(fused[i].value()), array_of(composed[i].value()));
      CHECK_MESSAGE(off <= 2 * value_tolerance, "the recorded gradient of operand ", i, " differs by ", off);
      if (off > worst) {
        worst = off;
        worst_case = describe(operation, c);
      }
    }
    ++cases;
  });
  report("fused gradients against composed ones", operations, cases, worst, worst_case);
}

// ---- spoiling

enum class Spoil {
  scaled,     // by 1.01
  flipped,    // in sign
  unreduced,  // of an operand that was broadcast: the gradient of one copy instead of the sum over all
};

inline double norm_of(const Array& x) {
  double sum = 0;
  for (const double value : x.values) sum += value * value;
  return std::sqrt(sum);
}

/// dy with only the first of the copies left that broadcasting a parent has made; undefined where it made
/// none.
inline Tensor first_copy_only(const Tensor& dy, const Shape& parent) {
  Array kept = array_of(dy);
  const int added = dy.rank() - parent.rank();
  if (added < 0) return {};
  bool broadcast = false;
  std::vector<bool> repeated(static_cast<std::size_t>(dy.rank()));
  for (int axis = 0; axis < dy.rank(); ++axis) {
    const Index size = axis < added ? 1 : parent[axis - added];
    if (size != 1 && size != dy.size(axis)) return {};
    repeated[static_cast<std::size_t>(axis)] = size != dy.size(axis) || axis < added;
    if (repeated[static_cast<std::size_t>(axis)] && dy.size(axis) > 1) broadcast = true;
  }
  if (!broadcast) return {};
  for (Index i = 0; i < kept.elements(); ++i) {
    const Sizes position = kept.position(i);
    for (std::size_t axis = 0; axis < position.size(); ++axis)
      if (repeated[axis] && position[axis] > 0) kept[i] = 0;
  }
  return tensor_of(kept);
}

/// Spoils the gradient of one parent of one node in a backward pass, and says whether that can be noticed.
class Spoiler {
 public:
  Spoiler(const Operation& operation, std::size_t parent, Spoil how)
      : tap_([this, &operation, parent, how](const Node& node, const Variable& dy, Gradients& parts) {
          // What is composed has no name of its own: then it is the operation that makes the result.
          if (done_ || (operation.records.empty() ? false : operation.records != node.op)) return;
          done_ = true;
          parents_ = parts.size();
          if (parent >= parts.size() || !node.parents[parent] || !parts[parent].defined()) return;
          const Tensor right = parts[parent].value().value();
          Tensor wrong;
          if (how == Spoil::scaled) wrong = right * Scalar(1.01);
          if (how == Spoil::flipped) wrong = -right;
          if (how == Spoil::unreduced) {
            const Tensor one = first_copy_only(dy.value(), node.parents[parent]->shape);
            if (!one.defined() || parts[parent].kind() != Gradient::Kind::whole) return;
            wrong = node.pullback(one, node.output.defined() ? Variable(node.output) : Variable())[parent]
                        .value()
                        .value();
          }
          double all = 0;
          for (const Gradient& part : parts)
            if (part.defined()) all = std::max(all, norm_of(array_of(part.value().value())));
          const double norm = norm_of(array_of(right));
          // A hundredth of it must be more than rounding leaves of a difference quotient.
          constexpr double visible = sizeof(Scalar) == 8 ? 1e-6 : 0.1;
          noticeable_ =
              norm > visible && norm > 0.01 * all && norm_of(array_of(wrong - right)) > 0.005 * norm;
          parts[parent] = parts[parent].with_value(Variable(wrong));
        }) {}

  bool noticeable() const { return noticeable_; }
  std::size_t parents() const { return parents_; }

 private:
  bool done_ = false;
  bool noticeable_ = false;
  std::size_t parents_ = 0;
  detail::PullbackTap tap_;
};

/// The gradients of a case's leaves.
inline std::vector<Array> leaf_gradients(const Operation& operation, const Case& c,
                                         const std::vector<Tensor>& inputs) {
  const std::vector<Variable> leaves = tracked_all(inputs);
  const Variable y = of_bases(operation, c)(leaves);
  std::vector<Array> result;
  for (const Variable& gradient : gradients(y, leaves, cotangent(y.shape())))
    result.push_back(array_of(gradient.value()));
  return result;
}

/// True when a spoiled gradient inside a composed operation gets as far as its leaves. It may come to nothing
/// on the way: the derivative of a softmax of a single number is zero, whatever arrives.
inline bool reaches_leaves(const Operation& operation, const Case& c, const std::vector<Tensor>& inputs,
                           std::size_t parent, Spoil how) {
  const std::vector<Array> right = leaf_gradients(operation, c, inputs);
  const Spoiler spoiler(operation, parent, how);
  const std::vector<Array> wrong = leaf_gradients(operation, c, inputs);
  for (std::size_t i = 0; i < right.size(); ++i)
    if (norm_of(zip(right[i], wrong[i], [](double a, double b) { return a - b; })) >
        0.005 * norm_of(right[i]))
      return true;
  return false;
}

inline void check_spoiled_gradients(const std::vector<Operation>& operations) {
  constexpr int enough = 3;  // cases of a row for each parent and each way
  int caught[3] = {};
  for (const Operation& operation : operations) {
    std::map<std::pair<std::size_t, Spoil>, int> noticed;
    std::size_t parents = 1;
    Index elements_in_all = 0;
    bool interesting = false;
    for (const Case& c : operation.cases) {
      INFO(describe(operation, c));
      const std::vector<Tensor> inputs = bases(operation, c);
      Index elements = 0;
      for (const Tensor& input : inputs) elements += input.elements();
      if (elements > 60 || c.shared) continue;
      elements_in_all += elements;
      for (std::size_t parent = 0; parent < parents; ++parent) {
        for (const Spoil how : {Spoil::scaled, Spoil::flipped, Spoil::unreduced}) {
          if (noticed[{parent, how}] == enough) continue;
          const Spoiler spoiler(operation, parent, how);
          const GradientCheck check =
              check_gradients(of_bases(operation, c), inputs, check_options(operation));
          parents = std::max(parents, spoiler.parents());
          if (!spoiler.noticeable()) continue;
          if (operation.records.empty() && !reaches_leaves(operation, c, inputs, parent, how)) continue;
          interesting = true;
          static const std::string ways[] = {"scaled by 1.01", "with its sign flipped",
                                             "of one copy instead of all"};
          CHECK_MESSAGE(!check.passed, "the gradient of parent ", parent, " ", ways[static_cast<int>(how)],
                        " was not noticed: error ", check.worst);
          ++noticed[{parent, how}];
          ++caught[static_cast<int>(how)];
        }
      }
    }
    CHECK_MESSAGE((interesting || elements_in_all == 0), operation.name,
                  ": none of its cases has a gradient that could be spoiled");
  }
  MESSAGE("spoiled gradients: ", caught[0], " scaled, ", caught[1], " flipped, ", caught[2],
          " without their reduction");
}

inline void check_operations(const std::vector<Operation>& operations) {
  SUBCASE("values equal the twins'") {
    check_values(operations);
    check_extremes(operations);
  }
  SUBCASE("gradients equal difference quotients") {
    check_first_gradients(operations);
  }
  SUBCASE("so do gradients of gradients") {
    check_gradients_twice(operations);
  }
  SUBCASE("fused gradients equal the composed ones") {
    check_fused_gradients(operations);
  }
  SUBCASE("spoiled gradients are caught") {
    check_spoiled_gradients(operations);
  }
}

// ---- completeness

/// The names that the operations really give to record().
inline std::set<std::string> names_recorded(const std::vector<Operation>& operations) {
  std::set<std::string> names;
  for (const Operation& operation : operations) {
    for (const Case& c : operation.cases) {
      std::vector<NodeHandle> open{of_bases(operation, c)(tracked_all(bases(operation, c))).node()};
      while (!open.empty()) {
        const NodeHandle node = open.back();
        open.pop_back();
        if (!node) continue;
        names.insert(node->op);
        open.insert(open.end(), node->parents.begin(), node->parents.end());
      }
    }
  }
  return names;
}

/// The names in `record("name"` and `extremum("name"` in the sources of a folder.
inline std::set<std::string> names_in_sources(const std::string& folder) {
  std::set<std::string> names;
  const std::regex call("\\b(record|extremum)\\(\\s*\"([^\"]+)\"");
  for (const auto& file :
       std::filesystem::directory_iterator(std::filesystem::path(ATTUNE_SOURCE_DIR) / folder)) {
    if (file.path().extension() != ".cpp") continue;
    std::ifstream in(file.path());
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    for (std::sregex_iterator at(text.begin(), text.end(), call), end; at != end; ++at)
      names.insert((*at)[2]);
  }
  return names;
}

}  // namespace attune::testing
