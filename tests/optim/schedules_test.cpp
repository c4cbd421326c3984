#include "optim/schedules.h"

#include <doctest/doctest.h>

#include "tests/optim/small_model.h"

using namespace attune;
using namespace attune::optim;
using namespace attune::optim::test;

TEST_CASE("Constant: the same at every step") {
  const Schedule schedule = Constant{.rate = 0.25};
  CHECK(schedule(1) == 0.25);
  CHECK(schedule(1'000'000'000'000) == 0.25);
}

TEST_CASE("InverseSquareRoot: rises in a line to its peak and falls with the root of the step") {
  const InverseSquareRoot schedule{.peak = 0.5, .warmup = 100};
  CHECK(schedule(1) == doctest::Approx(0.005).epsilon(1e-14));
  CHECK(schedule(50) == doctest::Approx(0.25).epsilon(1e-14));
  CHECK(schedule(100) == 0.5);
  CHECK(schedule(400) == doctest::Approx(0.25).epsilon(1e-14));
  CHECK(schedule(10'000) == doctest::Approx(0.05).epsilon(1e-14));
  CHECK(InverseSquareRoot{.peak = 2, .warmup = 1}(4) == 1);
}

TEST_CASE("Noam: gives the paper's rates for its base model") {
  const Noam schedule{.width = 512, .warmup = 4000};
  // 512^−½ · 4000^−3/2, 512^−½ · 4000^−½ and 512^−½ · 100000^−½
  CHECK(schedule(1) == doctest::Approx(1.746928107421711e-07).epsilon(1e-12));
  CHECK(schedule(4000) == doctest::Approx(6.987712429686843e-04).epsilon(1e-12));
  CHECK(schedule(100'000) == doctest::Approx(1.3975424859373686e-04).epsilon(1e-12));
}

TEST_CASE("Noam: is the inverse square root with another name for its peak") {
  const Noam noam{.width = 64, .warmup = 25, .factor = 2};
  const InverseSquareRoot same{.peak = 2 / std::sqrt(64.0 * 25), .warmup = 25};
  for (const Index step : {1, 2, 24, 25, 26, 1000})
    CHECK(noam(step) == doctest::Approx(same(step)).epsilon(1e-14));
}

TEST_CASE("Cosine: rises in a line, falls in half a cosine and stays on its floor") {
  const Cosine schedule{.peak = 1, .warmup = 10, .total = 110, .floor = 0.2};
  CHECK(schedule(1) == doctest::Approx(0.1).epsilon(1e-14));
  CHECK(schedule(10) == 1);
  CHECK(schedule(35) == doctest::Approx(0.2 + 0.8 * (1 + std::sqrt(0.5)) / 2).epsilon(1e-14));
  CHECK(schedule(60) == doctest::Approx(0.6).epsilon(1e-14));
  CHECK(schedule(110) == 0.2);
  CHECK(schedule(1'000'000) == 0.2);
  CHECK(Cosine{.peak = 1, .total = 2}(1) == doctest::Approx(0.5).epsilon(1e-14));
}

TEST_CASE("schedules: settings that make no sense are refused with a sentence") {
  const auto nan = static_cast<double>(NAN);
  CHECK(error_of([&] { Constant{.rate = -1}(1); }) == "constant: rate must be finite and not negative: -1");
  CHECK(contains(error_of([&] { Constant{.rate = nan}(1); }), "constant: rate must be finite"));
  CHECK(contains(error_of([&] { InverseSquareRoot{.peak = nan}(1); }), "peak must be finite"));
  CHECK(error_of([&] { InverseSquareRoot{.warmup = 0}(1); }) ==
        "inverse square root: warmup must be at least 1: 0");
  CHECK(error_of([&] { Noam{.width = 0}(1); }) == "noam: width must be at least 1: 0");
  CHECK(contains(error_of([&] { Noam{.warmup = -4}(1); }), "noam: warmup must be at least 1: -4"));
  CHECK(contains(error_of([&] { Noam{.factor = -1}(1); }), "noam: factor must be finite and not negative"));
  CHECK(contains(error_of([&] { Cosine{.peak = 1}(1); }),
                 "cosine: total must be above warmup: 0 and 0: set total"));
  CHECK(contains(error_of([&] { Cosine{.warmup = 10, .total = 10}(1); }), "total must be above warmup"));
  CHECK(contains(error_of([&] { Cosine{.warmup = -1, .total = 10}(1); }), "warmup must be at least 0"));
  CHECK(contains(error_of([&] { Cosine{.peak = 1, .total = 10, .floor = 2}(1); }),
                 "floor must not be above peak"));
  CHECK(contains(error_of([&] { Cosine{.peak = 1, .total = 10, .floor = nan}(1); }), "floor must be finite"));
}

TEST_CASE("schedules: step 0 is refused: steps count from 1") {
  for (const Schedule& schedule : {Schedule(Constant{}), Schedule(InverseSquareRoot{}), Schedule(Noam{}),
                                   Schedule(Cosine{.total = 10})}) {
    CHECK(contains(error_of([&] { schedule(0); }), "steps count from 1: 0"));
    CHECK(contains(error_of([&] { schedule(-3); }), "steps count from 1: -3"));
    CHECK(schedule(1) > 0);
  }
}
