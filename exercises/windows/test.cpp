#include EXERCISE

#include <doctest/doctest.h>

TEST_CASE("row r begins at number r") {
  const Tensor y = windows(arange(5), 3);
  REQUIRE_MESSAGE(y.shape() == Shape({3, 3}), "of 5 numbers there are 3 windows of width 3: (3, 3), and not ",
                  y.shape());
  CHECK_MESSAGE(difference(y, tensor({{0, 1, 2}, {1, 2, 3}, {2, 3, 4}})) == 0, "yours is\n", y,
                "\nElement (r, i) stands at r · stride 0 + i · stride 1, and should be number r + i.");
  CHECK(windows(arange(7), 2).shape() == Shape({6, 2}));
}

TEST_CASE("no number is copied") {
  const Tensor x = arange(6);
  const Tensor y = windows(x, 2);
  CHECK_MESSAGE(y.shares_memory_with(x),
                "your result has memory of its own. A view says only where the numbers stand: \"Where does "
                "element (i, j, k) stand?\" in tensor/README.md");
}

TEST_CASE("the row may be a view itself") {
  const Tensor odd = slice(arange(10), 0, 1, 10, 2);  // 1 3 5 7 9, with stride 2
  const Tensor y = windows(odd, 3);
  CHECK_MESSAGE(difference(y, tensor({{1, 3, 5}, {3, 5, 7}, {5, 7, 9}})) == 0, "of 1 3 5 7 9 yours is\n", y,
                "\nIn a view the next number may be more than 1 away: x.stride(0) says how far.");
}
