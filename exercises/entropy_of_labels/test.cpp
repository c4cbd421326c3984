#include EXERCISE

#include <doctest/doctest.h>

namespace {

bool close(double a, double b) {
  return std::abs(a - b) < 1e-9;
}

}  // namespace

TEST_CASE("equally frequent classes: ln V, what a model pays that knows nothing") {
  const double got = entropy_of_labels(Indices({2, 4}, {0, 1, 2, 3, 3, 2, 1, 0}), -1);
  CHECK_MESSAGE(close(got, nn::uniform_loss(4)), "four classes, two of each: wanted ln 4 = 1.386, yours is ",
                got, std::string(close(got, 2) ? ". That is in bits: take the natural logarithm." : ""));
}

TEST_CASE("one half, a quarter, two eighths: the plateau of the chapter") {
  const double got = entropy_of_labels(Indices({8}, {0, 0, 0, 0, 1, 1, 2, 3}), -1);
  CHECK_MESSAGE(close(got, 1.75 * std::log(2.0)), "wanted 1.213, yours is ", got);
}

TEST_CASE("what is ignored does not count, whatever its number") {
  const double got = entropy_of_labels(Indices({2, 3}, {5, 9, 0, 5, 0, 0}), 0);
  CHECK_MESSAGE(close(got, std::log(3.0) - 2.0 / 3 * std::log(2.0)),
                "5, 9, 5 and three places of padding: wanted 0.637, yours is ", got,
                ". Padding must be in neither the counts nor the total.");
}

TEST_CASE("nothing to say, nothing to pay") {
  const double one = entropy_of_labels(Indices({3}, {7, 7, 7}), -1);
  CHECK_MESSAGE(close(one, 0), "a single class is known beforehand: wanted 0, yours is ", one);
  const double none = entropy_of_labels(Indices({2}, {0, 0}), 0);
  CHECK_MESSAGE(none == 0, "no target counts: wanted 0, yours is ", none,
                std::string(std::isnan(none) ? ": 0 / 0?" : ""));
}
