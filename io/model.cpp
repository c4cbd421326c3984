#include "io/model.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "io/checkpoint.h"
#include "io/safetensors.h"
#include "io/unicode.h"
#include "tensor/error.h"

namespace attune::io::detail {

namespace {

using Sizes = std::vector<std::int64_t>;

Sizes sizes_of(const Tensor& tensor) {
  return {tensor.shape().begin(), tensor.shape().end()};
}

std::string show(const Sizes& sizes) {
  std::string text = "(";
  for (const std::int64_t size : sizes) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + ")";
}

// Lines of one kind under their heading; a model of another kind altogether need not fill the screen.
void list(std::string& text, const char* heading, const std::vector<std::string>& lines) {
  constexpr std::size_t most = 20;
  if (lines.empty()) return;
  text += std::string("\n  ") + heading + ":";
  for (std::size_t i = 0; i < std::min(lines.size(), most); ++i) text += "\n    " + lines[i];
  if (lines.size() > most) text += "\n    … and " + std::to_string(lines.size() - most) + " more";
}

// What is where, by name. The checks come before any change, and find all differences before they complain.
std::map<std::string, const NamedArray*> match(const SafetensorsFile& file,
                                               const std::map<std::string, Sizes>& wanted,
                                               const std::string& op, const std::string& path) {
  std::map<std::string, const NamedArray*> found;
  std::vector<std::string> missing, unknown, other_shape;
  for (const NamedArray& array : file.arrays) {
    found[array.name] = &array;
    const auto place = wanted.find(array.name);
    if (place == wanted.end()) {
      unknown.push_back(show_name(array.name) + " " + show(array.shape));
    } else if (place->second != array.shape) {
      const bool transposed = Sizes(array.shape.rbegin(), array.shape.rend()) == place->second;
      other_shape.push_back(show_name(array.name) + " is " + show(array.shape) + " in the file, " +
                            show(place->second) + " in the model" +
                            (transposed ? " (transposed: weights are (out, in) here)" : ""));
    }
  }
  for (const auto& [name, sizes] : wanted) {
    if (found.count(name) == 0) missing.push_back(show_name(name) + " " + show(sizes));
  }
  if (!missing.empty() || !unknown.empty() || !other_shape.empty()) {
    std::string differences;
    list(differences, "in the model, not in the file", missing);
    list(differences, "in the file, not in the model", unknown);
    list(differences, "of another shape", other_shape);
    fail<FileError>(op, ": the file does not belong to this model: ", path, ":", differences,
                    "\n  make the model with the settings that the file was saved with; nothing was changed");
  }
  return found;
}

// The sizes that a model has for each name. ValueError when two tensors have one name.
std::map<std::string, Sizes> wanted_by(const ModelTensors& tensors, const std::string& op) {
  std::map<std::string, Sizes> wanted;
  const auto want = [&](const std::string& name, const Tensor& value) {
    if (!wanted.emplace(name, sizes_of(value)).second) {
      fail<ValueError>(op, ": names must differ: two tensors of the model are named ", show_name(name),
                       ": give each member its own name");
    }
  };
  for (const nn::NamedParameter& parameter : tensors.parameters) want(parameter.name, parameter.cell->value);
  for (const auto& [name, buffer] : tensors.buffers) want(name, buffer->value().checked(name.c_str()));
  return wanted;
}

}  // namespace

void add_arrays(SafetensorsFile& file, const ModelTensors& tensors) {
  const auto add = [&](const std::string& name, const Tensor& value) {
    file.arrays.push_back({name, sizes_of(value), value.values()});
  };
  for (const nn::NamedParameter& parameter : tensors.parameters) add(parameter.name, parameter.cell->value);
  for (const auto& [name, buffer] : tensors.buffers) add(name, buffer->value().checked(name.c_str()));
}

std::map<std::string, Tensor> values_for(const ModelTensors& tensors, const SafetensorsFile& file,
                                         const std::string& op, const std::filesystem::path& path) {
  const std::map<std::string, Sizes> wanted = wanted_by(tensors, op);
  const std::string shown = '"' + path.string() + '"';
  std::map<std::string, Tensor> values;
  for (const auto& [name, array] : match(file, wanted, op, shown)) {
    const auto bad =
        std::find_if(array->values.begin(), array->values.end(), [](Scalar v) { return !std::isfinite(v); });
    if (bad != array->values.end()) {
      fail<FileError>(op, ": weights must be finite: ", shown, ": ", show_name(name), " has ", *bad,
                      " at index ", bad - array->values.begin(), ": take an older file; nothing was changed");
    }
    values.emplace(name, tensor(Shape(array->shape), array->values));
  }
  return values;
}

// Nothing can fail here but memory.
void give(const ModelTensors& tensors, const std::map<std::string, Tensor>& values) {
  for (const nn::NamedParameter& parameter : tensors.parameters)
    parameter.cell->value = values.at(parameter.name);
  for (const auto& [name, buffer] : tensors.buffers) buffer->set_value(values.at(name));
}

void save(const std::filesystem::path& path, const ModelTensors& tensors,
          const std::map<std::string, std::string>& metadata) {
  SafetensorsFile file;
  file.metadata = metadata;
  add_arrays(file, tensors);
  write_safetensors(path, file);
}

std::map<std::string, std::string> load(const std::filesystem::path& path, const ModelTensors& tensors) {
  wanted_by(tensors, "load_weights");  // a model that cannot be loaded is known before a file is touched
  SafetensorsFile file = read_safetensors(path);
  take_optimiser_state(file);  // of a checkpoint; weights alone have none
  give(tensors, values_for(tensors, file, "load_weights", path));
  return std::move(file.metadata);
}

std::map<std::string, Tensor> mean_of(const std::vector<std::filesystem::path>& paths,
                                      const ModelTensors& tensors) {
  if (paths.empty()) fail<ValueError>("average_weights: there are no files: 0: give at least one");
  std::map<std::string, std::vector<double>> sums;
  std::map<std::string, Tensor> values;  // of the last file; its shapes are everyone's
  for (const std::filesystem::path& path : paths) {
    SafetensorsFile file = read_safetensors(path);
    take_optimiser_state(file);
    values = values_for(tensors, file, "average_weights", path);
    for (const auto& [name, value] : values) {
      std::vector<double>& sum = sums[name];
      sum.resize(static_cast<std::size_t>(value.elements()));
      const std::vector<Scalar> numbers = value.values();
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(numbers[i]);
    }
  }
  for (auto& [name, value] : values) {
    std::vector<Scalar> mean;
    for (const double sum : sums.at(name))
      mean.push_back(static_cast<Scalar>(sum / static_cast<double>(paths.size())));
    value = tensor(value.shape(), mean);
  }
  return values;
}

}  // namespace attune::io::detail
