#include EXERCISE

#include <doctest/doctest.h>

namespace {

// The chapter's example.
const std::map<Pieces, int> words{
    {{"d", "o", "r", "t"}, 5}, {{"d", "o", "r", "m", "e", "n", "t"}, 3}, {{"p", "o", "r", "t"}, 2}};

std::string shown(const Pieces& pieces) {
  return attune::text::SpaceTokenizer().join(pieces);
}

std::string shown(const Pair& pair) {
  return "\"" + pair.first + "\" \"" + pair.second + "\"";
}

void expect_pair(const std::map<Pieces, int>& text, const Pair& expected, const std::string& hint) {
  const Pair given = most_frequent_pair(text);
  CHECK_MESSAGE(given == expected, "expected ", shown(expected), ", got ", shown(given), ". ", hint);
}

void expect_join(const std::string& word, const Pair& pair, const std::string& expected,
                 const std::string& hint) {
  const std::string given = shown(join(attune::text::SpaceTokenizer().split(word), pair));
  CHECK_MESSAGE(given == expected, "\"", word, "\" with ", shown(pair), " joined should be \"", expected,
                "\", and is \"", given, "\". ", hint);
}

}  // namespace

TEST_CASE("the most frequent pair of neighbours") {
  expect_pair(words, {"o", "r"}, "It is in all three words: 5 + 3 + 2 = 10 times.");
  expect_pair({{{"a", "b"}, 1}, {{"a", "c"}, 1}, {{"b", "c"}, 3}}, {"b", "c"},
              "Each word counts as often as it occurs in the text: \"b c\" 3 times.");
  expect_pair({{{"x", "y", "x", "y"}, 1}, {{"a", "b"}, 1}}, {"x", "y"},
              "A pair may occur twice in one word.");
}

TEST_CASE("where pairs are equally frequent, the first in order") {
  expect_pair({{{"b", "c"}, 2}, {{"a", "z"}, 2}}, {"a", "z"}, "a comes before b.");
}

TEST_CASE("words of one piece have no pair") {
  expect_pair({{{"the"}, 100}, {{"a", "b"}, 1}}, {"a", "b"},
              "(Does the loop stop one before the last piece?)");
}

TEST_CASE("joining makes one piece of the pair, wherever it stands") {
  expect_join("d o r t", {"o", "r"}, "d or t", "");
  expect_join("o r o r t", {"o", "r"}, "or or t", "Twice in one word.");
  expect_join("p o r", {"o", "r"}, "p or", "At the end of the word.");
  expect_join("r o", {"o", "r"}, "r o", "The order counts.");
  expect_join("a a a", {"a", "a"}, "aa a", "The middle one is used up by the first join.");
  expect_join("a b c", {"ab", "c"}, "a b c", "\"a b\" are two pieces as long as nobody has joined them.");
}

TEST_CASE("three rounds give the pieces of the chapter") {
  std::map<Pieces, int> text = words;
  std::string joins;
  for (int round = 0; round < 3; ++round) {
    const Pair pair = most_frequent_pair(text);
    joins += shown(pair) + "  ";
    std::map<Pieces, int> next;
    for (const auto& [word, count] : text) next[join(word, pair)] += count;
    text = next;
  }
  CHECK_MESSAGE(joins == "\"o\" \"r\"  \"d\" \"or\"  \"dor\" \"t\"  ",
                "the joins should be o r, d or, dor t, and are ", joins);
}
