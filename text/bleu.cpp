#include "text/bleu.h"

#include <cmath>
#include <cstddef>
#include <cstdio>

#include "tensor/error.h"
#include "text/bleu_tokenizer.h"
#include "text/ngrams.h"
#include "text/signature.h"
#include "text/utf8.h"

namespace attune::text {
namespace {

constexpr std::size_t max_order = 4;

// What a sentence adds: c, r, then the matches and the n-grams of each order.
constexpr std::size_t hypothesis_at = 0, reference_at = 1, matches_at = 2, ngrams_at = matches_at + max_order,
                      counts_size = ngrams_at + max_order;

ScoredSentences::Counts count_sentence(const Tokens& hypothesis, const Tokens& reference) {
  ScoredSentences::Counts counts(counts_size);
  counts[hypothesis_at] = static_cast<std::int64_t>(hypothesis.size());
  counts[reference_at] = static_cast<std::int64_t>(reference.size());

  // An n-gram counts as often as the reference has it, at most: "the the the" earns one "the" only.
  TokenNumbers numbers;
  const std::u32string ours = numbers.of(hypothesis), theirs = numbers.of(reference);
  for (std::size_t n = 0; n < max_order; ++n) {
    const NgramCounts ngrams = count_ngrams(ours, theirs, n + 1);
    counts[matches_at + n] = ngrams.matches;
    counts[ngrams_at + n] = ngrams.hypothesis;
  }
  return counts;
}

double ratio(std::int64_t a, std::int64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}

Bleu bleu_of(const ScoredSentences::Counts& sum, BleuSmoothing smoothing) {
  Bleu bleu;
  bleu.hypothesis_length = sum[hypothesis_at];
  bleu.reference_length = sum[reference_at];
  for (std::size_t n = 0; n < max_order; ++n) {
    bleu.matches[n] = sum[matches_at + n];
    bleu.ngrams[n] = sum[ngrams_at + n];
  }

  // BP = 1 if c > r, else exp(1 - r/c): output that is too short loses. No output at all is infinitely short.
  const auto c = static_cast<double>(bleu.hypothesis_length);
  const auto r = static_cast<double>(bleu.reference_length);
  if (c > 0) bleu.brevity_penalty = c > r ? 1 : std::exp(1 - r / c);

  // Nothing right is worth nothing. (Words come before pairs: without a word, no longer n-gram matches.)
  if (bleu.matches[0] == 0) return bleu;

  // BLEU = 100 · BP · exp(Σ_n ¼ ln p_n)
  double log_sum = 0;
  double halved = 1;  // 2ᵏ after k orders without a match
  for (std::size_t n = 0; n < max_order; ++n) {
    double precision = ratio(bleu.matches[n], bleu.ngrams[n]);
    if (smoothing == BleuSmoothing::exponential && bleu.matches[n] == 0 && bleu.ngrams[n] > 0) {
      halved *= 2;
      precision = 1 / (halved * static_cast<double>(bleu.ngrams[n]));
    }
    bleu.precisions[n] = 100 * precision;
    log_sum += std::log(precision) / static_cast<double>(max_order);  // -infinity for 0, so that BLEU is 0
  }
  bleu.score = 100 * bleu.brevity_penalty * std::exp(log_sum);
  return bleu;
}

ScoredSentences count_sentences(const char* op, const std::vector<Tokens>& hypotheses,
                                const std::vector<Tokens>& references, BleuSmoothing smoothing) {
  check_sentences(op, hypotheses.size(), references.size());
  ScoredSentences sentences;
  for (std::size_t i = 0; i < hypotheses.size(); ++i)
    sentences.counts.push_back(count_sentence(hypotheses[i], references[i]));
  sentences.score = [smoothing](const ScoredSentences::Counts& sum) { return bleu_of(sum, smoothing).score; };
  return sentences;
}

Bleu whole_corpus(const ScoredSentences& sentences, const std::string& tokenizer, bool lowercase,
                  BleuSmoothing smoothing) {
  Bleu bleu = bleu_of(sentences.sum(), smoothing);
  bleu.signature = score_signature(lowercase, std::string("eff:no|tok:") + tokenizer + "|smooth:" +
                                                  (smoothing == BleuSmoothing::none ? "none" : "exp"));
  return bleu;
}

std::vector<Tokens> split_lines(const std::vector<std::string>& lines, const BleuOptions& options) {
  std::vector<Tokens> result;
  for (const std::string& line : lines)
    result.push_back(split_for_bleu(options.lowercase ? lower_case(line) : line, options.tokenizer));
  return result;
}

}  // namespace

ScoredSentences bleu_sentences(const std::vector<std::string>& hypotheses,
                               const std::vector<std::string>& references, const BleuOptions& options) {
  return count_sentences("bleu", split_lines(hypotheses, options), split_lines(references, options),
                         options.smoothing);
}

Bleu bleu(const std::vector<std::string>& hypotheses, const std::vector<std::string>& references,
          const BleuOptions& options) {
  return whole_corpus(bleu_sentences(hypotheses, references, options), options.tokenizer, options.lowercase,
                      options.smoothing);
}

ScoredSentences corpus_bleu_sentences(const std::vector<Tokens>& hypotheses,
                                      const std::vector<Tokens>& references,
                                      const TokenizedBleuOptions& options) {
  return count_sentences("corpus_bleu", hypotheses, references, options.smoothing);
}

Bleu corpus_bleu(const std::vector<Tokens>& hypotheses, const std::vector<Tokens>& references,
                 const TokenizedBleuOptions& options) {
  return whole_corpus(corpus_bleu_sentences(hypotheses, references, options), options.tokenizer,
                      options.lowercase, options.smoothing);
}

std::string Bleu::to_string() const {
  char text[256];
  std::snprintf(text, sizeof text,
                "BLEU = %.2f, %.1f/%.1f/%.1f/%.1f (BP=%.3f, ratio=%.3f, hyp_len=%lld, ref_len=%lld)", score,
                precisions[0], precisions[1], precisions[2], precisions[3], brevity_penalty,
                ratio(hypothesis_length, reference_length), static_cast<long long>(hypothesis_length),
                static_cast<long long>(reference_length));
  return text;
}

double exact_match_rate(const std::vector<Tokens>& hypotheses, const std::vector<Tokens>& references) {
  check_sentences("exact_match_rate", hypotheses.size(), references.size());
  std::int64_t equal = 0;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) equal += hypotheses[i] == references[i] ? 1 : 0;
  return ratio(equal, static_cast<std::int64_t>(hypotheses.size()));
}

}  // namespace attune::text
