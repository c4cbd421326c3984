#include "text/tokenizer.h"

#include <doctest/doctest.h>

#include "tensor/error.h"

using namespace attune::text;

namespace {

/// Tokens with bars between them: failures print readably.
std::string bars(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += (text.empty() ? "" : "|") + token;
  return text;
}

const WordTokenizer word;
const WordTokenizer french(WordTokenizer::Spacing::french);

}  // namespace

TEST_CASE("word tokeniser: punctuation marks are tokens of their own") {
  CHECK(bars(word.split("does he see it?")) == "does|he|see|it|?");
  CHECK(bars(word.split("no, he (the small one) said: \"go\"; … «yes»!")) ==
        "no|,|he|(|the|small|one|)|said|:|\"|go|\"|;|…|«|yes|»|!");
  CHECK(bars(word.split("Wait... what?!")) == "Wait|.|.|.|what|?|!");
}

TEST_CASE("word tokeniser: numbers and abbreviations keep their marks") {
  CHECK(bars(word.split("at 3.5, or 10:30 p.m., for 1,000.")) == "at|3.5|,|or|10:30|p.m|.|,|for|1,000|.");
  CHECK(bars(word.split("see example.com.")) == "see|example.com|.");
  CHECK(bars(word.split("no!.yes \"a.\"")) == "no|!|.|yes|\"|a|.|\"");
  CHECK(bars(word.split("yes,no a:b 3,four")) == "yes|,|no|a|:|b|3|,|four");
}

TEST_CASE("word tokeniser: a French elision is a token with its apostrophe") {
  CHECK(bars(word.split("l'enfant")) == "l'|enfant");
  CHECK(bars(word.split("les petits chats noirs ne l'ont pas vu.")) ==
        "les|petits|chats|noirs|ne|l'|ont|pas|vu|.");
  CHECK(bars(word.split("qu'il n'a jusqu'à aujourd'hui")) == "qu'|il|n'|a|jusqu'|à|aujourd'hui");
  CHECK(bars(word.split("L'Œuvre d’hier")) == "L'|Œuvre|d’|hier");
  CHECK(bars(word.split("l'«ami» d'aujourd'hui")) == "l'|«|ami|»|d'|aujourd'hui");
}

TEST_CASE("word tokeniser: every other apostrophe and every hyphen stays inside its word") {
  CHECK(bars(word.split("I don't know; it's the boys' o'clock.")) ==
        "I|don't|know|;|it's|the|boys'|o'clock|.");
  CHECK(bars(word.split("c'mon, ma'am, s'pose")) == "c'mon|,|ma'am|,|s'pose");
  CHECK(bars(word.split("le voit-il, ce well-known grand-père")) == "le|voit-il|,|ce|well-known|grand-père");
}

TEST_CASE("word tokeniser: any white space separates, and none of it is a token") {
  CHECK(bars(word.split("  a\tb\u00A0c\u3000d\u202F? ")) == "a|b|c|d|?");
  CHECK(word.split("").empty());
  CHECK(word.split(" \t ").empty());
}

TEST_CASE("word tokeniser: joining restores what was split, to the letter") {
  for (const std::string line : {
           "les petits chats noirs ne l'ont pas vu.",
           "does he see it?",
           "Does he see it? No, he doesn't!",
           "l'enfant qu'elle a vu n'est pas là.",
           "L'homme d’hier s'est levé à 10:30; il n'y a plus d'eau.",
           "He said: \"I don't know.\" Then \"go\" (quickly).",
           "“yes”, «oui» [sic] 3.5 and 1,000…",
           "Wait... what?!",
           "it's 5 o'clock p.m. in the well-known boys' room.",
           "l'«ami» d'aujourd'hui",
           "ein „Schild“ und “a sign” (“b”), „c“.",
           "",
       }) {
    CHECK(word.join(word.split(line)) == line);
  }
}

TEST_CASE("word tokeniser: French spacing puts a space before ? ! ; : » and after «") {
  for (const std::string line :
       {"le voit-il ?", "il a dit : « oui, merci ! » ; puis il s'est tu.", "\"non\" (jamais)."}) {
    CHECK(french.join(french.split(line)) == line);
  }
  CHECK(bars(french.split("le voit-il ?")) == bars(word.split("le voit-il?")));
  CHECK(word.join(word.split("le voit-il ?")) == "le voit-il?");
}

TEST_CASE("word tokeniser: invalid bytes become U+FFFD and never disappear") {
  CHECK(bars(word.split("a\xff, b\xe2\x82")) == "a\uFFFD|,|b\uFFFD");
}

TEST_CASE("character tokeniser: one token per code point, and spaces can be seen") {
  const CharacterTokenizer character;
  CHECK(bars(character.split("你好 a😀")) == "你|好|▁|a|😀");
  CHECK(character.join(character.split("does he\u3000see it?")) == "does he\u3000see it?");
  CHECK(character.join(character.split("a\tb▁c")) == "a b c");
}

TEST_CASE("space tokeniser: white space separates, nothing else changes") {
  const SpaceTokenizer space;
  CHECK(bars(space.split("  l'enfant , \t a@@ b. ")) == "l'enfant|,|a@@|b.");
  CHECK(space.join({"l'enfant", ",", "a@@", "b."}) == "l'enfant , a@@ b.");
  CHECK(bars(space.split("a\u00A0b \xff")) == "a\u00A0b|\xff");
}

TEST_CASE("bpe tokeniser: pieces stay apart as tokens and are joined to words in text") {
  const BpeTokenizer bpe;
  CHECK(bars(bpe.split("a giant pul@@ ley sy@@ st@@ em .")) == "a|giant|pul@@|ley|sy@@|st@@|em|.");
  CHECK(bpe.join(bpe.split("a giant pul@@ ley sy@@ st@@ em .")) == "a giant pulley system .");
  CHECK(bars(join_pieces({"gel@@", "b-@@", "grün@@"})) == "gelb-grün");  // the last has nothing to join
  CHECK(bars(join_pieces({"a", "@@", "b", "@@"})) == "a|b");
  CHECK(join_pieces({}).empty());
}

TEST_CASE("make_tokenizer: every tokeniser is made again by its name") {
  const std::vector<std::string> expected = {"space", "bpe", "word", "word-french", "character"};
  CHECK(tokenizer_names() == expected);
  for (const std::string& name : expected) CHECK(make_tokenizer(name)->name() == name);
  CHECK(make_tokenizer("word-french")->join({"oui", "?"}) == "oui ?");
}

TEST_CASE("make_tokenizer: an unknown name is refused, and the names are listed") {
  CHECK_THROWS_WITH_AS(
      make_tokenizer("words"),
      "make_tokenizer: no tokeniser has this name: \"words\": use one of space, bpe, word, word-french, "
      "character",
      attune::ValueError);
}
