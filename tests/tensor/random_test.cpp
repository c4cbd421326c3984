#include "tensor/random.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

#include "tensor/elementwise.h"
#include "tensor/error.h"
#include "tensor/reduce.h"

using namespace attune;

namespace {

double to_double(Scalar x) {
  return static_cast<double>(x);
}

}  // namespace

TEST_CASE("random: the bits are those that the paper's authors publish") {
  // Random123's known-answer file kat_vectors, threefry2x32 with 20 rounds: counter 0 0, key 0 0.
  const Rng zero(0);
  CHECK(zero.bits(0) == 0x6b200159u);
  CHECK(zero.bits(1) == 0x99ba4efeu);
}

TEST_CASE("random: element i of a stream is the same alone, in a tensor and after others") {
  Rng rng(42);
  const Tensor all = uniform({100}, 0, 1, rng);
  Rng again(42);
  const Tensor first = uniform({37}, 0, 1, again);
  const Tensor rest = uniform({63}, 0, 1, again);
  for (Index i = 0; i < 100; ++i) {
    const Scalar alone = static_cast<Scalar>((Rng(42).bits(static_cast<std::uint64_t>(i)) >> 8) * 0x1p-24);
    CHECK(all.at({i}) == alone);
    CHECK((i < 37 ? first.at({i}) : rest.at({i - 37})) == alone);
  }
  Rng third(42);
  CHECK(third.uniform() == to_double(all.at({0})));
}

TEST_CASE(
    "random: derived generators are the same every time, differ from each other and leave their parent "
    "alone") {
  const Rng rng(7);
  std::set<std::uint64_t> seen;
  for (std::uint64_t n = 0; n < 1000; ++n) {
    const Rng child = rng.at(n);
    CHECK(child.bits(0) == rng.at(n).bits(0));
    seen.insert(std::uint64_t{child.key(0)} << 32 | child.key(1));
  }
  for (int bit = 10; bit < 64; ++bit) {
    const Rng child = rng.at(std::uint64_t{1} << bit);
    seen.insert(std::uint64_t{child.key(0)} << 32 | child.key(1));
  }
  CHECK(seen.size() == 1054);
  CHECK(rng.at(1).at(2).key(0) != rng.at(2).at(1).key(0));
  Rng one(7);
  const Rng child = one.at(3);
  CHECK(child.key(0) != one.key(0));
  CHECK(one.uniform() == Rng(7).uniform());
  CHECK(Rng(1).bits(0) != Rng(std::uint64_t{1} << 32).bits(0));  // both halves of the seed count
}

TEST_CASE("random: streams that are taken are never given twice") {
  Rng rng(1);
  CHECK(rng.next_stream() == 0);
  CHECK(rng.next_stream() == 1);
  CHECK(rng.reserve(5) == 0);
  CHECK(rng.reserve(1) == 5);
}

TEST_CASE("random: uniform numbers stay in their range and fill it evenly") {
  Rng rng(3);
  const Tensor x = uniform({100000}, -1, 3, rng);
  CHECK(min(x).item() >= -1);
  CHECK(max(x).item() < 3);
  CHECK(std::abs(to_double(mean(x).item()) - 1) < 0.02);
  CHECK(std::abs(to_double(variance(x).item()) - 16.0 / 12) < 0.02);
  std::vector<int> counts(16);
  for (const Scalar value : x.values()) ++counts[static_cast<std::size_t>((value + 1) * 4)];
  double chi_square = 0;
  for (const int count : counts) chi_square += (count - 6250.0) * (count - 6250.0) / 6250.0;
  CHECK(chi_square < 37.7);  // 15 degrees of freedom: exceeded once in a thousand
}

TEST_CASE("random: the upper end of a range is never reached, not even by rounding") {
  Rng rng(1);
  const std::uint64_t largest = 5672411;  // all 24 bits are ones: 1 + u would round to 2 in float
  REQUIRE((rng.bits(largest) >> 8) == 0xFFFFFF);
  rng.reserve(largest);
  const Scalar x = uniform({1}, 1, 2, rng).item();
  CHECK(x < 2);
  CHECK(x > Scalar(1.9999));
}

TEST_CASE("random: normal numbers have their mean, deviation and tails, also when their number is odd") {
  Rng rng(4);
  const Tensor x = normal({100001}, 2, 3, rng);
  CHECK_FALSE(any_non_finite(x));
  CHECK(std::abs(to_double(mean(x).item()) - 2) < 0.04);
  CHECK(std::abs(std::sqrt(to_double(variance(x).item())) - 3) < 0.03);
  int beyond = 0;
  for (const Scalar value : x.values()) beyond += std::abs(to_double(value) - 2) > 6;  // two deviations
  CHECK(std::abs(beyond / 100001.0 - 0.0455) < 0.003);
  CHECK(normal({0}, 0, 1, rng).elements() == 0);
}

TEST_CASE("random: below gives every number equally often, and refuses a bound of 0") {
  Rng rng(5);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[static_cast<std::size_t>(rng.below(7))];
  double chi_square = 0;
  for (const int count : counts) chi_square += (count - 10000.0) * (count - 10000.0) / 10000.0;
  CHECK(chi_square < 22.5);  // 6 degrees of freedom: exceeded once in a thousand
  for (int i = 0; i < 100; ++i) CHECK(rng.below(1) == 0);
  // For a bound of two thirds of the whole range a plain remainder would favour the lower half two to one.
  const std::uint64_t large = 0xAAAAAAAAAAAAAAAAull;
  int low = 0;
  for (int i = 0; i < 20000; ++i) low += rng.below(large) < large / 2;
  CHECK(std::abs(low - 10000) < 500);
  CHECK_THROWS_WITH_AS(rng.below(0), "below: a bound of 0 leaves no number to choose: give 1 or more",
                       ValueError);
}

TEST_CASE("dropout: keeps the fraction it is told to, and scales what it keeps") {
  for (const double rate : {0.0, 0.1, 0.5, 0.9}) {
    const Tensor mask = dropout(ones({200000}), static_cast<Scalar>(rate), Rng(6));
    Index kept = 0;
    for (const Scalar value : mask.values()) {
      if (value == 0) continue;
      ++kept;
      REQUIRE(std::abs(to_double(value) - 1 / (1 - rate)) < 1e-5);
    }
    CHECK(std::abs(static_cast<double>(kept) / 200000 - (1 - rate)) < 0.005);
    if (rate == 0) CHECK(kept == 200000);
  }
}

TEST_CASE("dropout: an element's fate depends on its index and the generator alone") {
  const Rng rng(8);
  const Tensor large = dropout(ones({1000, 50}), Scalar(0.3), rng);
  const Tensor small = dropout(ones({70}), Scalar(0.3), rng);
  for (Index i = 0; i < 70; ++i) CHECK(small.at({i}) == large.at({i / 50, i % 50}));
  for (Index i = 0; i < 50000; i += 7) {
    const bool kept = rng.bits(static_cast<std::uint64_t>(i)) < 0.7 * 0x1p32;
    REQUIRE((large.at({i / 50, i % 50}) != 0) == kept);
  }
  CHECK_FALSE(same_values(dropout(ones({70}), Scalar(0.3), Rng(9)), small));
}

TEST_CASE("dropout: a rate outside [0, 1) is refused") {
  CHECK_THROWS_WITH_AS(dropout(ones({2}), 1, Rng(1)),
                       "dropout: the rate is 1: it must be at least 0 and below 1", ValueError);
  CHECK_THROWS_AS(dropout(ones({2}), Scalar(-0.5), Rng(1)), ValueError);
}
