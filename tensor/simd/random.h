#pragma once

#include <cstdint>

#include "tensor/simd/xsimd_compat.h"

// Random numbers as a function of (key, index): Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw 2011,
// "Parallel random numbers: as easy as 1, 2, 3", section 4). Nothing is remembered between calls, so any part of any
// stream can be computed by itself, by any thread.

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

/// Twenty rounds in fives of four; after each four, the key is added again, with the number of the four.
template <class Arch>
void threefry(std::uint32_t key0, std::uint32_t key1, Words<Arch>& x0, Words<Arch>& x1) {
  using W = Words<Arch>;
  const std::uint32_t key[3] = {key0, key1, 0x1bd11bdau ^ key0 ^ key1};  // the constant makes the sum of keys odd
  x0 = x0 + W(key[0]);
  x1 = x1 + W(key[1]);
  for (std::uint32_t four = 1; four <= 5; ++four) {
    if (four % 2 == 1) {
      threefry_round<13, Arch>(x0, x1);
      threefry_round<15, Arch>(x0, x1);
      threefry_round<26, Arch>(x0, x1);
      threefry_round<6, Arch>(x0, x1);
    } else {
      threefry_round<17, Arch>(x0, x1);
      threefry_round<29, Arch>(x0, x1);
      threefry_round<16, Arch>(x0, x1);
      threefry_round<24, Arch>(x0, x1);
    }
    x0 = x0 + W(key[four % 3]);
    x1 = x1 + W(key[(four + 1) % 3] + four);
  }
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

/// The 2·words elements of the blocks first_block, first_block + 1, … in the order of the stream.
template <class Arch>
[[gnu::flatten]] inline void threefry_blocks(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_block,
                                             std::uint32_t* out) {
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
  x0.store_aligned(low);
  x1.store_aligned(high);
  for (std::size_t lane = 0; lane < W; ++lane) {
    out[2 * lane] = low[lane];
    out[2 * lane + 1] = high[lane];
  }
}

/// Calls use(i, bits, count) for pieces of the stream that together make elements 0 … n − 1 (counted from first_index).
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
void dropout_mask(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index, std::uint32_t keep_threshold,
                  Scalar scale, Scalar* mask, std::size_t n) {
  for_each_piece<Arch>(key0, key1, first_index, n,
                       [=](std::size_t i, const std::uint32_t* bits, std::size_t count) {
                         for (std::size_t j = 0; j < count; ++j) {
                           mask[i + j] = bits[j] < keep_threshold ? scale : Scalar(0);
                         }
                       });
}

template <class Arch>
void uniform(std::uint32_t key0, std::uint32_t key1, std::uint64_t first_index, Scalar* y, std::size_t n) {
  for_each_piece<Arch>(key0, key1, first_index, n,
                       [=](std::size_t i, const std::uint32_t* bits, std::size_t count) {
                         for (std::size_t j = 0; j < count; ++j) {
                           y[i + j] = static_cast<Scalar>(static_cast<std::int32_t>(bits[j] >> 8)) *
                                      (Scalar(1) / Scalar(16777216));
                         }
                       });
}

}  // namespace attune::inline ATTUNE_PRECISION::simd
