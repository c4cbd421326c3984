#include "tensor/indices.h"

#include <doctest/doctest.h>

#include "tensor/error.h"

using attune::Indices;

TEST_CASE("indices: values are row-major and found by row and column") {
  const Indices ids({2, 3}, {7, 8, 3, 9, 3, 0});
  CHECK(ids.rank() == 2);
  CHECK(ids.size(0) == 2);
  CHECK(ids.size(-1) == 3);
  CHECK(ids.at(0, 2) == 3);
  CHECK(ids.at(1, 0) == 9);
}

TEST_CASE("indices: full puts the same integer everywhere and an entry can be changed") {
  Indices ids = Indices::full({2, 2}, 5);
  CHECK(ids == Indices({2, 2}, {5, 5, 5, 5}));
  ids.at(1, 0) = -1;
  CHECK(ids == Indices({2, 2}, {5, 5, -1, 5}));
}

TEST_CASE("indices: the same values in another shape are not equal") {
  CHECK_FALSE(Indices({2, 3}, {1, 2, 3, 4, 5, 6}) == Indices({3, 2}, {1, 2, 3, 4, 5, 6}));
}

TEST_CASE("indices: empty ones are allowed, and no sizes mean one integer") {
  CHECK(Indices().size(0) == 0);
  CHECK(Indices({0, 4}, {}).values.empty());
  CHECK(Indices({}, {3}).rank() == 0);
}

TEST_CASE("indices: sizes that do not fit the values are refused with both numbers") {
  CHECK_THROWS_WITH_AS(
      Indices({2, 3}, {1, 2, 3, 4, 5}),
      "Indices: the sizes and the number of values differ: (2, 3) needs 6 values, got 5: give one value "
      "per element",
      attune::ShapeError);
  CHECK_THROWS_AS(Indices({2, 2}, {1, 2, 3, 4, 5}), attune::ShapeError);
  CHECK_THROWS_AS(Indices({-1}, {}), attune::ShapeError);
  CHECK_THROWS_AS(Indices({std::int64_t{1} << 40, std::int64_t{1} << 40}, {}), attune::ShapeError);
}

TEST_CASE("indices: an entry or an axis that is not there is refused") {
  const Indices matrix({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK_THROWS_AS(matrix.at(2, 0), attune::IndexError);
  CHECK_THROWS_AS(matrix.at(0, 3), attune::IndexError);
  CHECK_THROWS_AS(matrix.at(0, -1), attune::IndexError);
  CHECK_THROWS_AS(matrix.size(2), attune::IndexError);
  CHECK_THROWS_AS(matrix.size(-3), attune::IndexError);
  CHECK_THROWS_AS(Indices({3}, {1, 2, 3}).at(0, 0), attune::ShapeError);
}
