#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "examples/translator/decoding.h"
#include "examples/translator/language.h"
#include "examples/translator/scores.h"
#include "examples/translator/train.h"

namespace attune::examples {

struct Command;

/// What the command line said, checked as far as that goes without opening a file.
struct Options {
  const Command* command = nullptr;  // null: the tour
  std::string to;                    // the language of the built-in corpus; empty: the first there is
  std::string out, model;            // out/translator, or out/translator-zh with --to zh
  int threads = 0;                   // 0: one per processor
  TrainingSettings training = {};
  /// The settings of training that flags gave: kept until it is known which defaults they go on top of.
  std::vector<std::function<void(TrainingSettings&)>> given;
  std::map<std::string, std::string> given_text;  // flags as they were given, with their values
  // train, resume, average
  std::string schedule;       // empty: as the other flags suggest
  std::string settings_file;  // to read flags from
  bool overwrite = false;     // an unfinished training
  bool resumes = false;
  int last = 5;             // epochs to average
  std::string average_out;  // empty: `average` below the model
  // corpora
  std::string pairs, source, target;
  std::string validation_pairs, validation_source, validation_target;
  std::string source_tokens = "word", target_tokens = "word";  // or as learnt_pieces reads them
  bool joint = false;                                          // one model of pieces for both languages
  double character_coverage = 1;
  std::optional<std::int64_t> validation_count;  // none: 1000, or a tenth of a smaller corpus
  std::int64_t test_count = 1000;                // of split
  std::int64_t min_count = 1, max_vocabulary = 30000;
  Index max_length = 100;
  std::string baseline;
  Index steps = 300;  // of overfit
  // translate
  Decoding decoding = {};
  bool lists = false;  // the n best of each line
  // attend
  std::string sentence;
  std::size_t layer = 0, head = 0;  // counted from 1; 0: the last layer, the mean of the heads
  std::string svg = "out/attend.svg";
  // score
  std::string hypothesis, reference;
  bool tokenized = false;
  std::string compare;  // a second output, which the first is compared with
  ScoreSettings score;

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

}  // namespace attune::examples
