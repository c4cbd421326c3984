#pragma once

#include "tensor/simd/attention.h"
#include "tensor/simd/elementwise.h"
#include "tensor/simd/gemm.h"
#include "tensor/simd/kernels.h"
#include "tensor/simd/random.h"
#include "tensor/simd/reductions.h"
#include "tensor/simd/rows.h"
#include "tensor/simd/update.h"

namespace attune::inline ATTUNE_PRECISION::simd {

/// The whole set of kernels for one instruction set. Constant, so that no code runs before it is known
/// whether the machine can run it.
template <class Arch>
constexpr Kernels make_table(const char* name) {
  return Kernels{
      .name = name,
      .lanes = static_cast<int>(lanes<Arch>),

      .negate = negate<Arch>,
      .absolute = absolute<Arch>,
      .exp = simd::exp<Arch>,
      .log = simd::log<Arch>,
      .sqrt = simd::sqrt<Arch>,
      .square = square<Arch>,
      .tanh = simd::tanh<Arch>,
      .sigmoid = sigmoid<Arch>,
      .erf = simd::erf<Arch>,
      .relu = relu<Arch>,
      .gelu = gelu<Arch>,
      .silu = silu<Arch>,
      .reciprocal = reciprocal<Arch>,
      .relu_backward = relu_backward<Arch>,
      .gelu_backward = gelu_backward<Arch>,
      .silu_backward = silu_backward<Arch>,
      .tanh_backward = tanh_backward<Arch>,
      .sigmoid_backward = sigmoid_backward<Arch>,

      .add = add<Arch>,
      .subtract = subtract<Arch>,
      .multiply = multiply<Arch>,
      .divide = divide<Arch>,
      .maximum = maximum<Arch>,
      .minimum = minimum<Arch>,
      .power = power<Arch>,
      .less = less<Arch>,
      .less_equal = less_equal<Arch>,
      .greater = greater<Arch>,
      .greater_equal = greater_equal<Arch>,
      .equal = equal<Arch>,
      .not_equal = not_equal<Arch>,
      .select = simd::select<Arch>,

      .fill = fill<Arch>,
      .add_to = add_to<Arch>,
      .axpy = axpy<Arch>,
      .scale = scale<Arch>,

      .sum = sum<Arch>,
      .max = max<Arch>,
      .min = min<Arch>,
      .dot = dot<Arch>,
      .any_non_finite = any_non_finite<Arch>,
      .sum_of_squares = sum_of_squares<Arch>,

      .softmax = softmax<Arch>,
      .log_softmax = log_softmax<Arch>,
      .masked_softmax = masked_softmax<Arch>,
      .softmax_backward = softmax_backward<Arch>,
      .log_softmax_backward = log_softmax_backward<Arch>,
      .layer_norm = layer_norm<Arch>,
      .layer_norm_backward = layer_norm_backward<Arch>,
      .rms_norm = rms_norm<Arch>,
      .rms_norm_backward = rms_norm_backward<Arch>,
      .cross_entropy = cross_entropy<Arch>,
      .cross_entropy_backward = cross_entropy_backward<Arch>,

      .exp_minus = exp_minus<Arch>,
      .attention_backward = attention_backward<Arch>,
      .dot_rows = dot_rows<Arch>,
      .sum_rows = sum_rows<Arch>,

      .adam = adam<Arch>,
      .sgd = sgd<Arch>,

      .threefry_block = threefry_block<Arch>,
      .threefry_bits = threefry_bits<Arch>,
      .dropout = dropout<Arch>,
      .uniform = uniform<Arch>,

      .gemm_rows = GemmShape<Arch>::rows,
      .gemm_columns = GemmShape<Arch>::columns,
      .gemm_block = gemm_block<Arch>,
      .gemm_pack = gemm_pack<Arch>,
      .split_pack = nullptr,
      .split_block = nullptr,
      .gemm_peak = gemm_peak<Arch>,
  };
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
