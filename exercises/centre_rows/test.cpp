#include EXERCISE

#include <doctest/doctest.h>

TEST_CASE("each row loses its own mean") {
  const Tensor y = centre_rows(tensor({{1, 2, 6}, {10, 20, 30}}));
  REQUIRE_MESSAGE(y.shape() == Shape({2, 3}), "the result must have the shape of x, (2, 3), and not ",
                  y.shape());
  CHECK_MESSAGE(
      difference(y, tensor({{-2, -1, 3}, {-10, 0, 10}})) == 0, "yours is\n", y,
      "\nIf each column has mean 0 now: axis 0 runs down a column. Along which axis does a row run?");
}

TEST_CASE("also where there are as many rows as columns") {
  const Tensor y = centre_rows(tensor({{0, 2}, {10, 30}}));
  CHECK_MESSAGE(
      difference(y, tensor({{-1, 1}, {-10, 10}})) == 0, "yours is\n", y,
      "\nDid the means go along the columns, because a shape of (2,) lines up with the last axis (\"How do "
      "two shapes meet?\" in tensor/README.md)? Or is axis 0 the one that was averaged over? It runs "
      "down the columns.");
}
