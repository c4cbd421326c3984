#include "text/chrf.h"

#include <doctest/doctest.h>

#include "tensor/error.h"

using namespace attune::text;

TEST_CASE("chrf: a value worked out by hand") {
  // abcd for abce: 3 of 4 characters, 2 of 3 pairs, 1 of 2 triples, 0 of 1; orders 5 and 6 have no n-grams.
  // P = R = (3/4 + 2/3 + 1/2 + 0) / 4 = 23/48, and F of two equal numbers is that number.
  const Chrf result = chrf({"abcd"}, {"abce"});
  CHECK(result.score == doctest::Approx(100 * 23.0 / 48).epsilon(1e-12));
  CHECK(result.to_string() == "chrF2 = 47.92");

  // "ab" for "abcd": P = 1 (of orders 1 and 2), R = (2/4 + 1/3) / 2 = 5/12; 5 P R / (4 P + R) = 25/53.
  const Chrf shorter = chrf({"ab"}, {"abcd"});
  CHECK(shorter.precision == doctest::Approx(100));
  CHECK(shorter.recall == doctest::Approx(100 * 5.0 / 12));
  CHECK(shorter.score == doctest::Approx(100 * 25.0 / 53).epsilon(1e-12));
}

TEST_CASE("chrf: numbers that sacreBLEU's tests publish") {  // github.com/mjpost/sacrebleu, test/test_chrf.py
  const ChrfOptions with_spaces{.beta = 3, .whitespace = true};
  CHECK(chrf({"Die Beziehung zwischen Obama und Netanjahu ist nicht gerade freundlich."},
             {"Das Verhältnis zwischen Obama und Netanyahu ist nicht gerade freundschaftlich."}, with_spaces)
            .score == doctest::Approx(67.3481606).epsilon(1e-9));
  CHECK(chrf({"risk assessment must be made of those who are qualified and expertise in the sector - these "
              "are the "
              "scientists ."},
             {"risk assessment has to be undertaken by those who are qualified and expert in that area - "
              "that is the "
              "scientists ."},
             with_spaces)
            .score == doctest::Approx(65.2414427).epsilon(1e-9));
  const auto chrf3 = [](const std::vector<std::string>& hypotheses,
                        const std::vector<std::string>& references) {
    return chrf(hypotheses, references, {.beta = 3}).score;
  };
  CHECK(chrf3({"a"}, {"a"}) == doctest::Approx(100));
  CHECK(chrf3({"a b c"}, {"abc"}) == doctest::Approx(100));
  CHECK(chrf3({"aa"}, {"ab"}) == doctest::Approx(25));
  CHECK(chrf3({"a", "b"}, {"a", "c"}) == doctest::Approx(50));
  CHECK(chrf3({""}, {"reference"}) == 0);
}

TEST_CASE("chrf: characters are counted, not bytes, and case matters unless it shall not") {
  CHECK(chrf({"é"}, {"è"}).score == 0);  // C3 A9 and C3 A8 share a byte
  CHECK(chrf({"我爱你"}, {"我爱他"}).score == doctest::Approx(100 * (2.0 / 3 + 1.0 / 2 + 0) / 3));
  CHECK(chrf({"ÉTÉ"}, {"été"}).score == 0);
  CHECK(chrf({"ÉTÉ"}, {"été"}, {.lowercase = true}).score == doctest::Approx(100));
}

TEST_CASE("chrf++: words count as well, and one mark is cut off each") {
  // Characters ab and ac: 1 of 2, 0 of 1. Words: 0 of 1. No pairs. P = R = (1/2 + 0 + 0) / 3.
  CHECK(chrf({"ab"}, {"ac"}, {.word_order = 2}).score == doctest::Approx(100.0 / 6));
  // "ab." is ab and . for the words: 1 of 2, pairs 0 of 1; characters 2 of 3, 1 of 2, 0 of 1.
  CHECK(chrf({"ab."}, {"ab!"}, {.word_order = 2}).score ==
        doctest::Approx(100 * (2.0 / 3 + 1.0 / 2 + 0 + 1.0 / 2 + 0) / 5));
  // "(hi)" is (hi and ): of the words ( hi ) only the last matches … 1 of 2 and 1 of 3.
  CHECK(chrf({"(hi)"}, {"( hi )"}, {.character_order = 1, .word_order = 1}).precision ==
        doctest::Approx(100 * (1 + 1.0 / 2) / 2));
}

TEST_CASE("chrf: the name and the signature say how it was counted") {
  CHECK(chrf({"a"}, {"a"})
            .signature.rfind("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:attune-", 0) == 0);
  const Chrf other = chrf({"a"}, {"a"}, {.word_order = 2, .beta = 1, .lowercase = true, .whitespace = true});
  CHECK(other.name == "chrF1++");
  CHECK(other.signature.rfind("nrefs:1|case:lc|eff:yes|nc:6|nw:2|space:yes|version:attune-", 0) == 0);
}

TEST_CASE("chrf: sizes that do not match, no sentences and impossible orders are refused") {
  CHECK_THROWS_WITH_AS(
      chrf({"a", "b"}, {"a"}),
      "chrf: each hypothesis needs its reference: 2 hypotheses and 1 references: give files with "
      "the same number of lines",
      attune::ValueError);
  CHECK_THROWS_AS(chrf({}, {}), attune::ValueError);
  CHECK_THROWS_WITH_AS(
      chrf({"a"}, {"a"}, {.character_order = 0}),
      "chrf: character order 0, word order 0, beta 2: give at least 1, 0 and 1 (usual are 6, 0 or "
      "2, and 2)",
      attune::ValueError);
}
