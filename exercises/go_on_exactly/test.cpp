#include EXERCISE

#include <doctest/doctest.h>

namespace {

constexpr std::uint64_t seed = 7;

double weight_of(const Training& training) {
  return static_cast<double>(training.layer.weight.value().values().front());
}

bool same_bits(const Training& a, const Training& b) {
  return a.layer.weight.value().values() == b.layer.weight.value().values() &&
         a.layer.bias.value().values() == b.layer.bias.value().values();
}

Training straight(Index steps) {
  Training training(seed);
  train(training, steps);
  return training;
}

Training with_pause(Index before, Index after) {
  Training first = straight(before);
  const State state = save(first);
  train(first, 3);  // what happens after saving must not get into what was saved
  Training second(seed);
  resume(second, state);
  train(second, after);
  return second;
}

}  // namespace

TEST_CASE("in two calls as in one") {
  Training training = straight(5);
  train(training, 7);
  CHECK_MESSAGE(same_bits(training, straight(12)), "12 steps end at weight ", weight_of(straight(12)),
                ", 5 and 7 of the same training at ", weight_of(training),
                ": nothing was saved or resumed here. What does a step know of the steps before this call? "
                "Look at the schedule");
}

TEST_CASE("everything is in the state") {
  const Training training = straight(5);
  const State state = save(training);
  CHECK_MESSAGE(state.steps == 5, "5 steps were made, the state says ", state.steps);
  CHECK_MESSAGE(!state.moments.empty(),
                "the state holds no moments: Adam would begin with zeros again (Optimiser::state)");
  Training other(seed);
  resume(other, state);
  CHECK_MESSAGE(other.adam.steps() == training.adam.steps(), "after resume Adam believes to have made ",
                other.adam.steps(), " steps instead of ", training.adam.steps(), " (Optimiser::load_state)");
}

TEST_CASE("resumed, it comes to the same bits") {
  const Training whole = straight(12);
  for (const Index before : {1, 5, 11}) {
    const Training resumed = with_pause(before, 12 - before);
    CHECK_MESSAGE(same_bits(resumed, whole), "stopped after ", before, " steps it ends at weight ",
                  weight_of(resumed), " instead of ", weight_of(whole), ": does step ", before + 1,
                  " see the same batch, the same rate and the same moments as if it had not been stopped?");
  }
}

TEST_CASE("and it still learns, from batches that differ") {
  CHECK_MESSAGE(std::abs(weight_of(straight(300)) - 3) < 0.1, "after 300 steps the weight is ",
                weight_of(straight(300)), ", and should be about 3");
  Training another(seed + 1);
  train(another, 12);
  CHECK_MESSAGE(!same_bits(another, straight(12)),
                "another seed gives the same bits: are the batches drawn?");
  // With one batch again and again, the noise would be learnt too: 0.1 / √8 off, and not 0.1 / √2400.
  Training first = straight(1);
  Training second = straight(2);
  Training twice = straight(1);
  twice.steps = 0;
  train(twice, 1);
  CHECK_MESSAGE(!same_bits(second, twice),
                "step 2 gives the same as step 1 made twice: does every step get the same batch and rate?");
}
