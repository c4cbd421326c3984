#include "tensor/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensor/error.h"
#include "tensor/loops.h"
#include "tensor/simd/kernels.h"

namespace attune::inline ATTUNE_PRECISION {

Rng::Rng(std::uint64_t seed)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)} {}

std::uint32_t Rng::bits(std::uint64_t index) const {
  std::uint32_t word;
  scalar_kernels().threefry_bits(key_[0], key_[1], index, &word, 1);
  return word;
}

Rng Rng::at(std::uint64_t n) const {
  // The child's key is the block n of the parent's stream, taken from the far half of the counter, which no
  // tensor is large enough to reach.
  constexpr std::uint64_t far_half = std::uint64_t{1} << 63;
  const std::uint64_t block = far_half | (n << 1);
  Rng child(0);
  scalar_kernels().threefry_bits(key_[0], key_[1], block, child.key_, 2);
  // n's top bits fall off the counter: stir them into the key.
  child.key_[0] ^= static_cast<std::uint32_t>(n >> 62) * 0x9E3779B9u;
  return child;
}

std::uint64_t Rng::reserve(std::uint64_t count) {
  const std::uint64_t first = next_;
  next_ += count;
  return first;
}

double Rng::uniform() {
  return (bits(reserve(1)) >> 8) * 0x1p-24;
}

std::uint64_t Rng::below(std::uint64_t bound) {
  if (bound == 0) fail<ValueError>("below: a bound of 0 leaves no number to choose: give 1 or more");
  // Draws beyond the last whole multiple of `bound` are drawn again: every number is equally likely.
  const std::uint64_t limit = ~std::uint64_t{0} - ~std::uint64_t{0} % bound;
  for (;;) {
    const std::uint64_t first = reserve(2);
    const std::uint64_t draw = (std::uint64_t{bits(first)} << 32) | bits(first + 1);
    if (draw < limit) return draw % bound;
  }
}

Tensor uniform(const Shape& shape, Scalar low, Scalar high, Rng& rng) {
  if (!(low <= high && std::isfinite(high - low)))
    fail<ValueError>("uniform: there is nothing between ", low, " and ", high,
                     ": give two numbers, the lower one first");
  const std::uint64_t first = rng.reserve(static_cast<std::uint64_t>(shape.elements()));
  Tensor y = Tensor::uninitialised(shape);
  Scalar* out = y.writable();
  kernels().uniform(rng.key(0), rng.key(1), first, out, static_cast<std::size_t>(shape.elements()));
  const Scalar most = std::nextafter(high, low);  // where low + … would be rounded up to high
  for (Index i = 0; i < shape.elements(); ++i) out[i] = std::min(low + (high - low) * out[i], most);
  return y;
}

Tensor normal(const Shape& shape, Scalar mean, Scalar deviation, Rng& rng) {
  if (!(std::isfinite(mean) && deviation >= 0 && std::isfinite(deviation)))
    fail<ValueError>("normal: mean ", mean, " and deviation ", deviation,
                     ": they must be finite, the deviation 0 or more");
  // Two uniform numbers u, v make two normal ones:  √(-2 ln u) cos 2πv  and  √(-2 ln u) sin 2πv.
  // Computed in double, so that float and double builds start from the same weights.
  const Index pairs = (shape.elements() + 1) / 2;
  const std::uint64_t first = rng.reserve(static_cast<std::uint64_t>(2 * pairs));
  Tensor y = Tensor::uninitialised(shape);
  Scalar* out = y.writable();
  for (Index pair = 0; pair < pairs; ++pair) {
    const std::uint64_t index = first + static_cast<std::uint64_t>(2 * pair);
    const double u = ((rng.bits(index) >> 8) + 1) * 0x1p-24;  // in (0, 1]: the logarithm is finite
    const double v = (rng.bits(index + 1) >> 8) * 0x1p-24;
    const double radius = std::sqrt(-2 * std::log(u));
    const double angle = 2 * std::numbers::pi * v;
    out[2 * pair] = static_cast<Scalar>(static_cast<double>(mean) +
                                        static_cast<double>(deviation) * radius * std::cos(angle));
    if (2 * pair + 1 < shape.elements())
      out[2 * pair + 1] = static_cast<Scalar>(static_cast<double>(mean) +
                                              static_cast<double>(deviation) * radius * std::sin(angle));
  }
  return y;
}

Tensor dropout(const Tensor& x, Scalar rate, const Rng& rng) {
  if (!(rate >= 0 && rate < 1))
    fail<ValueError>("dropout: the rate is ", rate, ": it must be at least 0 and below 1");
  if (rate == 0) return x.checked("dropout");
  const double keep = 1 - static_cast<double>(rate);
  const Tensor in = contiguous(x.checked("dropout"));
  Tensor y = Tensor::uninitialised(x.shape());
  Scalar* out = y.writable();
  static_assert(Loop<1>::chunk % 2 == 0, "a chunk begins with a block of two words");
  parallel_for(x.elements(), Loop<1>::chunk, [&](Index begin, Index end) {
    kernels().dropout(rng.key(0), rng.key(1), static_cast<std::uint64_t>(begin / 2),
                      static_cast<std::uint32_t>(keep * 0x1p32), static_cast<Scalar>(1 / keep),
                      in.data() + begin, out + begin, static_cast<std::size_t>(end - begin));
  });
  return y;
}

}  // namespace attune::inline ATTUNE_PRECISION
