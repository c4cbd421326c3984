#include EXERCISE

#include <doctest/doctest.h>

namespace {

struct Given {
  Tensor Q, K, V, dY;
};

Given given() {
  Rng rng(1);
  return {normal({3, 4}, 0, 1, rng), normal({5, 4}, 0, 1, rng), normal({5, 2}, 0, 1, rng),
          normal({3, 2}, 0, 1, rng)};
}

AttentionGradients by_backward(const Given& x, const Tensor& allowed) {
  const Variable q = tracked(unsqueeze(x.Q, 0)), k = tracked(unsqueeze(x.K, 0)),
                 v = tracked(unsqueeze(x.V, 0));
  const auto d = gradients(attention(q, k, v, Mask::explicitly(allowed)), {q, k, v}, unsqueeze(x.dY, 0));
  return {squeeze(d[0].value(), 0), squeeze(d[1].value(), 0), squeeze(d[2].value(), 0)};
}

void compare(const Tensor& allowed) {
  const Given x = given();
  const AttentionGradients wanted = by_backward(x, allowed);
  const AttentionGradients yours = attention_gradients(x.Q, x.K, x.V, allowed, x.dY);
  // V first: its formula is the shortest, and only the weights must be right for it.
  REQUIRE_MESSAGE(difference(yours.dV, wanted.dV) < 1e-5, "dV is\n", yours.dV, "\nwanted is\n", wanted.dV,
                  "\nv_se was used in y_te for every t, with the factor a_ts");
  CHECK_MESSAGE(
      difference(yours.dQ, wanted.dQ) < 1e-5, "dQ is\n", yours.dQ, "\nwanted is\n", wanted.dQ,
      "\nIf all of it is off by one factor, that is 1/√D. Otherwise look at dZ: its rows must sum to 0.");
  CHECK_MESSAGE(difference(yours.dK, wanted.dK) < 1e-5, "dK is\n", yours.dK, "\nwanted is\n", wanted.dK,
                "\nIf dQ is right, dZ is: then only the last product or the factor 1/√D is missing.");
}

}  // namespace

TEST_CASE("everybody may attend to everybody") {
  compare(ones({3, 5}));
}

TEST_CASE("a mask: nothing flows to what is forbidden") {
  const Tensor allowed = tensor({{1, 0, 0, 0, 0}, {1, 1, 0, 1, 0}, {0, 1, 1, 1, 0}});
  compare(allowed);
  const Given x = given();
  const AttentionGradients yours = attention_gradients(x.Q, x.K, x.V, allowed, x.dY);
  CHECK_MESSAGE(difference(select(yours.dK, 0, 4), zeros({4})) == 0,
                "nobody may attend to key 4, but its gradient is ", select(yours.dK, 0, 4));
}

TEST_CASE("a query that may attend to nothing has a gradient of zero, not NaN") {
  compare(tensor({{1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}, {1, 0, 1, 0, 1}}));
}
