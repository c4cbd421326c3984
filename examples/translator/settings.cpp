#include "examples/translator/settings.h"

#include <charconv>
#include <cstdio>
#include <limits>

#include "io/unicode.h"
#include "tensor/error.h"

namespace attune::examples {
namespace {

constexpr Index largest_count = 1 << 20;

const char* activation_name(nn::Activation activation) {
  switch (activation) {
    case nn::Activation::gelu:
      return "gelu";
    case nn::Activation::silu:
      return "silu";
    case nn::Activation::relu:
      break;
  }
  return "relu";
}

// With as many digits as it takes to read the same number again.
std::string number(Scalar value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*g", std::numeric_limits<Scalar>::max_digits10,
                static_cast<double>(value));
  return text;
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& name, const std::string& text,
                         const std::string& expected) {
  fail<FileError>(file.string(), ": the setting '", name, "' is ", io::show_name(text), ": expected is ",
                  expected, ": restore the file, or train the model again");
}

// The whole of `text` as a number; false for anything else.
template <class Number>
bool parse(const std::string& text, Number& value) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size();
}

Index note_count(const Notes& notes, const std::string& name, const std::filesystem::path& file) {
  const std::string& text = note(notes, name, file);
  Index value = 0;
  if (!parse(text, value) || value < 1 || value > largest_count)
    refuse(file, name, text, "a whole number from 1 to " + std::to_string(largest_count));
  return value;
}

Scalar note_rate(const Notes& notes, const std::string& name, const std::filesystem::path& file) {
  const std::string& text = note(notes, name, file);
  double value = 0;
  if (!parse(text, value) || !(value >= 0 && value < 1) || !(static_cast<Scalar>(value) < 1))
    refuse(file, name, text, "a number from 0 to less than 1");
  return static_cast<Scalar>(value);
}

bool note_choice(const Notes& notes, const std::string& name, const std::string& yes, const std::string& no,
                 const std::filesystem::path& file) {
  const std::string& text = note(notes, name, file);
  if (text != yes && text != no) refuse(file, name, text, yes + " or " + no);
  return text == yes;
}

nn::Activation note_activation(const Notes& notes, const std::filesystem::path& file) {
  const std::string& text = note(notes, "activation", file);
  for (const nn::Activation each : {nn::Activation::relu, nn::Activation::gelu, nn::Activation::silu}) {
    if (text == activation_name(each)) return each;
  }
  refuse(file, "activation", text, "relu, gelu or silu");
}

}  // namespace

Notes to_notes(const nn::TransformerSettings& settings) {
  return {
      {"width", std::to_string(settings.width)},
      {"heads", std::to_string(settings.heads)},
      {"hidden", std::to_string(settings.hidden)},
      {"encoder_layers", std::to_string(settings.encoder_layers)},
      {"decoder_layers", std::to_string(settings.decoder_layers)},
      {"dropout", number(settings.dropout)},
      {"norm", settings.norm == nn::NormPlacement::pre ? "pre" : "post"},
      {"source_view", settings.source_view == nn::SourceView::attention ? "attention" : "mean"},
      {"share_embeddings", settings.share_embeddings ? "yes" : "no"},
      {"activation", activation_name(settings.activation)},
  };
}

nn::TransformerSettings from_notes(const Notes& notes, const std::filesystem::path& file) {
  nn::TransformerSettings settings;
  settings.width = note_count(notes, "width", file);
  settings.heads = note_count(notes, "heads", file);
  settings.hidden = note_count(notes, "hidden", file);
  settings.encoder_layers = note_count(notes, "encoder_layers", file);
  settings.decoder_layers = note_count(notes, "decoder_layers", file);
  settings.dropout = note_rate(notes, "dropout", file);
  settings.norm =
      note_choice(notes, "norm", "pre", "post", file) ? nn::NormPlacement::pre : nn::NormPlacement::post;
  settings.source_view = note_choice(notes, "source_view", "attention", "mean", file)
                             ? nn::SourceView::attention
                             : nn::SourceView::mean;
  settings.share_embeddings = note_choice(notes, "share_embeddings", "yes", "no", file);
  settings.activation = note_activation(notes, file);
  return settings;
}

const std::string& note(const Notes& notes, const std::string& name, const std::filesystem::path& file) {
  const auto found = notes.find(name);
  if (found == notes.end())
    fail<FileError>(file.string(), ": the setting '", name,
                    "' is missing: these are not a translator's weights");
  return found->second;
}

double least_weights(const nn::TransformerSettings& settings) {
  const auto real = [](Index size) { return static_cast<double>(size); };
  const double attention = 4 * real(settings.width) * real(settings.width);
  const double feed_forward = 2 * real(settings.width) * real(settings.hidden);
  const double vocabularies =
      real(settings.source_vocabulary) + (settings.share_embeddings ? 0 : real(settings.target_vocabulary));
  return vocabularies * real(settings.width) + real(settings.encoder_layers) * (attention + feed_forward) +
         real(settings.decoder_layers) * (2 * attention + feed_forward);
}

}  // namespace attune::examples
