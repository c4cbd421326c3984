#include "nn/init.h"

#include <cmath>

#include "tensor/error.h"

namespace attune::nn {
namespace {

struct Fans {
  Scalar in, out;
};
Fans fans_of(const char* op, const Shape& shape) {
  if (shape.rank() != 2 || shape.elements() == 0)
    fail<ShapeError>(op, ": a weight (out, in) is wanted: ", shape, ": give two sizes, both 1 or more");
  return {static_cast<Scalar>(shape[1]), static_cast<Scalar>(shape[0])};
}

}  // namespace

Tensor xavier_uniform(const Shape& shape, Rng& rng) {
  const Fans fans = fans_of("xavier_uniform", shape);
  const Scalar bound = std::sqrt(6 / (fans.in + fans.out));
  return uniform(shape, -bound, bound, rng);
}

Tensor kaiming_normal(const Shape& shape, Rng& rng) {
  return normal(shape, 0, std::sqrt(2 / fans_of("kaiming_normal", shape).in), rng);
}

}  // namespace attune::nn
