#include EXERCISE

#include <doctest/doctest.h>

namespace {

constexpr Index length = 6;

// "same" or "changed" for each position, when the token at `at` is another. (B, T, C) = (1, 6, 8), two heads.
std::vector<bool> changed_by(Index at) {
  Rng rng(1);
  const Tensor x = normal({1, length, 8}, 0, 1, rng);
  const Tensor token = normal({1, 1, 8}, 0, 1, rng);
  const Tensor other = at == 0 ? concatenate({token, slice(x, 1, 1, length)}, 1)
                       : at == length - 1
                           ? concatenate({slice(x, 1, 0, at), token}, 1)
                           : concatenate({slice(x, 1, 0, at), token, slice(x, 1, at + 1, length)}, 1);
  const Tensor before = leaky_attention(x, 2).value(), after = leaky_attention(other, 2).value();
  std::vector<bool> changed;
  for (Index t = 0; t < length; ++t)
    changed.push_back(!same_values(select(before, 1, t), select(after, 1, t)));
  return changed;
}

}  // namespace

TEST_CASE("the result has the shape of x, and one head is right") {
  Rng rng(1);
  const Tensor x = normal({2, 5, 8}, 0, 1, rng);
  REQUIRE(leaky_attention(x, 2).shape() == x.shape());
  const Tensor wanted = attention(x, x, x, Mask::causal()).value();
  CHECK_MESSAGE(difference(leaky_attention(x, 1).value(), wanted) < 1e-5,
                "with one head it must be plain attention");
}

TEST_CASE("another token changes no position before it") {
  for (Index at = 0; at < length; ++at) {
    const std::vector<bool> changed = changed_by(at);
    for (Index t = 0; t < at; ++t)
      CHECK_MESSAGE(
          !changed[std::size_t(t)], "another token at position ", at, " changes the result at position ", t,
          ", which may not know of it. With one head nothing leaks, and the mask is right: so look at "
          "what happens to the heads.");
  }
}

TEST_CASE("another token changes every position from it on") {
  for (Index at = 0; at < length; ++at) {
    const std::vector<bool> changed = changed_by(at);
    for (Index t = at; t < length; ++t)
      CHECK_MESSAGE(
          changed[std::size_t(t)], "another token at position ", at, " does not change position ", t,
          ", which should see it. Cut by a reshape alone, (B, H, T, D) deals positions out to heads, and "
          "no head knows the whole sequence.");
  }
}
