#include EXERCISE

#include <doctest/doctest.h>

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
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

enum class Product { times_transposed, transposed_times };

struct Outcome {
  std::string wrong;  // the first wrong number
  long fetched = 0;
};

Outcome run(Product product, Index n) {
  SmallCache cache;
  WatchedMatrix a(n, 1'000, cache, 0), b(n, 100'000, cache, 0), c(n, 200'000, cache, 7);
  for (std::size_t at = 0; at < a.numbers.size(); ++at) {
    a.numbers[at] = static_cast<double>(at % 7) - 3;
    b.numbers[at] = static_cast<double>(at % 5) - 2;
  }
  const std::vector<double>& x = a.numbers;
  const std::vector<double>& y = b.numbers;
  product == Product::times_transposed ? times_transposed(a, b, c, n) : transposed_times(a, b, c, n);

  Outcome outcome;
  outcome.fetched = cache.fetched;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      double sum = 0;
      for (Index k = 0; k < n; ++k) {
        const Index left = product == Product::times_transposed ? i * n + k : k * n + i;
        const Index right = product == Product::times_transposed ? j * n + k : k * n + j;
        sum += x[static_cast<std::size_t>(left)] * y[static_cast<std::size_t>(right)];
      }
      const double got = c.numbers[static_cast<std::size_t>(i * n + j)];
      if (got == sum || !outcome.wrong.empty()) continue;
      std::ostringstream wrong;
      wrong << n << " x " << n << ": c(" << i << ", " << j << ") should be " << sum << " and is " << got
            << (got == sum + 7 ? ". All of c is 7 at first: set it to zero before its first product is added"
                               : "");
      outcome.wrong = wrong.str();
    }
  }
  return outcome;
}

void check_right(Product product) {
  for (const Index n : {1, 17}) {
    const Outcome outcome = run(product, n);
    REQUIRE_MESSAGE(outcome.wrong.empty(), outcome.wrong,
                    ". Is each number of c set to zero once, beforehand, and not again? And are the rows and "
                    "columns those of the formula?");
  }
}

void check_fetched(Product product, const char* hint) {
  constexpr Index n = 96;
  const Outcome outcome = run(product, n);
  REQUIRE_MESSAGE(outcome.wrong.empty(), outcome.wrong);
  CHECK_MESSAGE(
      outcome.fetched <= n * n * n / 8, "n³ = ", n * n * n, " multiply-adds fetched ", outcome.fetched,
      " lines, and n³ / 8 = ", n * n * n / 8,
      " are allowed. Of a line of 16 numbers, a walk down a column uses one, and when it comes back for "
      "the next the line is gone. ",
      std::string(hint), " See 'The order of the loops' in docs/speed.md.");
}

}  // namespace

TEST_CASE("A Bᵀ is right") {
  check_right(Product::times_transposed);
}

TEST_CASE("A Bᵀ asks memory at most once for eight multiply-adds") {
  check_fetched(Product::times_transposed, "In a(i, k) and b(j, k), which loop runs along the rows of both?");
}

TEST_CASE("Aᵀ B is right") {
  check_right(Product::transposed_times);
}

TEST_CASE("Aᵀ B asks memory at most once for eight multiply-adds") {
  check_fetched(
      Product::transposed_times,
      "In a(k, i) and b(k, j), k runs down the columns of both. Which loop leaves a where it is, and "
      "runs along rows of b and c?");
}
