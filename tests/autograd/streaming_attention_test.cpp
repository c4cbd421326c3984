// Attention tile by tile equals the composed form, which is the formula: values and gradients, for sizes
// around the borders of tiles, every kind of mask, biases, and memory of any order.

#include "autograd/streaming_attention.h"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "autograd/attention.h"
#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "tensor/indexing.h"
#include "tensor/memory.h"
#include "tensor/random.h"
#include "tensor/thread_pool.h"
#include "tests/support/array.h"
#include "tests/support/measured.h"

using namespace attune;
using namespace attune::testing;

namespace {

constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();
constexpr double tolerance = sizeof(Scalar) == 4 ? 2e-5 : 1e-13;

// (B, H, length, width), in memory (B, length, H, width) as projections give it.
Tensor heads(Index batch, Index count, Index length, Index width, std::mt19937& engine) {
  return permute(random_tensor({batch, length, count, width}, engine), {0, 2, 1, 3});
}

struct Found {
  Tensor y;
  std::vector<Tensor> gradients;  // by query, key, value and, if it is given, the bias
};

Found found_by(bool streams, const std::vector<Tensor>& x, const Mask& mask, const Tensor& bias,
               bool bias_learns, const Tensor& dy) {
  std::vector<Variable> leaves{tracked(x[0]), tracked(x[1]), tracked(x[2])};
  if (bias_learns) leaves.push_back(tracked(bias));
  const Variable b = !bias.defined() ? Variable() : bias_learns ? leaves[3] : Variable(bias);
  const Variable y = streams ? streaming_attention(leaves[0], leaves[1], leaves[2], mask, b)
                             : composed_attention(leaves[0], leaves[1], leaves[2], mask, b);
  Found found{y.value(), {}};
  for (const Variable& gradient : gradients(y, leaves, dy)) found.gradients.push_back(gradient.value());
  return found;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const std::vector<Scalar> left = a.values(), right = b.values();
  return left.size() == right.size() &&
         (left.empty() || std::memcmp(left.data(), right.data(), left.size() * sizeof(Scalar)) == 0);
}

double worst_of(const Found& a, const Found& b) {
  REQUIRE(a.y.shape() == b.y.shape());
  double worst = difference(array_of(a.y), array_of(b.y));
  for (std::size_t i = 0; i < a.gradients.size(); ++i) {
    REQUIRE(a.gradients[i].shape() == b.gradients[i].shape());
    worst = std::max(worst, difference(array_of(a.gradients[i]), array_of(b.gradients[i])));
  }
  return worst;
}

Tensor random_mask(const Shape& shape, std::mt19937& engine) {
  Tensor mask = random_tensor({shape.begin(), shape.end()}, engine);
  Scalar* numbers = mask.writable();
  for (Index i = 0; i < mask.elements(); ++i) numbers[i] = numbers[i] > 0 ? 1 : 0;
  return mask;
}

}  // namespace

TEST_CASE(
    "streaming attention: values and gradients are those of the composed form, whatever the sizes and the "
    "mask") {
  struct Sizes {
    Index queries, keys, width, value_width;
  };
  const Sizes all_sizes[] = {{0, 3, 2, 2},      {3, 0, 2, 2},   {1, 1, 1, 1},     {1, 5, 32, 16},
                             {2, 40, 3, 5},     {3, 7, 16, 1},  {4, 127, 20, 17}, {5, 128, 1, 3},
                             {7, 129, 4, 4},    {128, 3, 8, 8}, {129, 128, 5, 6}, {130, 257, 3, 2},
                             {127, 130, 16, 9}, {1, 300, 8, 8}, {260, 2, 4, 4}};
  std::mt19937 engine(1);
  double worst = 0;
  int compared = 0;
  for (const Sizes& sizes : all_sizes) {
    const auto [T, S, D, E] = sizes;
    const Mask masks[] = {Mask(),
                          Mask::causal(),
                          Mask::causal().from_query(2),
                          Mask::padding({static_cast<int>(S), static_cast<int>(S / 3)}),
                          Mask::padding({0, static_cast<int>(S)}) & Mask::causal(),
                          Mask::window(3, 1),
                          Mask::local_and_global(2, 1),
                          Mask::explicitly(random_mask({T, S}, engine)),
                          Mask::explicitly(random_mask({2, T, S}, engine)) & Mask::window(200, 1)};
    const std::vector<Tensor> x{heads(2, 3, T, D, engine), heads(2, 3, S, D, engine),
                                heads(2, 3, S, E, engine)};
    const Tensor dy = random_tensor({2, 3, T, E}, engine);
    const Tensor biases[] = {Tensor(), random_tensor({3, T, S}, engine), random_tensor({2, 1, 1, S}, engine),
                             random_tensor({T, 1}, engine)};
    for (std::size_t m = 0; m < std::size(masks); ++m)
      for (std::size_t b = 0; b < std::size(biases); ++b) {
        if (b > 0 && (m + b) % 3 != 0) continue;  // each bias with a third of the masks
        const bool bias_learns = b == 1;
        const double off = worst_of(found_by(true, x, masks[m], biases[b], bias_learns, dy),
                                    found_by(false, x, masks[m], biases[b], bias_learns, dy));
        CHECK_MESSAGE(off < tolerance, "query ", x[0].shape(), ", key ", x[1].shape(), ", mask ", m,
                      ", bias ", b, ": off by ", off);
        worst = std::max(worst, off);
        ++compared;
      }
  }
  measured("streaming attention (%s): %d cases, off by at most %.2g",
           sizeof(Scalar) == 8 ? "double" : "float", compared, worst);
}

TEST_CASE("streaming attention: transposed and broadcast memory, and no axis of heads") {
  std::mt19937 engine(2);
  const Tensor query = transpose(random_tensor({2, 3, 4, 5}, engine));  // (2, 3, 5, 4)
  const Tensor key = transpose(random_tensor({2, 3, 4, 140}, engine));  // (2, 3, 140, 4)
  const Tensor value = broadcast_to(random_tensor({2, 1, 140, 3}, engine), {2, 3, 140, 3});
  const Tensor dy = broadcast_to(random_tensor({2, 3, 5, 1}, engine), {2, 3, 5, 3});
  CHECK(worst_of(found_by(true, {query, key, value}, Mask::window(2, 130), {}, false, dy),
                 found_by(false, {query, key, value}, Mask::window(2, 130), {}, false, dy)) < tolerance);
  const std::vector<Tensor> one{select(query, 1, 0), select(key, 1, 1), select(value, 1, 2)};
  const Tensor bias = random_tensor({2, 1, 140}, engine);
  CHECK(worst_of(found_by(true, one, Mask::causal(), bias, true, select(dy, 1, 0)),
                 found_by(false, one, Mask::causal(), bias, true, select(dy, 1, 0))) < tolerance);
}

TEST_CASE("streaming attention: what nobody may look at changes no bit, not even where it is NaN") {
  std::mt19937 engine(3);
  const Index T = 140, S = 150, D = 8;
  Tensor rows = random_mask({T, S}, engine);
  Scalar* allowed = rows.writable();
  for (Index s = 0; s < S; ++s)
    allowed[5 * S + s] = allowed[139 * S + s] = 0;        // queries 5 and 139 are shut out
  for (Index t = 0; t < T; ++t) allowed[t * S + 70] = 0;  // nobody sees key 70
  const Mask masks[] = {Mask::padding({static_cast<int>(S), 60, 0}),
                        Mask::padding({150, 60, 0}) & Mask::causal(),
                        Mask::padding({150, 60, 0}) & Mask::explicitly(rows)};
  const std::vector<Tensor> x{heads(3, 2, T, D, engine), heads(3, 2, S, D, engine),
                              heads(3, 2, S, D, engine)};
  const Tensor dy = random_tensor({3, 2, T, D}, engine);
  for (const Mask& mask : masks) {
    const Found base = found_by(true, x, mask, {}, false, dy);
    for (const Scalar filler : {Scalar(-3), std::numeric_limits<Scalar>::max(), not_a_number}) {
      std::vector<Tensor> dirty{copy(x[0]), copy(x[1]), copy(x[2])};
      for (std::size_t i = 0; i < 3; ++i) {
        Scalar* numbers = dirty[i].writable();
        const Index length = i == 0 ? T : S;
        for (Index b = 0; b < 3; ++b)
          for (Index h = 0; h < 2; ++h)
            for (Index row = 0; row < length; ++row) {
              bool seen = false;
              for (Index other = 0; other < (i == 0 ? S : T) && !seen; ++other)
                seen = i == 0 ? mask.allows(b, row, other) : mask.allows(b, other, row);
              if (!seen) std::fill_n(numbers + ((b * 2 + h) * length + row) * D, D, filler);
            }
      }
      const Found found = found_by(true, dirty, mask, {}, false, dy);
      INFO("filled with ", filler);
      CHECK(same_bits(found.y, base.y));
      for (std::size_t i = 0; i < 3; ++i) CHECK(same_bits(found.gradients[i], base.gradients[i]));
    }
    // And who sees nothing gets zeros.
    for (Index t = 0; t < T; ++t) {
      bool sees = false;
      for (Index s = 0; s < S && !sees; ++s) sees = mask.allows(0, t, s);
      if (!sees) CHECK(same_values(select(select(base.y, 0, 0), 1, t), zeros({2, D})));
    }
    CHECK(same_values(select(base.y, 0, 2), zeros({2, T, D})));
    CHECK(same_values(select(base.gradients[1], 0, 2), zeros({2, S, D})));
  }
}

TEST_CASE("streaming attention: a score of NaN or infinity makes its row NaN, in later tiles as well") {
  std::mt19937 engine(4);
  for (const Index at : {0, 130}) {
    const std::vector<Tensor> x{heads(1, 1, 5, 4, engine), heads(1, 1, 140, 4, engine),
                                heads(1, 1, 140, 4, engine)};
    for (const Scalar bad : {not_a_number, std::numeric_limits<Scalar>::infinity()}) {
      Tensor bias = zeros({5, 140});
      bias.writable()[2 * 140 + at] = bad;
      const Tensor y = streaming_attention(x[0], x[1], x[2], {}, bias).value();
      for (Index t = 0; t < 5; ++t) CHECK(any_non_finite(select(y, 2, t)) == (t == 2));
    }
  }
}

TEST_CASE("streaming attention: the same bits on any number of threads, and with the weights asked for") {
  const int before = thread_count();
  std::mt19937 engine(5);
  const std::vector<Tensor> x{heads(2, 3, 260, 16, engine), heads(2, 3, 300, 16, engine),
                              heads(2, 3, 300, 16, engine)};
  const Tensor dy = random_tensor({2, 3, 260, 16}, engine);
  const Mask mask = Mask::causal() & Mask::padding({300, 170});
  set_thread_count(1);
  const Found one = found_by(true, x, mask, {}, false, dy);
  for (const int threads : {2, 3, 7}) {
    set_thread_count(threads);
    const Found found = found_by(true, x, mask, {}, false, dy);
    CHECK(same_bits(found.y, one.y));
    for (std::size_t i = 0; i < 3; ++i) CHECK(same_bits(found.gradients[i], one.gradients[i]));
  }
  set_thread_count(before);
  Tensor weights;
  CHECK(same_bits(attention(x[0], x[1], x[2], mask, {}, &weights).value(), one.y));
  CHECK(weights.shape() == Shape{2, 3, 260, 300});
}

TEST_CASE(
    "streaming attention: what it keeps for the backward pass grows with the length, not with its square") {
  const auto bytes_held = [](bool streams, Index length) {
    Rng rng(1);
    const Variable x = tracked(normal({1, 2, length, 16}, 0, 1, rng));
    const auto before = memory_use().in_use;
    const Variable y = streams ? streaming_attention(x, x, x) : composed_attention(x, x, x);
    return memory_use().in_use - before;
  };
  const std::int64_t numbers = static_cast<std::int64_t>(sizeof(Scalar)) * 2;  // of two heads
  CHECK(bytes_held(true, 1024) <= numbers * 1024 * (16 + 2) * 5 / 4);  // y, and two numbers for each query
  CHECK(bytes_held(false, 1024) >= numbers * 1024 * 1024);
  measured("attention of 2 x 1024 queries and keys holds %.2f MiB streaming, %.2f MiB composed",
           static_cast<double>(bytes_held(true, 1024)) / (1 << 20),
           static_cast<double>(bytes_held(false, 1024)) / (1 << 20));
}
