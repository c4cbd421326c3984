#pragma once

#include <cstdint>

#include "tensor/simd/gemm_block.h"

// The naive twin of gemm.h, one number at a time: the oracle of the tests.

namespace attune::inline ATTUNE_PRECISION::simd {

constexpr int scalar_gemm_rows = 4;
constexpr int scalar_gemm_columns = 4;

static void scalar_gemm_block(const GemmBlock& block) {
  for (std::int64_t i = 0; i < block.rows; ++i) {
    for (std::int64_t j = 0; j < block.columns; ++j) {
      const Scalar* b = block.b + j / scalar_gemm_columns * block.b_panel_stride + j % scalar_gemm_columns;
      Scalar sum = 0;
      for (std::int64_t k = 0; k < block.inner; ++k) {
        sum += block.a[i * block.a_row_stride + k * block.a_column_stride] * b[k * block.b_row_stride];
      }
      Scalar& c = block.c[i * block.c_row_stride + j];
      c = block.start ? block.start[i * block.start_row_stride + j] + sum : sum;
    }
  }
}

/// One number is a whole vector here: there is nothing to fill up with zeros.
static void scalar_gemm_pack(std::int64_t inner, int columns, const Scalar* b, std::int64_t row_stride,
                             std::int64_t column_stride, Scalar* panel) {
  for (std::int64_t k = 0; k < inner; ++k) {
    for (int j = 0; j < columns; ++j)
      panel[k * scalar_gemm_columns + j] = b[k * row_stride + j * column_stride];
  }
}

static Scalar scalar_gemm_peak(std::int64_t rounds) {
  Scalar sum[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (Scalar& chain : sum) chain = chain * Scalar(0.5) + Scalar(1);
  }
  Scalar total = 0;
  for (const Scalar chain : sum) total += chain;
  return total;
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
