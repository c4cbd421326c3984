#include "numbers.h"

#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/random.h"
#include "tensor/reduce.h"

double norm_of_a_product() {
  attune::Rng rng(1);
  const attune::Tensor a = attune::normal({20, 30}, 0, 1, rng);
  const attune::Tensor b = attune::normal({30, 20}, 0, 1, rng);
  const attune::Tensor c = matmul(a, b);
  return static_cast<double>(sum(c * c).item());
}
