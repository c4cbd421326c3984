#include "examples/translator/scores.h"

#include <doctest/doctest.h>

#include <sstream>

using namespace attune;
using namespace attune::examples;

namespace {

std::vector<std::string> names(const std::vector<Measured>& scores) {
  std::vector<std::string> result;
  for (const Measured& score : scores) result.push_back(score.text.substr(0, score.text.find(" =")));
  return result;
}

using Names = std::vector<std::string>;
const std::vector<std::string> lines = {"le chat noir dort.", "il pleut, dit-elle."};

}  // namespace

TEST_CASE("scores: what is scored depends on what is known of the text") {
  const ScoredText plain = plain_text(lines);
  const ScoredText words = scored_text(text::WordTokenizer(), lines);
  const ScoredText cut = scored_text(text::SpaceTokenizer(), lines);
  CHECK(names(measure(plain, plain, {})) == Names{"BLEU", "chrF2"});
  CHECK(names(measure(words, words, {})) == Names{"BLEU", "Tokenised BLEU", "chrF2"});
  CHECK(names(measure(cut, cut, {})) == Names{"Tokenised BLEU", "chrF2"});  // cut already, so not again …
  CHECK(names(measure(cut, cut, {.tokenizer = "13a"})) ==
        Names{"BLEU", "Tokenised BLEU", "chrF2"});  // … unless that is asked for
  CHECK(names(measure(words, words, {.metric = "chrf++"})) == Names{"chrF2++"});
  CHECK(names(measure(plain, plain, {.metric = "bleu"})) == Names{"BLEU"});
}

TEST_CASE("scores: the tokeniser is that of the model, of the flag, or the usual one of the language") {
  const ScoredText words = scored_text(text::WordTokenizer(), lines);
  const std::vector<Measured> scores = measure(words, words, {});
  CHECK(scores[0].signature.find("|tok:13a|smooth:exp|") != std::string::npos);
  CHECK(scores[1].signature.find("|tok:word|smooth:none|") != std::string::npos);
  CHECK(measure(words, words, {.tokenizer = "char"})[0].signature.find("|tok:char|") != std::string::npos);
  const ScoredText chinese = plain_text({"我有三本书。", "你好吗？"});
  CHECK(measure(chinese, chinese, {})[0].signature.find("|tok:zh|") != std::string::npos);
}

TEST_CASE("scores: pieces of words are joined, in tokens and in text") {
  const ScoredText joined = scored_text(text::BpeTokenizer(), {"un@@ e pou@@ lie tour@@ ne ."});
  CHECK(joined.tokens[0] == text::Tokens{"une", "poulie", "tourne", "."});
  CHECK(joined.lines[0] == "une poulie tourne .");
  CHECK(joined.cut_by == "none");
  const ScoredText output = scored_text(text::BpeTokenizer(), {"une poulie tourne ."});
  for (const Measured& score : measure(output, joined, {})) CHECK(score.score == doctest::Approx(100));
}

TEST_CASE("scores: where the tokens are pieces of SentencePiece, text is cut as for BLEU, both sides alike") {
  struct Pieces : text::SpaceTokenizer {
    std::string name() const override { return "sentencepiece-unigram"; }
  };
  const ScoredText wanted = scored_text(Pieces(), {"我有3.5本好书。"});
  CHECK(wanted.tokens[0] == text::Tokens{"我", "有", "3.5", "本", "好", "书", "。"});
  CHECK(wanted.cut_by == "zh");
  const ScoredText output = scored_text(Pieces(), {"3.5 books。"}, wanted.cut_by);
  CHECK(output.tokens[0] == text::Tokens{"3.5", "books", "。"});
  CHECK(names(measure(output, wanted, {})) == Names{"BLEU", "chrF2"});
  CHECK(scored_text(Pieces(), lines).cut_by == "13a");
}

TEST_CASE("scores: small letters throughout, or case throughout") {
  const ScoredText big = scored_text(text::WordTokenizer(), {"LE CHAT NOIR DORT.", "IL PLEUT, DIT-ELLE."});
  const ScoredText small = scored_text(text::WordTokenizer(), lines);
  for (const Measured& score : measure(big, small, {.lowercase = true})) {
    CHECK_MESSAGE(score.score == doctest::Approx(100), score.text);
    CHECK(score.signature.find("|case:lc|") != std::string::npos);
  }
  for (const Measured& score : measure(big, small, {})) CHECK(score.score < 30);
}

TEST_CASE("scores: printed with signature and interval, and beside another output") {
  const ScoredText wanted = plain_text(lines);
  const std::vector<Measured> good = measure(wanted, wanted, {.metric = "chrf"});
  const std::vector<Measured> bad = measure(plain_text({"le chien", "il neige"}), wanted, {.metric = "chrf"});
  std::ostringstream alone, compared;
  print_scores(alone, good, {}, "", 40);
  const std::string start = good[0].text + "\n  " + good[0].signature +
                            "\n  95 % of 40 resamples: 100.00 to 100.00 (100.00 ± 0.00)\n";
  CHECK(alone.str() == start);
  print_scores(compared, good, bad, "bad.txt", 40);
  CHECK(compared.str().rfind(start + "  bad.txt: ", 0) == 0);
  CHECK(compared.str().find("  difference: +") != std::string::npos);
  CHECK(compared.str().find(", better on 100.0 %, p = 0.0244\n") != std::string::npos);  // 1 / 41
}
