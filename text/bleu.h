#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "text/bootstrap.h"
#include "text/tokenizer.h"

namespace attune::text {

/// What to do when no n-gram of an order matches, so that p_n would be 0 and BLEU with it.
enum class BleuSmoothing {
  none,         // BLEU is 0
  exponential,  // the k-th such p_n becomes 1 / (2ᵏ · n-grams of this order), as in mteval-v13a.pl
};

/// Corpus BLEU (Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation",
/// section 2.3) with one reference per sentence, n-grams up to 4 and uniform weights:
///
///   p_n  = Σ_sentences Σ_ngrams min(count in hypothesis, count in reference)
///          / Σ_sentences (n-grams in hypothesis)
///   BP   = 1 if c > r, else exp(1 - r / c)      c, r: total lengths of hypotheses and references
///   BLEU = 100 · BP · exp(Σ_n ¼ ln p_n)         0 when a p_n is 0
///
/// An empty hypothesis counts with length 0, so it costs brevity. Without a single match of any order BLEU is
/// 0, smoothed or not, and so it is without a single 4-gram (a corpus of three-word sentences, say).
struct Bleu {
  double score = 0;                       // 0 to 100
  std::array<double, 4> precisions{};     // p_1 to p_4 in per cent, smoothed; 0 when there is no n-gram
  double brevity_penalty = 0;             // BP
  std::int64_t hypothesis_length = 0;     // c, in tokens
  std::int64_t reference_length = 0;      // r
  std::array<std::int64_t, 4> matches{};  // numerators of p_n
  std::array<std::int64_t, 4> ngrams{};   // denominators of p_n
  std::string signature;                  // what it takes to compare this number with another

  /// BLEU = 41.02, 71.0/47.5/34.3/24.5 (BP=0.999, ratio=0.999, hyp_len=12096, ref_len=12103)
  std::string to_string() const;
};

struct BleuOptions {
  std::string tokenizer = "13a";  // "13a", "zh", "char" or "none": text/bleu_tokenizer.h
  bool lowercase = false;         // compare in small letters (`lower_case`)
  BleuSmoothing smoothing = BleuSmoothing::exponential;
};

/// BLEU of plain text, a sentence a line, as sacreBLEU 2 computes it (Post 2018). The signature has
/// sacreBLEU's form, and names attune as what computed it:
///
///   nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:attune-0.1.0
///
/// ValueError when there are not as many hypotheses as references, or none, or for an unknown tokenizer.
Bleu bleu(const std::vector<std::string>& hypotheses, const std::vector<std::string>& references,
          const BleuOptions& options = {});

/// The same, sentence by sentence, for `confidence_interval` and `compare`.
ScoredSentences bleu_sentences(const std::vector<std::string>& hypotheses,
                               const std::vector<std::string>& references, const BleuOptions& options = {});

/// What the caller did to the text before counting; BLEU is comparable only where this is equal.
struct TokenizedBleuOptions {
  std::string tokenizer =
      "none";  // "none": tokenised already, cut at white space; otherwise the tokeniser's name
  bool lowercase =
      false;  // what the caller did to the tokens, for the signature: they are taken as they come
  BleuSmoothing smoothing = BleuSmoothing::none;
};

/// BLEU of tokens, "tokenised BLEU": without smoothing, these are the numbers that multi-bleu.perl prints.
/// Errors as above.
Bleu corpus_bleu(const std::vector<Tokens>& hypotheses, const std::vector<Tokens>& references,
                 const TokenizedBleuOptions& options = {});
ScoredSentences corpus_bleu_sentences(const std::vector<Tokens>& hypotheses,
                                      const std::vector<Tokens>& references,
                                      const TokenizedBleuOptions& options = {});

/// The share (0 to 1) of hypotheses that equal their reference token for token. ValueError as above.
double exact_match_rate(const std::vector<Tokens>& hypotheses, const std::vector<Tokens>& references);

}  // namespace attune::text
