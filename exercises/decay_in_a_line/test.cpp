#include EXERCISE

#include <doctest/doctest.h>

#include "exercises/crash_hint.h"

namespace {

void expect(Index step, double peak, Index warmup, Index total, double rate, const std::string& hint) {
  const double given = decay_in_a_line(step, peak, warmup, total);
  static bool told = false;  // once is enough
  const bool cut = rate != 0 && rate != peak && (given == 0 || given == peak) && !told;
  told = told || cut;
  CHECK_MESSAGE(
      std::abs(given - rate) < 1e-12, "step ", step, " of ", total, ", warm-up ", warmup, ", peak ", peak,
      ": expected ", rate, ", got ", given, ". ", hint,
      std::string(cut ? " Is an Index divided by an Index? That is a whole number: 1 / 100 is 0. Make "
                        "doubles of them first: static_cast<double>(step)."
                      : ""));
}

}  // namespace

TEST_CASE("rises in a line to the peak") {
  expect(1, 0.5, 100, 300, 0.005, "Step 1 is the first of `warmup` equal parts: peak · step / warmup.");
  expect(50, 0.5, 100, 300, 0.25, "Half of the way up is half of the peak.");
  expect(100, 0.5, 100, 300, 0.5, "At step `warmup` the rate is the peak itself.");
}

TEST_CASE("falls in a line to 0") {
  expect(150, 0.5, 100, 300, 0.375,
         "A quarter of the way from `warmup` to `total` is gone, not half of `total`.");
  expect(200, 0.5, 100, 300, 0.25, "Half of the way down is half of the peak.");
  expect(300, 0.5, 100, 300, 0, "At step `total` nothing is left.");
}

TEST_CASE("stays 0 after the end") {
  expect(301, 0.5, 100, 300, 0,
         "A rate below 0 walks uphill; Optimiser::step refuses it (optim/optimiser.h).");
  expect(1000000, 0.5, 100, 300, 0, "A rate below 0 walks uphill; Optimiser::step refuses it.");
}

TEST_CASE("works without a warm-up") {
  const CrashHint hint("An Index was divided by a warmup of 0: that ends the program.");
  expect(1, 1, 0, 4, 0.75, "With a warmup of 0 there is nothing to rise; is something divided by it?");
  expect(3, 1, 0, 4, 0.25, "With a warmup of 0 the line goes from (0, peak) to (total, 0).");
}
