#pragma once

#include "tensor/simd/kernels.h"
#include "tensor/simd/runs.h"

// One step of an optimiser over one parameter: everything that the step reads and writes passes through once.

namespace attune::inline ATTUNE_PRECISION::simd {

/// The formula stands at AdamStep; ε is added to the corrected root, as in the paper and in PyTorch.
template <class Arch>
[[gnu::flatten]] inline void adam(Scalar* parameter, const Scalar* gradient, Scalar* m, Scalar* v,
                                  std::size_t n, const AdamStep& step) {
  using B = Batch<Arch>;
  const B beta1(step.beta1), rest1(Scalar(1) - step.beta1);
  const B beta2(step.beta2), rest2(Scalar(1) - step.beta2);
  const B rate(step.rate), epsilon(step.epsilon), decay(step.weight_decay);
  const B correct1(Scalar(1) / step.correction1), correct2(Scalar(1) / step.correction2);
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const B g = load<Arch>(gradient + i, extent);
    const B p = load<Arch>(parameter + i, extent);
    const B m_new = multiply_add(beta1, load<Arch>(m + i, extent), rest1 * g);
    const B v_new = multiply_add(beta2, load<Arch>(v + i, extent), rest2 * g * g);
    const B direction = quotient(m_new * correct1, square_root(v_new * correct2) + epsilon);
    store<Arch>(m_new, m + i, extent);
    store<Arch>(v_new, v + i, extent);
    store<Arch>(p - rate * multiply_add(decay, p, direction), parameter + i, extent);
  });
}

template <class Arch>
[[gnu::flatten]] inline void sgd(Scalar* parameter, const Scalar* gradient, Scalar* velocity, std::size_t n,
                                 Scalar rate, Scalar momentum, Scalar weight_decay) {
  using B = Batch<Arch>;
  const B step(rate), keep(momentum), decay(weight_decay);
  if (!velocity) {
    return map<Arch>(
        parameter, n, [=](B p, B g) { return p - step * multiply_add(decay, p, g); }, Run<Arch>{parameter},
        Run<Arch>{gradient});
  }
  each<Arch>(n, [&](std::size_t i, auto extent) {
    const B p = load<Arch>(parameter + i, extent);
    const B g = multiply_add(decay, p, load<Arch>(gradient + i, extent));
    const B v_new = multiply_add(keep, load<Arch>(velocity + i, extent), g);
    store<Arch>(v_new, velocity + i, extent);
    store<Arch>(p - step * v_new, parameter + i, extent);
  });
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
