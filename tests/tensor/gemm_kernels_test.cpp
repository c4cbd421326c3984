#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tensor/simd/kernels.h"
#include "tests/support/kernels.h"
#include "tests/support/measured.h"

// The innermost part of the matrix product, gemm_pack and gemm_block, by itself, against plain loops. The
// matrices hold small whole numbers, whose products and sums are exact: whatever the order and the rounding,
// every bit must be right.

using namespace attune;
using namespace attune::testing;

namespace {

using Index = std::int64_t;

std::size_t size_of(Index n) {
  return static_cast<std::size_t>(n);
}

std::vector<Scalar> whole_numbers(Index count, std::uint64_t seed) {
  Numbers numbers(seed);
  std::vector<Scalar> run(size_of(count));
  for (Scalar& x : run) x = static_cast<Scalar>(std::floor(17 * numbers.uniform()) - 8);
  return run;
}

/// A matrix (rows, columns) in guarded memory: row by row, column by column, or with gaps.
struct Placed {
  Scalar* data = nullptr;
  Index row_stride = 0, column_stride = 0;
  std::size_t extent = 0;  // numbers from the first to the last

  Scalar& at(Index i, Index j) const { return data[i * row_stride + j * column_stride]; }
};

enum class Layout { rows, columns, gaps };

Placed place_matrix(Guarded<Scalar>& memory, int place, Layout layout, Index rows, Index columns,
                    const std::vector<Scalar>& values) {
  Placed m;
  m.row_stride = layout == Layout::columns ? 1 : layout == Layout::rows ? columns : 2 * columns + 1;
  m.column_stride = layout == Layout::columns ? rows : layout == Layout::rows ? 1 : 2;
  m.extent =
      rows * columns == 0 ? 0 : size_of((rows - 1) * m.row_stride + (columns - 1) * m.column_stride + 1);
  m.data = memory.run(m.extent, place);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; ++j) m.at(i, j) = values[size_of(i * columns + j)];
  }
  return m;
}

/// The columns of B as gemm_block reads them: panels of the table's width, packed by its own gemm_pack.
std::vector<Scalar> pack_plainly(const Kernels& table, Index inner, Index columns,
                                 const std::vector<Scalar>& b) {
  const Index width = table.gemm_columns;
  const Index panels = (columns + width - 1) / width;
  std::vector<Scalar> packed(size_of(panels * inner * width), 0);
  for (Index k = 0; k < inner; ++k) {
    for (Index j = 0; j < columns; ++j) {
      packed[size_of((j / width * inner + k) * width + j % width)] = b[size_of(k * columns + j)];
    }
  }
  return packed;
}

}  // namespace

TEST_CASE("gemm_pack: every width, length, layout and place gives the panel, and nothing else is touched") {
  Guarded<Scalar> from_memory, to_memory;
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    const int width = table->gemm_columns;
    const int lanes = table->lanes;
    long runs = 0;
    for (int columns = 1; columns <= width; ++columns) {
      const int padded = std::min(width, (columns + lanes - 1) / lanes * lanes);
      for (const Index inner : {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33}) {
        const std::vector<Scalar> b = whole_numbers(inner * columns, size_of(inner + columns));
        for (const Layout layout : {Layout::rows, Layout::columns, Layout::gaps}) {
          for (int place = -1; place < 16; ++place) {
            const Placed from = place_matrix(from_memory, place, layout, inner, columns, b);
            // The panel ends with the last number that is written: rows are as long as a tile is wide.
            const std::size_t size = inner == 0 ? 0 : size_of((inner - 1) * width + padded);
            Scalar* const panel = to_memory.run(size, place < 0 ? place : (place + 3) % 16);
            table->gemm_pack(inner, columns, from.data, from.row_stride, from.column_stride, panel);
            bool right = true;
            for (Index k = 0; k < inner; ++k) {
              for (int j = 0; j < width && k * width + j < static_cast<Index>(size); ++j) {
                const Scalar expected = j < columns  ? b[size_of(k * columns + j)]
                                        : j < padded ? Scalar(0)
                                                     : Guarded<Scalar>::untouched;
                right = right && panel[k * width + j] == expected;
              }
            }
            const bool clean = to_memory.clean_around(panel, size);
            if (!right || !clean) {
              FAIL_CHECK(columns, " columns, inner ", inner, ", layout ", static_cast<int>(layout),
                         ", place ", place, right ? "" : ": wrong panel",
                         clean ? "" : ": wrote where it must not");
            }
            from_memory.clean_around(from.data, from.extent);
            ++runs;
          }
        }
      }
    }
    measured("gemm_pack (%s, %s): %ld panels right to the bit between unreadable pages", table->name,
             precision, runs);
  }
}

TEST_CASE(
    "gemm_block: every size around the tiles, layout and place gives the product, and nothing else is "
    "touched") {
  Guarded<Scalar> a_memory, b_memory, c_memory;
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    const Index width = table->gemm_columns;
    const Index lanes = table->lanes;
    long runs = 0;
    std::vector<Index> many_columns;
    for (Index n = 1; n <= 2 * width; ++n) {
      if (n <= 2 * lanes + 1 || n % lanes <= 1 || n % lanes == lanes - 1) many_columns.push_back(n);
    }
    for (Index rows = 0; rows <= 2 * table->gemm_rows + 6; ++rows) {
      for (const Index columns : many_columns) {
        for (const Index inner : {0, 1, 2, 5, 16}) {
          const std::vector<Scalar> a = whole_numbers(rows * inner, size_of(rows + 1));
          const std::vector<Scalar> b = whole_numbers(inner * columns, size_of(columns + 2));
          const std::vector<Scalar> packed = pack_plainly(*table, inner, columns, b);
          const int place = static_cast<int>(runs % 17) - 1;
          const Layout layout = static_cast<Layout>(runs % 3);
          const long start =
              runs / 3 % 3;  // the product is added to nothing, to C itself, to one row for all
          const std::vector<Scalar> row(size_of(columns), Scalar(5));
          const Placed left = place_matrix(a_memory, place, layout, rows, inner, a);
          // Of the last row of the last panel only whole vectors are read.
          const Index missing = (width - columns % width) % width / lanes * lanes;
          const std::size_t b_size = packed.empty() ? 0 : packed.size() - size_of(missing);
          Scalar* const right = b_memory.run(b_size, place < 0 ? place : (place + 7) % 16);
          std::copy_n(packed.begin(), b_size, right);
          const Index c_stride = columns + runs % 4;
          const std::size_t c_size = rows == 0 ? 0 : size_of((rows - 1) * c_stride + columns);
          Scalar* const c = c_memory.run(c_size, place < 0 ? place : (place + 11) % 16);
          for (Index i = 0; i < rows; ++i) std::fill_n(c + i * c_stride, columns, Scalar(3));

          GemmBlock block;
          block.rows = rows;
          block.columns = columns;
          block.inner = inner;
          block.a = left.data;
          block.a_row_stride = left.row_stride;
          block.a_column_stride = left.column_stride;
          block.b = right;
          block.b_row_stride = width;
          block.b_panel_stride = width * inner;
          block.c = c;
          block.c_row_stride = c_stride;
          block.start = start == 0 ? nullptr : start == 1 ? block.c : row.data();
          block.start_row_stride = start == 1 ? block.c_row_stride : 0;
          table->gemm_block(block);

          bool good = true;
          for (Index i = 0; i < rows; ++i) {
            for (Index j = 0; j < columns; ++j) {
              Scalar sum = start == 0 ? Scalar(0) : start == 1 ? Scalar(3) : Scalar(5);
              for (Index k = 0; k < inner; ++k)
                sum += a[size_of(i * inner + k)] * b[size_of(k * columns + j)];
              good = good && c[i * c_stride + j] == sum;
            }
            for (Index j = columns; j < c_stride && i + 1 < rows; ++j) {
              good = good && c[i * c_stride + j] == Guarded<Scalar>::untouched;
            }
          }
          const bool clean = c_memory.clean_around(c, c_size);
          if (!good || !clean) {
            FAIL_CHECK(rows, " x ", inner, " x ", columns, ", layout ", static_cast<int>(layout), ", place ",
                       place, good ? "" : ": wrong product", clean ? "" : ": wrote where it must not");
          }
          a_memory.clean_around(left.data, left.extent);
          b_memory.clean_around(right, b_size);
          ++runs;
        }
      }
    }
    measured("gemm_block (%s, %s): %ld products right to the bit between unreadable pages", table->name,
             precision, runs);
  }
}

TEST_CASE("gemm_block: NaN and infinities reach their row or column at every lane, and no other number") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    const Index rows = table->gemm_rows + 1, inner = 3;
    const Index columns = table->gemm_columns + 3;
    const std::vector<Scalar> a = whole_numbers(rows * inner, 1);
    const std::vector<Scalar> b(size_of(inner * columns), 2);  // no 0: ∞ · 0 is NaN
    const auto product = [&](const std::vector<Scalar>& left, const std::vector<Scalar>& right) {
      const std::vector<Scalar> packed = pack_plainly(*table, inner, columns, right);
      std::vector<Scalar> c(size_of(rows * columns));
      GemmBlock block;
      block.rows = rows;
      block.columns = columns;
      block.inner = inner;
      block.a = left.data();
      block.a_row_stride = inner;
      block.a_column_stride = 1;
      block.b = packed.data();
      block.b_row_stride = table->gemm_columns;
      block.b_panel_stride = table->gemm_columns * inner;
      block.c = c.data();
      block.c_row_stride = columns;
      table->gemm_block(block);
      return c;
    };
    const std::vector<Scalar> clean = product(a, b);
    for (const Scalar value : {not_a_number, infinity, -infinity}) {
      const auto is_value = [&](Scalar x) { return std::isnan(value) ? std::isnan(x) : x == value; };
      for (Index i = 0; i < rows; ++i) {
        std::vector<Scalar> with = a;
        with[size_of(i * inner + 1)] = value;
        const std::vector<Scalar> c = product(with, b);
        for (Index at = 0; at < rows * columns; ++at) {
          const bool good =
              at / columns == i ? is_value(c[size_of(at)]) : c[size_of(at)] == clean[size_of(at)];
          if (!good) FAIL_CHECK(value, " in row ", i, " gives ", c[size_of(at)], " at ", at);
        }
      }
      for (Index j = 0; j < columns; ++j) {
        std::vector<Scalar> with = b;
        with[size_of(2 * columns + j)] = value;
        const std::vector<Scalar> c = product(a, with);
        for (Index at = 0; at < rows * columns; ++at) {
          const bool good =
              at % columns == j ? !std::isfinite(c[size_of(at)]) : c[size_of(at)] == clean[size_of(at)];
          if (!good) FAIL_CHECK(value, " in column ", j, " gives ", c[size_of(at)], " at ", at);
        }
      }
    }
  }
}

TEST_CASE("gemm_peak: its chains of multiply-adds come out as written") {
  // x ← x / 2 + 1 from 0, 1, …, 11 tends to 2: twelve chains in every lane.
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    CHECK(table->gemm_peak(0) == static_cast<Scalar>(66 * table->lanes));
    CHECK(table->gemm_peak(1) == static_cast<Scalar>((33 + 12) * table->lanes));
    CHECK(table->gemm_peak(200) == static_cast<Scalar>(24 * table->lanes));
  }
}
