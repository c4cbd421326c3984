#include "tensor/simd/gemm_block.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "tensor/gemm.h"
#include "tensor/simd/kernels.h"
#include "tests/support/kernels.h"
#include "tests/support/measured.h"

// Products of split numbers on a matrix unit. Where there is none, these tests say so and check nothing.

using namespace attune;
using namespace attune::testing;

namespace {

const Kernels* table_with_matrix_unit() {
  for (const Kernels* table : available_kernels())
    if (table->split_block) return table;
  MESSAGE("SKIPPED: this build or machine has no matrix unit (Intel AMX, in float)");
  return nullptr;
}

// Numbers of very different sizes, signs and bits.
float drawn(std::uint64_t& seed, int spread) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  const double mantissa = static_cast<double>(seed >> 11) / 0x1p52 - 1.0;
  return static_cast<float>(
      std::ldexp(mantissa, static_cast<int>((seed >> 5) % static_cast<unsigned>(spread))));
}

// Part 0, 1 or 2 (h, m, l) of a number in a packed panel, as the layout at SplitBlock has it.
float part_of(const Scalar* panel, SplitSide side, std::int64_t line, std::int64_t step, int part) {
  const auto* halves = reinterpret_cast<const unsigned char*>(panel + step / 32 * split_chunk);
  const std::int64_t tile = line / 16 * 3 + part;
  const std::int64_t pair = step % 16, lane = line % 16;
  const std::int64_t place = side == SplitSide::a ? lane * 16 + pair : pair * 16 + lane;
  std::uint32_t bits = 0;
  std::memcpy(reinterpret_cast<unsigned char*>(&bits) + 2,
              halves + tile * 1024 + place * 4 + (step % 32 / 16) * 2, 2);
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

struct Aligned {
  explicit Aligned(std::int64_t count) : memory(static_cast<std::size_t>(count) + 16) {}
  Scalar* data() {
    auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    return memory.data() + (64 - address % 64) % 64 / sizeof(Scalar);
  }
  std::vector<Scalar> memory;
};

}  // namespace

TEST_CASE("split_pack: the three parts of a number add up to it exactly, wherever and however it lies") {
  const Kernels* table = table_with_matrix_unit();
  if (!table) return;
  long numbers = 0;
  for (const SplitSide side : {SplitSide::a, SplitSide::b}) {
    for (const int layout : {0, 1, 2}) {  // steps contiguous, lines contiguous, neither
      for (const int lines : {1, 2, 15, 16, 17, 31, 32}) {
        for (const std::int64_t inner : {1, 15, 16, 17, 31, 32, 33, 64, 70, 96}) {
          const std::int64_t line_stride = layout == 0 ? inner : layout == 1 ? 1 : 3;
          const std::int64_t step_stride = layout == 0 ? 1 : layout == 1 ? lines : 3 * lines + 1;
          const std::size_t reach =
              static_cast<std::size_t>((lines - 1) * line_stride + (inner - 1) * step_stride + 1);
          // The numbers end where an unreadable page begins: what is missing to a tile must not be read.
          Guarded<Scalar> memory;
          if (reach > Guarded<Scalar>::longest) continue;
          Scalar* const from = memory.run(reach, -1);
          std::uint64_t seed = reach;
          for (std::size_t i = 0; i < reach; ++i) from[i] = static_cast<Scalar>(drawn(seed, 60));
          const std::int64_t chunks = (inner + 31) / 32;
          Aligned panel(chunks * split_chunk);
          std::fill_n(panel.data(), chunks * split_chunk, Scalar(-1));
          table->split_pack(side, lines, inner, from, line_stride, step_stride, panel.data());
          bool exact = true, filled = true;
          for (std::int64_t line = 0; line < lines; ++line) {
            for (std::int64_t step = 0; step < chunks * 32; ++step) {
              float parts[3];
              for (int part = 0; part < 3; ++part)
                parts[part] = part_of(panel.data(), side, line, step, part);
              const Scalar whole = step < inner ? from[line * line_stride + step * step_stride] : Scalar(0);
              exact = exact && static_cast<Scalar>(parts[0] + (parts[1] + parts[2])) == whole;
              exact = exact && std::abs(parts[1]) <= std::abs(parts[0]) / 256 &&
                      std::abs(parts[2]) <= std::abs(parts[1]) / 256;
              ++numbers;
            }
          }
          if (side == SplitSide::b)  // columns that do not exist are 0, as the unit multiplies them, too
            for (std::int64_t line = lines; line < (lines + 15) / 16 * 16; ++line)
              for (std::int64_t step = 0; step < chunks * 32; ++step)
                for (int part = 0; part < 3; ++part)
                  filled = filled && part_of(panel.data(), side, line, step, part) == 0;
          CAPTURE(layout);
          CAPTURE(lines);
          CAPTURE(inner);
          CHECK(exact);
          CHECK(filled);
        }
      }
    }
  }
  measured("split_pack (%s): %ld numbers are the sum of their parts, to the last bit", table->name, numbers);
}

TEST_CASE("gemm: on a matrix unit sums are at least as exact as those of multiply-adds") {
  const Kernels* table = table_with_matrix_unit();
  if (!table) return;
  double worst[2] = {0, 0};  // errors in units of 2^-24 Σ |a b|: the unit's, and those of the vector kernels
  for (const std::int64_t inner : {32, 100, 128, 256, 300, 1000}) {
    const std::int64_t rows = 37, columns = 45;
    std::vector<Scalar> a(static_cast<std::size_t>(rows * inner)),
        b(static_cast<std::size_t>(inner * columns));
    std::uint64_t seed = 7;
    for (Scalar& x : a) x = static_cast<Scalar>(drawn(seed, 8));
    for (Scalar& x : b) x = static_cast<Scalar>(drawn(seed, 8));
    int which = 0;
    for (const char* name : {"amx", "avx512"}) {
      const ForcedKernels forced(name);
      std::vector<Scalar> c(static_cast<std::size_t>(rows * columns));
      gemm({a.data(), rows, inner, inner, 1}, {b.data(), inner, columns, columns, 1}, {c.data(), columns});
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < columns; ++j) {
          double sum = 0, size = 0;
          for (std::int64_t k = 0; k < inner; ++k) {
            const double product = static_cast<double>(a[static_cast<std::size_t>(i * inner + k)]) *
                                   static_cast<double>(b[static_cast<std::size_t>(k * columns + j)]);
            sum += product;
            size += std::abs(product);
          }
          const double error =
              std::abs(static_cast<double>(c[static_cast<std::size_t>(i * columns + j)]) - sum);
          worst[which] = std::max(worst[which], error / size * 0x1p24);
        }
      }
      ++which;
    }
  }
  measured("gemm, largest error in units of 2^-24 of the sum of sizes: matrix unit %.2f, multiply-adds %.2f",
           worst[0], worst[1]);
  CHECK(worst[0] <= worst[1]);
}

TEST_CASE("gemm: on a matrix unit what is not finite stays so, in its row and column only") {
  const Kernels* table = table_with_matrix_unit();
  if (!table) return;
  const ForcedKernels forced(table->name);
  constexpr std::int64_t n = 70;
  for (const Scalar bad : {not_a_number, infinity, -infinity}) {
    for (const bool in_a : {true, false}) {
      std::vector<Scalar> a(n * n, Scalar(1.25)), b(n * n, Scalar(-0.3)), c(n * n);
      (in_a ? a : b)[33 * n + 40] = bad;
      gemm({a.data(), n, n, n, 1}, {b.data(), n, n, n, 1}, {c.data(), n});
      long wrong = 0;
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
          const bool reached = in_a ? i == 33 : j == 40;
          wrong += std::isfinite(c[static_cast<std::size_t>(i * n + j)]) == reached;
        }
      CHECK(wrong == 0);
    }
  }
}
