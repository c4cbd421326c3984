#include "text/bleu.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "tensor/error.h"
#include "tests/support/measured.h"
#include "text/corpus.h"

using namespace attune::text;

namespace {

std::vector<Tokens> sentences(const std::vector<std::string>& lines) {
  std::vector<Tokens> result;
  for (const std::string& line : lines) result.push_back(SpaceTokenizer().split(line));
  return result;
}

Bleu score(const std::vector<std::string>& hypotheses, const std::vector<std::string>& references) {
  return corpus_bleu(sentences(hypotheses), sentences(references));
}

using Counts = std::array<std::int64_t, 4>;

}  // namespace

TEST_CASE("bleu: a value worked out by hand") {
  // 7 of 8 words, 5 of 7 pairs (x f and d x are wrong), 3 of 6 triples, 1 of 5 quadruples; equal lengths:
  // 7/8 · 5/7 · 3/6 · 1/5 = 1/16, whose fourth root is 1/2.
  const Bleu bleu = score({"a b c d e f g h"}, {"a b c d x f g h"});
  CHECK(bleu.matches == Counts{7, 5, 3, 1});
  CHECK(bleu.ngrams == Counts{8, 7, 6, 5});
  CHECK(bleu.brevity_penalty == 1);
  CHECK(bleu.score == doctest::Approx(50).epsilon(1e-12));
  CHECK(bleu.to_string() ==
        "BLEU = 50.00, 87.5/71.4/50.0/20.0 (BP=1.000, ratio=1.000, hyp_len=8, ref_len=8)");
}

TEST_CASE("bleu: values computed independently") {
  // By a script from the same equations, with exact fractions.
  CHECK(score({"the cat sat on the mat ."}, {"the cat is on the mat ."}).score ==
        doctest::Approx(48.8923022434901).epsilon(1e-12));

  const Bleu two = score({"the quick brown fox jumps over the dog",
                          "he read the book because he was interested in world history"},
                         {"the quick brown fox jumped over the lazy dog",
                          "he was interested in world history because he read the book"});
  CHECK(two.matches == Counts{18, 13, 8, 5});
  CHECK(two.ngrams == Counts{19, 17, 15, 13});
  CHECK(two.brevity_penalty == doctest::Approx(0.9487294800164372).epsilon(1e-12));
  CHECK(two.score == doctest::Approx(58.904988352359055).epsilon(1e-12));
}

TEST_CASE("bleu: a perfect translation scores 100") {
  const std::vector<std::string> lines = {"le chat noir ne l'a pas vu .", "oui !"};
  CHECK(score(lines, lines).score == doctest::Approx(100).epsilon(1e-12));
}

TEST_CASE("bleu: a repeated word earns no more than the reference has of it") {
  // The example of the paper's section 2.1: modified unigram precision 2/7.
  const Bleu bleu = score({"the the the the the the the"}, {"the cat is on the mat"});
  CHECK(bleu.matches == Counts{2, 0, 0, 0});
  CHECK(bleu.precisions[0] == doctest::Approx(200.0 / 7));
  CHECK(bleu.score == 0);
}

TEST_CASE("bleu: n-grams and lengths are summed over the corpus, not averaged over sentences") {
  // The second sentence is missing altogether: nothing but brevity pays for it, exp(1 - 10 / 5).
  const Bleu bleu =
      score({"a small black cat sleeps", ""}, {"a small black cat sleeps", "the dog does not sleep"});
  CHECK(bleu.score == doctest::Approx(100 * std::exp(-1.0)).epsilon(1e-12));
  CHECK(bleu.brevity_penalty == doctest::Approx(std::exp(-1.0)).epsilon(1e-12));
}

TEST_CASE("bleu: longer output is not rewarded and not punished but by precision") {
  const Bleu bleu = score({"a b c d e"}, {"a b c d"});
  CHECK(bleu.brevity_penalty == 1);
  CHECK(bleu.score == doctest::Approx(100 * std::pow(4.0 / 5 * 3 / 4 * 2 / 3 * 1 / 2, 0.25)).epsilon(1e-12));
}

TEST_CASE("bleu: without any matching 4-gram it is 0, never NaN") {
  CHECK(score({"oui merci bien"}, {"oui merci bien"}).score == 0);  // no 4-gram at all
  CHECK(score({"a b c x d e f"}, {"a b c y d e f"}).score == 0);
  CHECK(score({"", ""}, {"a", "b"}).score == 0);
  CHECK(score({"", ""}, {"", ""}).score == 0);
  CHECK(score({"a b c d"}, {""}).score == 0);
  CHECK(score({"", ""}, {"", ""}).to_string() ==
        "BLEU = 0.00, 0.0/0.0/0.0/0.0 (BP=0.000, ratio=0.000, hyp_len=0, ref_len=0)");
}

TEST_CASE("bleu: the signature says what it takes to compare two scores") {
  const std::vector<Tokens> lines = sentences({"a b c d"});
  CHECK(corpus_bleu(lines, lines)
            .signature.rfind("nrefs:1|case:mixed|eff:no|tok:none|smooth:none|version:attune-", 0) == 0);
  const Bleu bleu = corpus_bleu(lines, lines, {.tokenizer = "word", .lowercase = true});
  CHECK(bleu.signature.rfind("nrefs:1|case:lc|eff:no|tok:word|smooth:none|version:attune-", 0) == 0);
}

TEST_CASE("bleu: of plain text, numbers that sacreBLEU's tests publish") {
  // github.com/mjpost/sacrebleu, test/test_sentence_bleu.py
  const std::vector<std::string> hypotheses = {
      "Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;"};
  const std::vector<std::string> references = {"producţia de zahăr brut se exprimă în zahăr alb;"};
  const auto published = [&](const BleuOptions& options, double expected) {
    const Bleu result = bleu(hypotheses, references, options);
    CHECK_MESSAGE(std::abs(result.score - expected) < 1e-3, result.signature, ": ", result.to_string());
  };
  published({}, 8.493);
  published({.tokenizer = "none"}, 7.347);
  published({.tokenizer = "char"}, 40.8759);
  published({.tokenizer = "char", .lowercase = true}, 42.0267);
  published({.smoothing = BleuSmoothing::none}, 0);
}

TEST_CASE("bleu: an order without a match counts half of one, the next a quarter") {
  // 3 of 5 words and 1 of 4 pairs right; of 3 triples none: 1/(2·3); of 2 quadruples none: 1/(4·2).
  const Bleu result = bleu({"a b x c y"}, {"a b z z c"});
  CHECK(result.matches == Counts{3, 1, 0, 0});
  CHECK(result.precisions[2] == doctest::Approx(100.0 / 6));
  CHECK(result.precisions[3] == doctest::Approx(100.0 / 8));
  CHECK(result.score ==
        doctest::Approx(100 * std::pow(3.0 / 5 * 1 / 4 * 1 / 6 * 1 / 8, 0.25)).epsilon(1e-12));
  CHECK(bleu({"a b c d"}, {"e f g h"}).score == 0);  // nothing right is not smoothed
  CHECK(bleu({"a b c"}, {"a b c"}).score == 0);      // nor is an order that has no n-grams
  CHECK(corpus_bleu(sentences({"a b x c y"}), sentences({"a b z z c"}),
                    {.smoothing = BleuSmoothing::exponential})
            .score == result.score);
}

TEST_CASE("bleu: tokenised and plain agree where the text is cut already and all orders match") {
  const std::vector<std::string> hypotheses = {"le chat noir dort sous la la table ."};
  const std::vector<std::string> references = {"le chat noir dort sous la vieille table basse ."};
  CHECK(bleu(hypotheses, references).score == score(hypotheses, references).score);
  CHECK(bleu({"le chat noir dort ici ."}, {"le chat noir dort là."}).score ==
        score({"le chat noir dort ici ."}, {"le chat noir dort là ."}).score);
}

TEST_CASE("bleu: case is kept unless it shall not be") {
  CHECK(bleu({"Der Hund schläft HIER."}, {"der hund SCHLÄFT hier."}).matches[0] == 1);  // the full stop
  const Bleu lower = bleu({"Der Hund schläft HIER."}, {"der hund SCHLÄFT hier."}, {.lowercase = true});
  CHECK(lower.score == doctest::Approx(100));
  CHECK(lower.signature.rfind("nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:attune-", 0) == 0);
}

TEST_CASE("scores: different numbers of hypotheses and references, and none, are refused") {
  CHECK_THROWS_WITH_AS(
      score({"a", "b"}, {"a"}),
      "corpus_bleu: each hypothesis needs its reference: 2 hypotheses and 1 references: give files with "
      "the same number of lines",
      attune::ValueError);
  CHECK_THROWS_WITH_AS(
      bleu({"a"}, {"a", "b"}),
      "bleu: each hypothesis needs its reference: 1 hypotheses and 2 references: give files with the same "
      "number of lines",
      attune::ValueError);
  CHECK_THROWS_AS(score({}, {}), attune::ValueError);
  CHECK_THROWS_AS(exact_match_rate(sentences({"a"}), {}), attune::ValueError);
  CHECK_THROWS_AS(exact_match_rate({}, {}), attune::ValueError);
}

TEST_CASE("bleu: the reference of Multi30k's test set of 2016, its pieces joined, has 12,103 words") {
  // As many as the published scores on it name (Wu et al. 2021: hypothesis 12096, reference 12103).
  const char* folder = std::getenv("ATTUNE_DATA");
  const std::filesystem::path file =
      std::filesystem::path(folder ? folder : ATTUNE_SOURCE_DIR "/data") / "multi30k_bpe/test_2016.en-de.de";
  if (!std::filesystem::exists(file)) {
    MESSAGE("SKIPPED: there is no ", file.string(), ": set ATTUNE_DATA to a folder with multi30k_bpe");
    return;
  }
  std::vector<Tokens> references;
  const BpeTokenizer pieces;
  for (const std::string& line : read_lines(file).lines)
    references.push_back(join_pieces(pieces.split(line)));
  CHECK(references.size() == 1000);
  const Bleu perfect = corpus_bleu(references, references);
  CHECK(perfect.reference_length == 12103);
  CHECK(perfect.score == doctest::Approx(100));
  attune::testing::measured("bleu: the reference of Multi30k's test set of 2016 has %lld words",
                            static_cast<long long>(perfect.reference_length));
}

TEST_CASE("exact match: the share of sentences that are right to the last token") {
  CHECK(exact_match_rate(sentences({"a b", "c", "", "d e"}), sentences({"a b", "C", "", "d"})) == 0.5);
}
