#include EXERCISE

#include <doctest/doctest.h>

TEST_CASE("a new layer changes nothing: scale is one, shift is zero") {
  const ScaleShift layer(3);
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}});
  CHECK_MESSAGE(difference(layer(x).value(), x) == 0, "yours is\n", layer(x).value());
}

TEST_CASE("visit names both parameters, so that optimisers and files find them") {
  const ScaleShift layer(3);
  std::string names;
  nn::for_each_parameter(layer, [&](const std::string& name, const nn::Parameter&) { names += name + " "; });
  CHECK_MESSAGE(names == "scale shift ", "visit names '", names, "', wanted is 'scale shift '");
  CHECK_MESSAGE(nn::parameter_count(layer) == 6, "a width of 3 makes 2 · 3 numbers, not ",
                nn::parameter_count(layer));
}

TEST_CASE("each column is scaled and shifted by its own numbers") {
  ScaleShift layer(2);
  if (!layer.scale.defined() || !layer.shift.defined()) FAIL("set both parameters in the constructor");
  layer.scale.set_value(tensor({2, 3}));
  layer.shift.set_value(tensor({10, 20}));
  const Tensor y = layer(tensor({{1, 1}, {2, 4}})).value();
  CHECK_MESSAGE(difference(y, tensor({{12, 23}, {14, 32}})) == 0, "yours is\n", y);
}

TEST_CASE("it learns") {
  ScaleShift layer(2);
  Rng rng(1);
  const Tensor x = normal({16, 2}, 0, 1, rng), wanted = x * tensor({3, -1}) + tensor({0, 5});
  optim::Adam adam(layer);
  Scalar loss = 0;
  for (int step = 0; step < 200; ++step) {
    const Variable error = mean_squared_error(layer(x), wanted);
    REQUIRE_MESSAGE(error.requires_gradient(),
                    "the result depends on no parameter: a .value() in the call is the usual cause. It gives "
                    "the numbers without their history; a Parameter turns into a Variable by itself");
    if (step == 0) nn::check_visited(error, layer);
    backward(error);
    REQUIRE_MESSAGE((layer.scale.gradient().defined() && layer.shift.gradient().defined()),
                    "no gradient reached `",
                    std::string(layer.scale.gradient().defined() ? "shift" : "scale"),
                    "`: is it used in the call, and without .value(), which leaves the history behind?");
    adam.step(0.1);
    loss = error.item();
  }
  CHECK_MESSAGE(loss < 1e-3, "after 200 steps the loss is ", loss,
                ": does the result depend on both parameters?");
}
