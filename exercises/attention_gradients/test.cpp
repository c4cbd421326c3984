#include EXERCISE

#include <doctest/doctest.h>

namespace {

struct Given {
  Tensor Q, K, V, bias, dY;
};

Given given() {
  Rng rng(1);
  return {normal({2, 3, 4}, 0, 1, rng), normal({2, 5, 4}, 0, 1, rng), normal({2, 5, 2}, 0, 1, rng),
          normal({3, 5}, 0, 1, rng), normal({2, 3, 2}, 0, 1, rng)};
}

AttentionGradients by_backward(const Given& x, const Tensor& allowed) {
  const Variable q = tracked(x.Q), k = tracked(x.K), v = tracked(x.V), bias = tracked(x.bias);
  const auto d = gradients(attention(q, k, v, Mask::explicitly(allowed), bias), {q, k, v, bias}, x.dY);
  return {d[0].value(), d[1].value(), d[2].value(), d[3].value()};
}

// So that a formula that is wrong without a mask is told of once.
bool right_without_mask() {
  const Given x = given();
  const AttentionGradients wanted = by_backward(x, ones({3, 5}));
  const AttentionGradients yours = attention_gradients(x.Q, x.K, x.V, x.bias, ones({3, 5}), x.dY);
  return yours.dbias.defined() && difference(yours.dV, wanted.dV) < 1e-5 &&
         difference(yours.dQ, wanted.dQ) < 1e-5 && difference(yours.dK, wanted.dK) < 1e-5 &&
         difference(yours.dbias, wanted.dbias) < 1e-5;
}

void compare(const Tensor& allowed, const std::string& question) {
  const Given x = given();
  const AttentionGradients wanted = by_backward(x, allowed);
  const AttentionGradients yours = attention_gradients(x.Q, x.K, x.V, x.bias, allowed, x.dY);
  // V first: its formula is the shortest, and only the weights must be right for it.
  REQUIRE_MESSAGE(
      difference(yours.dV, wanted.dV) < 1e-5, "dV is\n", yours.dV, "\nwanted is\n", wanted.dV,
      "\nv_se was used in y_te for every t, with the factor a_ts. If that is what you have, look at A: ",
      question);
  CHECK_MESSAGE(
      difference(yours.dQ, wanted.dQ) < 1e-5, "dQ is\n", yours.dQ, "\nwanted is\n", wanted.dQ,
      "\nIf all of it is off by one factor, that is 1/√D. Otherwise look at dZ: its rows must sum to 0.");
  CHECK_MESSAGE(difference(yours.dK, wanted.dK) < 1e-5, "dK is\n", yours.dK, "\nwanted is\n", wanted.dK,
                "\nIf dQ is right, dZ is: then only the last product or the factor 1/√D is missing.");
  REQUIRE_MESSAGE(yours.dbias.defined(), "dbias was not set");
  REQUIRE_MESSAGE(
      yours.dbias.shape() == x.bias.shape(), "dbias has the shape of bias, (3, 5), and not ",
      yours.dbias.shape(),
      ". Both entries of the batch were given the same bias: what does a number that was used twice "
      "get?");
  CHECK_MESSAGE(
      difference(yours.dbias, wanted.dbias) < 1e-5, "dbias is\n", yours.dbias, "\nwanted is\n", wanted.dbias,
      "\nbias_ts was used in z_bts for every b, with the factor 1: so it gets a sum (not a mean) over "
      "the batch of dZ, and no 1/√D, which stands before the bias is added.");
}

}  // namespace

TEST_CASE("everybody may attend to everybody") {
  compare(ones({3, 5}), "is the bias added to the scores, after the division by √D?");
}

TEST_CASE("a mask: nothing flows to what is forbidden") {
  REQUIRE_MESSAGE(right_without_mask(), "mend the first case first");
  const Tensor allowed = tensor({{1, 0, 0, 0, 0}, {1, 1, 0, 1, 0}, {0, 1, 1, 1, 0}});
  compare(allowed,
          "is A made with masked_softmax, and not masked afterwards? Else forbidden scores still count in "
          "the sum that divides, and rows sum to less than 1.");
  const Given x = given();
  const AttentionGradients yours = attention_gradients(x.Q, x.K, x.V, x.bias, allowed, x.dY);
  CHECK_MESSAGE(difference(select(yours.dK, 1, 4), zeros({2, 4})) == 0,
                "nobody may attend to key 4, but its gradient is ", select(yours.dK, 1, 4));
}

TEST_CASE("a query that may attend to nothing has a gradient of zero, not NaN") {
  REQUIRE_MESSAGE(right_without_mask(), "mend the first case first");
  compare(tensor({{1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}, {1, 0, 1, 0, 1}}),
          "is A made with masked_softmax, and not masked afterwards? It gives the second query, which may "
          "attend to nothing, zeros.");
}
