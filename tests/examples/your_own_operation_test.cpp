#include "examples/your_own_operation/operations.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/support/operations.h"

using namespace attune;
using namespace attune::testing;

namespace {

using Variables = std::vector<Variable>;
using Arrays = std::vector<Array>;

std::vector<Case> shapes() {
  std::vector<Case> cases;
  for (const Sizes& sizes : std::vector<Sizes>{{1}, {2}, {3}, {5}, {8}, {17}, {0, 4}, {2, 3, 5}})
    cases.push_back({{{sizes}}});
  for (const Layout layout : {Layout::transposed, Layout::sliced, Layout::repeated})
    cases.push_back({{{{3, 4}, layout}}});
  return cases;
}

// The threshold from the scores in order: the support is the k largest, for the last k at which the smallest
// of them still gets something (Martins & Astudillo 2016, algorithm 1).
std::vector<double> sparsemax_of(const std::vector<double>& z) {
  std::vector<double> sorted = z;
  std::sort(sorted.rbegin(), sorted.rend());
  double sum = 0, threshold = 0, k = 0;
  for (const double value : sorted) {
    sum += value;
    if (value > (sum - 1) / ++k) threshold = (sum - 1) / k;
  }
  std::vector<double> p;
  for (const double value : z) p.push_back(std::max(value - threshold, 0.0));
  return p;
}

// `distinct` below gives numbers apart by multiples of 1/8. A score just at the threshold, where sparsemax
// has a kink, needs differences that add up to 1; those of multiples of 2/9 never do.
double spread(double number) {
  return number * 16 / 9;
}

}  // namespace

TEST_CASE("operations of your own equal their twins, and their gradients are right") {
  std::vector<Operation> rows;
  rows.push_back(
      {.name = "squared_relu",
       .records = "squared_relu",
       .f = [](const Variables& x) { return examples::squared_relu(x[0]); },
       .twin = [](const Arrays& x) { return map(x[0], [](double v) { return v > 0 ? v * v : 0; }); },
       .cases = shapes(),
       .distinct = true});
  rows.push_back({.name = "sparsemax",
                  .records = "sparsemax",
                  .f = [](const Variables& x) { return examples::sparsemax(x[0] * Scalar(spread(1))); },
                  .twin = [](const Arrays& x) { return each_row(map(x[0], spread), sparsemax_of); },
                  .cases = shapes(),
                  .distinct = true});
  check_operations(rows);
}

TEST_CASE("sparsemax: large scores lose no digits, minus infinity gets nothing, NaN stays in its row") {
  const Scalar infinity = std::numeric_limits<Scalar>::infinity();
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  const Tensor p =
      examples::sparsemax(tensor({{1000000, 1000000.5, 1000000.25}, {0.5, -infinity, 0}, {nan, 1, 2}}));
  const Array expected =
      array_of(tensor({{Scalar(1) / 12, Scalar(7) / 12, Scalar(4) / 12}, {0.75, 0, 0.25}}));
  CHECK(difference(array_of(slice(p, 0, 0, 2)), expected) < 1e-6);
  CHECK(any_non_finite(select(p, 0, 2)));
}

TEST_CASE("sparsemax: a gradient that is infinite outside the support goes no further") {
  const Variable z = tracked(tensor({2, 1.5, -1}));
  const Tensor dp = tensor({1, 3, std::numeric_limits<Scalar>::infinity()});
  CHECK(same_values(gradients(examples::sparsemax(z), {z}, dp)[0].value(), tensor({-1, 1, 0})));
}
