#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "examples/translator/options.h"
#include "examples/translator/translator.h"

// What several commands do on the way from files to a translator.

namespace attune::examples {

/// The pairs of one tab-separated file, or, where none is named, of two files; says what was read.
text::Corpus read_corpus(const std::string& pairs, const std::string& source, const std::string& target);

/// UsageError of `command` when one of the files that are read is one of those that would be written.
void check_not_overwritten(const std::string& command, const std::vector<std::string>& read,
                           const std::vector<std::filesystem::path>& written);

/// An untrained translator with the vocabularies of these pairs, whose sizes go into the settings. ValueError
/// when no token is frequent enough, or as check_memory.
Translator make_translator(const std::vector<text::SentencePair>& training, Options& options);

/// ValueError when weights, gradients, and the two moments that Adam keeps of each, are more than the machine
/// has room for.
void check_memory(const nn::TransformerSettings& settings);

/// Says how large the model is and what it runs on.
void describe(const Translator& translator);

/// What had to be repaired in lines of text, and which words the model does not know, on standard error;
/// nothing where there is nothing to say.
void report_repairs(const std::string& what, const text::LineReport& lines);
void report_unknown(const std::string& what, const std::map<std::string, int>& words);

}  // namespace attune::examples
