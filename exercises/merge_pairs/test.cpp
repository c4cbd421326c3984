#include EXERCISE

#include <doctest/doctest.h>

#include <string>

namespace {

std::string shown(const std::vector<Pair>& pairs) {
  std::string line;
  for (const Pair& pair : pairs) line += (line.empty() ? "" : ", ") + pair.first + " " + pair.second;
  return line.empty() ? "nothing" : line;
}

// Compares, and says what stood where another pair belongs.
void check(const std::vector<Pair>& found, const std::vector<Pair>& wanted, const std::string& hint) {
  CHECK_MESSAGE(found == wanted, "the pairs should be ", shown(wanted), ", and are ", shown(found), ". ",
                hint);
}

}  // namespace

TEST_CASE("the paper's four words") {
  const std::map<std::string, int> words{{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};
  check(learn_merges(words, 1), {{"e", "s"}},
        "e s, s t and t _ are all there 9 times, in newest and widest: the first in order is e s.");
  check(learn_merges(words, 5), {{"e", "s"}, {"es", "t"}, {"est", "_"}, {"l", "o"}, {"lo", "w"}},
        "After each round count again, in the pieces as they are now.");
}

TEST_CASE("a word counts as often as it was seen") {
  check(learn_merges({{"ab", 1}, {"ac", 1}, {"ad", 1}, {"zzz", 2}}, 1), {{"z", "z"}},
        "zzz was seen twice and has the pair z z twice: 4 in all.");
}

TEST_CASE("a pair is joined wherever it stands, once for each piece") {
  // aaa_ has the pair a a twice, but only one of them can be joined: aa a _.
  check(learn_merges({{"aaa", 2}}, 3), {{"a", "a"}, {"a", "_"}, {"aa", "a_"}},
        "A piece that has been joined is not joined again in the same round: from aaa come aa and a.");
  check(learn_merges({{"abab", 1}, {"ababab", 1}}, 2), {{"a", "b"}, {"ab", "ab"}},
        "All places of a b are joined in one round; the next pair is ab ab, three times.");
}

TEST_CASE("it stops when there is nothing left to join") {
  check(learn_merges({{"a", 3}}, 10), {{"a", "_"}}, "One piece is left; there is no pair any more.");
  check(learn_merges({}, 10), {}, "No words, no pairs.");
  check(learn_merges({{"low", 5}}, 0), {}, "No rounds were asked for.");
}
