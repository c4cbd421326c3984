#include "examples/translator/translator.h"

#include <cstdio>

#include "examples/translator/settings.h"
#include "io/file.h"

namespace attune::examples {
namespace {

namespace fs = std::filesystem;

constexpr const char* weights_name = "weights.safetensors";
constexpr const char* source_name = "source.vocabulary";
constexpr const char* target_name = "target.vocabulary";
constexpr const char* source_sum = "source_vocabulary_crc32c";
constexpr const char* target_sum = "target_vocabulary_crc32c";

// The checksum of a vocabulary's file. Without it, a vocabulary of another training would fit as long as it
// had the same size, and every word would be taken for another.
std::string checksum(std::string_view vocabulary) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(io::crc32c(vocabulary)));
  return text;
}

// The content of a file, nothing when it cannot be read.
std::string content_of(const fs::path& file) {
  try {
    return io::read_file(file, std::uint64_t{1} << 30);
  } catch (const FileError&) {
    return "";
  }
}

// Three files cannot be replaced in one step. Until the weights are, those in the folder need the
// vocabularies that they were trained with: where these are others, they stay under this name for as long.
fs::path previous(fs::path vocabulary) {
  vocabulary += ".previous";
  return vocabulary;
}

// Writes a vocabulary; `needed` gives the checksum of the one that the weights in the folder belong to.
template <class Needed>
void replace_vocabulary(const fs::path& file, const text::Vocabulary& vocabulary, const Needed& needed) {
  const std::string present = content_of(file);
  if (present == vocabulary.to_text()) return;
  if (!present.empty() && checksum(present) == needed()) io::write_atomically(previous(file), present);
  vocabulary.save(file);
}

}  // namespace

std::vector<std::int32_t> Translator::read(const std::string& line, Report* report) const {
  const text::Tokens tokens = source.tokenizer->split(line);
  std::vector<std::int32_t> ids = source.vocabulary.encode(tokens, true);
  if (report) {
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (ids[i] == text::Vocabulary::unknown) ++report->unknown_words[tokens[i]];
    report->cut_lines += ids.size() > longest;
  }
  if (ids.size() > longest) ids.resize(longest);
  return ids;
}

std::vector<std::string> Translator::translate(const std::vector<std::string>& lines, Report* report) const {
  std::vector<std::vector<std::int32_t>> sentences;
  for (const std::string& line : lines) sentences.push_back(read(line, report));
  std::vector<std::string> results;
  for (const auto& ids : text::greedy_search(model, sentences, 4096)) results.push_back(target.decode(ids));
  return results;
}

void Translator::save(const fs::path& folder, const Notes& extra_notes) const {
  std::error_code problem;
  fs::create_directories(folder, problem);  // if it fails, so does what follows, with its reason
  Notes all = to_notes(model.settings);
  all["source_tokens"] = source.tokenizer->name();
  all["target_tokens"] = target.tokenizer->name();
  all[source_sum] = checksum(source.vocabulary.to_text());
  all[target_sum] = checksum(target.vocabulary.to_text());
  all.insert(extra_notes.begin(), extra_notes.end());

  const auto needed = [&](const char* sum) {
    return [&folder, sum]() -> std::string {
      try {
        return io::read_safetensors(folder / weights_name).metadata[sum];
      } catch (const FileError&) {  // there are none, or none that could be loaded
        return "";
      }
    };
  };
  // The weights come last: where they are, the rest is there as well.
  replace_vocabulary(folder / source_name, source.vocabulary, needed(source_sum));
  replace_vocabulary(folder / target_name, target.vocabulary, needed(target_sum));
  io::save_weights(folder / weights_name, model, all);
  for (const char* name : {source_name, target_name}) fs::remove(previous(folder / name), problem);
}

Translator Translator::load(const fs::path& folder) {
  if (!holds_translator(folder))
    fail<FileError>(
        folder.string(),
        ": there is no trained translator here: train one first, or name its folder with --model");
  const fs::path weights = folder / weights_name;
  const io::SafetensorsFile file = io::read_safetensors(weights);
  const Notes& notes = file.metadata;
  nn::TransformerSettings settings = from_notes(notes, weights);

  const auto load_side = [&](const std::string& tokens, const char* sum, const char* name) {
    const std::string& wanted = note(notes, sum, weights);
    // A saving that was cut short has left the vocabulary of these weights aside.
    const fs::path aside = previous(folder / name);
    const bool cut_short = fs::exists(aside) && checksum(content_of(aside)) == wanted;
    if (!cut_short && !fs::exists(folder / name))
      fail<FileError>((folder / name).string(),
                      ": the translator here is only half there without this file: ",
                      "restore it, or train the model again");
    Side side{text::make_tokenizer(note(notes, tokens, weights)),
              text::Vocabulary::load(cut_short ? aside : folder / name)};
    if (checksum(side.vocabulary.to_text()) != wanted)
      fail<FileError>((folder / name).string(), ": this is not the vocabulary that ", weights_name,
                      " was trained with, or it has been damaged: restore it, or train the model again");
    return side;
  };
  try {
    Side source = load_side("source_tokens", source_sum, source_name);
    Side target = load_side("target_tokens", target_sum, target_name);
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

bool holds_translator(const fs::path& folder) {
  std::error_code problem;
  return fs::exists(folder / weights_name, problem);
}

void make_writable_folder(const fs::path& folder) {
  const auto refuse = [&](const std::string& reason) {
    fail<FileError>(folder.string(), ": this folder cannot be written to: ", reason,
                    ": choose another with --out");
  };
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) refuse(problem.message());
  // Permissions alone do not tell: the disk may be full, or the system may have its own mind.
  const fs::path probe = folder / ".attune-probe";  // no name of anybody else
  try {
    io::write_atomically(probe, "");
  } catch (const FileError& error) {
    refuse(error.what());
  }
  fs::remove(probe, problem);
}

}  // namespace attune::examples
