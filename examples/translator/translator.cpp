#include "examples/translator/translator.h"

#include <cstdio>

#include "examples/translator/settings.h"
#include "io/file.h"

namespace attune::examples {
namespace {

namespace fs = std::filesystem;

constexpr const char* weights_name = "weights.safetensors";

// The files beside the weights. What each was at the time of training is in the metadata of the weights, as a
// checksum: without it, a vocabulary of another training would fit as long as it had the same size, and every
// word would be taken for another.
struct Part {
  const char* name;
  const char* sum;  // its key in the metadata
  const char* what;
};
constexpr Part source_vocabulary{"source.vocabulary", "source_vocabulary_crc32c", "vocabulary"};
constexpr Part target_vocabulary{"target.vocabulary", "target_vocabulary_crc32c", "vocabulary"};
constexpr Part source_pieces{"source.sentencepiece", "source_sentencepiece_crc32c", "model of pieces"};
constexpr Part target_pieces{"target.sentencepiece", "target_sentencepiece_crc32c", "model of pieces"};

std::string checksum(std::string_view bytes) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(io::crc32c(bytes)));
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

// Several files cannot be replaced in one step. Until the weights are, those in the folder need the files
// that they were trained with: where these are others, they stay under this name for as long.
fs::path previous(fs::path part) {
  part += ".previous";
  return part;
}

// Writes a part; `needed` gives the checksum of the one that the weights in the folder belong to.
template <class Needed>
void replace_part(const fs::path& file, const std::string& bytes, const Needed& needed) {
  const std::string present = content_of(file);
  if (present == bytes) return;
  if (!present.empty() && checksum(present) == needed()) io::write_atomically(previous(file), present);
  io::write_atomically(file, bytes);
}

// What a side has to save, by part.
using Contents = std::vector<std::pair<Part, std::string>>;

void add_contents(Contents& contents, const Side& side, const Part& vocabulary, const Part& pieces) {
  contents.emplace_back(vocabulary, side.vocabulary.to_text());
  if (const auto* learnt = dynamic_cast<const text::SentencePieceTokenizer*>(side.tokenizer.get()))
    contents.emplace_back(pieces, learnt->to_bytes());
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
  Contents contents;
  add_contents(contents, source, source_vocabulary, source_pieces);
  add_contents(contents, target, target_vocabulary, target_pieces);
  for (const auto& [part, bytes] : contents) all[part.sum] = checksum(bytes);
  all.insert(extra_notes.begin(), extra_notes.end());

  // The weights come last: where they are, the rest is there as well.
  for (const auto& content : contents) {
    const Part& part = content.first;
    replace_part(folder / part.name, content.second, [&]() -> std::string {
      try {
        return io::read_safetensors(folder / weights_name).metadata[part.sum];
      } catch (const FileError&) {  // there are none, or none that could be loaded
        return "";
      }
    });
  }
  io::save_weights(folder / weights_name, model, all);
  for (const Part& part : {source_vocabulary, target_vocabulary, source_pieces, target_pieces}) {
    fs::remove(previous(folder / part.name), problem);
    if (all.count(part.sum) == 0) fs::remove(folder / part.name, problem);  // of another translator
  }
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

  // The bytes of a part, if they are those that the weights were trained with.
  const auto read_part = [&](const Part& part) {
    const std::string& wanted = note(notes, part.sum, weights);
    const fs::path present = folder / part.name;
    // A saving that was cut short has left the file of these weights aside.
    const std::string aside = content_of(previous(present));
    if (!aside.empty() && checksum(aside) == wanted) return aside;
    if (!fs::exists(present))
      fail<FileError>(present.string(), ": the translator here is only half there without this file: ",
                      "restore it, or train the model again");
    return io::read_file(present, std::uint64_t{1} << 30);
  };
  const auto check_part = [&](const Part& part, const std::string& bytes) {
    if (checksum(bytes) != note(notes, part.sum, weights))
      fail<FileError>((folder / part.name).string(), ": this is not the ", part.what, " that ", weights_name,
                      " was trained with, or it has been damaged: restore it, or train the model again");
  };
  const auto load_side = [&](const std::string& tokens, const Part& vocabulary, const Part& pieces) {
    Side side;
    const std::string& name = note(notes, tokens, weights);
    if (notes.count(pieces.sum) != 0) {
      const std::string bytes = read_part(pieces);
      check_part(pieces, bytes);
      side.tokenizer = std::make_unique<text::SentencePieceTokenizer>(
          text::SentencePieceTokenizer::parse(bytes, (folder / pieces.name).string()));
      if (side.tokenizer->name() != name)
        fail<FileError>(weights.string(), ": its metadata speaks of ", name, " and ", pieces.name, " is ",
                        side.tokenizer->name(), ": restore the file, or train the model again");
    } else {
      side.tokenizer = text::make_tokenizer(name);
    }
    const std::string bytes = read_part(vocabulary);
    side.vocabulary = text::Vocabulary::parse(bytes, (folder / vocabulary.name).string());
    check_part(vocabulary, bytes);
    return side;
  };
  try {
    Side source = load_side("source_tokens", source_vocabulary, source_pieces);
    Side target = load_side("target_tokens", target_vocabulary, target_pieces);
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
