#include EXERCISE

#include <doctest/doctest.h>

#include <sstream>

namespace {

using text::Vocabulary;

std::string shown(const Indices& rows) {
  std::ostringstream out;
  for (std::size_t i = 0; i < rows.values.size(); ++i) {
    if (rows.rank() == 2 && i % static_cast<std::size_t>(rows.size(1)) == 0) out << "\n  ";
    const std::int32_t id = rows.values[i];
    if (id == Vocabulary::pad) out << "<pad> ";
    if (id == Vocabulary::start) out << "<s> ";
    if (id == Vocabulary::end) out << "</s> ";
    if (id >= Vocabulary::special_count || id == Vocabulary::unknown) out << id << " ";
  }
  return out.str();
}

const std::vector<std::vector<std::int32_t>> sentences{{7, 8, 9}, {5}, {}};

}  // namespace

TEST_CASE("both matrices have a row for each sentence, and a column more than the longest has ids") {
  const Shifted given = shift_the_target(sentences);
  const std::vector<std::int64_t> expected{3, 4};
  CHECK_MESSAGE(given.reads.sizes == expected, "`reads` should be (3, 4): 3 sentences, and <s> before 3 ids");
  CHECK_MESSAGE(given.says.sizes == expected, "`says` should be (3, 4): 3 sentences, and </s> behind 3 ids");
}

TEST_CASE("the decoder reads <s> and the ids") {
  const Indices given = shift_the_target(sentences).reads;
  const Indices expected(
      {3, 4}, {Vocabulary::start, 7, 8, 9, Vocabulary::start, 5, 0, 0, Vocabulary::start, 0, 0, 0});
  CHECK_MESSAGE(given == expected, "`reads` should be", shown(expected), "\nand is", shown(given),
                "\nDoes it hold </s>? That is never read: the sentence is over when it has been said.");
}

TEST_CASE("the decoder must say the ids and </s>") {
  const Indices given = shift_the_target(sentences).says;
  const Indices expected({3, 4},
                         {7, 8, 9, Vocabulary::end, 5, Vocabulary::end, 0, 0, Vocabulary::end, 0, 0, 0});
  CHECK_MESSAGE(
      given == expected, "`says` should be", shown(expected), "\nand is", shown(given),
      "\n</s> stands right behind the last id of its own sentence, before the padding. An empty sentence is "
      "over at once.");
}

TEST_CASE("what is to be said has not been read yet") {
  const Shifted given = shift_the_target({{4, 5, 6, 7}});
  REQUIRE(given.reads.sizes == given.says.sizes);
  std::ostringstream seen;
  for (Index t = 0; t < given.reads.size(1); ++t)
    for (Index earlier = 0; earlier <= t; ++earlier)
      if (given.reads.at(0, earlier) == given.says.at(0, t))
        seen << "\nposition " << t << " must say " << given.says.at(0, t) << ", which stands in `reads` at "
             << earlier;
  CHECK_MESSAGE(
      seen.str().empty(), seen.str(),
      "\nA model would learn to copy it, have a wonderful loss, and be useless (text/README.md, \"The "
      "shifted target\").");
}
