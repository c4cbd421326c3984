#pragma once

#include <optional>
#include <string>
#include <utility>

#include "examples/translator/language.h"
#include "examples/translator/train.h"

// The command line of the translator: which flags there are, their defaults and their help, and a plain
// sentence for everything that does not fit.

namespace attune::examples {

enum class Command { tour, overfit, train, translate, attend, score };

/// What the command line said, checked as far as that goes without opening a file.
struct Options {
  Command command = Command::tour;
  std::string to;          // the language of the built-in corpus; empty: the first there is
  std::string out, model;  // out/translator, or out/translator-zh with --to zh
  int threads = 0;         // 0: one per processor
  TrainingSettings training = {};
  // corpora
  std::string pairs, source, target;
  std::string validation_pairs, validation_source, validation_target;
  std::string source_tokens = "word", target_tokens = "word";
  std::optional<std::int64_t> validation_count;  // none: 1000, or a tenth of a smaller corpus
  std::int64_t min_count = 1, max_vocabulary = 30000;
  Index max_length = 100;
  std::string baseline;
  Index steps = 300;  // of overfit
  // attend
  std::string sentence;
  std::size_t layer = 0, head = 0;  // counted from 1; 0: the last layer, the mean of the heads
  std::string svg = "out/attend.svg";
  // score
  std::string hypothesis, reference;
  bool tokenized = false;

  const TargetLanguage& language() const {
    return to.empty() ? *target_languages().front() : target_language(to);
  }
  bool names_corpus() const { return !pairs.empty() || !source.empty(); }
  bool names_validation() const { return !validation_pairs.empty() || !validation_source.empty(); }
};

/// A command line that cannot be followed. The text is one sentence that says what to change.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Reads the command line; nothing when it asked for help, which has then been printed. Flags that have no
/// effect are named on standard error. Throws UsageError.
std::optional<Options> read_flags(int argc, const char* const* argv);

}  // namespace attune::examples
