#include EXERCISE

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

constexpr Index length = 6;

/// For each position: 1 where its answer changes with the letter at `place`.
std::vector<int> changed_by(Index place) {
  Rng rng(1);
  const NextLetter model(rng);
  nn::Pass pass;
  Indices text({1, length}, {3, 1, 4, 1, 5, 2});
  const Tensor before = model(text, pass).value();  // (1, T, 8)
  text.at(0, place) = 7;
  const Tensor after = model(text, pass).value();
  REQUIRE_MESSAGE(before.shape() == Shape({1, length, 8}), "the result must be (B, T, 8), and is ",
                  before.shape());
  std::vector<int> changed;
  for (Index t = 0; t < length; ++t)
    changed.push_back(difference(select(before, 1, t), select(after, 1, t)) != 0 ? 1 : 0);
  return changed;
}

}  // namespace

TEST_CASE("a letter changes nothing before the position where it is read") {
  std::string leaks;
  bool only_neighbours = true;
  for (Index place = 1; place < length; ++place) {
    const std::vector<int> changed = changed_by(place);
    std::string reached;
    for (Index t = 0; t < place; ++t) {
      if (!changed[static_cast<std::size_t>(t)]) continue;
      reached += " " + std::to_string(t);
      only_neighbours = only_neighbours && t == place - 1;
    }
    if (!reached.empty())
      leaks += "\nanother letter at position " + std::to_string(place) + " changes the answers at" + reached;
  }
  const std::string hint =
      only_neighbours ? "\nJust the one before it: a mask that is off by one. Where does a query stand?"
                      : "\nThat is more than any causal mask lets through: what else mixes positions?";
  CHECK_MESSAGE(leaks.empty(), leaks, hint);
}

TEST_CASE("and everything from there on") {
  std::string closed;
  for (Index place = 0; place < length; ++place) {
    const std::vector<int> changed = changed_by(place);
    std::string missed;
    for (Index t = place; t < length; ++t)
      if (!changed[static_cast<std::size_t>(t)]) missed += " " + std::to_string(t);
    if (!missed.empty())
      closed += "\nanother letter at position " + std::to_string(place) + " does not change the answers at" +
                missed;
  }
  CHECK_MESSAGE(closed.empty(), closed, "\nThese may see it: too much is closed.");
}
