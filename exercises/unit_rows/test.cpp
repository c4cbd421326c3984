#include EXERCISE

#include <doctest/doctest.h>

TEST_CASE("a row of two, by hand") {
  const Variable x = tracked(tensor({{3, 4}}));  // s = 5, y = (0.6, 0.8)
  const Tensor dx = gradients(unit_rows(x), {x}, tensor({{1, 0}}))[0].value();
  REQUIRE_MESSAGE(dx.shape() == Shape({1, 2}), "dx has the shape of x, (1, 2), and not ", dx.shape());
  CHECK_MESSAGE(
      difference(dx, tensor({{Scalar(0.2), 0}})) > 1e-3,
      "yours is dy / s, as if the length were a constant: but every x of the row moves it (step 2 and 3)");
  CHECK_MESSAGE(difference(dx, tensor({{Scalar(0.272), Scalar(0.096)}})) > 1e-3,
                "the sign of what comes through s is wrong: y_i = x_i / s gets smaller as s grows (step 2)");
  CHECK_MESSAGE(difference(dx, tensor({{Scalar(0.128), Scalar(-0.096)}})) < 1e-5,
                "for x = (3, 4) and dy = (1, 0) it should be (0.128, -0.096), yours is\n", dx);
}

TEST_CASE("a row that only grows longer does not change y") {
  const Variable x = tracked(tensor({{1, 2, 2}}));  // s = 3
  const Tensor dx = gradients(unit_rows(x), {x}, tensor({{1, 2, 2}}))[0].value();
  CHECK_MESSAGE(difference(dx, zeros({1, 3})) < 1e-6,
                "dy points along x, and a step along x leaves y as it is, so dx should be 0; yours is\n", dx);
}

TEST_CASE("difference quotients agree, row by row") {
  Rng rng(1);
  const auto f = [](const auto& v) { return unit_rows(v[0]); };
  const GradientCheck one = check_gradients(f, {uniform({1, 4}, 1, 2, rng)});
  const GradientCheck three = check_gradients(f, {uniform({3, 4}, 1, 2, rng)});
  CHECK_MESSAGE(one.passed, "for a single row: ", one.sentence,
                "\nGo through the three steps once more, with their signs.");
  if (one.passed)
    CHECK_MESSAGE(three.passed, "one row alone is right, three are not: ", three.sentence,
                  "\nIs each row summed by itself? sum(…, -1, keep_axis)");
}

TEST_CASE("gradients of gradients are right too") {
  Rng rng(2);
  const auto f = [](const auto& v) { return unit_rows(v[0]); };
  const Tensor x = uniform({2, 3}, 1, 2, rng);
  REQUIRE_MESSAGE(check_gradients(f, {x}).passed,
                  "the first gradient is wrong already (see above): mend that before its own gradient");
  const GradientCheck check = check_second_gradients(f, {x});
  CHECK_MESSAGE(check.passed, check.sentence,
                "\nThe first gradient is right. Is the length computed from x.value(), or captured as a "
                "Tensor? Then it leaves no history, and its "
                "own derivative is lost: compute it from x, inside the pullback.");
}
