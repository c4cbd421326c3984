#include "io/checkpoint.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "io/file.h"
#include "nn/layers.h"
#include "optim/adam.h"
#include "optim/gradients.h"
#include "optim/sgd.h"
#include "tensor/error.h"
#include "tests/io/scratch.h"

using namespace attune;
namespace fs = std::filesystem;

namespace {

std::vector<Scalar> numbers_of(const nn::Linear& model, const optim::Optimiser& optimiser) {
  std::vector<Scalar> all = model.weight.value().values();
  for (const optim::NamedTensor& tensor : optimiser.state())
    for (const Scalar value : tensor.value.values()) all.push_back(value);
  return all;
}

// Steps `first` to `last`: all that one depends on is its number, the weights and the moments.
void train(const nn::Linear& model, optim::Optimiser& optimiser, Index first, Index last) {
  for (Index step = first; step <= last; ++step) {
    Rng rng = Rng(5).at(static_cast<std::uint64_t>(step));
    const Tensor x = normal({8, 3}, 0, 1, rng);
    backward(mean_squared_error(model(x), sum(x, -1, keep_axis)));
    optimiser.step(0.01);
  }
}

nn::Linear make_model(std::uint64_t seed, Index in = 3) {
  Rng rng(seed);
  return {in, 1, rng};
}

// The error of loading, after which nothing may have changed.
template <class Optimiser>
std::string load_error(const fs::path& path, nn::Linear& model, Optimiser& optimiser) {
  const std::vector<Scalar> before = numbers_of(model, optimiser);
  std::string text = "no error";
  try {
    io::load_checkpoint(path, model, optimiser);
  } catch (const FileError& error) {
    text = error.what();
  }
  CHECK(numbers_of(model, optimiser) == before);
  return text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("checkpoint: training goes on from it to the same bits as if it had never stopped") {
  const Scratch scratch;
  nn::Linear whole = make_model(1), first = make_model(1), second = make_model(2);
  optim::Adam adam(whole), before(first), after(second);
  train(whole, adam, 1, 20);

  train(first, before, 1, 10);
  io::save_checkpoint(scratch / "run", first, before, {{"step", "10"}, {"note", "ein Satz: „…“\n"}});
  const io::Notes notes = io::load_checkpoint(scratch / "run", second, after);
  CHECK(notes == io::Notes{{"step", "10"}, {"note", "ein Satz: „…“\n"}});
  CHECK(after.steps() == 10);
  train(second, after, 11, 20);
  CHECK(numbers_of(whole, adam) == numbers_of(second, after));
}

TEST_CASE("checkpoint: its weights can be read as a model, which takes no notice of the rest") {
  const Scratch scratch;
  nn::Linear model = make_model(1), other = make_model(2);
  optim::Adam adam(model);
  train(model, adam, 1, 3);
  io::save_checkpoint(scratch / "run", model, adam, {{"step", "3"}});
  CHECK(io::load_weights(scratch / "run", other) == io::Notes{{"step", "3"}});
  CHECK(other.weight.value().values() == model.weight.value().values());
}

TEST_CASE("checkpoint: what does not fit is named, and neither model nor optimiser has changed") {
  const Scratch scratch;
  nn::Linear model = make_model(1), wider = make_model(1, 4);
  optim::Adam adam(model), of_wider(wider);
  optim::Sgd sgd(model, {.momentum = 0.9});
  train(model, adam, 1, 3);
  io::save_checkpoint(scratch / "run", model, adam);
  io::save_weights(scratch / "weights", model);

  const std::string shape = load_error(scratch / "run", wider, of_wider);
  CHECK(contains(shape, "load_checkpoint: the file does not belong to this model"));
  CHECK(contains(shape, "\"weight\" is (1, 3) in the file, (1, 4) in the model"));
  const std::string kind = load_error(scratch / "run", model, sgd);
  CHECK(contains(kind, "run\": the optimiser's part does not fit: load_state: the state belongs to another"));
  CHECK(contains(kind, "weight.m"));
  CHECK(contains(load_error(scratch / "weights", model, adam),
                 "weights\" holds no checkpoint, weights at most: give a file that save_checkpoint wrote"));
  CHECK(contains(load_error(scratch / "nowhere", model, adam), "nowhere"));

  // A number of the optimiser that no training leaves behind: a mean of squares below zero.
  io::SafetensorsFile file = io::read_safetensors(scratch / "run");
  for (io::NamedArray& array : file.arrays)
    if (array.name == "optimiser/weight.v") array.values[1] = -1;
  io::write_safetensors(scratch / "spoiled", file);
  CHECK(contains(load_error(scratch / "spoiled", model, adam), "weight.v"));
}

TEST_CASE("checkpoint: every truncation is refused, and changes nothing") {
  const Scratch scratch;
  nn::Linear model = make_model(1);
  optim::Adam adam(model);
  train(model, adam, 1, 2);
  io::save_checkpoint(scratch / "run", model, adam, {{"step", "2"}});
  const std::string bytes = io::read_file(scratch / "run", 1 << 20);
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    io::write_atomically(scratch / "cut", std::string_view(bytes).substr(0, size));
    CHECK(load_error(scratch / "cut", model, adam) != "no error");
  }
}

TEST_CASE("checkpoint: what cannot be written leaves the old one") {
  const Scratch scratch;
  nn::Linear model = make_model(1);
  optim::Adam adam(model);
  train(model, adam, 1, 2);
  io::save_checkpoint(scratch / "run", model, adam, {{"step", "2"}});
  CHECK_THROWS_WITH_AS(
      io::save_checkpoint(scratch / "run", model, adam, {{"attune.checkpoint", "x"}}),
      "save_checkpoint: the note attune.checkpoint belongs to the format: choose another name", ValueError);
  Tensor spoiled = copy(model.weight.value());
  spoiled.writable()[0] = std::numeric_limits<Scalar>::quiet_NaN();
  model.weight.set_value(spoiled);
  CHECK_THROWS_AS(io::save_checkpoint(scratch / "run", model, adam, {{"step", "3"}}), ValueError);
  CHECK(io::load_checkpoint(scratch / "run", model, adam).at("step") == "2");
}

TEST_CASE("checkpoint: numbers in notes come back to the last bit, and what is none is named") {
  for (const double number : {0.1, 1.0 / 3, 3e-5, 5e-324, 1.7976931348623157e308, -0.0, 123456789.0,
                              std::numeric_limits<double>::infinity()}) {
    const io::Notes notes{{"number", io::exact_text(number)}};
    CHECK(io::number_of(notes, "number", "F") == number);
    CHECK(io::exact_text(io::number_of(notes, "number", "F")) == notes.at("number"));
  }
  CHECK(io::exact_text(0.1) == "0.1");
  CHECK(io::count_of({{"steps", "9007199254740993"}}, "steps", "F") == 9007199254740993);
  const auto error_of = [](const char* text) -> std::string {
    try {
      io::count_of({{"steps", text}}, "steps", "F");
    } catch (const FileError& error) {
      return error.what();
    }
    return "no error";
  };
  for (const char* text : {"", "-1", "1.5", "12x", "99999999999999999999"})
    CHECK(contains(error_of(text), "\"F\": the note \"steps\" is "));
  CHECK_THROWS_WITH_AS(io::number_of({}, "steps", "F"),
                       "checkpoint: \"F\" has no note \"steps\": it was written by another program: take a "
                       "checkpoint of this one",
                       FileError);
}

TEST_CASE("averaging: the mean of several files, added up in double, number by number") {
  const Scratch scratch;
  nn::Linear model = make_model(1);
  std::vector<fs::path> paths;
  for (const Scalar value : {Scalar(1), Scalar(1) / 3, Scalar(0.1)}) {
    model.weight.set_value(full({1, 3}, value));
    paths.push_back(scratch / std::to_string(paths.size()));
    if (paths.size() == 2) {
      const optim::Adam adam(model);  // a checkpoint is as good as weights
      io::save_checkpoint(paths.back(), model, adam);
    } else {
      io::save_weights(paths.back(), model);
    }
  }
  io::average_weights(paths, model);
  const double mean = (1 + static_cast<double>(Scalar(1) / 3) + static_cast<double>(Scalar(0.1))) / 3;
  CHECK(model.weight.value().values() == std::vector<Scalar>(3, static_cast<Scalar>(mean)));
  io::average_weights({paths[0]}, model);
  CHECK(model.weight.value().values() == std::vector<Scalar>(3, 1));

  nn::Linear wider = make_model(1, 4);
  const std::vector<Scalar> before = wider.weight.value().values();
  CHECK_THROWS_AS(io::average_weights(paths, wider), FileError);
  CHECK_THROWS_AS(io::average_weights({}, wider), ValueError);
  CHECK(wider.weight.value().values() == before);
}

TEST_CASE("journal: lines are there as soon as they are appended, and an earlier file is gone on with") {
  const Scratch scratch;
  io::write_atomically(scratch / "lines", "one\n");
  io::Journal journal(scratch / "lines");
  journal.append("two\n");
  CHECK(io::read_file(scratch / "lines", 100) == "one\ntwo\n");
  journal.sync();
  CHECK_THROWS_WITH_AS(io::Journal(scratch / "no/folder"), doctest::Contains("journal: cannot open"),
                       FileError);
  if (fs::exists("/dev/full")) {
    io::Journal full("/dev/full");
    CHECK_THROWS_WITH_AS(full.append("x"), doctest::Contains("free some space"), FileError);
  }
}
