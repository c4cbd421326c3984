#pragma once

#include "tensor/gemm.h"

// The matrix product on a matrix unit: simd/gemm_split.h says how. Called by gemm.cpp alone.

namespace attune::inline ATTUNE_PRECISION {

/// True if the machine has such a unit and the product is large enough for it. For a few rows reading B is
/// what takes the time, and split it is half as large again.
bool worth_splitting(const GemmOperand& a, const GemmOperand& b);

/// C = start + A · B on as many threads as it is worth. The order of the sums: as in gemm, blocks of
/// 256, each of chunks of 32.
/// `split_b` is what split_matrix made of B, or null.
void split_gemm(const GemmOperand& a, const GemmOperand& b, const Scalar* split_b, const GemmResult& c,
                const GemmStart& start);

/// All of B split, for split_gemm.
void split_matrix(const GemmOperand& b, GemmBuffer& buffer);

}  // namespace attune::inline ATTUNE_PRECISION
