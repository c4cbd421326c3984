#include EXERCISE

#include <doctest/doctest.h>

namespace {

// Three batches of 1, 2 and 5 rows, of which 1, 1 and 5 count.
struct Data {
  std::vector<Tensor> inputs;
  std::vector<Indices> targets{Indices({1}, {0}), Indices({2}, {2, -1}), Indices({5}, {1, 1, 0, 2, 1})};
  Data() {
    Rng rng(3);
    for (const Index rows : {1, 2, 5}) inputs.push_back(normal({rows, 4}, 0, 1, rng));
  }
};

nn::Linear make_model() {
  Rng rng(4);
  return nn::Linear(4, 3, rng);
}

// The gradient of the weight if each batch's loss, reduced so, is multiplied by `factor`.
Tensor gradient_by(Reduction reduction, Scalar factor) {
  const Data data;
  const nn::Linear model = make_model();
  for (std::size_t i = 0; i < data.inputs.size(); ++i)
    backward(cross_entropy(model(data.inputs[i]), data.targets[i], {.reduction = reduction}) * factor);
  return model.weight.gradient();
}

}  // namespace

TEST_CASE("three batches give the gradient of one batch with all of their rows") {
  const Data data;
  const nn::Linear whole = make_model();
  const Variable all = concatenate({Variable(data.inputs[0]), data.inputs[1], data.inputs[2]}, 0);
  backward(cross_entropy(whole(all), Indices({8}, {0, 2, -1, 1, 1, 0, 2, 1})));

  const nn::Linear model = make_model();
  backward_over(data.inputs, data.targets, model);
  REQUIRE_MESSAGE(model.weight.gradient().defined(),
                  "no gradient has arrived: is backward called? Or did you step? A step clears the "
                  "gradients, and is up to the caller.");
  const Tensor given = model.weight.gradient();
  const auto is = [&](const Tensor& mistake) { return difference(given, mistake) < 1e-5; };
  CHECK_MESSAGE(
      !is(gradient_by(Reduction::sum, 1)),
      "This is the sum over all rows: it still has to be divided by how many count (scale_gradients).");
  CHECK_MESSAGE(!is(gradient_by(Reduction::mean, 1)),
                "These are three means added up. Sum within each batch, count the rows, and divide once.");
  CHECK_MESSAGE(
      !is(gradient_by(Reduction::mean, Scalar(1) / 3)),
      "This is the mean of three means: the only row of the first batch weighs five times as much as "
      "each of the last. Sum within each batch, count the rows, and divide once.");
  for (const int rows : {7, 8})
    CHECK_MESSAGE(!is(gradient_by(Reduction::mean, Scalar(1) / static_cast<Scalar>(rows))),
                  "These are three means added up and divided by ", rows,
                  " rows. A mean has been divided by its rows already: let each batch give its sum "
                  "(Reduction::sum).");
  CHECK_MESSAGE(!is(gradient_by(Reduction::sum, Scalar(1) / 8)),
                "The sum was divided by all 8 rows, but one of them is padding: its target is -1.");
  REQUIRE_MESSAGE(difference(given, whole.weight.gradient()) < 1e-5, "the gradient of the weight should be\n",
                  whole.weight.gradient(), "\nand is\n", given);
  CHECK_MESSAGE(
      difference(model.bias.gradient(), whole.bias.gradient()) < 1e-5,
      "the weight's gradient is right and the bias's is not: scale the gradients of the whole model");
}

TEST_CASE("batch after batch, so that one at a time has to fit into memory") {
  // The model has no class 7, so backward never comes for the batch in the middle, and has been there for one
  // beside it.
  const Data data;
  const std::vector<Indices> targets{data.targets[0], Indices({2}, {2, 7}), data.targets[2]};
  const nn::Linear model = make_model();
  try {
    backward_over(data.inputs, targets, model);
    FAIL_CHECK("a target of 7 is no class of the model: cross_entropy refuses it, and you should let it");
  } catch (const Error&) {
  }
  CHECK_MESSAGE(
      model.weight.gradient().defined(),
      "when the second of three batches is refused (it has a class that is none), the gradient of "
      "another should be there already, and none is: do all rows go through the model before the first "
      "backward? Then they are in memory together. Call backward for each batch before the next.");
}
