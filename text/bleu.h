#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace attune::text {

/// Corpus BLEU (Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation",
/// section 2.3) with one reference per sentence, n-grams up to 4, uniform weights and no smoothing:
///
///   p_n  = Σ_sentences Σ_ngrams min(count in hypothesis, count in reference)
///          / Σ_sentences (n-grams in hypothesis)
///   BP   = 1 if c > r, else exp(1 - r / c)      c, r: total lengths of hypotheses and references
///   BLEU = 100 · BP · exp(Σ_n ¼ ln p_n)         0 when a p_n is 0
///
/// These are the numbers that multi-bleu.perl prints. An empty hypothesis counts with length 0, so it costs
/// brevity; a corpus without a single matching 4-gram (one of three-word sentences, say) has BLEU 0.
struct Bleu {
  double score = 0;                       // 0 to 100
  std::array<double, 4> precisions{};     // p_1 to p_4 in per cent; 0 when there is no n-gram
  double brevity_penalty = 0;             // BP
  std::int64_t hypothesis_length = 0;     // c, in tokens
  std::int64_t reference_length = 0;      // r
  std::array<std::int64_t, 4> matches{};  // numerators of p_n
  std::array<std::int64_t, 4> ngrams{};   // denominators of p_n
  std::string signature;                  // what it takes to compare this number with another

  /// BLEU = 41.02, 71.0/47.5/34.3/24.5 (BP=0.999, ratio=0.999, hyp_len=12096, ref_len=12103)
  std::string to_string() const;
};

/// What the caller did to the text before counting; BLEU is comparable only where this is equal.
struct BleuOptions {
  std::string letter_case = "mixed";  // "mixed" as it came, or "lower"
  std::string tokenizer =
      "none";  // "none": tokenised already, cut at white space; otherwise the tokeniser's name
};

/// ValueError when there are not as many hypotheses as references, or none.
Bleu corpus_bleu(const std::vector<Tokens>& hypotheses, const std::vector<Tokens>& references,
                 const BleuOptions& options = {});

/// The share (0 to 1) of hypotheses that equal their reference token for token. ValueError as above.
double exact_match_rate(const std::vector<Tokens>& hypotheses, const std::vector<Tokens>& references);

}  // namespace attune::text
