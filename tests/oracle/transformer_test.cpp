// The whole Transformer against PyTorch's, with the same weights: recorded by record_transformer.py beside
// this file. B batch, T target positions, S source positions, V vocabulary.

#include "nn/transformer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "optim/adam.h"
#include "optim/gradients.h"
#include "optim/schedules.h"

using namespace attune;

namespace {

constexpr bool in_double = sizeof(Scalar) == 8;

// One recorded file.
class Recording {
 public:
  explicit Recording(const std::string& name) {
    const std::string path =
        std::string(ATTUNE_SOURCE_DIR) + "/tests/oracle/transformer_" + name + ".safetensors";
    for (io::NamedArray& array : io::read_safetensors(path).arrays) arrays_[array.name] = std::move(array);
  }

  Tensor tensor(const std::string& name) const {
    const io::NamedArray& array = arrays_.at(name);
    return attune::tensor(Shape(array.shape), array.values);
  }
  // Row `step` of whole numbers of shape (steps, …).
  Indices indices(const std::string& name, Index step) const {
    const io::NamedArray& array = arrays_.at(name);
    const std::vector<std::int64_t> sizes(array.shape.begin() + 1, array.shape.end());
    const auto begin = array.values.begin() + step * Shape(sizes).elements();
    std::vector<std::int32_t> values;
    std::transform(begin, begin + Shape(sizes).elements(), std::back_inserter(values),
                   [](Scalar number) { return static_cast<std::int32_t>(number); });
    return Indices(sizes, std::move(values));
  }
  // How many arrays have names that begin with `prefix`.
  std::size_t count(const std::string& prefix) const {
    return static_cast<std::size_t>(std::count_if(arrays_.begin(), arrays_.end(), [&](const auto& entry) {
      return entry.first.compare(0, prefix.size(), prefix) == 0;
    }));
  }

 private:
  std::map<std::string, io::NamedArray> arrays_;
};

struct Case {
  std::string name;
  nn::NormPlacement norm;
  Index source_vocabulary, target_vocabulary;
  Index layers;
  bool share_embeddings;
};
const Case cases[] = {
    {"pre_norm", nn::NormPlacement::pre, 20, 17, 2, false},
    {"post_norm", nn::NormPlacement::post, 20, 17, 2, false},
    {"shared_embeddings", nn::NormPlacement::post, 20, 20, 1, true},
};

// The model of a case, with PyTorch's weights in it.
nn::Transformer recorded_model(const Case& c, const Recording& recording) {
  Rng rng(0);
  nn::Transformer model({.source_vocabulary = c.source_vocabulary,
                         .target_vocabulary = c.target_vocabulary,
                         .width = 16,
                         .heads = 2,
                         .hidden = 24,
                         .encoder_layers = c.layers,
                         .decoder_layers = c.layers,
                         .dropout = 0,
                         .norm = c.norm,
                         .share_embeddings = c.share_embeddings},
                        rng);
  std::size_t count = 0;
  nn::for_each_parameter(model, [&](const std::string& name, nn::Parameter& parameter) {
    parameter.set_value(recording.tensor("weight." + name));
    ++count;
  });
  REQUIRE(count == recording.count("weight."));  // and so no weight of PyTorch's is left over
  return model;
}

struct Result {
  Variable logits;  // (B, T, V)
  Variable loss;
};

// The forward pass of one training step.
Result run(const nn::Transformer& model, const Recording& recording, Index step) {
  const std::vector<std::int32_t> lengths = recording.indices("source_length", step).values;
  nn::Pass pass{.training = true};
  const Variable logits = model(recording.indices("source", step), {lengths.begin(), lengths.end()},
                                recording.indices("target_in", step), pass);
  return {logits, cross_entropy(logits, recording.indices("target_out", step),
                                {.label_smoothing = Scalar(0.1), .ignored = 0})};
}

double norm(const Tensor& x) {
  double squares = 0;
  for (const Scalar value : x.values()) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares);
}

double largest(const Tensor& x) {
  double result = 0;
  for (const Scalar value : x.values()) {
    if (std::isnan(value)) return value;
    result = std::max(result, std::abs(static_cast<double>(value)));
  }
  return result;
}

}  // namespace

TEST_CASE("transformer: logits and loss are PyTorch's for the same weights") {
  const double tolerance = in_double ? 1e-12 : 1e-5;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Recording recording(c.name);
    const Result result = run(recorded_model(c, recording), recording, 0);
    const Tensor expected = recording.tensor("logits");
    REQUIRE(result.logits.shape() == expected.shape());
    const double logits_error = largest(result.logits.value() - expected);
    const double loss_error = std::abs(static_cast<double>(result.loss.item()) -
                                       static_cast<double>(recording.tensor("loss").item()));
    MESSAGE(c.name << ": largest error of " << expected.elements() << " logits " << logits_error
                   << " (of up to " << largest(expected) << "), of the loss " << loss_error);
    CHECK(logits_error <= tolerance);
    CHECK(loss_error <= tolerance);
  }
}

TEST_CASE("transformer: every gradient is PyTorch's for the same weights") {
  const double tolerance = in_double ? 1e-9 : 1e-4;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Recording recording(c.name);
    const nn::Transformer model = recorded_model(c, recording);
    backward(run(model, recording, 0).loss);

    double squares = 0;
    nn::for_each_parameter(model, [&](const std::string& name, const nn::Parameter&) {
      squares += std::pow(norm(recording.tensor("gradient." + name)), 2);
    });
    const double norm_of_all = std::sqrt(squares);

    double worst = 0;
    std::string worst_name;
    nn::for_each_parameter(model, [&](const std::string& name, const nn::Parameter& parameter) {
      CAPTURE(name);
      const Tensor expected = recording.tensor("gradient." + name);
      REQUIRE(parameter.gradient().defined());
      REQUIRE(parameter.gradient().shape() == expected.shape());
      // Some true gradients are 0 (that of a key's bias), so the scale has a floor.
      const double scale = std::max(norm(expected), 1e-3 * norm_of_all);
      const double error = norm(parameter.gradient() - expected) / scale;
      CHECK(error <= tolerance);
      if (error > worst) worst = error, worst_name = name;
    });
    MESSAGE(c.name << ": worst of " << recording.count("gradient.") << " gradients " << worst_name
                   << ", relative error " << worst);
  }
}

TEST_CASE("transformer: ten training steps with clipping and a warm-up keep PyTorch's losses") {
  const double tolerance = in_double ? 1e-9 : 1e-5;
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Recording recording(c.name);
    const nn::Transformer model = recorded_model(c, recording);
    optim::Adam adam(model, {.beta1 = 0.9, .beta2 = 0.98, .epsilon = 1e-8});
    const optim::InverseSquareRoot schedule{.peak = 0.01, .warmup = 4};
    const std::vector<Scalar> losses = recording.tensor("losses").values();
    const std::vector<Scalar> norms = recording.tensor("norms").values();
    REQUIRE(losses.size() == 10);

    double worst_loss = 0;
    double worst_norm = 0;
    for (std::size_t i = 0; i < losses.size(); ++i) {
      CAPTURE(i);
      const Index step = static_cast<Index>(i) + 1;
      const Variable loss = run(model, recording, step - 1).loss;
      backward(loss);
      const double length = optim::clip_gradient_norm(model, 1.5);
      adam.step(schedule(step));
      const double loss_error = std::abs(static_cast<double>(loss.item()) - static_cast<double>(losses[i]));
      CHECK(loss_error <= tolerance);
      worst_loss = std::max(worst_loss, loss_error);
      worst_norm = std::max(worst_norm, std::abs(length / static_cast<double>(norms[i]) - 1));
    }
    MESSAGE(c.name << ": largest error of ten losses " << worst_loss << ", of ten gradient norms (relative) "
                   << worst_norm);
    CHECK(worst_norm <= 100 * tolerance);
  }
}
