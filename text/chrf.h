#pragma once

#include <string>
#include <vector>

#include "text/bootstrap.h"

namespace attune::text {

/// chrF (Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation"): how many runs of one to
/// six characters hypothesis and reference share. It needs no words, so it is the same for all languages, and
/// half a word right counts for something. Added up over the corpus, for each order n:
///
///   P_n = matches / n-grams of the hypotheses      R_n = matches / n-grams of the references
///   P, R: their means over n                       chrF_β = 100 · (1 + β²) P R / (β² P + R)
///
/// β = 2 counts recall twice: chrF2. With words and pairs of words among the n-grams (`word_order` = 2) it is
/// chrF2++ (Popović 2017, "chrF++: words helping character n-grams").
///
/// Computed as sacreBLEU 2 does: orders that no sentence is long enough for are left out of the means
/// ("effective order"); n-grams of a hypothesis count only where its reference has some of that order.
struct Chrf {
  double score = 0;      // 0 to 100
  double precision = 0;  // P, in per cent
  double recall = 0;     // R, in per cent
  std::string name;      // chrF2, chrF2++
  std::string signature;

  /// chrF2 = 61.75
  std::string to_string() const;
};

struct ChrfOptions {
  int character_order = 6;
  int word_order = 0;  // 2 for chrF++
  int beta = 2;
  bool lowercase = false;   // compare in small letters (`lower_case`)
  bool whitespace = false;  // count spaces as characters too
};

/// chrF of plain text, a sentence a line. The signature has sacreBLEU's form:
///
///   nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:attune-0.1.0
///
/// What is not UTF-8 reads as U+FFFD. ValueError when there are not as many hypotheses as references, or
/// none, and for orders below 0, character orders below 1 and a beta below 1.
Chrf chrf(const std::vector<std::string>& hypotheses, const std::vector<std::string>& references,
          const ChrfOptions& options = {});

/// The same, sentence by sentence, for `confidence_interval` and `compare`.
ScoredSentences chrf_sentences(const std::vector<std::string>& hypotheses,
                               const std::vector<std::string>& references, const ChrfOptions& options = {});

}  // namespace attune::text
