#pragma once

#include <cstdint>
#include <utility>

#include "tensor/simd/batch_math.h"
#include "tensor/simd/runs.h"

// Random numbers as a function of (key, index): Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw
// 2011, "Parallel random numbers: as easy as 1, 2, 3", section 4). Nothing is remembered between calls, so
// any part of any stream can be computed by itself, by any thread.

namespace attune::inline ATTUNE_PRECISION::simd {

template <class Arch>
using Words = xsimd::batch<std::uint32_t, Arch>;

template <class Arch>
inline constexpr std::size_t words = Words<Arch>::size;

template <int Bits, class Arch>
Words<Arch> rotate_left(const Words<Arch>& x) {
#if defined(__AVX512F__)
  if constexpr (has_avx512<Arch>) return Words<Arch>(_mm512_rol_epi32(bits_as<__m512i>(x), Bits));
#endif
  if constexpr (!has_avx512<Arch>) return (x << Bits) | (x >> (32 - Bits));
}

/// One round: the words are added, one is rotated, and they are mixed by exclusive or.
template <int Bits, class Arch>
void threefry_round(Words<Arch>& x0, Words<Arch>& x1) {
  x0 = x0 + x1;
  x1 = rotate_left<Bits, Arch>(x1) ^ x0;
}

/// Four rounds, and the key again, with the number of the four.
template <int First, int Second, int Third, int Fourth, class Arch>
void threefry_four(std::uint32_t key0, std::uint32_t key1, Words<Arch>& x0, Words<Arch>& x1) {
  threefry_round<First, Arch>(x0, x1);
  threefry_round<Second, Arch>(x0, x1);
  threefry_round<Third, Arch>(x0, x1);
  threefry_round<Fourth, Arch>(x0, x1);
  x0 = x0 + Words<Arch>(key0);
  x1 = x1 + Words<Arch>(key1);
}

/// Twenty rounds: the block with counter (x0, x1).
template <class Arch>
void threefry(std::uint32_t key0, std::uint32_t key1, Words<Arch>& x0, Words<Arch>& x1) {
  const std::uint32_t key2 = 0x1bd11bdau ^ key0 ^ key1;
  x0 = x0 + Words<Arch>(key0);
  x1 = x1 + Words<Arch>(key1);
  threefry_four<13, 15, 26, 6, Arch>(key1, key2 + 1, x0, x1);
  threefry_four<17, 29, 16, 24, Arch>(key2, key0 + 2, x0, x1);
  threefry_four<13, 15, 26, 6, Arch>(key0, key1 + 3, x0, x1);
  threefry_four<17, 29, 16, 24, Arch>(key1, key2 + 4, x0, x1);
  threefry_four<13, 15, 26, 6, Arch>(key2, key0 + 5, x0, x1);
}

template <class Arch>
void threefry_block(std::uint32_t key0, std::uint32_t key1, std::uint32_t counter0, std::uint32_t counter1,
                    std::uint32_t* out) {
  alignas(Arch::alignment()) std::uint32_t buffer[words<Arch>];
  Words<Arch> x0(counter0);
  Words<Arch> x1(counter1);
  threefry<Arch>(key0, key1, x0, x1);
  x0.store_aligned(buffer);
  out[0] = buffer[0];
  x1.store_aligned(buffer);
  out[1] = buffer[0];
}

/// The lanes of a and b in turn, a0 b0 a1 b1 …, as two batches. xsimd's own zip_lo and zip_hi work on pieces
/// of 128 bits with some instruction sets and on the whole batch with others.
template <class Arch, int... Lane>
void take_turns(Words<Arch>& a, Words<Arch>& b, std::integer_sequence<int, Lane...>) {
  constexpr int W = static_cast<int>(words<Arch>);
  typedef std::uint32_t Vector __attribute__((vector_size(sizeof(Words<Arch>))));
  const Vector u = bits_as<Vector>(a);
  const Vector v = bits_as<Vector>(b);
  a = bits_as<Words<Arch>>(__builtin_shufflevector(u, v, (Lane % 2 * W + Lane / 2)...));
  b = bits_as<Words<Arch>>(__builtin_shufflevector(u, v, (Lane % 2 * W + W / 2 + Lane / 2)...));
}

/// Calls use(i, low, high) for pieces of the stream that together make elements 0 … n − 1 (counted from block
/// first_block) and a little more: `low` holds elements i … i + words − 1, `high` the `words` after them.
template <class Arch, class Use>
[[gnu::flatten]] inline void for_each_piece(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_block,
                                            std::size_t n, Use use) {
  constexpr std::size_t W = words<Arch>;
  alignas(Arch::alignment()) std::uint32_t numbers[W];
  for (std::size_t lane = 0; lane < W; ++lane) numbers[lane] = static_cast<std::uint32_t>(lane);
  const Words<Arch> lane = Words<Arch>::load_aligned(numbers);
  const Words<Arch> zero(0u), one(1u);
  for (std::size_t i = 0; i < n; i += 2 * W, first_block += W) {
    // The counter is a number of 64 bits in two words: where the low one has overflowed, the high one is one
    // more.
    Words<Arch> x0 = Words<Arch>(static_cast<std::uint32_t>(first_block)) + lane;
    Words<Arch> x1 =
        Words<Arch>(static_cast<std::uint32_t>(first_block >> 32)) + xsimd::select(x0 < lane, one, zero);
    threefry<Arch>(key0, key1, x0, x1);
    take_turns<Arch>(x0, x1, std::make_integer_sequence<int, static_cast<int>(W)>());
    use(i, x0, x1);
  }
}

/// Calls use(i, bits, count) for pieces that together make elements 0 … n − 1, counted from any first_index.
template <class Arch, class Use>
[[gnu::flatten]] inline void for_each_buffer(std::uint32_t key0, std::uint32_t key1,
                                             std::uint64_t first_index, std::size_t n, Use use) {
  constexpr std::size_t W = words<Arch>;
  alignas(Arch::alignment()) std::uint32_t bits[2 * W];
  const std::size_t skip = static_cast<std::size_t>(first_index & 1);  // an odd one starts inside a block
  for_each_piece<Arch>(key0, key1, first_index >> 1, n == 0 ? 0 : n + skip,
                       [&](std::size_t i, const Words<Arch>& low, const Words<Arch>& high) {
                         low.store_aligned(bits);
                         high.store_aligned(bits + W);
                         const std::size_t from = i == 0 ? skip : 0;
                         const std::size_t left = n + skip - i;
                         use(i + from - skip, bits + from, (left < 2 * W ? left : 2 * W) - from);
                       });
}

template <class Arch>
void threefry_bits(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index, std::uint32_t* out,
                   std::size_t n) {
  for_each_buffer<Arch>(key0, key1, first_index, n,
                        [=](std::size_t i, const std::uint32_t* bits, std::size_t count) {
                          for (std::size_t j = 0; j < count; ++j) out[i + j] = bits[j];
                        });
}

/// x times `scale` where the word is below the threshold, else times 0: a product, so that NaN goes through.
template <class Arch>
void dropout(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_block, std::uint32_t keep_threshold,
             Scalar scale, const Scalar* x, Scalar* y, std::size_t n) {
  if constexpr (math::in_double) {
    for_each_buffer<Arch>(key0, key1, 2 * first_block, n,
                          [=](std::size_t i, const std::uint32_t* bits, std::size_t count) {
                            for (std::size_t j = 0; j < count; ++j)
                              y[i + j] = x[i + j] * (bits[j] < keep_threshold ? scale : Scalar(0));
                          });
  } else {
    using B = Batch<Arch>;
    constexpr std::size_t L = lanes<Arch>;
    const Words<Arch> threshold(keep_threshold), zero(0u);
    const Words<Arch> kept = bits_as<Words<Arch>>(B(scale));
    const auto drop = [=](std::size_t i, const Words<Arch>& bits, auto extent) {
      const B factor = bits_as<B>(xsimd::select(bits < threshold, kept, zero));
      store<Arch>(load<Arch>(x + i, extent) * factor, y + i, extent);
    };
    for_each_piece<Arch>(key0, key1, first_block, n,
                         [=](std::size_t i, const Words<Arch>& low, const Words<Arch>& high) {
                           if (i + 2 * L <= n) {
                             drop(i, low, Whole{});
                             drop(i + L, high, Whole{});
                             return;
                           }
                           const std::size_t left = n - i;
                           if (left < L) return drop(i, low, Part{left});
                           drop(i, low, Whole{});
                           if (left > L) drop(i + L, high, Part{left - L});
                         });
  }
}

template <class Arch>
void uniform(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index, Scalar* y, std::size_t n) {
  for_each_buffer<Arch>(
      key0, key1, first_index, n, [=](std::size_t i, const std::uint32_t* bits, std::size_t count) {
        for (std::size_t j = 0; j < count; ++j) {
          y[i + j] =
              static_cast<Scalar>(static_cast<std::int32_t>(bits[j] >> 8)) * (Scalar(1) / Scalar(16777216));
        }
      });
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
