#include EXERCISE

#include <doctest/doctest.h>

namespace {

Tensor value_of(const Parameters& parameters, const std::string& name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? Tensor(std::numeric_limits<Scalar>::quiet_NaN()) : found->second;
}

bool refuses(const std::vector<Parameters>& checkpoints) {
  try {
    mean_of(checkpoints);
  } catch (const std::invalid_argument&) {
    return true;
  }
  return false;
}

}  // namespace

TEST_CASE("the mean of two") {
  const std::vector<Parameters> checkpoints{{{"weight", tensor({{1, 2}, {3, 4}})}, {"bias", tensor({10, 0})}},
                                            {{"weight", tensor({{3, 2}, {1, 0}})}, {"bias", tensor({0, 1})}}};
  const Parameters mean = mean_of(checkpoints);
  CHECK_MESSAGE(mean.size() == 2, "the model has 2 parameters, the mean has ", mean.size());
  CHECK_MESSAGE(difference(value_of(mean, "weight"), tensor({{2, 2}, {2, 2}})) < 1e-6,
                "weight should be 2 everywhere, and is ", value_of(mean, "weight"));
  CHECK_MESSAGE(difference(value_of(mean, "bias"), tensor({5, Scalar(0.5)})) < 1e-6,
                "bias should be 5 and 0.5, and is ", value_of(mean, "bias"));
  CHECK_MESSAGE(difference(value_of(checkpoints[0], "bias"), tensor({10, 0})) == 0,
                "a checkpoint that was given has changed: a Tensor shares its memory, so work on a copy");
}

TEST_CASE("one checkpoint is its own mean, and three count alike") {
  CHECK(difference(value_of(mean_of({{{"w", tensor({1, -2})}}}), "w"), tensor({1, -2})) == 0);
  const Parameters mean =
      mean_of({{{"w", tensor({3, 0})}}, {{"w", tensor({0, 3})}}, {{"w", tensor({0, 0})}}});
  CHECK_MESSAGE(difference(value_of(mean, "w"), tensor({1, 1})) < 1e-6,
                "the mean of (3, 0), (0, 3) and (0, 0) is (1, 1), and not ", value_of(mean, "w"),
                ": ((a + b) / 2 + c) / 2 is another number");
}

TEST_CASE("nothing is lost on the way") {
  // 2²⁴ + 1 is not a float: added one by one, the ones vanish.
  std::vector<Parameters> checkpoints{{{"w", tensor({Scalar(16777216)})}}};
  for (int i = 0; i < 7; ++i) checkpoints.push_back({{"w", tensor({1})}});
  const Tensor w = value_of(mean_of(checkpoints), "w");
  CHECK_MESSAGE(difference(w, tensor({Scalar(2097152.875)})) < 1e-3,
                "(2²⁴ + 7) / 8 is 2097152.875, and it came out as ", w.values().front(),
                ": in float 2²⁴ + 1 is 2²⁴ again. Add up in double");
}

TEST_CASE("checkpoints of different models have no mean") {
  const Tensor one = tensor({1}), two = tensor({1, 2});
  CHECK_MESSAGE(refuses({}), "without a checkpoint there is nothing to average: std::invalid_argument");
  CHECK_MESSAGE(refuses({{{"w", one}}, {{"v", one}}}), "w in one and v in the other: std::invalid_argument");
  CHECK_MESSAGE(refuses({{{"w", one}}, {{"w", two}}}),
                "shapes (1) and (2) of one name: std::invalid_argument");
  CHECK_MESSAGE(refuses({{{"w", one}}, {{"w", one}, {"v", one}}}),
                "the second has a parameter more, which would be lost: std::invalid_argument");
  CHECK_MESSAGE(refuses({{{"w", one}, {"v", one}}, {{"w", one}}}),
                "the second has a parameter less: std::invalid_argument");
}
