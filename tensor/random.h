#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

/// Random numbers by counting: Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as
/// easy as 1, 2, 3"; also JAX's generator).
///
/// A generator is a key, and element i of its stream is a function of the key and i alone. So any element can
/// be computed by itself, by any thread, in any order. Streams are derived, never shared: `rng.at(step)` and
/// then
/// `.at(layer)` give independent generators, the same ones every time.
///
///     Rng rng(7);                               // the seed
///     Tensor w = normal({64, 64}, 0, 0.02f, rng);   // takes the next numbers of rng's own stream
///     Rng dropout = rng.at(step);               // does not move rng
class Rng {
 public:
  explicit Rng(std::uint64_t seed);

  /// The generator numbered `n` of this one's independent children.
  Rng at(std::uint64_t n) const;
  /// 32 random bits: element `index` of the stream.
  std::uint32_t bits(std::uint64_t index) const;

  /// A number that no earlier call on this generator has given: layers that need a stream of their own take
  /// one when they are made.
  std::uint64_t next_stream() { return streams_++; }
  /// Reserves the next `count` elements of the stream and returns the first one's index.
  std::uint64_t reserve(std::uint64_t count);
  /// The next number, uniform in [0, 1), from 24 bits.
  double uniform();
  /// The next whole number in [0, bound), each equally likely. Throws ValueError for a bound of 0.
  std::uint64_t below(std::uint64_t bound);

  std::uint32_t key(int word) const { return key_[word]; }

 private:
  std::uint32_t key_[2];
  std::uint64_t next_ = 0;
  std::uint64_t streams_ = 0;
};

/// Numbers uniform in [low, high), from the next elements of rng's stream. ValueError unless low <= high.
Tensor uniform(const Shape& shape, Scalar low, Scalar high, Rng& rng);
/// Normally distributed numbers (Box & Muller 1958). ValueError for a negative deviation.
Tensor normal(const Shape& shape, Scalar mean, Scalar deviation, Rng& rng);
/// Dropout: each element of x becomes x / (1 - rate) with probability 1 - rate, else 0; element i by bits(i)
/// of `rng`, which is not moved. NaN stays NaN. Throws ValueError unless 0 <= rate < 1.
Tensor dropout(const Tensor& x, Scalar rate, const Rng& rng);

}  // namespace attune::inline ATTUNE_PRECISION
