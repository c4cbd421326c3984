#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "examples/translator/report_data.h"
#include "examples/translator/translator.h"

// What a training leaves for people to look at: FOLDER/report.html, made of the figures that training writes
// down and of what is recorded here after each epoch.
//
//   training.csv             a line for each epoch          written by training
//   steps.csv                a line for each step           written by training
//   report/epoch-0007.json   translations and attention     written by ReportWriter
//   report.html              the page, made of all of them
//
// Any of them may be missing; the page then shows less.

namespace attune::examples {

/// Watches a few sentences of the validation set while a model is trained.
///
///     ReportWriter report(folder, translator, validation);
///     report.after_epoch(translator, 0);   // if wanted: what it looks at before it has learnt anything
///     … after each epoch:  report.after_epoch(translator, epoch);
class ReportWriter {
 public:
  static constexpr std::size_t watched_count = 6;
  static constexpr std::size_t longest_watched = 40;  // tokens of a side, </s> included

  /// Chooses the sentences to watch. Of the pairs that have one to `longest_watched` tokens on either side,
  /// one of each source, in the order of their source's length (in tokens; where it is equal, of the text's
  /// bytes): those in the middle of each sixth. So they are spread over lengths as the validation set is, and
  /// the same for the same set, in whatever order.
  ReportWriter(std::filesystem::path folder, const Translator& translator,
               const std::vector<text::SentencePair>& validation);

  /// Records the watched sentences as the model sees them now, and writes the page. The same epoch again
  /// gives the same files, so a training that was killed may repeat it; records of later epochs belong to a
  /// training that is repeated or replaced, and are removed. Reads the model only, without gradients, dropout
  /// or any generator. A report is not worth a training: a file that cannot be written is said on standard
  /// error, nothing is thrown.
  void after_epoch(const Translator& translator, int epoch) const;

  /// The watched pairs, shortest first.
  const std::vector<text::SentencePair>& watched() const { return watched_; }

 private:
  std::filesystem::path folder_;
  std::vector<text::SentencePair> watched_;
};

/// Makes FOLDER/report.html of what is in the folder, atomically. FileError when there is neither
/// training.csv nor a record, when one of them is not what it should be (the message names it), or when the
/// page cannot be written.
void write_report(const std::filesystem::path& folder);

/// The watched sentences as the model sees them: the greedy translation, and all attention weights while the
/// decoder reads the reference (teacher forcing, so that the rows are the same words in every epoch).
EpochRecord record_epoch(const Translator& translator, const std::vector<text::SentencePair>& watched,
                         int epoch);

}  // namespace attune::examples
