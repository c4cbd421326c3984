#include EXERCISE

#include <doctest/doctest.h>

#include <string>

namespace {

bool close(double a, double b) {
  return std::abs(a - b) < 1e-9;
}

// What a wrong result looks like; `otherwise` where it looks like nothing known.
std::string why(double got, double wanted, const std::string& otherwise = "") {
  if (std::isnan(got))
    return ". Not a number: 0 · ln 0 is. Is a count divided by a count, as whole numbers? 1 / 4 is 0: make "
           "doubles "
           "of them first. Or does a class take part that never occurs?";
  if (close(got, wanted / std::log(2.0))) return ". That is in bits: take the natural logarithm.";
  if (close(got, -wanted)) return ". That is its negative: logarithms of shares are below 0.";
  return otherwise;
}

}  // namespace

TEST_CASE("equally frequent classes: ln V, what a model pays that knows nothing") {
  const double got = entropy_of_labels(Indices({2, 4}, {0, 1, 2, 3, 3, 2, 1, 0}), -1);
  CHECK_MESSAGE(close(got, nn::uniform_loss(4)), "four classes, two of each: wanted ln 4 = 1.386, yours is ",
                got, why(got, nn::uniform_loss(4)));
}

TEST_CASE("one half, a quarter, two eighths: the plateau of the chapter") {
  const double got = entropy_of_labels(Indices({8}, {0, 0, 0, 0, 1, 1, 2, 3}), -1);
  const double wanted = 1.75 * std::log(2.0);
  CHECK_MESSAGE(close(got, wanted), "wanted 1.213, yours is ", got, why(got, wanted));
}

TEST_CASE("what is ignored does not count, whatever its number") {
  const double got = entropy_of_labels(Indices({2, 3}, {5, 9, 0, 5, 0, 0}), 0);
  const double wanted = std::log(3.0) - 2.0 / 3 * std::log(2.0);
  CHECK_MESSAGE(
      close(got, wanted), "5, 9, 5 and three places of padding: wanted 0.637, yours is ", got,
      why(got, wanted,
          ". Padding must be in neither the counts nor the total, and a class may have any number."));
}

TEST_CASE("nothing to say, nothing to pay") {
  const double one = entropy_of_labels(Indices({3}, {7, 7, 7}), -1);
  CHECK_MESSAGE(close(one, 0), "a single class is known beforehand: wanted 0, yours is ", one,
                std::string(std::isnan(one) ? why(one, 0) : ""));
  const double none = entropy_of_labels(Indices({2}, {0, 0}), 0);
  CHECK_MESSAGE(none == 0, "no target counts: wanted 0, yours is ", none,
                std::string(std::isnan(none) ? ": 0 / 0?" : ""));
}
