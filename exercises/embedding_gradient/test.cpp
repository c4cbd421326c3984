#include EXERCISE

#include <doctest/doctest.h>

TEST_CASE("each token's gradient goes to its row") {
  const Tensor d = embedding_gradient(tensor({{1, 2}, {3, 4}}), {2, 0}, 4);
  REQUIRE_MESSAGE(d.shape() == Shape({4, 2}),
                  "a gradient has the shape of what it belongs to, (V, C) = (4, 2), not ", d.shape());
  CHECK_MESSAGE(difference(d, tensor({{3, 4}, {0, 0}, {1, 2}, {0, 0}})) == 0, "yours is\n", d,
                "\nToken 2 came first and token 0 second; 1 and 3 never came.");
}

TEST_CASE("a token that comes twice gets the sum of both") {
  const Tensor d = embedding_gradient(tensor({{1, 2}, {10, 20}, {5, 5}}), {1, 1, 0}, 2);
  CHECK_MESSAGE(difference(d, tensor({{5, 5}, {11, 22}})) == 0, "yours is\n", d,
                "\nRow 1 was used twice: gradients of one value used in several places add up.");
}

TEST_CASE("it is what backward finds") {
  Rng rng(1);
  const Tensor dy = normal({6, 3}, 0, 1, rng);
  const Variable table = tracked(normal({5, 3}, 0, 1, rng));
  const Tensor wanted =
      gradients(gather_rows(table, Indices({6}, {4, 0, 4, 2, 4, 0})), {table}, dy)[0].value();
  const Tensor d = embedding_gradient(dy, {4, 0, 4, 2, 4, 0}, 5);
  CHECK_MESSAGE(difference(d, wanted) < 1e-5, "yours is\n", d, "\nwanted is\n", wanted);
}
