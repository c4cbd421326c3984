#include "examples/translator/translator.h"

#include <charconv>
#include <cstdio>

namespace attune::examples {
namespace {

constexpr const char* weights_name = "weights.safetensors";
constexpr const char* source_name = "source.vocabulary";
constexpr const char* target_name = "target.vocabulary";

// ---- the settings of a model as text, to be kept in the metadata of its weights

using Notes = std::map<std::string, std::string>;

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

void Translator::save(const std::filesystem::path& folder, const Notes& notes) const {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem)
    fail<FileError>(folder.string(), ": the folder cannot be made: ", problem.message(),
                    ": choose another with --out");
  Notes all = to_notes(model.settings);
  all["source_tokens"] = source.tokenizer->name();
  all["target_tokens"] = target.tokenizer->name();
  all.insert(notes.begin(), notes.end());
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
  const Notes notes = io::read_safetensors(weights).metadata;
  nn::TransformerSettings settings = from_notes(notes, weights);
  Side source{text::make_tokenizer(note(notes, "source_tokens", weights)),
              text::Vocabulary::load(folder / source_name)};
  Side target{text::make_tokenizer(note(notes, "target_tokens", weights)),
              text::Vocabulary::load(folder / target_name)};
  settings.source_vocabulary = source.vocabulary.size();
  settings.target_vocabulary = target.vocabulary.size();
  Rng rng(0);
  Translator translator{std::move(source), std::move(target), nn::Transformer(settings, rng)};
  io::load_weights(weights, translator.model);
  return translator;
}

bool holds_translator(const std::filesystem::path& folder) {
  std::error_code problem;
  return std::filesystem::exists(folder / weights_name, problem);
}

}  // namespace attune::examples
