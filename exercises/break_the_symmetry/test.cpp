#include EXERCISE

#include <doctest/doctest.h>

TEST_CASE("sixteen units learn the absolute value") {
  Rng rng(1);
  SmallNet net(16, rng);
  const Tensor x = normal({64, 1}, 0, 1, rng);  // as many below zero as above
  optim::Adam adam(net);
  Scalar loss = 0;
  for (int step = 0; step < 300; ++step) {
    const Variable error = mean_squared_error(net(x), abs(x));
    backward(error);
    adam.step(0.02);
    loss = error.item();
  }
  REQUIRE_MESSAGE(max(abs(net.inner.value())).item() > 0, "after 300 steps the loss is ", loss,
                  ", and all of `inner` is still 0. relu'(0) = 0, so nothing comes back through a unit whose "
                  "input is 0: the gradient of `inner` is 0, and so is that of `outer`, since relu(0) = 0. "
                  "Nothing can ever move. nn/README.md, \"Initial values\"");
  const Tensor spread = max(net.inner.value()) - min(net.inner.value());
  REQUIRE_MESSAGE(
      spread.item() > 1e-3, "after 300 steps the loss is ", loss, ", and all sixteen weights of `inner` are ",
      net.inner.value().at({0, 0}),
      ": units that begin alike get the same gradient, for ever. nn/README.md, \"Initial values\"");
  CHECK_MESSAGE(loss < 1e-3, "after 300 steps the loss is ", loss,
                ": the units differ now. Are there some with positive and some with negative weights, and of "
                "which size?");
}

TEST_CASE("the initial values follow from the generator") {
  Rng one(1), same(1), other(2);
  const SmallNet a(16, one), b(16, same), c(16, other);
  const double repeated =
      difference(a.inner.value(), b.inner.value()) + difference(a.outer.value(), b.outer.value());
  CHECK_MESSAGE(repeated == 0, "the same seed must give the same weights");
  const double between =
      difference(a.inner.value(), c.inner.value()) + difference(a.outer.value(), c.outer.value());
  CHECK_MESSAGE(between > 0,
                "two seeds gave the same `inner` and the same `outer`: take the numbers from rng");
}
