// Faults on purpose, one for each thing that a tool must notice: a tool that finds nothing has been seen to
// find something. Without the tool each says what it did and ends well.
//
//   faults read_freed            the numbers of a tensor that is gone, read by code of the program's own
//   faults read_freed_by_kernel  the same, read by a kernel; in a checked build it reads NaN
//   faults read_beyond           a kernel reads more numbers than a tensor has
//   faults overflow              adds one to the largest integer
//   faults race                  two threads let a kernel write to the same tensor
//   faults leak                  a tensor that nobody can reach any more
//
// Beyond means a whole batch beyond: GCC's AddressSanitizer sees nothing of masked reads, which end a run.
// For these the tests of the kernels have unreadable pages.

#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>
#include <thread>

#include "tensor/elementwise.h"
#include "tensor/simd/kernels.h"
#include "tensor/tensor.h"

using namespace attune;

namespace {

const Scalar* freed_numbers() {
  const Tensor x = ones({1000});
  return x.data();
}

int read_freed() {
  std::printf("read %g\n", static_cast<double>(freed_numbers()[500]));
  return 0;
}

int read_freed_by_kernel() {
  Scalar copies[64];
  kernels().negate(freed_numbers() + 100, copies, 64);
  std::puts(std::isnan(copies[0]) && std::isnan(copies[63]) ? "read NaN" : "read numbers");
  return 0;
}

int read_beyond() {
  const Tensor x = ones({1000});
  std::printf("their sum is %g\n", static_cast<double>(kernels().sum(x.data(), 1100)));
  return 0;
}

int overflow() {
  volatile int largest = std::numeric_limits<int>::max();
  const int sum = largest + 1;
  std::printf("one more is %d\n", sum);
  return 0;
}

int race() {
  Tensor x = zeros({100000});
  Scalar* numbers = x.writable();
  std::thread other([numbers] { kernels().fill(1, numbers, 100000); });
  kernels().fill(2, numbers, 100000);
  other.join();
  std::printf("the last is %g\n", static_cast<double>(numbers[99999]));
  return 0;
}

int leak() {
  new Tensor(ones({1000}));  // NOLINT: on purpose
  std::puts("lost a tensor");
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view fault = count == 2 ? arguments[1] : "";
  if (fault == "read_freed") return read_freed();
  if (fault == "read_freed_by_kernel") return read_freed_by_kernel();
  if (fault == "read_beyond") return read_beyond();
  if (fault == "overflow") return overflow();
  if (fault == "race") return race();
  if (fault == "leak") return leak();
  std::fputs("usage: faults read_freed|read_freed_by_kernel|read_beyond|overflow|race|leak\n", stderr);
  return 2;
}
