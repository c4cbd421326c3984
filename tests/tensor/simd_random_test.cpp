#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/simd/kernels.h"
#include "tests/support/kernels.h"

// The kernels of random numbers: the published answers, and the same bits from every table.

using namespace attune;
using namespace attune::testing;

TEST_CASE("simd: threefry gives the published answers") {
  struct Answer {
    std::uint32_t counter[2], key[2], words[2];
  };
  // The known answers published with "Parallel random numbers: as easy as 1, 2, 3", threefry2x32 with 20
  // rounds.
  const Answer answers[] = {
      {{0, 0}, {0, 0}, {0x6b200159, 0x99ba4efe}},
      {{0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x1cb996fc, 0xbb002be7}},
      {{0x243f6a88, 0x85a308d3}, {0x13198a2e, 0x03707344}, {0xc4923a9c, 0x483df7a0}},
  };
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    for (const Answer& a : answers) {
      std::uint32_t words[2] = {};
      table->threefry_block(a.key[0], a.key[1], a.counter[0], a.counter[1], words);
      CHECK(words[0] == a.words[0]);
      CHECK(words[1] == a.words[1]);
    }
    std::uint32_t first[2] = {};
    table->threefry_bits(0, 0, 0, first, 2);
    CHECK(first[0] == 0x6b200159);
    CHECK(first[1] == 0x99ba4efe);
  }
}

TEST_CASE("simd: any part of a random stream is the same bits from every table") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    for (const std::uint64_t first :
         {0ull, 1ull, 7ull, 0x1fffffff0ull, 0x1ffffffefull, 0xfffffffffffff00ull}) {
      for (std::size_t n = 0; n <= 130; ++n) {
        std::vector<std::uint32_t> bits(n + 1, 42);
        table->threefry_bits(0xdeadbeef, 123, first, bits.data(), n);
        for (std::size_t i = 0; i < n; ++i) {
          const std::uint64_t index = first + i;
          std::uint32_t block[2];
          scalar_kernels().threefry_block(0xdeadbeef, 123, static_cast<std::uint32_t>(index >> 1),
                                          static_cast<std::uint32_t>(index >> 33), block);
          if (bits[i] != block[index & 1]) FAIL_CHECK("element ", i, " from ", first);
        }
        CHECK(bits[n] == 42);
      }
    }
  }
}

TEST_CASE("simd: threefry_bits writes its words and nothing else, at every length and place") {
  Guarded<std::uint32_t> memory;
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    for (std::size_t n = 0; n <= 260; n += n < 66 ? 1 : 31) {
      for (const std::uint64_t first : {0u, 1u}) {
        std::vector<std::uint32_t> expected(n);
        scalar_kernels().threefry_bits(7, 8, first, expected.data(), n);
        for (int place = -1; place < 16; ++place) {
          std::uint32_t* const run = memory.run(n, place);
          table->threefry_bits(7, 8, first, run, n);
          if (!std::equal(expected.begin(), expected.end(), run)) FAIL_CHECK("n = ", n, ", place ", place);
          if (!memory.clean_around(run, n)) FAIL_CHECK("wrote where it must not: n = ", n, ", place ", place);
        }
      }
    }
  }
}

TEST_CASE("simd: uniform numbers are below 1 and evenly spread, and dropout keeps its share") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    std::vector<Scalar> u(100'000);
    table->uniform(1, 2, 0, u.data(), u.size());
    double mean = 0;
    for (const Scalar v : u) {
      if (!(v >= 0 && v < 1)) FAIL_CHECK(v);
      mean += double(v) / double(u.size());
    }
    CHECK(mean == doctest::Approx(0.5).epsilon(0.01));
    const std::vector<Scalar> ones(u.size(), 1);
    table->dropout(1, 2, 0, 0xe6666666u, 2, ones.data(), u.data(), u.size());
    mean = 0;
    for (const Scalar v : u) mean += double(v) / double(u.size());
    CHECK(mean == doctest::Approx(1.8).epsilon(0.01));
  }
}
