#include "examples/translator/scores.h"

#include <cstdio>

#include "text/utf8.h"

namespace attune::examples {
namespace {

// 12.34, or, where the sign matters, +12.34
std::string two_digits(double number, bool with_sign = false) {
  char text[32];
  std::snprintf(text, sizeof text, with_sign ? "%+.2f" : "%.2f", number);
  return text;
}

std::string range(const text::Interval& interval, bool with_sign = false) {
  return two_digits(interval.low, with_sign) + " to " + two_digits(interval.high, with_sign);
}

std::string mean_and_half(const text::Interval& interval) {
  return "(" + two_digits(interval.mean) + " ± " + two_digits(interval.half_width()) + ")";
}

std::vector<text::Tokens> lower_case(std::vector<text::Tokens> sentences) {
  for (text::Tokens& tokens : sentences)
    for (std::string& token : tokens) token = text::lower_case(token);
  return sentences;
}

Measured measure_bleu(const ScoredText& output, const ScoredText& wanted, const ScoreSettings& settings) {
  text::BleuOptions options{.tokenizer = settings.tokenizer, .lowercase = settings.lowercase};
  if (options.tokenizer.empty()) options.tokenizer = text::usual_bleu_tokenizer(wanted.lines);
  const text::Bleu bleu = text::bleu(output.lines, wanted.lines, options);
  return {bleu.to_string(), bleu.signature, bleu.score,
          text::bleu_sentences(output.lines, wanted.lines, options)};
}

Measured measure_tokenised_bleu(const ScoredText& output, const ScoredText& wanted,
                                const ScoreSettings& settings) {
  const auto tokens = [&](const ScoredText& text) {
    return settings.lowercase ? lower_case(text.tokens) : text.tokens;
  };
  const text::TokenizedBleuOptions options{.tokenizer = wanted.cut_by, .lowercase = settings.lowercase};
  const text::Bleu bleu = text::corpus_bleu(tokens(output), tokens(wanted), options);
  return {"Tokenised " + bleu.to_string(), bleu.signature, bleu.score,
          text::corpus_bleu_sentences(tokens(output), tokens(wanted), options)};
}

Measured measure_chrf(const ScoredText& output, const ScoredText& wanted, const ScoreSettings& settings) {
  const text::ChrfOptions options{.word_order = settings.metric == "chrf++" ? 2 : 0,
                                  .lowercase = settings.lowercase};
  const text::Chrf chrf = text::chrf(output.lines, wanted.lines, options);
  return {chrf.to_string(), chrf.signature, chrf.score,
          text::chrf_sentences(output.lines, wanted.lines, options)};
}

}  // namespace

ScoredText scored_text(const text::Tokenizer& tokenizer, const std::vector<std::string>& lines,
                       const std::string& cut_by) {
  const std::string name = tokenizer.name();
  const bool cut_already = name == "bpe" || name == "space";
  const bool sentencepiece = name.rfind("sentencepiece", 0) == 0;
  ScoredText result{.lines = {}, .tokens = {}, .cut_by = cut_already ? "none" : name};
  if (sentencepiece) result.cut_by = cut_by.empty() ? text::usual_bleu_tokenizer(lines) : cut_by;
  for (const std::string& line : lines) {
    const text::Tokens tokens =
        sentencepiece ? text::split_for_bleu(line, result.cut_by) : tokenizer.split(line);
    result.lines.push_back(name == "bpe" ? tokenizer.join(tokens) : line);
    result.tokens.push_back(name == "bpe" ? text::join_pieces(tokens) : tokens);
  }
  return result;
}

ScoredText plain_text(const std::vector<std::string>& lines) {
  return {.lines = lines, .tokens = {}, .cut_by = ""};
}

std::vector<Measured> measure(const ScoredText& output, const ScoredText& wanted,
                              const ScoreSettings& settings) {
  const bool bleu = settings.metric.empty() || settings.metric == "bleu";
  const bool tokenised_already = wanted.cut_by == "none";
  // Tokens that were cut as for BLEU of the text would say the same again.
  const bool has_own_tokens = !wanted.tokens.empty() && wanted.cut_by != "13a" && wanted.cut_by != "zh";
  std::vector<Measured> scores;
  if (bleu && (!tokenised_already || !settings.tokenizer.empty()))
    scores.push_back(measure_bleu(output, wanted, settings));
  if (bleu && has_own_tokens) scores.push_back(measure_tokenised_bleu(output, wanted, settings));
  if (settings.metric != "bleu") scores.push_back(measure_chrf(output, wanted, settings));
  return scores;
}

void print_scores(std::ostream& out, const std::vector<Measured>& scores,
                  const std::vector<Measured>& baseline, const std::string& baseline_name, int resamples) {
  const text::BootstrapOptions options{.resamples = resamples};
  for (std::size_t i = 0; i < scores.size(); ++i) {
    out << scores[i].text << "\n  " << scores[i].signature << '\n';
    const std::string share = "95 % of " + std::to_string(resamples) + " resamples: ";
    if (i >= baseline.size()) {
      const text::Interval interval = text::confidence_interval(scores[i].sentences, options);
      out << "  " << share << range(interval) << ' ' << mean_and_half(interval) << '\n';
      continue;
    }
    const text::Comparison both = text::compare(baseline[i].sentences, scores[i].sentences, options);
    char chance[64];
    std::snprintf(chance, sizeof chance, "better on %.1f %%, p = %.4f", 100 * both.better_share,
                  both.p_value);
    out << "  " << share << range(both.interval) << ' ' << mean_and_half(both.interval) << '\n'
        << "  " << baseline_name << ": " << two_digits(both.baseline_score)
        << ", 95 %: " << range(both.baseline_interval) << ' ' << mean_and_half(both.baseline_interval) << '\n'
        << "  difference: " << two_digits(both.score - both.baseline_score, true)
        << ", 95 %: " << range(both.difference, true) << ", " << chance << '\n';
  }
}

}  // namespace attune::examples
