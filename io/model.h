#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "io/safetensors.h"
#include "nn/visitor.h"

// The weights of a model in a safetensors file, under the names that its `visit` gives them.

namespace attune::io {

namespace detail {

/// Every tensor that belongs to a model: what training changes, frozen or not, and what it does not.
struct ModelTensors {
  std::vector<nn::NamedParameter> parameters;
  std::vector<std::pair<std::string, nn::Buffer*>> buffers;
};

/// Throws ValueError when two have one name, one has two, or one has no value yet.
template <nn::Layer Model>
ModelTensors tensors_of(const Model& model) {
  ModelTensors tensors{nn::named_parameters(model), {}};
  nn::Visitor visitor(
      {}, [&](const std::string& name, nn::Buffer& buffer) { tensors.buffers.emplace_back(name, &buffer); });
  visitor("",
          const_cast<Model&>(model));  // visit is not const because it also serves those who change things
  return tensors;
}

void save(const std::filesystem::path& path, const ModelTensors& tensors,
          const std::map<std::string, std::string>& metadata);
std::map<std::string, std::string> load(const std::filesystem::path& path, const ModelTensors& tensors);

/// The two halves of each: the tensors as arrays for a file, and the values that a file has for them, all of
/// them checked before the first is given to the model. `op` and `path` are for errors.
void add_arrays(SafetensorsFile& file, const ModelTensors& tensors);
std::map<std::string, Tensor> values_for(const ModelTensors& tensors, const SafetensorsFile& file,
                                         const std::string& op, const std::filesystem::path& path);
void give(const ModelTensors& tensors, const std::map<std::string, Tensor>& values);

std::map<std::string, Tensor> mean_of(const std::vector<std::filesystem::path>& paths,
                                      const ModelTensors& tensors);

}  // namespace detail

/// Writes the values of all parameters and buffers of a model to `path`, atomically, with checksums.
/// `metadata` is free text that goes into the file too: settings, the epoch, a licence. ValueError, and no
/// file, if a number is not finite: the error names the parameter. FileError if the disk refuses.
template <nn::Layer Model>
void save_weights(const std::filesystem::path& path, const Model& model,
                  const std::map<std::string, std::string>& metadata = {}) {
  detail::save(path, detail::tensors_of(model), metadata);
}

/// Gives all parameters and buffers of a model the values in `path`, and returns the file's metadata. Of a
/// checkpoint (io/checkpoint.h) it reads the weights.
/// Names and shapes must be the same on both sides: FileError lists what is missing, what is too much and
/// what has another shape. FileError too for numbers that are not finite and for anything wrong with the file
/// itself. Then nothing has changed.
template <nn::Layer Model>
std::map<std::string, std::string> load_weights(const std::filesystem::path& path, Model& model) {
  return detail::load(path, detail::tensors_of(model));
}

/// Gives a model the mean of the weights in several files, number by number, added up in double: of the last
/// checkpoints of a training, say, whose noise it averages out. FileError as load_weights, for any of them,
/// and ValueError for no file at all; then nothing has changed.
template <nn::Layer Model>
void average_weights(const std::vector<std::filesystem::path>& paths, Model& model) {
  const detail::ModelTensors tensors = detail::tensors_of(model);
  detail::give(tensors, detail::mean_of(paths, tensors));
}

}  // namespace attune::io
