#pragma once

#include <cstdint>
#include <utility>

#include "tensor/simd/xsimd_compat.h"

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
void store_in_turn(const Words<Arch>& a, const Words<Arch>& b, std::uint32_t* out,
                   std::integer_sequence<int, Lane...>) {
  constexpr int W = static_cast<int>(words<Arch>);
  typedef std::uint32_t Vector __attribute__((vector_size(sizeof(Words<Arch>))));
  const Vector u = bits_as<Vector>(a);
  const Vector v = bits_as<Vector>(b);
  const auto low = __builtin_shufflevector(u, v, (Lane % 2 * W + Lane / 2)...);
  const auto high = __builtin_shufflevector(u, v, (Lane % 2 * W + W / 2 + Lane / 2)...);
  bits_as<Words<Arch>>(low).store_unaligned(out);
  bits_as<Words<Arch>>(high).store_unaligned(out + W);
}

/// The 2·words elements of the blocks first_block, first_block + 1, … in the order of the stream.
template <class Arch>
[[gnu::flatten]] inline void threefry_blocks(std::uint32_t key0, std::uint32_t key1,
                                             std::uint64_t first_block, std::uint32_t* out) {
  constexpr std::size_t W = words<Arch>;
  alignas(Arch::alignment()) std::uint32_t low[W];
  alignas(Arch::alignment()) std::uint32_t high[W];
  for (std::size_t lane = 0; lane < W; ++lane) {
    low[lane] = static_cast<std::uint32_t>(first_block + lane);
    high[lane] = static_cast<std::uint32_t>((first_block + lane) >> 32);
  }
  Words<Arch> x0 = Words<Arch>::load_aligned(low);
  Words<Arch> x1 = Words<Arch>::load_aligned(high);
  threefry<Arch>(key0, key1, x0, x1);
  store_in_turn<Arch>(x0, x1, out, std::make_integer_sequence<int, static_cast<int>(W)>());
}

/// Calls use(i, bits, count) for pieces of the stream that together make elements 0 … n − 1 (counted from
/// first_index).
template <class Arch, class Use>
[[gnu::flatten]] inline void for_each_piece(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index,
                                            std::size_t n, Use use) {
  constexpr std::size_t piece = 2 * words<Arch>;
  alignas(Arch::alignment()) std::uint32_t bits[piece];
  std::size_t done = 0;
  std::size_t skip = static_cast<std::size_t>(first_index & 1);  // an odd first index starts inside a block
  for (std::uint64_t block = first_index >> 1; done < n; block += words<Arch>) {
    threefry_blocks<Arch>(key0, key1, block, bits);
    const std::size_t ready = piece - skip;
    if (skip == 0 && n - done >= piece) {
      use(done, bits, piece);  // a known count: the compiler vectorises what use() does
      done += piece;
    } else {
      const std::size_t count = n - done < ready ? n - done : ready;
      use(done, bits + skip, count);
      done += count;
    }
    skip = 0;
  }
}

template <class Arch>
void threefry_bits(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index, std::uint32_t* out,
                   std::size_t n) {
  for_each_piece<Arch>(key0, key1, first_index, n,
                       [=](std::size_t i, const std::uint32_t* bits, std::size_t count) {
                         for (std::size_t j = 0; j < count; ++j) out[i + j] = bits[j];
                       });
}

template <class Arch>
void dropout_mask(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index,
                  std::uint32_t keep_threshold, Scalar scale, Scalar* mask, std::size_t n) {
  for_each_piece<Arch>(key0, key1, first_index, n,
                       [=](std::size_t i, const std::uint32_t* bits, std::size_t count) {
                         for (std::size_t j = 0; j < count; ++j) {
                           mask[i + j] = bits[j] < keep_threshold ? scale : Scalar(0);
                         }
                       });
}

template <class Arch>
void uniform(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index, Scalar* y, std::size_t n) {
  for_each_piece<Arch>(
      key0, key1, first_index, n, [=](std::size_t i, const std::uint32_t* bits, std::size_t count) {
        for (std::size_t j = 0; j < count; ++j) {
          y[i + j] =
              static_cast<Scalar>(static_cast<std::int32_t>(bits[j] >> 8)) * (Scalar(1) / Scalar(16777216));
        }
      });
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
