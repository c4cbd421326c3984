#include "tensor/gemm.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tensor/error.h"
#include "tensor/simd/kernels.h"
#include "tensor/thread_pool.h"
#include "tests/support/kernels.h"
#include "tests/support/measured.h"

using namespace attune;

namespace {

using Numbers = std::vector<Scalar>;

struct KeepThreadCount {
  int before = thread_count();
  ~KeepThreadCount() { set_thread_count(before); }
};

// Numbers between -1 and 1 from a linear congruential generator (Knuth's MMIX): the same in every run.
Numbers noise(std::int64_t count, std::uint64_t seed) {
  Numbers numbers(static_cast<std::size_t>(count));
  for (Scalar& number : numbers) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    number = static_cast<Scalar>(static_cast<double>(seed >> 11) / 0x1p52 - 1.0);
  }
  return numbers;
}

double at(const GemmOperand& x, std::int64_t i, std::int64_t j) {
  return static_cast<double>(x.data[i * x.row_stride + j * x.column_stride]);
}

// The naive triple loop in double. Returns the largest error of `c` in units of what rounding may do: sums
// over blocks of 256 terms that are then added lose at most (256 + blocks + 1) rounding errors of Σ |a| |b|.
double error_in_bounds(const GemmOperand& a, const GemmOperand& b, const GemmResult& c, double start = 0) {
  const double steps = static_cast<double>(std::min<std::int64_t>(256, a.columns) + a.columns / 256 + 2);
  const double rounding = steps * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
  double worst = 0;
  for (std::int64_t i = 0; i < a.rows; ++i) {
    for (std::int64_t j = 0; j < b.columns; ++j) {
      double sum = start;
      double size = std::abs(start);
      for (std::int64_t k = 0; k < a.columns; ++k) {
        sum += at(a, i, k) * at(b, k, j);
        size += std::abs(at(a, i, k) * at(b, k, j));
      }
      const double error = std::abs(static_cast<double>(c.data[i * c.row_stride + j]) - sum);
      worst = std::max(worst, size == 0 ? error : error / (size * rounding));
      if (!(error >= 0)) worst = std::numeric_limits<double>::infinity();  // NaN
    }
  }
  return worst;
}

// A matrix in memory of its own, laid out in one of several ways.
struct Laid {
  Numbers memory;
  GemmOperand matrix;
};

constexpr int layouts = 7;
Laid lay_out(std::int64_t rows, std::int64_t columns, int layout, std::uint64_t seed) {
  Laid laid{noise(3 * (rows + 3) * (columns + 3), seed), {}};
  const Scalar* data = laid.memory.data();
  switch (layout) {
    case 0:
      laid.matrix = {data, rows, columns, columns, 1};
      break;
    case 1:
      laid.matrix = {data, rows, columns, 1, rows};
      break;  // transposed
    case 2:
      laid.matrix = {data + 1, rows, columns, columns + 3, 1};
      break;  // some columns of more
    case 3:
      laid.matrix = {data + 2, rows, columns, 1, rows + 1};
      break;  // the same, transposed
    case 4:
      laid.matrix = {data, rows, columns, 3 * columns, 3};
      break;  // every third column
    case 5:
      laid.matrix = {data, rows, columns, 0, 1};
      break;  // one row for all
    case 6:
      laid.matrix = {data + rows * columns, rows, columns, -columns, 1};
      break;  // upside down
  }
  return laid;
}

Numbers product(const GemmOperand& a, const GemmOperand& b) {
  Numbers c(static_cast<std::size_t>(a.rows * b.columns), Scalar(99));
  gemm(a, b, {c.data(), b.columns});
  return c;
}

// Runs `check` under every table of kernels that this machine has.
template <class Check>
void with_all_kernels(const Check& check) {
  for (const Kernels* table : available_kernels()) {
    const ForcedKernels forced(table->name);
    CAPTURE(table->name);
    check();
  }
}

}  // namespace

TEST_CASE("gemm: equals the naive triple loop for sizes around tiles and blocks, in every layout") {
  double worst = 0;
  int cases = 0;
  with_all_kernels([&] {
    for (const std::int64_t m : {1, 2, 5, 6, 7, 13, 24, 25, 48, 49, 97}) {
      for (const std::int64_t n : {1, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 130}) {
        for (const std::int64_t k : {1, 2, 7, 8, 15, 16, 17, 33, 255, 256, 257, 520}) {
          if (m * n * k > 400'000 && (m + n + k) % 3 != 0) continue;  // a third of the large ones will do
          const Laid a = lay_out(m, k, cases % layouts, static_cast<std::uint64_t>(cases));
          const Laid b = lay_out(k, n, cases / layouts % layouts, static_cast<std::uint64_t>(cases + 1));
          Numbers memory(static_cast<std::size_t>(m * (n + 3)), Scalar(99));
          const GemmResult c{memory.data(), n + 3};
          gemm(a.matrix, b.matrix, c);
          const double error = error_in_bounds(a.matrix, b.matrix, c);
          worst = std::max(worst, error);
          ++cases;
          bool outside_untouched = true;
          for (std::int64_t i = 0; i < m; ++i) {
            for (std::int64_t j = n; j < n + 3; ++j)
              outside_untouched &= c.data[i * (n + 3) + j] == Scalar(99);
          }
          if (error > 1 || !outside_untouched) {
            INFO(m << " x " << k << " x " << n << ", layouts of case " << cases - 1);
            CHECK(error <= 1);
            CHECK(outside_untouched);
          }
        }
      }
    }
  });
  testing::measured(
      "gemm (%s): %d products in all tables and layouts, worst error %.3f of what rounding may do",
      testing::precision, cases, worst);
  CHECK(worst > 0);
  CHECK(worst <= 1);
}

TEST_CASE("gemm: matrices that are cut into several slices come out right in every layout") {
  with_all_kernels([] {
    for (int layout = 0; layout < layouts; ++layout) {
      const Laid a = lay_out(130, 900, layout, 1);
      const Laid b = lay_out(900, 210, (layout + 3) % layouts, 2);
      const Numbers c = product(a.matrix, b.matrix);
      CHECK(error_in_bounds(a.matrix, b.matrix, {const_cast<Scalar*>(c.data()), 210}) <= 1);
    }
    const Laid wide_a = lay_out(7, 300, 1, 3);
    const Laid wide_b = lay_out(300, 1500, 1, 4);
    const Numbers wide = product(wide_a.matrix, wide_b.matrix);
    CHECK(error_in_bounds(wide_a.matrix, wide_b.matrix, {const_cast<Scalar*>(wide.data()), 1500}) <= 1);
    const Laid long_a = lay_out(50, 6000, 1, 5);
    const Laid long_b = lay_out(6000, 40, 0, 6);
    const Numbers thin = product(long_a.matrix, long_b.matrix);
    CHECK(error_in_bounds(long_a.matrix, long_b.matrix, {const_cast<Scalar*>(thin.data()), 40}) <= 1);
  });
}

TEST_CASE("gemm: adding to C adds the product to what is there") {
  with_all_kernels([] {
    for (const std::int64_t k : {0, 1, 40, 256, 700}) {
      for (const std::int64_t n : {5, 64, 70}) {
        const Laid a = lay_out(50, k, 1, 1);
        const Laid b = lay_out(k, n, 0, 2);
        Numbers c(static_cast<std::size_t>(50 * n), Scalar(0.75));
        gemm(a.matrix, b.matrix, {c.data(), n}, GemmMode::add);
        CHECK(error_in_bounds(a.matrix, b.matrix, {c.data(), n}, 0.75) <= 1);
      }
    }
  });
}

TEST_CASE("gemm: an inner size of zero gives zeros, and no rows or columns touch nothing") {
  Numbers c(12, Scalar(7));
  const Scalar nothing = 0;
  gemm({&nothing, 3, 0, 0, 1}, {&nothing, 0, 3, 3, 1}, {c.data(), 4});
  CHECK(c == Numbers{0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0, 7});
  gemm({&nothing, 0, 1, 1, 1}, {&nothing, 1, 1, 1, 1}, {c.data(), 1});
  gemm({&nothing, 1, 1, 1, 1}, {&nothing, 1, 0, 0, 1}, {c.data(), 0});
  batched_gemm({&nothing, 1, 1, 1, 1}, {&nothing, 1, 1, 1, 1}, {c.data(), 1}, {{0, 1, 1, 1}});
  CHECK(c == Numbers{0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0, 7});
}

TEST_CASE("gemm: inner sizes that differ are refused with both shapes") {
  const Numbers numbers(100);
  Numbers c(100);
  std::string text;
  try {
    gemm({numbers.data(), 2, 3, 3, 1}, {numbers.data(), 4, 5, 5, 1}, {c.data(), 5});
  } catch (const ShapeError& error) {
    text = error.what();
  }
  CHECK(text ==
        "gemm: inner sizes differ: (2, 3) and (4, 5): the columns of A must be as many as the rows of B");
}

TEST_CASE("gemm: the same bits for any number of threads, with every table of kernels") {
  const KeepThreadCount keep;
  struct Size {
    std::int64_t m, k, n;
  };
  with_all_kernels([] {
    for (const Size& size :
         {Size{300, 128, 128}, Size{128, 2000, 128}, Size{40, 300, 1000}, Size{513, 257, 129}}) {
      for (const int layout : {0, 1}) {
        const Laid a = lay_out(size.m, size.k, layout, 1);
        const Laid b = lay_out(size.k, size.n, layout, 2);
        set_thread_count(1);
        const Numbers expected = product(a.matrix, b.matrix);
        for (const int threads : {2, 3, 4, 7}) {
          set_thread_count(threads);
          CHECK(product(a.matrix, b.matrix) == expected);
        }
      }
    }
  });
}

TEST_CASE("gemm: a row of the result does not depend, to the last bit, on how many other rows there are") {
  with_all_kernels([] {
    for (const std::int64_t k : {31, 128, 600}) {
      for (const std::int64_t n : {16, 50, 128, 200}) {
        for (const int b_layout : {0, 1}) {
          const Laid a = lay_out(150, k, 0, 1);
          const Laid b = lay_out(k, n, b_layout, 2);
          const Numbers all = product(a.matrix, b.matrix);
          for (const std::int64_t m : {1, 2, 3, 5, 7, 14, 23, 24, 25, 47, 64, 149}) {
            // Few rows are not for a matrix unit, and have other bits there.
            if (kernels().split_block && k >= 32 && n >= 32 && m < 8) continue;
            GemmOperand some = a.matrix;
            some.rows = m;
            CHECK(product(some, b.matrix) == Numbers(all.begin(), all.begin() + m * n));
            some.data += (150 - m) * some.row_stride;
            CHECK(product(some, b.matrix) == Numbers(all.end() - m * n, all.end()));
          }
        }
      }
    }
  });
}

TEST_CASE("gemm: how the operands lie in memory changes no bit") {
  with_all_kernels([] {
    for (const std::int64_t m : {3, 20, 130}) {
      const std::int64_t k = 300;
      const std::int64_t n = 96;
      const Numbers a = noise(m * k, 1);
      const Numbers b = noise(k * n, 2);
      const auto transposed = [](const Numbers& x, std::int64_t rows, std::int64_t columns) {
        Numbers y(x.size());
        for (std::int64_t i = 0; i < rows; ++i) {
          for (std::int64_t j = 0; j < columns; ++j) {
            y[static_cast<std::size_t>(j * rows + i)] = x[static_cast<std::size_t>(i * columns + j)];
          }
        }
        return y;
      };
      const Numbers at_memory = transposed(a, m, k);
      const Numbers bt_memory = transposed(b, k, n);
      const GemmOperand a_rows{a.data(), m, k, k, 1};
      const GemmOperand b_rows{b.data(), k, n, n, 1};
      const GemmOperand a_columns = GemmOperand{at_memory.data(), k, m, m, 1}.transposed();
      const GemmOperand b_columns = GemmOperand{bt_memory.data(), n, k, k, 1}.transposed();
      const Numbers expected = product(a_rows, b_rows);
      CHECK(product(a_columns, b_rows) == expected);
      CHECK(product(a_rows, b_columns) == expected);
      CHECK(product(a_columns, b_columns) == expected);
    }
  });
}

TEST_CASE("gemm: a NaN or infinity stays in its row or column") {
  with_all_kernels([] {
    for (const std::int64_t n : {5, 16, 17, 70}) {
      for (const int layout : {0, 1}) {
        Laid a = lay_out(9, 20, layout, 1);
        Laid b = lay_out(20, n, layout, 2);
        const Numbers clean = product(a.matrix, b.matrix);
        a.memory[static_cast<std::size_t>(4 * a.matrix.row_stride + 3 * a.matrix.column_stride)] = NAN;
        b.memory[static_cast<std::size_t>(7 * b.matrix.row_stride + (n - 2) * b.matrix.column_stride)] =
            INFINITY;
        const Numbers c = product(a.matrix, b.matrix);
        for (std::int64_t i = 0; i < 9; ++i) {
          for (std::int64_t j = 0; j < n; ++j) {
            const auto index = static_cast<std::size_t>(i * n + j);
            const bool good = i == 4       ? std::isnan(c[index])
                              : j == n - 2 ? !std::isfinite(c[index])
                                           : c[index] == clean[index];
            if (!good) CHECK_MESSAGE(good, "row " << i << " column " << j << " of " << n);
          }
        }
      }
    }
  });
}

TEST_CASE("gemm: with a packed matrix the bits are the same, and it knows what it was made from") {
  for (const Kernels* table : available_kernels()) {
    const ForcedKernels forced(table->name);
    for (const std::int64_t rows : {1, 5, 33}) {
      for (const std::int64_t inner : {1, 20, 64, 300, 600}) {
        for (const std::int64_t columns : {1, 31, 32, 100, 700}) {
          const Numbers a = noise(rows * inner, 1), b = noise(inner * columns, 2), row = noise(columns, 3);
          const GemmOperand left{a.data(), rows, inner, inner, 1};
          const GemmOperand right = GemmOperand{b.data(), columns, inner, inner, 1}.transposed();
          const PackedMatrix packed(right);
          Numbers plain(static_cast<std::size_t>(rows * columns)), with_packed = plain;
          gemm(left, right, {plain.data(), columns}, GemmStart{row.data(), 0});
          gemm(left, packed, {with_packed.data(), columns}, GemmStart{row.data(), 0});
          CAPTURE(table->name);
          CAPTURE(rows);
          CAPTURE(inner);
          CAPTURE(columns);
          CHECK(plain == with_packed);
          CHECK(packed.is_of(right));
          CHECK_FALSE(packed.is_of({b.data(), inner + 1, columns, 1, inner}));
        }
      }
    }
  }
  const Numbers b = noise(64 * 64, 1);
  const GemmOperand matrix{b.data(), 64, 64, 64, 1};
  const PackedMatrix packed(matrix);
  const ForcedKernels forced("scalar");
  CHECK_FALSE(packed.is_of(matrix));
}

TEST_CASE("batched_gemm: attention's views of (B, T, H, D) multiply without a copy") {
  with_all_kernels([] {
    const std::int64_t batch = 3, heads = 4, queries = 15, keys = 11, width = 32;
    const std::int64_t row = heads * width;
    const Numbers q = noise(batch * queries * row, 1);
    const Numbers k = noise(batch * keys * row, 2);
    Numbers scores(static_cast<std::size_t>(batch * heads * queries * keys), Scalar(99));
    const GemmOperand query{q.data(), queries, width, row, 1};
    const GemmOperand key{k.data(), keys, width, row, 1};
    batched_gemm(
        query, key.transposed(), {scores.data(), keys},
        {{batch, queries * row, keys * row, heads * queries * keys}, {heads, width, width, queries * keys}});
    for (std::int64_t b = 0; b < batch; ++b) {
      for (std::int64_t h = 0; h < heads; ++h) {
        GemmOperand one_query = query;
        GemmOperand one_key = key;
        one_query.data += b * queries * row + h * width;
        one_key.data += b * keys * row + h * width;
        Scalar* one_scores = scores.data() + (b * heads + h) * queries * keys;
        CHECK(error_in_bounds(one_query, one_key.transposed(), {one_scores, keys}) <= 1);
        // And a batch changes no bit of its entries.
        CHECK(product(one_query, one_key.transposed()) == Numbers(one_scores, one_scores + queries * keys));
      }
    }
  });
}

TEST_CASE("batched_gemm: entries may be shared, follow one another or lie apart") {
  with_all_kernels([] {
    const Numbers a = noise(6 * 10 * 25, 1);
    const Numbers b = noise(6 * 20 * 33, 2);
    const GemmOperand left{a.data(), 10, 20, 20, 1};
    const GemmOperand right{b.data(), 20, 33, 33, 1};
    for (const std::int64_t a_stride :
         {0, 200, 220}) {  // shared; the rows of one below those of the other; apart
      for (const std::int64_t b_stride : {0, 660}) {
        for (const std::int64_t c_stride : {330, 400}) {
          Numbers c(6 * 400);
          batched_gemm(left, right, {c.data(), 33}, {{6, a_stride, b_stride, c_stride}});
          for (std::int64_t entry = 0; entry < 6; ++entry) {
            GemmOperand one_left = left;
            GemmOperand one_right = right;
            one_left.data += entry * a_stride;
            one_right.data += entry * b_stride;
            const auto begin = c.begin() + entry * c_stride;
            CHECK(product(one_left, one_right) == Numbers(begin, begin + 330));
          }
        }
      }
    }
    Numbers c(10 * 33);
    // Single rows, in an order of their own: rows of A backwards.
    batched_gemm({a.data() + 9 * 20, 1, 20, 20, 1}, right, {c.data(), 33}, {{10, -20, 0, 33}});
    const Numbers forwards = product(left, right);
    for (std::int64_t i = 0; i < 10; ++i) {
      CHECK(Numbers(c.begin() + i * 33, c.begin() + (i + 1) * 33) ==
            Numbers(forwards.begin() + (9 - i) * 33, forwards.begin() + (10 - i) * 33));
    }
  });
}

TEST_CASE("batched_gemm: the same bits for any number of threads, for small entries and large ones") {
  const KeepThreadCount keep;
  for (const std::int64_t size : {15, 100, 260}) {
    const Numbers a = noise(9 * size * size, 1);
    const Numbers b = noise(9 * size * size, 2);
    const GemmOperand left{a.data(), size, size, size, 1};
    const GemmOperand right = GemmOperand{b.data(), size, size, size, 1}.transposed();
    const std::int64_t step = size * size;
    const auto run = [&](int threads) {
      set_thread_count(threads);
      Numbers c(a.size(), Scalar(0.5));
      batched_gemm(left, right, {c.data(), size}, {{3, 3 * step, 3 * step, 3 * step}, {3, step, step, step}},
                   GemmMode::add);
      return c;
    };
    const Numbers expected = run(1);
    for (const int threads : {2, 3, 4, 7}) CHECK(run(threads) == expected);
  }
}

namespace {

// The numbers at one end of memory between two pages that may not be touched.
class Placed {
 public:
  Placed(const Numbers& numbers, bool at_the_end) : size_(numbers.size()) {
    data_ = memory_.run(size_, at_the_end ? -1 : 0);
    std::copy(numbers.begin(), numbers.end(), data_);
  }
  ~Placed() { CHECK(memory_.clean_around(data_, size_)); }
  Placed(const Placed&) = delete;
  Placed& operator=(const Placed&) = delete;

  Scalar* data() const { return data_; }

 private:
  testing::Guarded<Scalar> memory_;
  std::size_t size_;
  Scalar* data_ = nullptr;
};

}  // namespace

TEST_CASE("gemm: nothing before the first and behind the last element of A, B or C is touched") {
  with_all_kernels([] {
    for (const std::int64_t m : {1, 7, 30}) {
      for (const std::int64_t n : {1, 3, 15, 16, 17, 64, 65}) {
        for (const std::int64_t k : {1, 5, 16, 33}) {
          for (const bool at_the_end : {true, false}) {
            const Placed a(noise(m * k, 1), at_the_end);
            const Placed b(noise(k * n, 2), at_the_end);
            const Placed c(noise(m * n, 3), at_the_end);
            for (const bool a_turned : {false, true}) {
              for (const bool b_turned : {false, true}) {
                const GemmOperand left =
                    a_turned ? GemmOperand{a.data(), m, k, 1, m} : GemmOperand{a.data(), m, k, k, 1};
                const GemmOperand right =
                    b_turned ? GemmOperand{b.data(), k, n, 1, k} : GemmOperand{b.data(), k, n, n, 1};
                gemm(left, right, {c.data(), n});
                const double error = error_in_bounds(left, right, {c.data(), n});
                if (error > 1) CHECK(error <= 1);
              }
            }
          }
        }
      }
    }
  });
}
