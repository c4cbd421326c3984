// Every operation and every layer against PyTorch's float64 results, recorded by record_operations.py beside
// this file; and what PyTorch refuses is refused here. With ATTUNE_ORACLE_CASES in the environment the cases
// of that file are taken instead, which is how live.py tries new ones.

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <set>

#include "tests/oracle/rows.h"
#include "tests/support/measured.h"
#include "tests/support/operations.h"

using namespace attune;
using namespace attune::oracle;
using attune::testing::measured;

namespace {

constexpr bool in_double = sizeof(Scalar) == 8;
constexpr const char* precision = in_double ? "double" : "float";
constexpr double value_bar = in_double ? 1e-12 : 1e-5;
constexpr double gradient_bar = in_double ? 1e-9 : 1e-4;

std::vector<Case> all_cases() {
  if (const char* path = std::getenv("ATTUNE_ORACLE_CASES")) return read_cases(path);
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(ATTUNE_SOURCE_DIR "/tests/oracle/cases"))
    if (entry.path().extension() == ".safetensors") files.insert(entry.path());
  std::vector<Case> cases;
  for (const std::filesystem::path& file : files)
    for (Case& c : read_cases(file)) cases.push_back(std::move(c));
  return cases;
}

// ---- comparing

// How far numbers are from PyTorch's, and where most.
struct Difference {
  double error = 0;
  std::string where;
};

std::string element(std::size_t i, double actual, double expected) {
  std::ostringstream text;
  text.precision(9);
  text << "element " << i << " is " << actual << ", PyTorch's is " << expected;
  return text.str();
}

// Infinities and NaN must be where PyTorch has them.
bool alike(double actual, double expected) {
  if (std::isfinite(expected)) return std::isfinite(actual);
  return std::isnan(expected) ? std::isnan(actual) : actual == expected;
}

// The worst element's error, relative to the larger of its size and 1.
Difference value_difference(const Tensor& actual, const Tensor& expected) {
  Difference worst;
  const std::vector<Scalar> a = actual.values();
  const std::vector<Scalar> e = expected.values();
  for (std::size_t i = 0; i < e.size(); ++i) {
    const auto left = static_cast<double>(a[i]);
    const auto right = static_cast<double>(e[i]);
    double error = 0;
    if (!alike(left, right)) {
      error = INFINITY;
    } else if (std::isfinite(right)) {
      error = std::abs(left - right) / std::max(1.0, std::abs(right));
    }
    if (error > worst.error) worst = {error, element(i, left, right)};
  }
  return worst;
}

double norm(const Tensor& x) {
  double squares = 0;
  for (const Scalar value : x.values())
    if (std::isfinite(value)) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares);
}

// The norm of the difference, relative to `scale`.
Difference gradient_difference(const Tensor& actual, const Tensor& expected, double scale) {
  Difference result;
  double squares = 0;
  double largest = 0;
  const std::vector<Scalar> a = actual.values();
  const std::vector<Scalar> e = expected.values();
  for (std::size_t i = 0; i < e.size(); ++i) {
    const auto left = static_cast<double>(a[i]);
    const auto right = static_cast<double>(e[i]);
    if (!alike(left, right)) return {INFINITY, element(i, left, right)};
    const double off = std::isfinite(right) ? std::abs(left - right) : 0;
    squares += off * off;
    if (off > largest) {
      largest = off;
      result.where = element(i, left, right);
    }
  }
  if (squares > 0) result.error = std::sqrt(squares) / scale;
  return result;
}

// Some true gradients are zero (that of a key's bias, that of a saturated softmax), hence the floor: a
// thousandth of all gradients, the result's own among them.
double scale_of(const Case& c, const Leaf& leaf) {
  double squares = std::pow(norm(c.cotangent), 2);
  for (const Leaf& other : c.leaves)
    if (other.wants_gradient) squares += std::pow(norm(other.gradient), 2);
  return std::max(norm(leaf.gradient), 1e-3 * std::sqrt(squares));
}

// ---- running

Variable run(const Case& c, const Variables& leaves) {
  Variables operands;
  for (const Operand& operand : c.operands) operands.push_back(seen(leaves[operand.leaf], operand.views));
  Call call{operands, c.attributes};
  for (std::size_t i = c.leaves.size(); i-- > 0 && c.leaves[i].name != "x" + std::to_string(i);)
    call.parameters[c.leaves[i].name] = leaves[i];
  return rows().at(c.operation)(call);
}

Variables leaves_of(const Case& c) {
  Variables leaves;
  for (const Leaf& leaf : c.leaves)
    leaves.push_back(leaf.wants_gradient ? tracked(leaf.value) : Variable(leaf.value));
  return leaves;
}

// The names of all operations in a result's history.
void gather_names(const Variable& y, std::set<std::string>& names) {
  std::set<const Node*> met;
  std::vector<NodeHandle> open{y.node()};
  while (!open.empty()) {
    const NodeHandle node = open.back();
    open.pop_back();
    if (!node || !met.insert(node.get()).second) continue;
    names.insert(node->op);
    open.insert(open.end(), node->parents.begin(), node->parents.end());
  }
}

// What a run over many cases has found.
struct Report {
  int cases = 0, failed = 0, own_reference = 0;
  std::set<std::string> operations;
  std::set<std::string> recorded;  // names given to record()
  Difference value, gradient;      // the worst, and in which case

  void fail(const Case& c, const std::string& what) {
    ++failed;
    FAIL_CHECK(describe(c), ": ", what);
    if (std::getenv("ATTUNE_ORACLE_CASES")) std::printf("oracle failed: %s\n", c.name.c_str());
  }

  void compare(const Case& c) {
    ++cases;
    operations.insert(c.operation);
    if (!c.note.empty()) ++own_reference;
    try {
      if (const std::optional<std::string> wrong = difference(c)) fail(c, *wrong);
    } catch (const std::exception& error) {
      fail(c, error.what());
    }
  }

 private:
  std::optional<std::string> difference(const Case& c) {
    const Variables leaves = leaves_of(c);
    const Variable y = run(c, leaves);
    gather_names(y, recorded);
    std::ostringstream text;
    if (!(y.shape() == c.result.shape())) {
      text << "the result is " << y.shape() << ", PyTorch's is " << c.result.shape();
      return text.str();
    }
    const Difference off = value_difference(y.value(), c.result);
    if (!(off.error <= value.error)) value = {off.error, describe(c)};
    if (!(off.error <= value_bar)) {
      text << "the value is off by " << off.error << ", more than " << value_bar << ": " << off.where;
      return text.str();
    }

    // Gradients that could be differentiated once more take another way than those that could not.
    std::vector<std::size_t> wanted;
    Variables xs;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      if (!leaves[i].requires_gradient()) continue;
      wanted.push_back(i);
      xs.push_back(leaves[i]);
    }
    for (const bool record : {true, false}) {
      const Variables found = gradients(y, xs, c.cotangent, {.record = record});
      for (std::size_t i = 0; i < xs.size(); ++i) {
        const Leaf& leaf = c.leaves[wanted[i]];
        if (!(found[i].shape() == leaf.gradient.shape())) {
          text << "the gradient of " << leaf.name << " is " << found[i].shape();
          return text.str();
        }
        const Difference wrong = gradient_difference(found[i].value(), leaf.gradient, scale_of(c, leaf));
        if (!(wrong.error <= gradient.error)) gradient = {wrong.error, leaf.name + " of " + describe(c)};
        if (!(wrong.error <= gradient_bar)) {
          text << "the " << (record ? "recorded " : "") << "gradient of " << leaf.name << " is off by "
               << wrong.error << ", more than " << gradient_bar << ": " << wrong.where;
          return text.str();
        }
      }
    }
    return std::nullopt;
  }
};

Report compare_all() {
  Report report;
  for (const Case& c : all_cases())
    if (c.refused.empty()) report.compare(c);
  return report;
}

// ---- refusing

// The type of an Error as the cases name it.
std::string type_of(const Error& error) {
  if (dynamic_cast<const ShapeError*>(&error)) return "ShapeError";
  if (dynamic_cast<const IndexError*>(&error)) return "IndexError";
  if (dynamic_cast<const ValueError*>(&error)) return "ValueError";
  if (dynamic_cast<const GraphError*>(&error)) return "GraphError";
  return "";  // no type of its own
}

// What happens instead of the error that a case wants ("Error": any of a type of its own); nothing, if that
// is what happens.
std::optional<std::string> not_refused(const Case& c) {
  try {
    run(c, leaves_of(c));
  } catch (const Error& error) {
    const std::string type = type_of(error);
    const bool any = c.refused == "Error" && !type.empty();
    if (any || type == c.refused) return std::nullopt;
    return "it must be refused with a typed " + c.refused + ", not with \"" + type + "\": " + error.what();
  } catch (const std::exception& error) {
    return std::string("it is refused with a foreign exception: ") + error.what();
  }
  return "it must be refused with a " + c.refused + ", and is not";
}

// What all recorded files take together, in bytes.
std::uintmax_t recorded_bytes() {
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(ATTUNE_SOURCE_DIR "/tests/oracle"))
    if (entry.path().extension() == ".safetensors") bytes += entry.file_size();
  return bytes;
}

// Recorded names that no case can have.
const std::map<std::string, std::string> without_counterpart = {};  // name: why PyTorch has no counterpart

}  // namespace

TEST_CASE("oracle: values and gradients of every operation and layer are PyTorch's") {
  const Report report = compare_all();
  CHECK(report.cases > 0);
  measured(
      "oracle (%s): %d cases of %zu operations and layers, %d of them with a reference of our own, %d off",
      precision, report.cases, report.operations.size(), report.own_reference, report.failed);
  measured("oracle (%s): worst value error %.2g (at most %.0e), %s", precision, report.value.error, value_bar,
           report.value.where.c_str());
  measured("oracle (%s): worst gradient error %.2g (at most %.0e), %s", precision, report.gradient.error,
           gradient_bar, report.gradient.where.c_str());
}

TEST_CASE("oracle: what PyTorch refuses is refused, with a typed error") {
  std::map<std::string, int> refused;
  int cases = 0;
  std::set<std::string> operations;
  for (const Case& c : all_cases()) {
    if (c.refused.empty()) continue;
    ++cases;
    operations.insert(c.operation);
    ++refused[c.refused];
    if (const std::optional<std::string> wrong = not_refused(c)) {
      FAIL_CHECK(describe(c), ": ", *wrong);
      if (std::getenv("ATTUNE_ORACLE_CASES")) std::printf("oracle failed: %s\n", c.name.c_str());
    }
  }
  std::string types;
  for (const auto& [type, count] : refused)
    types += (types.empty() ? "" : ", ") + type + " " + std::to_string(count);
  measured("oracle (%s): %d refused cases of %zu operations and layers: %s", precision, cases,
           operations.size(), types.c_str());
}

TEST_CASE("oracle: every operation has cases, every case an operation, and all fit in 5 MB") {
  if (std::getenv("ATTUNE_ORACLE_CASES")) return;
  CHECK(recorded_bytes() <= 5'000'000);
  std::map<std::string, int> counts;
  std::set<std::string> recorded;
  for (const Case& c : all_cases()) {
    CHECK_MESSAGE(rows().contains(c.operation), c.name, ": no row in rows.h calls ", c.operation);
    if (!c.refused.empty() || !rows().contains(c.operation)) continue;
    ++counts[c.operation];
    gather_names(run(c, leaves_of(c)), recorded);
  }
  for (const auto& row : rows())
    CHECK_MESSAGE(counts[row.first] >= 16, "the row ", row.first, " has ", counts[row.first],
                  " cases: draw.py must have it too");
  for (const char* folder : {"autograd", "nn"})
    for (const std::string& name : attune::testing::names_in_sources(folder))
      CHECK_MESSAGE(
          (recorded.contains(name) || without_counterpart.contains(name)), "record(\"", name,
          "\") is met in no case: give it a row, cases, or a reason why PyTorch has no counterpart");
  for (const auto& excused : without_counterpart)
    CHECK_MESSAGE(!recorded.contains(excused.first), excused.first, " has cases after all: ", excused.second);
}
