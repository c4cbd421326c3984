#include EXERCISE

#include <doctest/doctest.h>

TEST_CASE("a query that fits one key gets its value, nearly") {
  // The first query fits the first key only: scores 8 and 0 after dividing by √4.
  const Tensor query = tensor({{16, 0, 0, 0}});
  const Tensor key = tensor({{1, 0, 0, 0}, {0, 1, 0, 0}});
  const Tensor y = look_up(query, key, tensor({{5, 6, 7}, {0, 0, 0}}), 1).answer;
  REQUIRE_MESSAGE(y.shape() == Shape({1, 3}),
                  "for query (1, 4), key (2, 4) and value (2, 3) the result is (1, 3), not ", y.shape(),
                  ": one row for each query, as wide as a value");
  CHECK_MESSAGE(difference(y, tensor({{5, 6, 7}})) < 0.01, "yours is\n", y,
                "\nwanted is nearly the first value, 5 6 7");
}

TEST_CASE("a query that fits two keys alike gets the mean of their values") {
  const Tensor y = look_up(tensor({{0, 3}}), tensor({{1, 1}, {2, 1}}), tensor({{10, 20}, {30, 0}}), 1).answer;
  CHECK_MESSAGE(difference(y, tensor({{20, 10}})) < 1e-4, "yours is\n", y,
                "\nBoth scores are equal, so both weights are a half: do your weights sum to one?");
}

TEST_CASE("the scores are divided by the root of D, before the softmax") {
  // One score is 4 / √4 = 2, the other 0; so the weight is e² / (e² + 1).
  const Tensor y = look_up(tensor({{2, 2, 2, 2}}),
                           tensor({{Scalar(0.5), Scalar(0.5), Scalar(0.5), Scalar(0.5)}, {0, 0, 0, 0}}),
                           tensor({{1, 0}, {0, 1}}), 1)
                       .answer;
  CHECK_MESSAGE(
      difference(y, tensor({{Scalar(0.880797), Scalar(0.119203)}})) < 1e-4, "yours is\n", y,
      "\n0.982 is what comes out without the division, 0.731 when it is by D: D is 4 here, its root 2.");
}

TEST_CASE("each query has its own softmax, over the keys") {
  const Tensor query = tensor({{1, 0}, {0, 2}, {3, 1}}), key = tensor({{1, 0}, {1, 1}, {0, 1}});
  const Tensor value = tensor({{1, 1}, {1, 1}, {1, 1}});
  const Tensor y = look_up(query, key, value, 1).answer;
  CHECK_MESSAGE(
      difference(y, value) < 1e-5, "all values are 1 1, so every mixture is 1 1, but yours is\n", y,
      "\nDoes the softmax run over the queries? T is 3 here and so is S, which hides it from the shapes.");
}

TEST_CASE("the temperature divides the scores: low is nearly a choice, high nearly a mean") {
  const Tensor query = tensor({{1, 0}}), key = tensor({{1, 0}, {0, 1}}), value = tensor({{10, 0}, {0, 20}});
  const Tensor low = look_up(query, key, value, Scalar(0.05)).answer;
  const Tensor high = look_up(query, key, value, 1000).answer;
  CHECK_MESSAGE(difference(low, tensor({{10, 0}})) < 0.1, "at temperature 0.05 yours is\n", low,
                "\nand should be nearly the value of the key that fits, 10 0: divide the scores by the "
                "temperature, before the softmax");
  CHECK_MESSAGE(difference(high, tensor({{5, 10}})) < 0.1, "at temperature 1000 yours is\n", high,
                "\nand should be nearly the mean of the values, 5 10: divide the scores by the temperature, "
                "before the softmax");
}

TEST_CASE("of each query, the key that it looks at most") {
  const Tensor query = tensor({{1, 0}, {0, 2}}), key = tensor({{0, 1}, {1, 0}, {-1, -1}});
  for (const Scalar temperature : {Scalar(0.1), Scalar(1), Scalar(10)}) {
    const Indices most = look_up(query, key, ones({3, 1}), temperature).most;
    const bool one_each = most.sizes == std::vector<std::int64_t>{2};
    REQUIRE_MESSAGE(one_each, "there are two queries, so `most` is two numbers, and not ", most.values.size(),
                    ": does argmax run over the keys, the last axis?");
    const bool right = most.values[0] == 1 && most.values[1] == 0;
    REQUIRE_MESSAGE(right, "at temperature ", temperature,
                    " query 0 looks most at key 1, and query 1 at key 0; yours are ", most.values[0], " and ",
                    most.values[1],
                    ". It is the key with the largest weight, whatever its value; and no temperature changes "
                    "which score is the largest.");
  }
}
