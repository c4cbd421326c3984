#include EXERCISE

#include <doctest/doctest.h>

namespace {

constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();

// Of x (rows, 2): the shape first, so that the numbers can be read.
Tensor checked(const Tensor& x) {
  const Tensor y = log_sum_exp(x);
  REQUIRE_MESSAGE(y.shape() == Shape({x.size(0)}), "the last axis goes: ", x.shape(), " becomes ",
                  Shape({x.size(0)}), ", and not ", y.shape(),
                  ". A maximum taken with keep_axis has one axis more; squeeze(m, -1) drops it");
  return y;
}

}  // namespace

TEST_CASE("of small numbers it is what the formula says") {
  const Tensor y = checked(tensor({{0, 0}, {1, 2}}));
  CHECK_MESSAGE(difference(y, tensor({Scalar(0.693147), Scalar(2.313262)})) < 1e-5, "yours is\n", y,
                "\nWhat is taken from every number must come back: ln(e^m s) = m + ln s.");
}

TEST_CASE("of large numbers too, up and down") {
  const Tensor y = checked(tensor({{1000, 1000}, {-1000, -1000}, {1000, -1000}}));
  CHECK_MESSAGE(
      difference(y, tensor({Scalar(1000.6931), Scalar(-999.3069), 1000})) < 1e-3,
      "it should be 1000.69, -999.31 and 1000; yours is\n", y,
      "\nThe largest power must be e⁰. Take each row's own maximum from it first: \"Why does softmax "
      "subtract the maximum?\" in tensor/README.md");
}

TEST_CASE("a row of -infinity gives -infinity") {
  const Tensor y = checked(tensor({{-infinity, -infinity}, {-infinity, 3}}));
  const Scalar of_none = y.at({0}), of_one = y.at({1});
  CHECK_MESSAGE(of_one == 3, "ln(0 + e³) is 3, yours is ", of_one);
  CHECK_MESSAGE(
      of_none == -infinity, "ln(0 + 0) is -infinity, yours is ", of_none,
      ". The maximum is -infinity there, and -∞ - -∞ is NaN: `where` (tensor/elementwise.h) can put another "
      "number in its place");
}
