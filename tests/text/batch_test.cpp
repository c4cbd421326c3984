#include "text/batch.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tensor/error.h"

using namespace attune;
using namespace attune::text;

namespace {

/// Pairs of all combinations of lengths, 1 to 31 and 1 to 30 (the periods have no common factor), each with
/// ids of its own.
std::vector<EncodedPair> many_pairs(std::size_t count) {
  std::vector<EncodedPair> pairs;
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = static_cast<std::int32_t>(4 + i);
    pairs.push_back(
        {std::vector<std::int32_t>(1 + i * 37 % 31, id), std::vector<std::int32_t>(1 + i * 53 % 30, id)});
  }
  return pairs;
}

std::size_t padded_tokens(const std::vector<EncodedPair>& pairs, const std::vector<std::size_t>& chosen) {
  std::size_t longest = 0;
  for (const std::size_t i : chosen) {
    longest = std::max({longest, pairs[i].source.size() + 1, pairs[i].target.size() + 1});
  }
  return longest * chosen.size();
}

}  // namespace

TEST_CASE("make_batch: sources end in </s>, targets are shifted by one, and padding fills the rest") {
  const std::vector<EncodedPair> pairs = {{{5, 6, 7}, {8}}, {{9}, {10, 11}}};
  const Batch batch = make_batch(pairs, {0, 1});
  CHECK(batch.source == Indices({2, 4}, {5, 6, 7, 3,  //
                                         9, 3, 0, 0}));
  CHECK(batch.target_in == Indices({2, 3}, {2, 8, 0,  //
                                            2, 10, 11}));
  CHECK(batch.target_out == Indices({2, 3}, {8, 3, 0,  //
                                             10, 11, 3}));
  CHECK(batch.source_lengths == std::vector<int>{4, 2});
  CHECK(batch.target_lengths == std::vector<int>{2, 3});
  CHECK(batch.target_tokens == 5);
}

TEST_CASE("make_batch: the pairs come in the order chosen, and empty sides still have their </s>") {
  const std::vector<EncodedPair> pairs = {{{5}, {6}}, {{}, {}}};
  const Batch batch = make_batch(pairs, {1, 0, 1});
  CHECK(batch.source == Indices({3, 2}, {3, 0, 5, 3, 3, 0}));
  CHECK(batch.target_in == Indices({3, 2}, {2, 0, 2, 6, 2, 0}));
  CHECK(batch.target_out == Indices({3, 2}, {3, 0, 6, 3, 3, 0}));
}

TEST_CASE("make_batch: no pair and a pair that is not there are refused") {
  CHECK_THROWS_AS(make_batch(many_pairs(3), {}), ValueError);
  CHECK_THROWS_WITH_AS(make_batch(many_pairs(3), {3}), "make_batch: no such pair: 3 of 3: count from 0",
                       IndexError);
  CHECK_THROWS_AS(make_source_batch({}), ValueError);
}

TEST_CASE("make_source_batch: sentences end in </s> and are padded") {
  const SourceBatch batch = make_source_batch({{5, 6}, {}, {7}});
  CHECK(batch.source == Indices({3, 3}, {5, 6, 3, 3, 0, 0, 7, 3, 0}));
  CHECK(batch.lengths == std::vector<int>{3, 1, 2});
}

TEST_CASE("plan_batches: every pair is in exactly one batch and no batch is over the limit") {
  const std::vector<EncodedPair> pairs = many_pairs(3000);
  for (const std::int64_t max_tokens : {32, 64, 500, 4096, 1000000}) {
    CAPTURE(max_tokens);
    std::vector<int> seen(pairs.size(), 0);
    for (const auto& chosen : plan_batches(pairs, {.max_tokens = max_tokens, .seed = 3})) {
      CHECK(padded_tokens(pairs, chosen) <= static_cast<std::size_t>(max_tokens));
      for (const std::size_t i : chosen) ++seen[i];
    }
    CHECK(std::count(seen.begin(), seen.end(), 1) == 3000);
  }
}

TEST_CASE("plan_batches: a batch holds similar lengths, so little of it is padding") {
  const std::vector<EncodedPair> pairs = many_pairs(20000);
  std::size_t padded = 0, longest_side = 0;
  const auto batches = plan_batches(pairs, {.max_tokens = 1000});
  for (const auto& chosen : batches) padded += padded_tokens(pairs, chosen);
  for (const EncodedPair& pair : pairs) longest_side += std::max(pair.source.size(), pair.target.size()) + 1;
  // Unsorted, padding would add 45 %.
  CHECK(static_cast<double>(padded) < 1.15 * static_cast<double>(longest_side));
  CHECK(padded > 800 * batches.size());  // and the batches are full
}

TEST_CASE("plan_batches: the order depends on seed and epoch and on nothing else") {
  const std::vector<EncodedPair> pairs = many_pairs(2000);
  const auto plan = [&](std::uint64_t seed, std::uint64_t epoch) {
    return plan_batches(pairs, {.max_tokens = 300, .seed = seed, .epoch = epoch});
  };
  CHECK(plan(1, 0) == plan(1, 0));
  CHECK(plan(1, 0) != plan(1, 1));
  CHECK(plan(1, 0) != plan(2, 0));
  CHECK(plan(1, 2) != plan(2, 1));

  // Not only the order of the batches changes with the epoch, but also who is in them.
  auto first = plan(1, 0), second = plan(1, 1);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  CHECK(first != second);
}

TEST_CASE("plan_batches: the order is the same on every platform") {
  // Computed by a separate program from the definitions of Threefry, of the shuffle and of the sort, which
  // must be stable: many of these pairs have equal lengths.
  std::vector<EncodedPair> pairs;
  for (std::size_t i = 0; i < 40; ++i) {
    pairs.push_back({std::vector<std::int32_t>(1 + i % 3, 4), std::vector<std::int32_t>(1 + i % 2, 4)});
  }
  const std::vector<std::vector<std::size_t>> expected = {{26, 14, 2, 38, 8, 32, 20},
                                                          {16, 22, 34, 31, 7, 9, 15, 19, 13, 3},
                                                          {0, 24, 18, 36, 12, 6, 30, 10, 28, 4},
                                                          {29, 5, 17, 23, 11, 35},
                                                          {33, 25, 21, 27, 1, 39, 37}};
  CHECK(plan_batches(pairs, {.max_tokens = 30, .seed = 1, .epoch = 2}) == expected);
}

TEST_CASE("plan_batches: in a large corpus, even pairs without equals meet others in every epoch") {
  std::vector<EncodedPair> pairs;
  for (std::size_t i = 0; i < 400; ++i) pairs.push_back({std::vector<std::int32_t>(1 + i, 4), {4}});
  auto first = plan_batches(pairs, {.max_tokens = 500, .epoch = 0});
  auto second = plan_batches(pairs, {.max_tokens = 500, .epoch = 1});
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  CHECK(first != second);
}

TEST_CASE("plan_batches: batches come in no order of length") {
  const std::vector<EncodedPair> pairs = many_pairs(3000);
  int longer = 0, shorter = 0;
  std::size_t before = 0;
  for (const auto& chosen : plan_batches(pairs, {.max_tokens = 300})) {
    const std::size_t now = pairs[chosen[0]].target.size();
    ++(now > before ? longer : shorter);
    before = now;
  }
  CHECK(longer > 50);
  CHECK(shorter > 50);
}

TEST_CASE("plan_batches: a pair above the limit is a batch of its own and is not lost") {
  const std::vector<EncodedPair> pairs = {{{5}, {6}}, {std::vector<std::int32_t>(50, 7), {8}}, {{9}, {9}}};
  auto batches = plan_batches(pairs, {.max_tokens = 10});
  std::sort(batches.begin(), batches.end());
  for (auto& batch : batches) std::sort(batch.begin(), batch.end());
  std::sort(batches.begin(), batches.end());
  CHECK(batches == std::vector<std::vector<std::size_t>>{{0, 2}, {1}});
}

TEST_CASE("plan_batches: no pairs make no batches, and a limit must be positive") {
  CHECK(plan_batches({}, {}).empty());
  CHECK_THROWS_AS(plan_batches(many_pairs(3), {.max_tokens = 0}), ValueError);
}

TEST_CASE("make_batches: the batches of the plan, in its order") {
  const std::vector<EncodedPair> pairs = many_pairs(100);
  const BatchOptions options = {.max_tokens = 120, .seed = 4, .epoch = 1};
  const auto plan = plan_batches(pairs, options);
  const std::vector<Batch> batches = make_batches(pairs, options);
  REQUIRE(batches.size() == plan.size());
  for (std::size_t i = 0; i < plan.size(); ++i) CHECK(batches[i].source == make_batch(pairs, plan[i]).source);
}

TEST_CASE("encode_pairs: pairs longer than the limit with their </s> are left out and counted") {
  TokenCounts counts;
  count_tokens({"a", "b", "c"}, counts);
  const SpaceTokenizer space;
  const Vocabulary vocabulary(counts);
  const Language language{space, vocabulary};
  const EncodedCorpus corpus =
      encode_pairs({{"a b", "c x"}, {"a b c", "a"}, {"a", "a b c"}, {"c", "b"}}, language, language, 3);
  CHECK(corpus.pairs == std::vector<EncodedPair>{{{4, 5}, {6, 1}}, {{6}, {5}}});
  CHECK(corpus.too_long == 2);
  CHECK(corpus.source_tokens == 3);
  CHECK(corpus.source_unknown == 0);
  CHECK(corpus.target_tokens == 3);
  CHECK(corpus.target_unknown == 1);
  CHECK(corpus.summary() ==
        "encoded 2 pairs, left out 2 longer than 3 tokens; unknown are 0.00 % of the source tokens and 33.33 "
        "% of the "
        "target tokens");
  CHECK_THROWS_AS(encode_pairs({}, language, language, 1), ValueError);
}
