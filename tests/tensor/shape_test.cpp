#include "tensor/shape.h"

#include <doctest/doctest.h>

#include <limits>
#include <sstream>

#include "tensor/error.h"
#include "tensor/tensor.h"

using namespace attune;

namespace {

std::string printed(const Shape& shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

}  // namespace

TEST_CASE("shape: axes count from both ends and the elements multiply") {
  const Shape shape{2, 3, 4};
  CHECK(shape.rank() == 3);
  CHECK(shape.elements() == 24);
  CHECK(shape[0] == 2);
  CHECK(shape[-1] == 4);
  CHECK(Shape{}.elements() == 1);
  CHECK(Shape{5, 0, 7}.elements() == 0);
}

TEST_CASE("shape: sizes are changed, inserted and removed in copies") {
  const Shape shape{2, 3};
  CHECK(shape.with(-1, 5) == Shape{2, 5});
  CHECK(shape.inserted(0, 7) == Shape{7, 2, 3});
  CHECK(shape.inserted(-1, 7) == Shape{2, 3, 7});
  CHECK(shape.inserted(1, 7) == Shape{2, 7, 3});
  CHECK(shape.removed(0) == Shape{3});
  CHECK(shape.removed(-1) == Shape{2});
  CHECK(shape == Shape{2, 3});
  CHECK_FALSE(shape == Shape{2, 3, 1});
  CHECK_FALSE(shape == Shape{3, 2});
}

TEST_CASE("shape: prints as a tuple") {
  CHECK(printed({}) == "()");
  CHECK(printed({3}) == "(3,)");
  CHECK(printed({2, 3, 4}) == "(2, 3, 4)");
}

TEST_CASE("shape: a negative size is refused") {
  CHECK_THROWS_WITH_AS(Shape({2, -3}), "shape: a size is negative: -3: sizes must be 0 or more", ShapeError);
}

TEST_CASE("shape: more than eight axes are refused, eight are not") {
  CHECK(Shape{1, 1, 1, 1, 1, 1, 1, 2}.rank() == 8);
  CHECK_THROWS_WITH_AS(Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}),
                       "shape: 9 axes given: at most 8 are supported: merge some with reshape", ShapeError);
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1}.inserted(0, 1)), ShapeError);
}

TEST_CASE("shape: elements that no memory could hold are refused, even beside a size of zero") {
  constexpr Index large = Index{1} << 40;
  CHECK_THROWS_AS(Shape({large, large}), ShapeError);
  CHECK_THROWS_AS(Shape({large, large, 0}), ShapeError);
  CHECK_THROWS_AS(Shape({0, large, large}), ShapeError);
  CHECK_THROWS_AS(Shape({std::numeric_limits<Index>::max()}), ShapeError);
  CHECK_THROWS_AS(Shape({Index{1} << 61}), ShapeError);  // in bytes it is more than the address range
  CHECK(Shape{large}.elements() == large);
  CHECK_THROWS_AS((Shape{large, 1}.with(1, large)), ShapeError);
}

TEST_CASE("shape: an axis that is not there is named with those that are") {
  const Shape shape{2, 3};
  CHECK_THROWS_WITH_AS(shape[2], "shape: axis 2 is not there: (2, 3): use -2 to 1", ShapeError);
  CHECK_THROWS_WITH_AS(shape[-3], "shape: axis -3 is not there: (2, 3): use -2 to 1", ShapeError);
  CHECK_THROWS_WITH_AS(Shape{}[0], "shape: axis 0 of a tensor without axes: (): it is a single number",
                       ShapeError);
}

TEST_CASE("shape: broadcasting aligns at the last axis and repeats sizes of one") {
  CHECK(broadcast_shapes("add", {2, 3}, {3}) == Shape{2, 3});
  CHECK(broadcast_shapes("add", {3, 1}, {1, 4}) == Shape{3, 4});
  CHECK(broadcast_shapes("add", {}, {2, 3}) == Shape{2, 3});
  CHECK(broadcast_shapes("add", {1}, {0}) == Shape{0});
  CHECK(broadcast_shapes("add", {8, 1, 6, 1}, {7, 1, 5}) == Shape{8, 7, 6, 5});
  CHECK_THROWS_WITH_AS(
      broadcast_shapes("add", {2, 3}, {2}),
      "add: shapes do not broadcast: (2, 3) and (2,): aligned at the last axis, sizes must be equal or "
      "one of them 1",
      ShapeError);
  CHECK_THROWS_AS(broadcast_shapes("add", {0}, {2}), ShapeError);
}
