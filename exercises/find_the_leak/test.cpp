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

// The pairs `at` and t, for which another token at `at` changes position t although t lies before it, or does
// not although t does not: "3 and 1, 3 and 2".
std::string wrong_pairs(bool before) {
  std::string list;
  for (Index at = 0; at < length; ++at) {
    const std::vector<bool> changed = changed_by(at);
    for (Index t = before ? 0 : at; t < (before ? at : length); ++t)
      if (changed[std::size_t(t)] == before)
        list += (list.empty() ? "" : ", ") + std::to_string(at) + " and " + std::to_string(t);
  }
  return list;
}

bool one_head_is_right() {
  Rng rng(1);
  const Tensor x = normal({2, 5, 8}, 0, 1, rng);
  return difference(leaky_attention(x, 1).value(), attention(x, x, x, Mask::causal()).value()) < 1e-5;
}

}  // namespace

TEST_CASE("the result has the shape of x, and one head is right") {
  const Tensor x = ones({2, 5, 8});
  const Shape shape = leaky_attention(x, 2).shape();
  REQUIRE_MESSAGE(shape == x.shape(), "for x ", x.shape(), " the result is ", shape);
  CHECK_MESSAGE(one_head_is_right(), "with one head it must be plain attention, with the causal mask");
}

TEST_CASE("another token changes no position before it") {
  const std::string leaks = wrong_pairs(true);
  CHECK_MESSAGE(
      leaks.empty(),
      "another token at the first position of each pair changes the result at the second, which may "
      "not know of it: ",
      leaks,
      std::string(
          one_head_is_right()
              ? ". With one head nothing leaks, and the mask is right: so look at what happens to the heads."
              : ". It leaks with one head, too: mend that first."));
}

TEST_CASE("another token changes every position from it on") {
  const std::string missing = wrong_pairs(false);
  CHECK_MESSAGE(missing.empty(),
                "another token at the first position of each pair does not change the result at the second, "
                "which should see it: ",
                missing,
                ". Cut by a reshape alone, (B, H, T, D) deals positions out to heads, and no head knows the "
                "whole sequence.");
}

TEST_CASE("two heads are two attentions, side by side") {
  Rng rng(1);
  const Tensor x = normal({2, length, 8}, 0, 1, rng);
  std::vector<Tensor> heads;
  for (const Index begin : {0, 4}) {
    const Tensor half = slice(x, -1, begin, begin + 4);  // (B, T, D): what one head works on
    heads.push_back(attention(half, half, half, Mask::causal()).value());
  }
  const bool positions_are_right = wrong_pairs(true).empty() && wrong_pairs(false).empty();
  const double off = difference(leaky_attention(x, 2).value(), concatenate(heads, -1));
  CHECK_MESSAGE(
      off < 1e-5,
      "numbers 0 to 3 of each position must be head 0's result, and 4 to 7 head 1's; yours are others. ",
      std::string(
          positions_are_right
              ? "Every position knows what it may know, so only the numbers within a position can be out "
                "of place. Which axes stand last when the reshape to (B, T, C) joins them? H and D, in "
                "this order: with D and H the heads are shuffled together like cards."
              : "Mend the positions first."));
}
