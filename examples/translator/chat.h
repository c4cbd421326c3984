#pragma once

#include <optional>
#include <string>

#include "examples/translator/builtin.h"

// Translating as one types, and seeing what the model looks at: without the terminal, for the command and the
// tests.

namespace attune::examples {

/// A conversation: lines are translated, and lines that begin with a colon change what is searched for and
/// shown.
class Chat {
 public:
  /// `width` is that of the terminal: wider pictures are shown in parts.
  Chat(const Translator& translator, int width);

  /// The answer to a line, with its line feeds; nothing when the line asks to end.
  std::optional<std::string> answer(const std::string& line);

  /// What can be typed, one command a line.
  std::string help() const;

 private:
  std::string obey(const std::string& command, const std::string& value);
  std::string translate(const std::string& line);
  std::string picture() const;

  const Translator& translator_;
  int width_;
  std::size_t layer_;     // counted from 1
  std::size_t head_ = 0;  // counted from 1; 0: the mean of all
  Decoding decoding_;
  std::optional<AttentionMaps> latest_;  // of the sentence before
};

}  // namespace attune::examples
