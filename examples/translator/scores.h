#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "attune.h"

// Scores of translations, for people: each with its signature, and how far chance reaches. text/README.md
// says what they mean.

namespace attune::examples {

struct ScoreSettings {
  std::string metric = "";     // "bleu", "chrf" or "chrf++"; empty: BLEU and chrF
  std::string tokenizer = "";  // of BLEU; empty: the usual one for the language of the references
  bool lowercase = false;
  int resamples = 1000;
};

/// Lines, as text and as tokens.
struct ScoredText {
  std::vector<std::string> lines;
  std::vector<text::Tokens>
      tokens;          // pieces of words are joined, so that scores do not depend on how they were cut
  std::string cut_by;  // what cut them; "none": the text is tokenised already, and is not cut again
};

/// The lines as `tokenizer` cuts them. Pieces of SentencePiece are no words, and others with every model:
/// where these are the tokens, text is cut as for BLEU, by the tokeniser `cut_by` or, where none is named,
/// the usual one.
ScoredText scored_text(const text::Tokenizer& tokenizer, const std::vector<std::string>& lines,
                       const std::string& cut_by = "");
/// Plain lines of which nobody knows how to cut them: no tokens.
ScoredText plain_text(const std::vector<std::string>& lines);

/// One score of an output: what to print, and what to resample.
struct Measured {
  std::string text;       // BLEU = 41.02, …
  std::string signature;  // nrefs:1|case:mixed|…
  double score = 0;
  text::ScoredSentences sentences;
};

/// BLEU of the text, unless it is tokenised already (and no tokenizer is asked for), tokenised BLEU of its
/// tokens, if it has any, and chrF; or those of them that the settings want. ValueError as of text::bleu.
std::vector<Measured> measure(const ScoredText& output, const ScoredText& wanted,
                              const ScoreSettings& settings);

/// Prints each score, its signature and its interval, and, where `baseline` has the same scores of another
/// output, which is called `baseline_name`, how the two compare.
void print_scores(std::ostream& out, const std::vector<Measured>& scores,
                  const std::vector<Measured>& baseline, const std::string& baseline_name, int resamples);

}  // namespace attune::examples
