#include <doctest/doctest.h>

#include <random>
#include <sstream>

#include "tensor/elementwise.h"
#include "tensor/error.h"
#include "tensor/tensor.h"
#include "tests/support/array.h"

using namespace attune;
using namespace attune::testing;

namespace {

// Splits the number of elements into sizes, at random, with some 1s between.
Sizes random_sizes(Index elements, std::mt19937& engine) {
  Sizes sizes;
  while (sizes.size() < 6 && (elements > 1 || engine() % 3 == 0)) {
    std::vector<Index> divisors;
    for (Index d = 1; d <= elements; ++d)
      if (elements % d == 0) divisors.push_back(d);
    const Index size = divisors[engine() % divisors.size()];
    sizes.push_back(size);
    elements /= size;
  }
  if (elements > 1) sizes.push_back(elements);
  std::shuffle(sizes.begin(), sizes.end(), engine);
  return sizes;
}

}  // namespace

TEST_CASE("views: random chains of them see what a naive map of indices sees") {
  std::mt19937 engine(7);
  int views = 0;
  for (int chain = 0; chain < 400; ++chain) {
    const Sizes start = random_sizes(std::vector<Index>{1, 2, 12, 24, 36, 60}[engine() % 6], engine);
    Tensor x = random_tensor(start, engine);
    Array expected = array_of(x);
    std::ostringstream story;
    story << x.shape();
    for (int step = 0; step < 8; ++step) {
      const Tensor before = x;
      const int rank = x.rank();
      switch (engine() % 6) {
        case 0: {
          std::vector<int> order(static_cast<std::size_t>(rank));
          for (int i = 0; i < rank; ++i) order[static_cast<std::size_t>(i)] = i;
          std::shuffle(order.begin(), order.end(), engine);
          x = permute(x, std::span<const int>(order));
          expected = permuted(expected, order);
          story << " permute";
          break;
        }
        case 1: {
          if (rank == 0) continue;
          const int axis = static_cast<int>(engine() % static_cast<unsigned>(rank));
          const Index size = x.size(axis);
          const Index begin = size ? static_cast<Index>(engine() % static_cast<unsigned>(size)) : 0;
          const Index end = begin + static_cast<Index>(engine() % static_cast<unsigned>(size - begin + 1));
          const Index take = 1 + static_cast<Index>(engine() % 3);
          if (begin == end && engine() % 4) continue;  // empty now and then, not most of the time
          x = slice(x, axis, begin, end, take);
          expected = sliced(expected, axis, begin, end, take);
          story << " slice";
          break;
        }
        case 2: {
          if (x.elements() == 0 || x.elements() > 5000) continue;
          const Sizes sizes = random_sizes(x.elements(), engine);
          if (sizes.size() > 7) continue;
          x = reshape(x, shape_of(sizes));
          expected = reshaped(expected, sizes);
          story << " reshape" << x.shape();
          break;
        }
        case 3: {
          if (rank == 0) continue;
          const int a = static_cast<int>(engine() % static_cast<unsigned>(rank));
          const int b = static_cast<int>(engine() % static_cast<unsigned>(rank)) - rank;
          x = transpose(x, a, b);
          expected = exchanged(expected, a, b);
          story << " transpose";
          break;
        }
        case 4: {
          Sizes sizes = expected.sizes;
          for (Index& size : sizes)
            if (size == 1 && engine() % 2) size = 1 + static_cast<Index>(engine() % 3);
          if (sizes.size() < 7 && engine() % 3 == 0) sizes.insert(sizes.begin(), 2);
          if (product(sizes) > 5000) continue;
          x = broadcast_to(x, shape_of(sizes));
          expected = broadcast(expected, sizes);
          story << " broadcast" << x.shape();
          break;
        }
        default: {
          if (rank == 0 || x.elements() == 0) continue;
          const int axis = static_cast<int>(engine() % static_cast<unsigned>(rank));
          const Index position = static_cast<Index>(engine() % static_cast<unsigned>(x.size(axis)));
          x = unsqueeze(select(x, axis, position - x.size(axis)), axis);
          expected = sliced(expected, axis, position, position + 1);
          story << " select";
        }
      }
      ++views;
      INFO(story.str());
      const Array found = array_of(x);
      REQUIRE(found.sizes == expected.sizes);
      REQUIRE(found.values == expected.values);
      REQUIRE(array_of(contiguous(x)).values == expected.values);
      REQUIRE(contiguous(x).is_contiguous());
      const std::vector<Scalar> listed = x.values();
      REQUIRE(std::vector<double>(listed.begin(), listed.end()) == expected.values);
    }
  }
  CHECK(views > 2000);
}

TEST_CASE("views: they share memory wherever strides can say it") {
  const Tensor x = reshape(arange(24), {2, 3, 4});
  CHECK(permute(x, {2, 0, 1}).shares_memory_with(x));
  CHECK(slice(x, 1, 0, 3, 2).shares_memory_with(x));
  CHECK(reshape(x, {6, 4}).shares_memory_with(x));
  CHECK(broadcast_to(x, {5, 2, 3, 4}).shares_memory_with(x));
  CHECK(contiguous(x).shares_memory_with(x));
  CHECK_FALSE(copy(x).shares_memory_with(x));
  CHECK_FALSE(contiguous(transpose(x)).shares_memory_with(x));

  // Axes that are evenly spaced merge and split without a copy, others do not.
  const Tensor heads = permute(x, {1, 0, 2});                       // (3, 2, 4)
  CHECK(reshape(heads, {3, 2, 2, 2}).shares_memory_with(x));        // an axis splits
  CHECK_FALSE(reshape(heads, {6, 4}).shares_memory_with(x));        // 3 and 2 are not evenly spaced
  CHECK(reshape(slice(x, 2, 0, 2), {6, 2}).shares_memory_with(x));  // 2 and 3 are
}

TEST_CASE("views: a tensor that somebody holds never changes when another handle is written to") {
  Tensor x = arange(6);
  const Tensor held = x;
  const Tensor row = reshape(x, {2, 3});
  x.writable()[0] = 100;
  CHECK(x.at({0}) == 100);
  CHECK(held.at({0}) == 0);
  CHECK(row.at({0, 0}) == 0);

  SUBCASE("a view written to becomes contiguous memory of its own") {
    Tensor turned = transpose(row);
    turned.writable()[1] = -1;
    CHECK(turned.is_contiguous());
    CHECK(turned.at({0, 1}) == -1);
    CHECK(row.at({1, 0}) == 3);
  }
  SUBCASE("a broadcast number written to is only one of the copies") {
    Tensor wide = broadcast_to(Tensor(7), {3});
    wide.writable()[1] = 0;
    CHECK(wide.values() == std::vector<Scalar>{7, 0, 7});
  }
  SUBCASE("the only owner writes in place") {
    Tensor own = arange(4);
    const Scalar* memory = own.data();
    own.writable()[2] = 5;
    CHECK(own.data() == memory);
  }
}

TEST_CASE("views: numbers are listed, counted and placed as asked") {
  CHECK(zeros({2}).values() == std::vector<Scalar>{0, 0});
  CHECK(ones({2}).values() == std::vector<Scalar>{1, 1});
  CHECK(full({3}, Scalar(2.5)).values() == std::vector<Scalar>{2.5, 2.5, 2.5});
  CHECK(arange(3).values() == std::vector<Scalar>{0, 1, 2});
  CHECK(arange(0).elements() == 0);
  CHECK(identity(2).values() == std::vector<Scalar>{1, 0, 0, 1});
  CHECK(tensor({{1, 2, 3}, {4, 5, 6}}).shape() == Shape{2, 3});
  CHECK(tensor({2, 2}, {1, 2, 3, 4}).at({1, 0}) == 3);
  CHECK(tensor({1, 2}).shape() == Shape{2});
  CHECK(Tensor(3).shape() == Shape{});
  CHECK(Tensor(3).item() == 3);
  CHECK(tensor({1, 2, 3}).at({-1}) == 3);
}

TEST_CASE("views: what cannot be seen is refused in words that say what to do") {
  const Tensor x = reshape(arange(6), {2, 3});
  CHECK_THROWS_WITH_AS(reshape(x, Shape{4}), "reshape: numbers of elements differ: (2, 3) has 6, (4,) has 4",
                       ShapeError);
  CHECK_THROWS_WITH_AS(reshape(x, {4, -1}),
                       "reshape: -1 cannot be resolved: (2, 3) has 6 elements, not a multiple of 4",
                       ShapeError);
  CHECK_THROWS_AS(reshape(x, {-1, -1}), ShapeError);
  CHECK_THROWS_AS(reshape(x, {-2, 3}), ShapeError);
  CHECK_THROWS_WITH_AS(permute(x, {0, 0}), "permute: axis 0 is named twice: (2, 3): name each axis once",
                       ShapeError);
  CHECK_THROWS_WITH_AS(permute(x, {0}), "permute: 1 axes given: (2, 3): name each axis once", ShapeError);
  CHECK_THROWS_AS(transpose(x, 0, 2), ShapeError);
  CHECK_THROWS_WITH_AS(slice(x, 1, 2, 4), "slice: 2 to 4 is outside axis 1: (2, 3): use 0 to 3", ShapeError);
  CHECK_THROWS_AS(slice(x, 1, 2, 1), ShapeError);
  CHECK_THROWS_WITH_AS(slice(x, 1, 0, 3, 0), "slice: step 0: (2, 3): steps must be 1 or more", ShapeError);
  CHECK_THROWS_WITH_AS(
      select(x, 0, 2),
      "select: position 2 along axis 0 is outside: (2, 3): count from 0, or from -1 at the end", IndexError);
  CHECK_THROWS_WITH_AS(
      broadcast_to(x, {3, 3}),
      "broadcast_to: size 2 cannot become 3: (2, 3) to (3, 3): only axes of size 1 are repeated", ShapeError);
  CHECK_THROWS_WITH_AS(broadcast_to(x, {3}),
                       "broadcast_to: cannot drop axes: (2, 3) to (3,): sum over them instead", ShapeError);
  CHECK_THROWS_WITH_AS(squeeze(x, 0), "squeeze: axis 0 has size 2: (2, 3): only axes of size 1 can go",
                       ShapeError);
  CHECK_THROWS_WITH_AS(
      x.item(), "item: a single number is wanted: (2, 3): reduce with sum or mean, or pick one with at",
      ShapeError);
  CHECK_THROWS_WITH_AS(x.at({0, 3}),
                       "at: position 3 along axis 1 is outside: (2, 3): count from 0, or from -1 at the end",
                       IndexError);
  CHECK_THROWS_WITH_AS(x.at({0}), "at: 1 positions given: (2, 3): give one for each axis", IndexError);
  CHECK_THROWS_WITH_AS(tensor({2, 2}, {1, 2, 3}), "tensor: 3 numbers given for 4 elements: (2, 2)",
                       ShapeError);
  CHECK_THROWS_AS(tensor({{1, 2}, {3}}), ShapeError);
  CHECK_THROWS_WITH_AS(exp(Tensor()), "exp: an undefined tensor was given: assign a value to it first",
                       ValueError);
  CHECK_THROWS_AS(Tensor().values(), ValueError);
}
