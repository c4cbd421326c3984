#include "text/bleu_tokenizer.h"

#include <doctest/doctest.h>

#include "tensor/error.h"

using namespace attune::text;

namespace {

std::string cut(std::string_view line, std::string_view tokenizer = "13a") {
  std::string result;
  for (const std::string& token : split_for_bleu(line, tokenizer))
    result += (result.empty() ? "" : " ") + token;
  return result;
}

}  // namespace

// What stands on the right was worked out by hand from the rules of mteval-v13a.pl.

TEST_CASE("13a: marks are tokens, apostrophes and hyphens stay in words") {
  CHECK(cut("Hello, \"world\"!") == "Hello , \" world \" !");
  CHECK(cut("(a/b) {c} [d]=50% & $5 @x #1 ~^_`\\|<>*+;:?") ==
        "( a / b ) { c } [ d ] = 50 % & $ 5 @ x # 1 ~ ^ _ ` \\ | < > * + ; : ?");
  CHECK(cut("don't 'quoted' well-known -- e-mail") == "don't 'quoted' well-known -- e-mail");
}

TEST_CASE("13a: a full stop or a comma stays only between two digits") {
  CHECK(cut("1,000.50 3.14") == "1,000.50 3.14");
  CHECK(cut("In 2016. And 5, then .5 or a.5 or 5.a") == "In 2016 . And 5 , then . 5 or a . 5 or 5 . a");
  CHECK(cut("U.S.A.") == "U . S . A .");
  CHECK(cut("1..5 ...") == "1 . . 5 . . .");
}

TEST_CASE("13a: a hyphen is cut off the digit before it, and only there") {
  CHECK(cut("2-3 -4 a-5 6-b 7--8 1999-") == "2 - 3 -4 a-5 6 - b 7 - -8 1999 -");
}

TEST_CASE("13a: entities are characters, once") {
  CHECK(cut("&quot;a&quot; &amp; &lt;b&gt;") == "\" a \" & < b >");
  CHECK(cut("&amp;lt; &amp;quot;") == "< & quot ;");  // &amp; is read before &lt;, and after &quot;
  CHECK(cut("&apos;") == "& apos ;");                 // not one of the four
}

TEST_CASE("13a: <skipped> vanishes, and so does a hyphen at the end of a line within") {
  CHECK(cut("a <skipped> b<skipped>c") == "a bc");
  CHECK(cut("well-\nknown two\nlines") == "wellknown two lines");
  CHECK(cut("end-\n") == "end-");  // white space at the end goes first
}

TEST_CASE("13a: letters beyond ASCII are letters, marks beyond ASCII are letters too") {
  CHECK(cut("Été, straße.") == "Été , straße .");
  CHECK(cut("«oui» – „ja“…") == "«oui» – „ja“…");
  CHECK(cut("1\u00A0000,5") == "1 000,5");           // a no-break space is white space
  CHECK(cut("\u0661.\u0662") == "\u0661 . \u0662");  // Arabic digits are none
  CHECK(cut("a\x1C"
            "b\xE3\x80\x80"
            "c") == "a b c");
}

TEST_CASE("13a: bytes that are not UTF-8 read as U+FFFD") {
  CHECK(cut("a\xFF.") == "a\uFFFD .");
}

TEST_CASE("zh: Chinese characters and marks are tokens, the rest is cut as by 13a") {
  CHECK(cut("我有3.5本书，don't!", "zh") == "我 有 3.5 本 书 ， don't !");
  CHECK(cut("这是—“好”€", "zh") == "这 是 — “ 好 ” €");
}

TEST_CASE("zh: what sacreBLEU's rules leave together stays together") {
  CHECK(cut("我有3.", "zh") == "我 有 3.");  // no space is put behind the line, so nothing follows the stop
  CHECK(cut("\u3000,5", "zh") == ",5");      // nor before it, and white space there is cut off
  CHECK(cut("𠀀𠀁", "zh") == "𠀀𠀁");        // rare characters, beyond U+FFFF
  CHECK(cut("&amp;", "zh") == "& amp ;");    // entities are not read
  CHECK(cut("한국어", "zh") == "한국어");    // Korean syllables are no Chinese
}

TEST_CASE("char and none: every character, or what stands between white space") {
  CHECK(cut("Das ist gut.", "char") == "D a s i s t g u t .");
  CHECK(cut(" a, \u3000 b.\t", "none") == "a, b.");
  CHECK(split_for_bleu(" \u00A0\t", "none").empty());
  CHECK(split_for_bleu("", "13a").empty());
}

TEST_CASE("tokenisers of BLEU: an unknown name is refused with those that there are") {
  CHECK_THROWS_WITH_AS(cut("a", "intl"),
                       "bleu: there is no tokenizer \"intl\": choose one of 13a, zh, char, none",
                       attune::ValueError);
}

TEST_CASE("tokenisers of BLEU: zh is for text that is mostly Chinese, 13a for all other") {
  CHECK(usual_bleu_tokenizer({"我有3.5本书。", "好"}) == "zh");
  CHECK(usual_bleu_tokenizer({"le chat 猫", "der Hund"}) == "13a");
  CHECK(usual_bleu_tokenizer({"한국어 문장", "かな"}) == "13a");
  CHECK(usual_bleu_tokenizer({"\u3000 \u3000", "好"}) == "zh");  // spaces do not count
  CHECK(usual_bleu_tokenizer({}) == "13a");
}
