#include EXERCISE

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

namespace {

constexpr Index vocabulary = 20, length = 7;

struct Texts {
  Indices text, label;  // (B, T), (B)
};

// Tokens 4 … 19 say nothing; one token 0 … 3 in each text is its class.
Texts draw(Index count, Rng rng) {
  Texts texts{Indices::full({count, length}, 0), Indices::full({count}, 0)};
  for (Index b = 0; b < count; ++b) {
    for (Index t = 0; t < length; ++t) texts.text.at(b, t) = 4 + static_cast<int>(rng.below(vocabulary - 4));
    const auto label = static_cast<std::int32_t>(rng.below(4));
    texts.label.values[static_cast<std::size_t>(b)] = label;
    texts.text.at(b, static_cast<Index>(rng.below(length))) = label;
  }
  return texts;
}

}  // namespace

TEST_CASE("every layer that visit names is used") {
  Rng rng(1);
  const Classifier model(vocabulary, 16, rng);
  const Texts texts = draw(8, rng);
  std::string names;
  for (const std::string& name :
       nn::unreached_parameters(cross_entropy(model(texts.text), texts.label), model))
    names += " " + name;
  CHECK_MESSAGE(names.empty(), "the loss does not depend on:", names,
                ". Their gradients never come. Is the result of that layer used?");
}

TEST_CASE("every parameter that is used is named by visit") {
  Rng rng(1);
  Classifier model(vocabulary, 16, rng);
  const Texts texts = draw(8, rng);
  const Variable loss = cross_entropy(model(texts.text), texts.label);
  try {
    nn::check_visited(loss, model);
  } catch (const Error& error) {
    FAIL_CHECK(std::string(error.what()));
    return;
  }
  // What nobody uses could be left out of visit, and nobody would be the worse for it.
  if (!nn::unreached_parameters(loss, model).empty()) return;
  CHECK_MESSAGE(nn::parameter_count(model) == 20 * 16 + 17 + 32 + 17 * 16 + 17 * 4, "visit names ",
                nn::parameter_count(model), " numbers and the model has ",
                20 * 16 + 17 + 32 + 17 * 16 + 17 * 4,
                ": what is missing is neither trained nor saved. Which member does visit leave out?");
}

TEST_CASE("the weights of a text sum to one") {
  Rng rng(1);
  const Classifier model(vocabulary, 16, rng);
  const Tensor weights = model.weights(draw(3, rng).text).value();  // (B, T, 1)
  REQUIRE_MESSAGE(weights.shape() == Shape({3, length, 1}), "weights must be (B, T, 1) = (3, 7, 1), and are ",
                  weights.shape());
  const Tensor sums = sum(weights, 1);
  CHECK_MESSAGE(difference(sums, ones({3, 1})) < 1e-5, "over the tokens of each text they sum to\n", sums,
                "\nAlong which axis does softmax work when it is not told, and how long is that axis here?");
}

TEST_CASE("and it learns") {
  Rng rng(1);
  Classifier model(vocabulary, 16, rng);
  optim::Adam adam(model);
  double loss = 0;
  for (std::uint64_t step = 1; step <= 200; ++step) {
    const Texts texts = draw(32, rng.at(step));
    const Variable value = cross_entropy(model(texts.text), texts.label);
    loss = static_cast<double>(value.item());
    backward(value);
    adam.step(0.01);
  }
  CHECK_MESSAGE(loss < 0.1, "after 200 steps the loss is ", loss,
                "; below 0.1 was to be expected, from ln 4 = 1.39");
}
