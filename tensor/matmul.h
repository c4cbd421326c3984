#pragma once

#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

/// C = A · B over the last two axes: (…, M, K) · (…, K, N) = (…, M, N). The axes before them broadcast.
///
/// Any strides are multiplied as they lie: `matmul(x, transpose(w))` copies nothing. Each element is summed
/// in the same order whatever the other sizes and the number of threads, but for what gemm.h says of matrix
/// units. Throws ShapeError when an operand
/// has fewer than two axes, the inner sizes differ, or the batch axes do not broadcast.
Tensor matmul(const Tensor& a, const Tensor& b);

/// Whether a weight keeps its packed form for the next products: yes where it will not change soon, as in
/// translation, where packing would take longer than multiplying the few rows of a step. It takes as much
/// memory as the weight, one and a half times as much for a matrix unit, or both where products of few rows
/// and of many alternate, and goes with the weight's next change.
enum class KeepPacked { no, yes };

/// x Wᵀ + b: x (…, in), weight (out, in), bias (out) or undefined for none; the result is (…, out).
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, KeepPacked keep = KeepPacked::no);

namespace detail {
/// The shape of the product. Throws ShapeError, naming `op`, when the operands do not fit.
Shape matmul_shape(const char* op, const Shape& a, const Shape& b);
}  // namespace detail

}  // namespace attune::inline ATTUNE_PRECISION
