#include "optim/schedules.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/optim/small_model.h"

using namespace attune;
using namespace attune::optim;
using namespace attune::optim::test;

namespace {

// Every schedule, with rates that follow from its formula by hand. A new one is added here.
struct Known {
  Index step;
  double rate;
};
struct Row {
  std::string name;  // begins its error texts
  Schedule schedule;
  std::vector<Known> rates;
};
const std::vector<Row> rows{
    {"constant", Constant{.rate = 0.25}, {{1, 0.25}, {1'000'000'000'000, 0.25}}},
    {"inverse square root",
     InverseSquareRoot{.peak = 0.5, .warmup = 100},
     {{1, 0.005}, {50, 0.25}, {100, 0.5}, {400, 0.25}, {10'000, 0.05}}},
    {"inverse square root", InverseSquareRoot{.peak = 2, .warmup = 1}, {{1, 2}, {4, 1}}},
    // The paper's base model: 512^−½ · 4000^−3/2, 512^−½ · 4000^−½ and 512^−½ · 100000^−½
    {"noam",
     Noam{.width = 512, .warmup = 4000},
     {{1, 1.746928107421711e-07}, {4000, 6.987712429686843e-04}, {100'000, 1.3975424859373686e-04}}},
    {"cosine",
     Cosine{.peak = 1, .warmup = 10, .total = 110, .floor = 0.2},
     {{1, 0.1},
      {10, 1},
      {35, 0.2 + 0.8 * (1 + std::sqrt(0.5)) / 2},
      {60, 0.6},
      {110, 0.2},
      {1'000'000, 0.2}}},
    {"cosine", Cosine{.peak = 1, .total = 2}, {{1, 0.5}, {2, 0}}},
};

}  // namespace

TEST_CASE("schedules: give the rates of their formulas") {
  for (const Row& row : rows)
    for (const Known& known : row.rates) {
      const double given = row.schedule(known.step);
      CHECK_MESSAGE(std::abs(given - known.rate) <= 1e-12 * known.rate, row.name, " at step ", known.step,
                    " gives ", given, " and should give ", known.rate);
    }
}

TEST_CASE("schedules: are never negative, NaN or infinite, however long the training") {
  for (const Row& row : rows)
    for (Index step = 1; step < 1'000'000'000'000; step += 1 + step / 3)
      if (!(row.schedule(step) >= 0 && std::isfinite(row.schedule(step))))
        FAIL_CHECK(row.name << " at step " << step << ": " << row.schedule(step));
}

TEST_CASE("schedules: step 0 is refused: steps count from 1") {
  for (const Row& row : rows)
    for (const Index step : {0, -3})
      CHECK(contains(error_of([&] { row.schedule(step); }),
                     row.name + ": steps count from 1: " + std::to_string(step)));
}

TEST_CASE("Noam: is the inverse square root with another name for its peak") {
  const Noam noam{.width = 64, .warmup = 25, .factor = 2};
  const InverseSquareRoot same{.peak = 2 / std::sqrt(64.0 * 25), .warmup = 25};
  for (const Index step : {1, 2, 24, 25, 26, 1000})
    CHECK(noam(step) == doctest::Approx(same(step)).epsilon(1e-14));
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
