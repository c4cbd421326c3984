#include EXERCISE

#include <doctest/doctest.h>

TEST_CASE("every operand gets its gradient") {
  const Variable x = tracked(tensor({{1, 2}, {3, 4}, {5, 6}}));
  const Variable scale = tracked(tensor({10, 20}));
  const Variable shift = tracked(tensor({7, 8}));
  const Tensor dy = tensor({{1, 0}, {0, 1}, {2, 1}});
  const std::vector<Variable> found = gradients(scale_and_shift(x, scale, shift), {x, scale, shift}, dy);
  CHECK_MESSAGE(difference(found[0].value(), tensor({{10, 0}, {0, 20}, {20, 20}})) == 0,
                "x_rc is multiplied by scale_c, so dx_rc = dy_rc scale_c. Yours is\n", found[0].value());
  CHECK_MESSAGE(difference(found[1].value(), tensor({11, 10})) == 0,
                "scale_c meets x_rc in every row r, so dscale_c = Σ_r dy_rc x_rc. Yours is\n",
                found[1].value());
  CHECK_MESSAGE(difference(found[2].value(), tensor({3, 2})) == 0,
                "shift_c is added in every row r, so dshift_c = Σ_r dy_rc. Yours is\n", found[2].value());
}

TEST_CASE("difference quotients agree, also for x of three axes and of one") {
  Rng rng(1);
  for (const Shape& shape : {Shape{2, 3, 4}, Shape{4}}) {
    const std::vector<Tensor> inputs = {normal(shape, 0, 1, rng), normal({4}, 0, 1, rng),
                                        normal({4}, 0, 1, rng)};
    const GradientCheck check =
        check_gradients([](const auto& v) { return scale_and_shift(v[0], v[1], v[2]); }, inputs);
    CHECK_MESSAGE(check.passed, "for x of shape ", shape, ": ", check.sentence);
  }
}

TEST_CASE("gradients of gradients are right too") {
  Rng rng(2);
  const GradientCheck check =
      check_second_gradients([](const auto& v) { return scale_and_shift(v[0], v[1], v[2]); },
                             {normal({3, 2}, 0, 1, rng), normal({2}, 0, 1, rng), normal({2}, 0, 1, rng)});
  CHECK_MESSAGE(check.passed, check.sentence,
                "\nIs there a .value() in the pullback? What is computed with Tensors leaves no history.");
}
