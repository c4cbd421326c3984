#include "io/model.h"

#include <doctest/doctest.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "io/file.h"
#include "io/safetensors.h"
#include "nn/layers.h"
#include "tensor/error.h"
#include "tests/io/scratch.h"

using namespace attune;

namespace {

// A model with everything a visit can name: parameters, a list, an optional, a buffer.
struct Model {
  std::vector<nn::Linear> layers;
  std::optional<nn::Linear> extra;
  nn::Parameter scale;
  nn::Buffer average;

  explicit Model(std::uint64_t seed, int hidden = 4, bool with_extra = true)
      : average(full({3}, Scalar(seed))) {
    Rng rng(seed);
    layers.emplace_back(3, hidden, rng);
    layers.emplace_back(hidden, 2, rng);
    if (with_extra) extra.emplace(2, 2, rng);
    scale = nn::Parameter(full({}, Scalar(0.25) * Scalar(seed)));
  }
  void visit(nn::Visitor& v) {
    v("layers", layers);
    v("extra", extra);
    v("scale", scale);
    v("average", average);
  }
};

std::vector<std::vector<Scalar>> all_values(const Model& model) {
  std::vector<std::vector<Scalar>> all;
  nn::for_each_parameter(
      model, [&](const std::string&, const nn::Parameter& p) { all.push_back(p.value().values()); });
  all.push_back(model.average.value().values());
  return all;
}

std::string load_error(const std::filesystem::path& path, Model& model) {
  const auto before = all_values(model);
  std::string text;
  try {
    io::load_weights(path, model);
  } catch (const FileError& error) {
    text = error.what();
  }
  CHECK(all_values(model) == before);
  return text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("model: weights, buffers and metadata come back to the last bit, frozen or not") {
  const Scratch scratch;
  Model saved(1), loaded(2);
  nn::freeze(saved.layers[0]);
  REQUIRE(all_values(saved) != all_values(loaded));
  io::save_weights(scratch / "model.safetensors", saved, {{"epoch", "7"}});
  const auto metadata = io::load_weights(scratch / "model.safetensors", loaded);
  CHECK(all_values(saved) == all_values(loaded));
  CHECK(metadata == std::map<std::string, std::string>{{"epoch", "7"}});
  CHECK(loaded.average.value().values() == std::vector<Scalar>{1, 1, 1});
}

TEST_CASE("model: the file has the names that visit gives and the shapes of the tensors") {
  const Scratch scratch;
  io::save_weights(scratch / "model.safetensors", Model(1));
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const io::NamedArray& array : io::read_safetensors(scratch / "model.safetensors").arrays) {
    shapes[array.name] = array.shape;
  }
  CHECK(shapes == std::map<std::string, std::vector<std::int64_t>>{{"layers.0.weight", {4, 3}},
                                                                   {"layers.0.bias", {4}},
                                                                   {"layers.1.weight", {2, 4}},
                                                                   {"layers.1.bias", {2}},
                                                                   {"extra.weight", {2, 2}},
                                                                   {"extra.bias", {2}},
                                                                   {"scale", {}},
                                                                   {"average", {3}}});
}

TEST_CASE("model: a value taken before loading stays what it was") {
  const Scratch scratch;
  Model saved(1), loaded(2);
  io::save_weights(scratch / "model", saved);
  const Tensor taken = loaded.layers[0].weight.value();
  const std::vector<Scalar> before = taken.values();
  io::load_weights(scratch / "model", loaded);
  CHECK(taken.values() == before);
  CHECK(loaded.layers[0].weight.value().values() == saved.layers[0].weight.value().values());
}

TEST_CASE("model: a file of another model lists the differences of both sides and changes nothing") {
  const Scratch scratch;
  io::save_weights(scratch / "model", Model(1, 5, false));
  Model model(2);
  const std::string error = load_error(scratch / "model", model);
  CHECK(contains(error, "load_weights: the file does not belong to this model: "));
  CHECK(contains(error,
                 "in the model, not in the file:\n    \"extra.bias\" (2)\n    \"extra.weight\" (2, 2)\n"));
  CHECK(contains(error,
                 "of another shape:\n    \"layers.0.weight\" is (5, 3) in the file, (4, 3) in the model\n"));
  CHECK(contains(error, "nothing was changed"));

  Model small(3, 5, false);
  io::save_weights(scratch / "large", Model(1, 5));
  CHECK(contains(load_error(scratch / "large", small),
                 "in the file, not in the model:\n    \"extra.weight\" (2, 2)\n    \"extra.bias\" (2)\n"));
}

TEST_CASE("model: a transposed weight is named as such") {
  const Scratch scratch;
  Model model(2);
  io::save_weights(scratch / "model", model);
  io::SafetensorsFile file = io::read_safetensors(scratch / "model");
  for (io::NamedArray& array : file.arrays) {
    if (array.name == "layers.0.weight") std::swap(array.shape[0], array.shape[1]);
  }
  io::write_safetensors(scratch / "model", file);
  CHECK(
      contains(load_error(scratch / "model", model), "(3, 4) in the file, (4, 3) in the model (transposed"));
}

TEST_CASE("model: a list of differences stays readable however long it is") {
  const Scratch scratch;
  io::SafetensorsFile file;
  for (int i = 0; i < 100; ++i) file.arrays.push_back({"other." + std::to_string(i), {1}, {1}});
  io::write_safetensors(scratch / "model", file);
  Model model(2);
  const std::string error = load_error(scratch / "model", model);
  CHECK(contains(error, "… and 80 more"));
  CHECK(!contains(error, "other.30"));
}

TEST_CASE("model: numbers that are not finite are neither saved nor loaded") {
  const Scratch scratch;
  Model model(2);
  io::save_weights(scratch / "model", model);
  io::SafetensorsFile file = io::read_safetensors(scratch / "model");
  const std::string good = io::to_safetensors(file);

  // Writing refuses them, so a file that has one is made by hand, in F32.
  std::string header = "{", data;
  for (const io::NamedArray& array : file.arrays) {
    std::string shape;
    for (const std::int64_t size : array.shape) shape += (shape.empty() ? "" : ",") + std::to_string(size);
    header += (header.size() > 1 ? ",\"" : "\"") + array.name + R"(":{"dtype":"F32","shape":[)" + shape +
              R"(],"data_offsets":[)" + std::to_string(data.size()) + ",";
    for (std::size_t i = 0; i < array.values.size(); ++i) {
      data +=
          array.name == "layers.1.bias" && i == 1 ? std::string("\x00\x00\xc0\x7f", 4) : std::string(4, '\0');
    }
    header += std::to_string(data.size()) + "]}";
  }
  header += "}";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size() % 256);
  bytes[1] = static_cast<char>(header.size() / 256);
  io::write_atomically(scratch / "bad", bytes + header + data);
  CHECK(contains(load_error(scratch / "bad", model), "\"layers.1.bias\" has nan at index 1"));

  model.scale.set_value(full({}, std::numeric_limits<Scalar>::infinity()));
  CHECK_THROWS_AS(io::save_weights(scratch / "model", model), ValueError);
  CHECK(io::read_file(scratch / "model", 1 << 20) == good);
}

TEST_CASE("model: a damaged file changes nothing") {
  const Scratch scratch;
  Model model(2);
  io::save_weights(scratch / "model", Model(1));
  std::string bytes = io::read_file(scratch / "model", 1 << 20);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  io::write_atomically(scratch / "model", bytes);
  CHECK(contains(load_error(scratch / "model", model), "the checksum does not match"));
  CHECK(contains(load_error(scratch / "none", model), "No such file"));
}

TEST_CASE("model: two tensors with one name are refused before a file is touched") {
  struct Clash {
    nn::Parameter one{ones({2})}, other{ones({2})};
    void visit(nn::Visitor& v) {
      v("weight", one);
      v("weight", other);
    }
  };
  struct BufferClash {
    nn::Parameter one{ones({2})};
    nn::Buffer other{ones({2})};
    void visit(nn::Visitor& v) {
      v("weight", one);
      v("weight", other);
    }
  };
  const Scratch scratch;
  Clash clash;
  BufferClash buffers;
  CHECK_THROWS_AS(io::save_weights(scratch / "model", clash), ValueError);
  CHECK_THROWS_AS(io::save_weights(scratch / "model", buffers), ValueError);
  CHECK_THROWS_AS(io::load_weights(scratch / "model", buffers), ValueError);
  CHECK(!std::filesystem::exists(scratch / "model"));
}
