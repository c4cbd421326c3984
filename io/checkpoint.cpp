#include "io/checkpoint.h"

#include <charconv>
#include <string_view>

#include "io/unicode.h"
#include "tensor/error.h"

namespace attune::io {
namespace {

constexpr const char* mark = "attune.checkpoint";  // in the metadata: what kind of file it is
constexpr const char* version = "1";
constexpr std::string_view optimiser_prefix = "optimiser/";

const std::string& text_of(const Notes& notes, const std::string& name, const std::filesystem::path& file) {
  const auto found = notes.find(name);
  if (found == notes.end())
    fail<FileError>("checkpoint: \"", file.string(), "\" has no note ", show_name(name),
                    ": it was written by another program: take a checkpoint of this one");
  return found->second;
}

template <class Number>
Number parsed(const Notes& notes, const std::string& name, const std::filesystem::path& file,
              const char* kind) {
  const std::string& text = text_of(notes, name, file);
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || !(value >= 0 || kind[0] != 'c'))
    fail<FileError>("checkpoint: \"", file.string(), "\": the note ", show_name(name), " is ",
                    show_name(text), ", which is not a ", kind, ": take another checkpoint");
  return value;
}

}  // namespace

std::string exact_text(double number) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return {text, end};
}

double number_of(const Notes& notes, const std::string& name, const std::filesystem::path& file) {
  return parsed<double>(notes, name, file, "number");
}

std::int64_t count_of(const Notes& notes, const std::string& name, const std::filesystem::path& file) {
  return parsed<std::int64_t>(notes, name, file, "count");
}

namespace detail {

void save_checkpoint(const std::filesystem::path& path, const ModelTensors& tensors,
                     const optim::Optimiser& optimiser, const Notes& notes) {
  SafetensorsFile file;
  file.metadata = notes;
  if (!file.metadata.emplace(mark, version).second)
    fail<ValueError>("save_checkpoint: the note ", mark, " belongs to the format: choose another name");
  add_arrays(file, tensors);
  for (const NamedArray& array : file.arrays) {
    if (array.name.starts_with(optimiser_prefix))
      fail<ValueError>("save_checkpoint: the model has a tensor named ", show_name(array.name),
                       ", and names that begin so belong to the optimiser: choose another name");
  }
  for (const optim::NamedTensor& tensor : optimiser.state())
    file.arrays.push_back({std::string(optimiser_prefix) + tensor.name,
                           {tensor.value.shape().begin(), tensor.value.shape().end()},
                           tensor.value.values()});
  write_safetensors(path, file);
}

std::optional<std::vector<optim::NamedTensor>> take_optimiser_state(SafetensorsFile& file) {
  if (file.metadata.erase(mark) == 0) return std::nullopt;
  std::vector<optim::NamedTensor> state;
  std::vector<NamedArray> weights;
  for (NamedArray& array : file.arrays) {
    if (array.name.starts_with(optimiser_prefix))
      state.push_back({array.name.substr(optimiser_prefix.size()), tensor(Shape(array.shape), array.values)});
    else
      weights.push_back(std::move(array));
  }
  file.arrays = std::move(weights);
  return state;
}

Notes load_checkpoint(const std::filesystem::path& path, const ModelTensors& tensors,
                      optim::Optimiser& optimiser) {
  SafetensorsFile file = read_safetensors(path);
  const auto state = take_optimiser_state(file);
  if (!state)
    fail<FileError>("load_checkpoint: \"", path.string(),
                    "\" holds no checkpoint, weights at most: give a file that save_checkpoint wrote");
  const std::map<std::string, Tensor> values = values_for(tensors, file, "load_checkpoint", path);
  try {
    optimiser.load_state(*state);  // checks everything before it changes anything
  } catch (const ValueError& error) {
    fail<FileError>("load_checkpoint: \"", path.string(),
                    "\": the optimiser's part does not fit: ", error.what(), "; nothing was changed");
  }
  give(tensors, values);
  return std::move(file.metadata);
}

}  // namespace detail
}  // namespace attune::io
