#include EXERCISE

#include <doctest/doctest.h>

namespace {

constexpr auto pre = nn::NormPlacement::pre, post = nn::NormPlacement::post;

Tensor example() {
  return tensor({{1, 2, 6}, {-4, 0, 1}});
}

// A pass in training, where dropout is on.
nn::Pass training() {
  return {.training = true, .rng = Rng(7)};
}

nn::Dropout every_second() {
  Rng rng(1);
  return nn::Dropout(Scalar(0.5), rng);
}

}  // namespace

TEST_CASE("a sublayer that gives zeros: pre-norm lets x through, post-norm norms it") {
  const Tensor x = example();
  const nn::LayerNorm norm(3);
  const Sublayer nothing = [](const Variable& y) { return y * 0; };
  const Tensor before = framed(x, norm, pre, every_second(), nn::Pass(), nothing).value();
  CHECK_MESSAGE(difference(before, x) < 1e-6, "pre-norm gives\n", before,
                "\nand should give x as it was: the norm stands before f, not around the sum");
  const Tensor after = framed(x, norm, post, every_second(), nn::Pass(), nothing).value();
  CHECK_MESSAGE(difference(after, norm(x).value()) < 1e-6, "post-norm gives\n", after,
                "\nand should give norm(x),\n", norm(x).value(), "\nthe norm of the sum");
}

TEST_CASE("the sublayer is given what its placement says, once") {
  const Tensor x = example();
  const nn::LayerNorm norm(3);
  for (const nn::NormPlacement placement : {pre, post}) {
    int calls = 0;
    Tensor given;
    framed(x, norm, placement, every_second(), training(), [&](const Variable& y) {
      ++calls, given = y.value();
      return y;
    });
    REQUIRE_MESSAGE(calls == 1, "f was called ", calls, " times");
    const Tensor wanted = placement == pre ? norm(x).value() : x;
    const std::string name = placement == pre ? "pre" : "post";
    CHECK_MESSAGE(difference(given, wanted) < 1e-6, "with ", name, "-norm f was given\n", given,
                  "\nand should be given\n", wanted, "\nwith nothing dropped yet");
  }
}

TEST_CASE("dropout falls on what the sublayer returns, and leaves x alone") {
  const Tensor x = example();
  const nn::LayerNorm norm(3);
  const Sublayer nothing = [](const Variable& y) { return y * 0; };
  const Tensor kept = framed(x, norm, pre, every_second(), training(), nothing).value();
  CHECK_MESSAGE(difference(kept, x) < 1e-6,
                "f gives zeros, and dropout of zeros is zeros, so pre-norm should "
                "give x even in training. Yours is\n",
                kept, "\nDropout stands around f(…), not around the sum.");
  const Sublayer ones_only = [](const Variable& y) { return y * 0 + 1; };
  const Tensor added = framed(x, norm, pre, every_second(), training(), ones_only).value() - x;
  CHECK_MESSAGE((min(added).item() < 1e-5 && max(added).item() > 1),
                "f gives ones; of them dropout at 0.5 makes "
                "zeros and twos, in training. What you add to x is\n",
                added);
}

TEST_CASE("it is what nn::Residual does, in training and in use") {
  Rng rng(1);
  const nn::FeedForward layer(8, 16, rng);
  const Sublayer f = [&](const Variable& y) { return layer(y); };
  const Tensor many = normal({2, 3, 8}, 0, 1, rng);
  for (const nn::NormPlacement placement : {pre, post}) {
    const nn::Residual residual({.width = 8, .dropout = Scalar(0.5), .norm = placement}, rng);
    const std::string name = placement == pre ? "pre-norm, in " : "post-norm, in ";
    for (const nn::Pass& pass : {nn::Pass(), training()}) {
      const Tensor wanted = residual(many, pass, f).value();
      const Tensor yours = framed(many, residual.norm, placement, residual.dropout, pass, f).value();
      const std::string when = pass.training ? "training" : "use";
      const std::string hint = pass.training ? ": does dropout stand around f(…), before x is added?"
                                             : ": did you forget the residual connection, x + …?";
      CHECK_MESSAGE(difference(yours, wanted) < 1e-5, "with ", name, when, ", yours is off by ",
                    difference(yours, wanted), hint);
    }
  }
}

TEST_CASE("through pre-norm the gradient comes back whole") {
  const Tensor x = example();
  const nn::LayerNorm norm(3);
  const Variable in = tracked(x);
  const Tensor dy = tensor({{1, 0, 0}, {0, 2, 0}});
  const Tensor dx =
      gradients(framed(in, norm, pre, every_second(), nn::Pass(), [](const Variable& y) { return y * 0; }),
                {in}, dy)[0]
          .value();
  CHECK_MESSAGE(difference(dx, dy) < 1e-6, "where f adds nothing, dx is dy, but yours is\n", dx);
}
