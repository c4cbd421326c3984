#include EXERCISE

#include <doctest/doctest.h>

namespace {

constexpr auto pre = nn::NormPlacement::pre, post = nn::NormPlacement::post;

Tensor example() {
  return tensor({{1, 2, 6}, {-4, 0, 1}});
}

}  // namespace

TEST_CASE("a sublayer that gives zeros: pre-norm lets x through, post-norm norms it") {
  const Tensor x = example();
  const nn::LayerNorm norm(3);
  const Sublayer nothing = [](const Variable& y) { return y * 0; };
  const Tensor before = framed(x, norm, pre, nothing).value();
  CHECK_MESSAGE(difference(before, x) < 1e-6, "pre-norm gives\n", before,
                "\nand should give x as it was: the norm stands before f, not around the sum");
  const Tensor after = framed(x, norm, post, nothing).value();
  CHECK_MESSAGE(difference(after, norm(x).value()) < 1e-6, "post-norm gives\n", after,
                "\nand should give norm(x),\n", norm(x).value(), "\nthe norm of the sum");
}

TEST_CASE("the sublayer is given what its placement says, once") {
  const Tensor x = example();
  const nn::LayerNorm norm(3);
  for (const nn::NormPlacement placement : {pre, post}) {
    int calls = 0;
    Tensor given;
    framed(x, norm, placement, [&](const Variable& y) {
      ++calls, given = y.value();
      return y;
    });
    REQUIRE_MESSAGE(calls == 1, "f was called ", calls, " times");
    const Tensor wanted = placement == pre ? norm(x).value() : x;
    const std::string name = placement == pre ? "pre" : "post";
    CHECK_MESSAGE(difference(given, wanted) < 1e-6, "with ", name, "-norm f was given\n", given,
                  "\nand should be given\n", wanted);
  }
}

TEST_CASE("it is what nn::Residual does without dropout") {
  Rng rng(1);
  const nn::FeedForward layer(8, 16, rng);
  const Sublayer f = [&](const Variable& y) { return layer(y); };
  const Tensor many = normal({2, 3, 8}, 0, 1, rng);
  for (const nn::NormPlacement placement : {pre, post}) {
    const nn::Residual residual({.width = 8, .dropout = 0, .norm = placement}, rng);
    const Tensor wanted = residual(many, nn::Pass(), f).value();
    const Tensor yours = framed(many, residual.norm, placement, f).value();
    const std::string name = placement == pre ? "pre" : "post";
    CHECK_MESSAGE(difference(yours, wanted) < 1e-5, "with ", name, "-norm yours is off by ",
                  difference(yours, wanted), ": did you forget the residual connection, x + …?");
  }
}

TEST_CASE("through pre-norm the gradient comes back whole") {
  const Tensor x = example();
  const nn::LayerNorm norm(3);
  const Variable in = tracked(x);
  const Tensor dy = tensor({{1, 0, 0}, {0, 2, 0}});
  const Tensor dx =
      gradients(framed(in, norm, pre, [](const Variable& y) { return y * 0; }), {in}, dy)[0].value();
  CHECK_MESSAGE(difference(dx, dy) < 1e-6, "where f adds nothing, dx is dy, but yours is\n", dx);
}
