#include "tensor/tensor.h"

int main() {
  return static_cast<int>(attune::zeros({2, 3}).item());
}
