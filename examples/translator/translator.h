#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "attune.h"

namespace attune::examples {

/// How one language of a translator is read and written.
struct Side {
  std::unique_ptr<text::Tokenizer> tokenizer;
  text::Vocabulary vocabulary;

  std::vector<std::int32_t> encode(const std::string& line) const {
    return vocabulary.encode(tokenizer->split(line), true);
  }
  std::string decode(const std::vector<std::int32_t>& ids) const {
    return tokenizer->join(vocabulary.decode(ids));
  }
  text::Language language() const { return {*tokenizer, vocabulary}; }
};

/// A Transformer with what turns text into its numbers and back; kept in a folder:
///
///   weights.safetensors   the weights, and in its metadata the settings of the model
///   source.vocabulary     the tokens of the source language, one per line
///   target.vocabulary     the tokens of the target language
///   source.sentencepiece  the model that cuts source text into pieces, where these were learnt
///   target.sentencepiece  the same for the target language
struct Translator {
  Side source, target;
  nn::Transformer model;
  std::map<std::string, std::string> notes = {};  // after `load`: the metadata of the weights

  /// What a translation had to cope with.
  struct Report {
    std::map<std::string, int> unknown_words;  // and how often each was met
    std::int64_t cut_lines = 0;                // lines longer than `longest` tokens
  };
  static constexpr std::size_t longest = 400;  // tokens of a line that are read

  /// The source ids of a line, cut to `longest`.
  std::vector<std::int32_t> read(const std::string& line, Report* report = nullptr) const;

  /// Exactly one translation for each line; an empty line gives an empty one.
  std::vector<std::string> translate(const std::vector<std::string>& lines, Report* report = nullptr) const;

  /// Writes the folder, making it if need be. `extra_notes` go into the metadata of the weights. Whatever
  /// happens on the way, what can be loaded from the folder is the old translator or the new one, whole.
  void save(const std::filesystem::path& folder, const std::map<std::string, std::string>& extra_notes) const;
  /// Reads a folder. Throws FileError when something is missing, broken or does not fit together: the weights
  /// carry the checksums of the other files, so files of two trainings are told apart.
  static Translator load(const std::filesystem::path& folder);
};

/// True when the folder holds the weights of a translator.
bool holds_translator(const std::filesystem::path& folder);

/// Makes the folder if need be. FileError unless files can be written there: better known before training.
void make_writable_folder(const std::filesystem::path& folder);

}  // namespace attune::examples
