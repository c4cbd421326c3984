#include <cstdio>

#include "numbers.h"

int main() {
  const double norm = norm_of_a_product();
  std::printf("norm %g\n", norm);
  return norm > 6000 && norm < 18000 ? 0 : 1;
}
