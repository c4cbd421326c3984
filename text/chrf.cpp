#include "text/chrf.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "io/unicode.h"
#include "tensor/error.h"
#include "text/bleu_tokenizer.h"
#include "text/ngrams.h"
#include "text/signature.h"
#include "text/utf8.h"

namespace attune::text {
namespace {

using Counts = ScoredSentences::Counts;

std::u32string without_white_space(std::u32string text) {
  text.erase(std::remove_if(text.begin(), text.end(), is_python_white_space), text.end());
  return text;
}

bool is_ascii_punctuation(char32_t c) {
  return (c >= U'!' && c <= U'/') || (c >= U':' && c <= U'@') || (c >= U'[' && c <= U'`') ||
         (c >= U'{' && c <= U'~');
}

// The words of chrF++. One mark is cut off a word, the last character if it is one, else the first: "(hi)" is
// "(hi" and ")".
Tokens words_for_chrf(std::string_view line) {
  Tokens words;
  for (const std::string& token : split_for_bleu(line, "none")) {
    const std::u32string word = decode_utf8(token);
    if (word.size() > 1 && is_ascii_punctuation(word.back())) {
      words.push_back(token.substr(0, token.size() - 1));
      words.push_back(token.substr(token.size() - 1));
    } else if (word.size() > 1 && is_ascii_punctuation(word.front())) {
      words.push_back(token.substr(0, 1));
      words.push_back(token.substr(1));
    } else {
      words.push_back(token);
    }
  }
  return words;
}

// n-grams of the hypothesis, of the reference and in both, for orders 1 to max_order.
void count_orders(Counts& counts, std::u32string_view hypothesis, std::u32string_view reference,
                  int max_order) {
  for (int n = 1; n <= max_order; ++n) {
    const NgramCounts ngrams = count_ngrams(hypothesis, reference, static_cast<std::size_t>(n));
    counts.push_back(ngrams.reference > 0 ? ngrams.hypothesis : 0);
    counts.push_back(ngrams.reference);
    counts.push_back(ngrams.matches);
  }
}

Counts count_sentence(std::string hypothesis, std::string reference, const ChrfOptions& options) {
  if (options.lowercase) {
    hypothesis = lower_case(hypothesis);
    reference = lower_case(reference);
  }
  const auto characters = [&](const std::string& line) {
    return options.whitespace ? decode_utf8(line) : without_white_space(decode_utf8(line));
  };
  Counts counts;
  count_orders(counts, characters(hypothesis), characters(reference), options.character_order);
  if (options.word_order > 0) {
    TokenNumbers numbers;
    const std::u32string ours = numbers.of(words_for_chrf(hypothesis));
    count_orders(counts, ours, numbers.of(words_for_chrf(reference)), options.word_order);
  }
  return counts;
}

Chrf chrf_of(const Counts& sum, int beta) {
  double precision = 0, recall = 0;
  int orders = 0;
  for (std::size_t i = 0; i < sum.size(); i += 3) {
    const auto hypothesis = static_cast<double>(sum[i]);
    const auto reference = static_cast<double>(sum[i + 1]);
    const auto matches = static_cast<double>(sum[i + 2]);
    if (hypothesis == 0 || reference == 0) continue;
    precision += matches / hypothesis;
    recall += matches / reference;
    ++orders;
  }
  Chrf chrf;
  if (precision + recall == 0) return chrf;
  precision /= orders;
  recall /= orders;
  const double weight = beta * beta;
  chrf.score = 100 * (1 + weight) * precision * recall / (weight * precision + recall);
  chrf.precision = 100 * precision;
  chrf.recall = 100 * recall;
  return chrf;
}

}  // namespace

ScoredSentences chrf_sentences(const std::vector<std::string>& hypotheses,
                               const std::vector<std::string>& references, const ChrfOptions& options) {
  check_sentences("chrf", hypotheses.size(), references.size());
  if (options.character_order < 1 || options.word_order < 0 || options.beta < 1)
    fail<ValueError>("chrf: character order ", options.character_order, ", word order ", options.word_order,
                     ", beta ", options.beta, ": give at least 1, 0 and 1 (usual are 6, 0 or 2, and 2)");
  ScoredSentences sentences;
  for (std::size_t i = 0; i < hypotheses.size(); ++i)
    sentences.counts.push_back(count_sentence(hypotheses[i], references[i], options));
  sentences.score = [beta = options.beta](const Counts& sum) { return chrf_of(sum, beta).score; };
  return sentences;
}

Chrf chrf(const std::vector<std::string>& hypotheses, const std::vector<std::string>& references,
          const ChrfOptions& options) {
  Chrf result = chrf_of(chrf_sentences(hypotheses, references, options).sum(), options.beta);
  result.name =
      "chrF" + std::to_string(options.beta) + std::string(static_cast<std::size_t>(options.word_order), '+');
  result.signature =
      score_signature(options.lowercase, "eff:yes|nc:" + std::to_string(options.character_order) +
                                             "|nw:" + std::to_string(options.word_order) +
                                             "|space:" + (options.whitespace ? "yes" : "no"));
  return result;
}

std::string Chrf::to_string() const {
  char text[32];
  std::snprintf(text, sizeof text, " = %.2f", score);
  return name + text;
}

}  // namespace attune::text
