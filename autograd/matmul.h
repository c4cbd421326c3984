#pragma once

#include "autograd/variable.h"

namespace attune::inline ATTUNE_PRECISION {

/// C = A · B over the last two axes, the others broadcast: (…, M, K) · (…, K, N) = (…, M, N).
Variable matmul(const Variable& a, const Variable& b);
/// x Wᵀ + b: x (…, in), weight (out, in), bias (out) or undefined for none; the result is (…, out).
Variable linear(const Variable& x, const Variable& weight, const Variable& bias = {});

}  // namespace attune::inline ATTUNE_PRECISION
