// BLEU, chrF and the tokenisers of BLEU against what an independent program in Python has recorded of them:
// record_scores.py, which itself must meet the numbers that sacreBLEU publishes.

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/measured.h"
#include "text/bleu.h"
#include "text/bleu_tokenizer.h"
#include "text/chrf.h"
#include "text/utf8.h"

using namespace attune;

namespace {

const nlohmann::json& recorded() {
  static const nlohmann::json cases = [] {
    const char* other = std::getenv("ATTUNE_SCORE_CASES");  // new ones, of record_scores.py --live
    const std::string path = other ? other : ATTUNE_SOURCE_DIR "/tests/oracle/cases/scores.json";
    std::ifstream file(path);
    REQUIRE_MESSAGE(file, path, " is missing");
    return nlohmann::json::parse(file);
  }();
  return cases;
}

std::string spaced(const text::Tokens& tokens) {
  std::string line;
  for (const std::string& token : tokens) line += (line.empty() ? "" : " ") + token;
  return line;
}

}  // namespace

TEST_CASE("scores: every recorded line is cut as the rules of 13a, zh, char and none say") {
  std::size_t tokens = 0;
  for (const nlohmann::json& recorded_line : recorded()["lines"]) {
    const auto line = recorded_line["line"].get<std::string>();
    INFO("the line: ", line);
    for (const std::string& name : text::bleu_tokenizer_names()) {
      const auto expected = recorded_line[name].get<text::Tokens>();
      const text::Tokens found = text::split_for_bleu(line, name);
      CHECK_MESSAGE(found == expected, name, " cuts it into \"", spaced(found), "\", not \"",
                    spaced(expected), "\"");
      tokens += found.size();
    }
    CHECK(text::lower_case(line) == recorded_line["lower"].get<std::string>());
  }
  CHECK(tokens > 1000);
}

TEST_CASE("scores: BLEU of every recorded corpus, by every tokeniser, case and smoothing") {
  int compared = 0, above_zero = 0;
  for (const nlohmann::json& corpus : recorded()["corpora"]) {
    const auto hypotheses = corpus["hypotheses"].get<std::vector<std::string>>();
    const auto references = corpus["references"].get<std::vector<std::string>>();
    for (const nlohmann::json& entry : corpus["bleu"]) {
      const text::BleuOptions options{.tokenizer = entry["tokenizer"],
                                      .lowercase = entry["lowercase"],
                                      .smoothing = entry["smoothing"] == "exp"
                                                       ? text::BleuSmoothing::exponential
                                                       : text::BleuSmoothing::none};
      const text::Bleu bleu = text::bleu(hypotheses, references, options);
      const double expected = entry["score"];
      CHECK_MESSAGE(bleu.score == doctest::Approx(expected).epsilon(1e-12), corpus["hypotheses"].dump(),
                    " for ", corpus["references"].dump(), ": ", bleu.to_string(), " ", bleu.signature);
      ++compared;
      above_zero += expected > 0 ? 1 : 0;
    }
  }
  CHECK(above_zero > compared / 4);
  testing::measured(
      "scores: BLEU of %d corpora and settings agrees with the reference in Python, %d of them above 0",
      compared, above_zero);
}

TEST_CASE("scores: chrF of every recorded corpus, by characters, words, case and spaces") {
  int compared = 0;
  for (const nlohmann::json& corpus : recorded()["corpora"]) {
    const auto hypotheses = corpus["hypotheses"].get<std::vector<std::string>>();
    const auto references = corpus["references"].get<std::vector<std::string>>();
    for (const nlohmann::json& entry : corpus["chrf"]) {
      const text::ChrfOptions options{.character_order = entry["characters"],
                                      .word_order = entry["words"],
                                      .beta = entry["beta"],
                                      .lowercase = entry["lowercase"],
                                      .whitespace = entry["whitespace"]};
      const text::Chrf chrf = text::chrf(hypotheses, references, options);
      const double expected = entry["score"];
      CHECK_MESSAGE(chrf.score == doctest::Approx(expected).epsilon(1e-12), corpus["hypotheses"].dump(),
                    " for ", corpus["references"].dump(), ": ", chrf.to_string(), " ", chrf.signature);
      ++compared;
    }
  }
  CHECK(compared > 100);
}
