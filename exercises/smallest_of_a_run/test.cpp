#include EXERCISE

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#if __has_include(<xsimd/xsimd.hpp>)
#include <xsimd/xsimd.hpp>
#endif

namespace {

// A batch of eight that watches: it knows the run and notes every load that leaves it.
struct WatchedBatch {
  static constexpr std::size_t size = 8;
  std::array<Scalar, size> lane{};

  static inline const Scalar* run_begin = nullptr;
  static inline const Scalar* run_end = nullptr;
  static inline long loads = 0;
  static inline long outside = 0;

  WatchedBatch() = default;
  explicit WatchedBatch(Scalar number) { lane.fill(number); }
  static WatchedBatch load_unaligned(const Scalar* p) {
    ++loads;
    WatchedBatch batch;
    if (p < run_end && p + size > run_begin && (p < run_begin || p + size > run_end)) {
      ++outside;
      return batch;
    }
    std::copy(p, p + size, batch.lane.begin());
    return batch;
  }
  void store_unaligned(Scalar* p) const { std::copy(lane.begin(), lane.end(), p); }

  template <class F>
  static WatchedBatch each(const WatchedBatch& x, const WatchedBatch& y, F f) {
    WatchedBatch result;
    for (std::size_t i = 0; i < size; ++i) result.lane[i] = f(x.lane[i], y.lane[i]);
    return result;
  }
  friend WatchedBatch min(const WatchedBatch& x, const WatchedBatch& y) {
    return each(x, y, [](Scalar a, Scalar b) { return a < b ? a : b; });  // what minps does
  }
  friend WatchedBatch operator+(const WatchedBatch& x, const WatchedBatch& y) {
    return each(x, y, [](Scalar a, Scalar b) { return a + b; });
  }
  friend WatchedBatch operator*(const WatchedBatch& x, const WatchedBatch& y) {
    return each(x, y, [](Scalar a, Scalar b) { return a * b; });
  }
};

// The run stands in the middle of numbers that are smaller than all of it.
Scalar watched_smallest(const std::vector<Scalar>& run) {
  std::vector<Scalar> around(run.size() + 32, Scalar(-1000));
  std::copy(run.begin(), run.end(), around.begin() + 16);
  WatchedBatch::run_begin = around.data() + 16;
  WatchedBatch::run_end = WatchedBatch::run_begin + run.size();
  WatchedBatch::loads = WatchedBatch::outside = 0;
  return smallest<WatchedBatch>(around.data() + 16, run.size());
}

std::vector<Scalar> numbers(std::size_t n) {
  std::vector<Scalar> run(n);
  for (std::size_t i = 0; i < n; ++i) run[i] = static_cast<Scalar>(1 + (37 * i + 11) % 101);
  return run;
}

}  // namespace

TEST_CASE("the smallest, wherever it stands and however long the run") {
  const Scalar of_nothing = watched_smallest({});
  CHECK_MESSAGE((std::isinf(of_nothing) && of_nothing > 0),
                "an empty run has no smallest number: +∞, so that it loses to any; yours is ", of_nothing);
  for (std::size_t n = 1; n <= 33; ++n) {
    for (std::size_t at = 0; at < n; ++at) {
      std::vector<Scalar> run = numbers(n);
      run[at] = Scalar(0.5);
      const Scalar got = watched_smallest(run);
      REQUIRE_MESSAGE(
          WatchedBatch::outside == 0, "n = ", n,
          ": a load of 8 numbers begins or ends outside of the run. The rest must be copied to a buffer "
          "first: see `square` in docs/speed.md.");
      REQUIRE_MESSAGE(
          got == Scalar(0.5), "n = ", n, ", the smallest is 0.5 at ", at, ", yours is ", got,
          std::string(got == 0 ? ": do the unused lanes of the last batch hold 0? They must never win."
                               : ""));
    }
  }
}

TEST_CASE("a NaN anywhere is the result") {
  for (std::size_t n = 1; n <= 33; ++n) {
    for (std::size_t at = 0; at < n; ++at) {
      std::vector<Scalar> run = numbers(n);
      run[at] = std::numeric_limits<Scalar>::quiet_NaN();
      const Scalar got = watched_smallest(run);
      REQUIRE_MESSAGE(
          std::isnan(got), "n = ", n, ", NaN at ", at,
          ": it was lost. min(x, y) is y where either is NaN, so the next good number hides it: look for "
          "NaN beside the minimum, not through it.");
    }
  }
  for (std::size_t n = 1; n <= 33; ++n) {
    const Scalar got = watched_smallest(numbers(n));
    REQUIRE_MESSAGE(
        !std::isnan(got), "n = ", n,
        ": NaN where there is none. 0 · ∞ is NaN: is the padding of the last batch among what you look at?");
  }
}

TEST_CASE("in batches") {
  watched_smallest(numbers(1000));
  CHECK_MESSAGE(WatchedBatch::loads >= 125, "only ", WatchedBatch::loads,
                " loads for 1000 numbers in batches of 8: is the run read without batches?");
  CHECK_MESSAGE(WatchedBatch::loads <= 127, WatchedBatch::loads,
                " loads for 1000 numbers: read each batch once");
}

#if __has_include(<xsimd/xsimd.hpp>) && (defined(__x86_64__) || defined(__aarch64__))
TEST_CASE("and with the registers of this machine") {
  using Batch = xsimd::batch<Scalar, xsimd::default_arch>;
  std::vector<Scalar> run = numbers(1001);
  run[1000] = Scalar(0.25);
  const Scalar all = smallest<Batch>(run.data(), run.size());
  CHECK_MESSAGE(all == Scalar(0.25), "1001 numbers in batches of ", Batch::size,
                ": the last one, 0.25, is the smallest, and yours is ", all);
  const Scalar first = smallest<Batch>(run.data(), 1000);
  CHECK_MESSAGE(first == 1, "1000 numbers in batches of ", Batch::size, ": 1 is the smallest, and yours is ",
                first);
  run[500] = std::numeric_limits<Scalar>::quiet_NaN();
  const Scalar with_nan = smallest<Batch>(run.data(), run.size());
  CHECK_MESSAGE(std::isnan(with_nan), "1001 numbers in batches of ", Batch::size,
                ", NaN at 500: it was lost, and yours is ", with_nan);
}
#endif
