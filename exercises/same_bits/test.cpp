#include EXERCISE

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr Index n = 100'000;

Scalar number(Index i) {
  return Scalar(1) / static_cast<Scalar>(i % 977 + 1);
}

struct Outcome {
  Scalar sum = 0;
  std::vector<int> counted = std::vector<int>(static_cast<std::size_t>(n), 0);
  int calls = 0;
};

Outcome run(int threads) {
  set_thread_count(threads);
  Outcome outcome;
  std::mutex mutex;
  outcome.sum = sum_in_parallel(n, [&](Index begin, Index end) {
    Scalar sum = 0;
    for (Index i = begin; i < end; ++i) sum += number(i);
    const std::lock_guard lock(mutex);
    ++outcome.calls;
    for (Index i = begin; i < end; ++i) ++outcome.counted[static_cast<std::size_t>(i)];
    return sum;
  });
  set_thread_count(1);
  return outcome;
}

// A first piece so large that a 1 added to it is rounded away, and that comes last; each other piece is 1. So
// the ones are lost if they are added in their order, and not if they are added up before the first piece.
Scalar sum_with_a_late_first_piece(int threads) {
  set_thread_count(threads);
  const Scalar sum = sum_in_parallel(n, [](Index begin, Index) {
    if (begin != 0) return Scalar(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return std::ldexp(Scalar(1), std::numeric_limits<Scalar>::digits);
  });
  set_thread_count(1);
  return sum;
}

}  // namespace

TEST_CASE("every number is counted once, in pieces that threads can share") {
  const Outcome outcome = run(4);
  for (const int times : outcome.counted)
    REQUIRE_MESSAGE(times == 1, "a number is in ", times, " pieces, and must be in one");
  CHECK_MESSAGE(outcome.calls >= 4, "only ", outcome.calls, " pieces for 100,000 numbers: nothing to share");
  double exact = 0;
  for (Index i = 0; i < n; ++i) exact += static_cast<double>(number(i));
  CHECK_MESSAGE(std::abs(static_cast<double>(outcome.sum) - exact) < 1e-3 * exact, "the sum is ", outcome.sum,
                " and should be about ", exact);
}

TEST_CASE("the pieces do not depend on the number of threads") {
  const Outcome alone = run(1);
  for (const int threads : {2, 3, 4, 7}) {
    const Outcome shared = run(threads);
    REQUIRE_MESSAGE(
        shared.calls == alone.calls, threads, " threads: ", shared.calls,
        " pieces, and one thread: ", alone.calls,
        ". Other pieces round differently. A chunk must be a constant of the operation: see 'Threads, with "
        "the same bits' in docs/speed.md.");
    REQUIRE_MESSAGE(shared.sum == alone.sum, threads, " threads: ", std::to_string(shared.sum),
                    ", one thread: ", std::to_string(alone.sum));
  }
}

TEST_CASE("nor the sum on who is done first") {
  const Scalar in_order = sum_with_a_late_first_piece(1);
  for (int repetition = 0; repetition < 3; ++repetition) {
    const Scalar late = sum_with_a_late_first_piece(4);
    REQUIRE_MESSAGE(late == in_order,
                    "the first piece was late, and the sum is another: ", std::to_string(late), ", not ",
                    std::to_string(in_order), ". Here the first piece is ",
                    std::to_string(std::ldexp(Scalar(1), std::numeric_limits<Scalar>::digits)),
                    " and each other is 1: a 1 that is added to it is rounded away, ones that are added up "
                    "before are not. "
                    "A lock does not say who comes first, nor does push_back. Keep each piece's sum in a "
                    "place of its own, "
                    "and add them up in their order: see parallel_reduce in tensor/thread_pool.h.");
  }
}
