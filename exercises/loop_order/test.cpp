#include EXERCISE

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

namespace {

// A cache of 64 lines of 16 numbers that forgets what has not been used for longest. It holds no numbers; it
// counts how often memory would have been asked.
struct SmallCache {
  std::vector<std::uintptr_t> lines = std::vector<std::uintptr_t>(64, 0);  // the latest first
  long fetched = 0;

  void touch(std::uintptr_t line) {
    std::size_t at = 0;
    while (at < lines.size() && lines[at] != line) ++at;
    if (at == lines.size()) {
      ++fetched;
      --at;  // the last one goes
    }
    for (; at > 0; --at) lines[at] = lines[at - 1];
    lines[0] = line;
  }
};

// A matrix in row order that shows every access to a cache.
struct WatchedMatrix {
  WatchedMatrix(Index size, std::uintptr_t first_line, SmallCache& cache, double value)
      : n(size), first(first_line), watcher(&cache), numbers(static_cast<std::size_t>(size * size), value) {}

  double& operator()(Index i, Index j) { return numbers[seen(i, j)]; }
  double operator()(Index i, Index j) const { return numbers[seen(i, j)]; }

  std::size_t seen(Index i, Index j) const {
    if (i < 0 || i >= n || j < 0 || j >= n) throw std::out_of_range("row or column outside of the matrix");
    const auto at = static_cast<std::size_t>(i * n + j);
    watcher->touch(first + at / 16);
    return at;
  }

  Index n;
  std::uintptr_t first;
  SmallCache* watcher;
  std::vector<double> numbers;
};

struct Outcome {
  bool right = true;
  long fetched = 0;
};

Outcome run(Index n) {
  SmallCache cache;
  WatchedMatrix a(n, 1'000, cache, 0), b(n, 100'000, cache, 0), c(n, 200'000, cache, 7);
  for (Index at = 0; at < n * n; ++at) {
    a.numbers[static_cast<std::size_t>(at)] = static_cast<double>(at % 7 - 3);
    b.numbers[static_cast<std::size_t>(at)] = static_cast<double>(at % 5 - 2);
  }
  multiply(a, b, c, n);
  Outcome outcome{.fetched = cache.fetched};
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      double sum = 0;
      for (Index k = 0; k < n; ++k)
        sum +=
            a.numbers[static_cast<std::size_t>(i * n + k)] * b.numbers[static_cast<std::size_t>(k * n + j)];
      outcome.right = outcome.right && c.numbers[static_cast<std::size_t>(i * n + j)] == sum;
    }
  }
  return outcome;
}

}  // namespace

TEST_CASE("the product is right") {
  CHECK_MESSAGE(run(1).right, "wrong for 1 x 1");
  CHECK_MESSAGE(
      run(17).right,
      "wrong for 17 x 17. All of c is 7 at first: is each number of it set to zero once, before its "
      "first product is added, and not again?");
}

TEST_CASE("memory is asked at most once for eight multiply-adds") {
  constexpr Index n = 96;
  const Outcome outcome = run(n);
  CHECK_MESSAGE(outcome.right, "the product of 96 x 96 is wrong");
  CHECK_MESSAGE(
      outcome.fetched <= n * n * n / 8, "n³ = ", n * n * n, " multiply-adds fetched ", outcome.fetched,
      " lines, and n³ / 8 = ", n * n * n / 8,
      " are allowed. Of a line of 16 numbers, a walk down a column uses one, and when it comes back for "
      "the next the line is gone. The innermost loop should run along rows: see 'The order of the "
      "loops' in docs/speed.md.");
}
