#include "text/bleu.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <map>
#include <string_view>

#include "tensor/error.h"

namespace attune::text {
namespace {

#if defined(ATTUNE_VERSION)
constexpr const char* version = ATTUNE_VERSION;
#else
constexpr const char* version = "unreleased";
#endif

constexpr std::size_t max_order = 4;

using NgramCounts = std::map<std::vector<std::string_view>, std::int64_t>;

NgramCounts count_ngrams(const Tokens& tokens, std::size_t order) {
  NgramCounts counts;
  for (std::size_t i = 0; i + order <= tokens.size(); ++i) {
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(i);
    ++counts[std::vector<std::string_view>(begin, begin + static_cast<std::ptrdiff_t>(order))];
  }
  return counts;
}

void check_sizes(const char* op, const std::vector<Tokens>& hypotheses,
                 const std::vector<Tokens>& references) {
  if (hypotheses.size() != references.size()) {
    fail<ValueError>(op, ": each hypothesis needs its reference: ", hypotheses.size(), " hypotheses and ",
                     references.size(), " references: give files with the same number of lines");
  }
  if (hypotheses.empty()) fail<ValueError>(op, ": there is nothing to score: 0 sentences: give at least one");
}

double ratio(std::int64_t a, std::int64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}

}  // namespace

Bleu corpus_bleu(const std::vector<Tokens>& hypotheses, const std::vector<Tokens>& references,
                 const BleuOptions& options) {
  check_sizes("corpus_bleu", hypotheses, references);
  Bleu bleu;
  for (std::size_t sentence = 0; sentence < hypotheses.size(); ++sentence) {
    bleu.hypothesis_length += static_cast<std::int64_t>(hypotheses[sentence].size());
    bleu.reference_length += static_cast<std::int64_t>(references[sentence].size());

    // An n-gram counts as often as the reference has it, at most: "the the the" earns one "the" only.
    for (std::size_t n = 0; n < max_order; ++n) {
      const NgramCounts in_reference = count_ngrams(references[sentence], n + 1);
      for (const auto& [ngram, count] : count_ngrams(hypotheses[sentence], n + 1)) {
        const auto found = in_reference.find(ngram);
        bleu.ngrams[n] += count;
        bleu.matches[n] += found == in_reference.end() ? 0 : std::min(count, found->second);
      }
    }
  }

  // BP = 1 if c > r, else exp(1 - r/c): output that is too short loses. No output at all is infinitely short.
  const auto c = static_cast<double>(bleu.hypothesis_length);
  const auto r = static_cast<double>(bleu.reference_length);
  if (c > 0) bleu.brevity_penalty = c > r ? 1 : std::exp(1 - r / c);

  // BLEU = 100 · BP · exp(Σ_n ¼ ln p_n)
  double log_sum = 0;
  for (std::size_t n = 0; n < max_order; ++n) {
    const double precision = ratio(bleu.matches[n], bleu.ngrams[n]);
    bleu.precisions[n] = 100 * precision;
    log_sum += std::log(precision) / static_cast<double>(max_order);  // -infinity for 0, so that BLEU is 0
  }
  bleu.score = 100 * bleu.brevity_penalty * std::exp(log_sum);
  bleu.signature =
      "refs:1|case:" + options.letter_case + "|tok:" + options.tokenizer + "|smooth:none|attune:" + version;
  return bleu;
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
  check_sizes("exact_match_rate", hypotheses, references);
  std::int64_t equal = 0;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) equal += hypotheses[i] == references[i] ? 1 : 0;
  return ratio(equal, static_cast<std::int64_t>(hypotheses.size()));
}

}  // namespace attune::text
