#include "examples/translator/translator.h"

#include <charconv>
#include <cstdio>

#include "io/file.h"
#include "io/unicode.h"

namespace attune::examples {
namespace {

constexpr const char* weights_name = "weights.safetensors";
constexpr const char* source_name = "source.vocabulary";
constexpr const char* target_name = "target.vocabulary";

// The checksum of a vocabulary's file. Without it, a vocabulary of another training would fit as long as it
// had the same size, and every word would be taken for another.
std::string checksum(const text::Vocabulary& vocabulary) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(io::crc32c(vocabulary.to_text())));
  return text;
}

// ---- the settings of a model as text, to be kept in the metadata of its weights

using Notes = std::map<std::string, std::string>;

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

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

Notes to_notes(const nn::TransformerSettings& settings) {
  return {
      {"width", std::to_string(settings.width)},
      {"heads", std::to_string(settings.heads)},
      {"hidden", std::to_string(settings.hidden)},
      {"encoder_layers", std::to_string(settings.encoder_layers)},
      {"decoder_layers", std::to_string(settings.decoder_layers)},
      {"dropout", number(static_cast<double>(settings.dropout))},
      {"norm", settings.norm == nn::NormPlacement::pre ? "pre" : "post"},
      {"source_view", settings.source_view == nn::SourceView::attention ? "attention" : "mean"},
      {"share_embeddings", settings.share_embeddings ? "yes" : "no"},
      {"activation", activation_name(settings.activation)},
  };
}

const std::string& note(const Notes& notes, const std::string& name, const std::filesystem::path& file) {
  const auto found = notes.find(name);
  if (found == notes.end())
    fail<FileError>(file.string(), ": the setting '", name,
                    "' is missing: these are not a translator's weights");
  return found->second;
}

double note_number(const Notes& notes, const std::string& name, const std::filesystem::path& file) {
  const std::string& text = note(notes, name, file);
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size())
    fail<FileError>(file.string(), ": the setting '", name, "' is no number: '", text,
                    "': train the model again");
  return value;
}

Index note_count(const Notes& notes, const std::string& name, const std::filesystem::path& file) {
  const double value = note_number(notes, name, file);
  constexpr double most = 1 << 20;
  if (!(value >= 1 && value <= most) || value != static_cast<double>(static_cast<Index>(value)))
    fail<FileError>(file.string(), ": the setting '", name, "' is ", value, ": a whole number from 1 to ",
                    most, " is expected: train the model again");
  return static_cast<Index>(value);
}

bool note_choice(const Notes& notes, const std::string& name, const std::string& yes, const std::string& no,
                 const std::filesystem::path& file) {
  const std::string& text = note(notes, name, file);
  if (text != yes && text != no)
    fail<FileError>(file.string(), ": the setting '", name, "' is '", text, "': expected is ", yes, " or ",
                    no, ": train the model again");
  return text == yes;
}

nn::TransformerSettings from_notes(const Notes& notes, const std::filesystem::path& file) {
  nn::TransformerSettings settings;
  settings.width = note_count(notes, "width", file);
  settings.heads = note_count(notes, "heads", file);
  settings.hidden = note_count(notes, "hidden", file);
  settings.encoder_layers = note_count(notes, "encoder_layers", file);
  settings.decoder_layers = note_count(notes, "decoder_layers", file);
  settings.dropout = static_cast<Scalar>(note_number(notes, "dropout", file));
  settings.norm =
      note_choice(notes, "norm", "pre", "post", file) ? nn::NormPlacement::pre : nn::NormPlacement::post;
  settings.source_view = note_choice(notes, "source_view", "attention", "mean", file)
                             ? nn::SourceView::attention
                             : nn::SourceView::mean;
  settings.share_embeddings = note_choice(notes, "share_embeddings", "yes", "no", file);
  const std::string& activation = note(notes, "activation", file);
  bool known = false;
  for (const nn::Activation each : {nn::Activation::relu, nn::Activation::gelu, nn::Activation::silu}) {
    if (activation != activation_name(each)) continue;
    settings.activation = each;
    known = true;
  }
  if (!known)
    fail<FileError>(file.string(), ": the setting 'activation' is ", io::show_name(activation),
                    ": expected is relu, gelu or silu: train the model again");
  return settings;
}

}  // namespace

std::vector<std::string> Translator::translate(const std::vector<std::string>& lines, Report* report) const {
  std::vector<std::vector<std::int32_t>> sentences;
  for (const std::string& line : lines) {
    const text::Tokens tokens = source.tokenizer->split(line);
    std::vector<std::int32_t> ids = source.vocabulary.encode(tokens, true);
    if (report) {
      for (std::size_t i = 0; i < ids.size(); ++i)
        if (ids[i] == text::Vocabulary::unknown) ++report->unknown_words[tokens[i]];
      report->cut_lines += ids.size() > longest;
    }
    if (ids.size() > longest) ids.resize(longest);
    sentences.push_back(std::move(ids));
  }
  std::vector<std::string> results;
  for (const auto& ids : text::greedy_search(model, sentences, 4096)) results.push_back(target.decode(ids));
  return results;
}

void Translator::save(const std::filesystem::path& folder, const Notes& extra_notes) const {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);  // if it fails, so does what follows, with its reason
  Notes all = to_notes(model.settings);
  all["source_tokens"] = source.tokenizer->name();
  all["target_tokens"] = target.tokenizer->name();
  all["source_vocabulary_crc32c"] = checksum(source.vocabulary);
  all["target_vocabulary_crc32c"] = checksum(target.vocabulary);
  all.insert(extra_notes.begin(), extra_notes.end());
  // The weights come last: where they are, the rest is there as well.
  source.vocabulary.save(folder / source_name);
  target.vocabulary.save(folder / target_name);
  io::save_weights(folder / weights_name, model, all);
}

Translator Translator::load(const std::filesystem::path& folder) {
  if (!holds_translator(folder))
    fail<FileError>(
        folder.string(),
        ": there is no trained translator here: train one first, or name its folder with --model");
  const std::filesystem::path weights = folder / weights_name;
  const io::SafetensorsFile file = io::read_safetensors(weights);
  const Notes& notes = file.metadata;
  nn::TransformerSettings settings = from_notes(notes, weights);

  const auto load_side = [&](const std::string& tokens, const std::string& sum, const char* name) {
    if (!std::filesystem::exists(folder / name))
      fail<FileError>((folder / name).string(),
                      ": the translator here is only half there without this file: ",
                      "restore it, or train the model again");
    Side side{text::make_tokenizer(note(notes, tokens, weights)), text::Vocabulary::load(folder / name)};
    if (note(notes, sum, weights) != checksum(side.vocabulary))
      fail<FileError>((folder / name).string(), ": this is not the vocabulary that ", weights_name,
                      " was trained with, or it has been damaged: restore it, or train the model again");
    return side;
  };
  try {
    Side source = load_side("source_tokens", "source_vocabulary_crc32c", source_name);
    Side target = load_side("target_tokens", "target_vocabulary_crc32c", target_name);
    settings.source_vocabulary = source.vocabulary.size();
    settings.target_vocabulary = target.vocabulary.size();

    // What the settings claim is held against the file before memory is taken for it.
    double numbers = 0;
    for (const io::NamedArray& array : file.arrays) numbers += static_cast<double>(array.values.size());
    if (least_weights(settings) > numbers)
      fail<FileError>(weights.string(), ": the settings in its metadata speak of a larger model than its ",
                      numbers, " numbers: restore the file, or train the model again");
    Rng rng(0);
    Translator translator{std::move(source), std::move(target), nn::Transformer(settings, rng)};
    translator.notes = io::load_weights(weights, translator.model);
    return translator;
  } catch (const ValueError& error) {  // settings that make no model, a tokeniser that there is not
    fail<FileError>(weights.string(), ": the settings in its metadata make no translator: ", error.what());
  }
}

bool holds_translator(const std::filesystem::path& folder) {
  std::error_code problem;
  return std::filesystem::exists(folder / weights_name, problem);
}

void make_writable_folder(const std::filesystem::path& folder) {
  const auto refuse = [&](const std::string& reason) {
    fail<FileError>(folder.string(), ": this folder cannot be written to: ", reason,
                    ": choose another with --out");
  };
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) refuse(problem.message());
  // Permissions alone do not tell: the disk may be full, or the system may have its own mind.
  const std::filesystem::path probe = folder / ".attune-probe";  // no name of anybody else
  try {
    io::write_atomically(probe, "");
  } catch (const FileError& error) {
    refuse(error.what());
  }
  std::filesystem::remove(probe, problem);
}

double least_weights(const nn::TransformerSettings& settings) {
  const auto real = [](Index number) { return static_cast<double>(number); };
  const double attention = 4 * real(settings.width) * real(settings.width);
  const double feed_forward = 2 * real(settings.width) * real(settings.hidden);
  const double vocabularies =
      real(settings.source_vocabulary) + (settings.share_embeddings ? 0 : real(settings.target_vocabulary));
  return vocabularies * real(settings.width) + real(settings.encoder_layers) * (attention + feed_forward) +
         real(settings.decoder_layers) * (2 * attention + feed_forward);
}

}  // namespace attune::examples
