#include "autograd/attention.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>

#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "autograd/views.h"
#include "tensor/error.h"
#include "tensor/indexing.h"
#include "tests/support/array.h"

using namespace attune;
using namespace attune::testing;

namespace {

const Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();

using Rule = std::function<bool(Index batch, Index query, Index key)>;

void check_mask(const Mask& mask, Index batch, Index queries, Index keys, const Rule& rule) {
  const Tensor allowed = mask.to_tensor(batch, queries, keys);
  CHECK(allowed.size(1) == queries);
  CHECK(allowed.size(2) == keys);
  int wrong = 0;
  for (Index b = 0; b < batch; ++b)
    for (Index t = 0; t < queries; ++t)
      for (Index s = 0; s < keys; ++s) {
        const bool expected = rule(b, t, s);
        wrong += mask.allows(b, t, s) != expected;
        wrong += (allowed.at({allowed.size(0) == 1 ? 0 : b, t, s}) != 0) != expected;
      }
  CHECK(wrong == 0);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape())) return false;
  const std::vector<Scalar> left = a.values();
  const std::vector<Scalar> right = b.values();
  return left.empty() || std::memcmp(left.data(), right.data(), left.size() * sizeof(Scalar)) == 0;
}

// x with the numbers of batch entry `b`, positions from `from` on along axis 2, replaced. x is (B, H, S, D).
Tensor with_positions(const Tensor& x, Index b, Index from, Scalar value) {
  Tensor changed = copy(x);
  Scalar* numbers = changed.writable();
  for (Index h = 0; h < x.size(1); ++h)
    for (Index s = from; s < x.size(2); ++s)
      for (Index d = 0; d < x.size(3); ++d)
        numbers[((b * x.size(1) + h) * x.size(2) + s) * x.size(3) + d] = value;
  return changed;
}

struct Attended {
  Tensor y, dquery, dkey, dvalue;
};

Attended attend(const Tensor& query, const Tensor& key, const Tensor& value, const Mask& mask,
                const Tensor& dy, Tensor* weights = nullptr) {
  const Variable q = tracked(query);
  const Variable k = tracked(key);
  const Variable v = tracked(value);
  const Variable y = attention(q, k, v, mask, {}, weights);
  const std::vector<Variable> d = gradients(y, {q, k, v}, dy);
  return {y.value(), d[0].value(), d[1].value(), d[2].value()};
}

}  // namespace

// ---- masks

TEST_CASE("mask: with nothing said everything is allowed") {
  CHECK(Mask().allows_everything());
  check_mask(Mask(), 2, 3, 4, [](Index, Index, Index) { return true; });
}

TEST_CASE("mask: causal lets a query see keys up to its own position") {
  check_mask(Mask::causal(), 2, 5, 5, [](Index, Index t, Index s) { return s <= t; });
  check_mask(Mask::causal(), 1, 3, 5, [](Index, Index t, Index s) { return s <= t; });
  check_mask(Mask::causal(), 1, 0, 5, [](Index, Index, Index) { return false; });
}

TEST_CASE("mask: padding hides the keys behind each entry's length") {
  const std::vector<int> lengths{3, 0, 5, 7};
  check_mask(Mask::padding(lengths), 4, 2, 5,
             [&](Index b, Index, Index s) { return s < lengths[static_cast<std::size_t>(b)]; });
}

TEST_CASE("mask: a window reaches as far before and after as told") {
  check_mask(Mask::window(2, 1), 1, 6, 6, [](Index, Index t, Index s) { return s >= t - 2 && s <= t + 1; });
  constexpr Index any = std::numeric_limits<Index>::max();
  check_mask(Mask::window(any, 0), 1, 4, 4, [](Index, Index t, Index s) { return s <= t; });
  check_mask(Mask::window(0, any), 1, 4, 4, [](Index, Index t, Index s) { return s >= t; });
  check_mask(Mask::local_and_global(any, 0), 1, 4, 4, [](Index, Index, Index) { return true; });
  check_mask(Mask::window(0, 0), 1, 4, 4, [](Index, Index t, Index s) { return s == t; });
}

TEST_CASE("mask: global positions see and are seen by all, the others their neighbourhood") {
  check_mask(Mask::local_and_global(1, 2), 1, 7, 7,
             [](Index, Index t, Index s) { return t < 2 || s < 2 || std::abs(t - s) <= 1; });
}

TEST_CASE("mask: an explicit one is as given, for all entries or for each") {
  const Tensor shared = tensor({{1, 0, 1}, {0, 0, 1}});
  check_mask(Mask::explicitly(shared), 3, 2, 3, [&](Index, Index t, Index s) {
    return shared.at({t, s}) != 0;
  });
  const Tensor each = stack({shared, 1 - shared});
  check_mask(Mask::explicitly(each), 2, 2, 3, [&](Index b, Index t, Index s) {
    return each.at({b, t, s}) != 0;
  });
  check_mask(Mask::explicitly(transpose(shared)), 1, 3, 2, [&](Index, Index t, Index s) {
    return shared.at({s, t}) != 0;
  });
}

TEST_CASE("mask: & allows what both allow, in any order and number") {
  const std::vector<int> lengths{2, 4};
  const Rule rule = [&](Index b, Index t, Index s) {
    return s <= t && s < lengths[static_cast<std::size_t>(b)] && s >= t - 1;
  };
  check_mask(Mask::causal() & Mask::padding(lengths) & Mask::window(1, 9), 2, 4, 4, rule);
  check_mask(Mask::window(1, 9) & (Mask::padding(lengths) & Mask::causal()), 2, 4, 4, rule);
  check_mask(Mask() & Mask::causal() & Mask(), 2, 4, 4, [](Index, Index t, Index s) { return s <= t; });
}

TEST_CASE("mask: with an offset the first query stands where the cached keys end") {
  check_mask(Mask::causal().from_query(3), 1, 2, 5, [](Index, Index t, Index s) { return s <= t + 3; });
  check_mask((Mask::window(1, 0) & Mask::padding({4})).from_query(2), 1, 3, 5,
             [](Index, Index t, Index s) { return s >= t + 1 && s <= t + 2 && s < 4; });
  const Tensor square = tensor({{1, 0, 0}, {0, 1, 0}, {1, 1, 0}});
  check_mask(Mask::explicitly(square).from_query(1), 1, 2, 3, [&](Index, Index t, Index s) {
    return square.at({t + 1, s}) != 0;
  });
}

TEST_CASE("mask: padding joins masks for any query, because it asks only for the key") {
  const std::vector<int> lengths{2, 5};
  const Rule rule = [&](Index b, Index t, Index s) {
    return s <= t + 3 && s < lengths[static_cast<std::size_t>(b)];
  };
  const Mask causal = Mask::causal().from_query(3);
  const Mask padding = Mask::padding(lengths);
  check_mask(causal & padding, 2, 2, 5, rule);
  check_mask(padding & causal, 2, 2, 5, rule);
  check_mask(padding.from_query(1) & causal, 2, 2, 5, rule);
  check_mask(causal & padding.from_query(7) & padding, 2, 2, 5, rule);
  check_mask((padding & padding).from_query(2) & Mask::causal(), 2, 5, 5,
             [&](Index b, Index t, Index s) { return s <= t && s < lengths[static_cast<std::size_t>(b)]; });
  check_mask((padding & Mask::causal()).from_query(3), 2, 2, 5, rule);
  check_mask(Mask() & causal & Mask(), 1, 2, 5, [](Index, Index t, Index s) { return s <= t + 3; });
  // Joined with padding, a mask for queries still refuses another for other queries.
  CHECK_THROWS_AS((padding & causal) & Mask::causal(), ValueError);
  CHECK_THROWS_AS(Mask::causal() & (causal & padding), ValueError);
}

TEST_CASE(
    "mask: an explicit one may have rows for queries still to come only when told where the queries begin") {
  const Tensor square = tensor({{1, 0, 0}, {1, 1, 0}, {1, 1, 1}});
  CHECK_THROWS_AS(Mask::explicitly(square).to_tensor(1, 1, 3), ShapeError);
  CHECK(Mask::explicitly(square).from_query(0).to_tensor(1, 1, 3).values() == std::vector<Scalar>{1, 0, 0});
  CHECK((Mask::explicitly(square).from_query(1) & Mask::padding({3})).to_tensor(1, 1, 3).values() ==
        std::vector<Scalar>{1, 1, 0});
  CHECK_THROWS_AS(static_cast<void>(Mask::explicitly(square).allows(0, 3, 0)), IndexError);
  CHECK_THROWS_AS(static_cast<void>(Mask::explicitly(square).from_query(2).allows(0, 1, 0)), IndexError);
  CHECK_THROWS_AS(static_cast<void>(Mask::explicitly(square).allows(0, 0, 3)), IndexError);
  CHECK_THROWS_AS(static_cast<void>(Mask::explicitly(stack({square})).allows(1, 0, 0)), IndexError);
  CHECK_THROWS_AS(static_cast<void>(Mask::causal().allows(0, -1, 0)), IndexError);
  CHECK_THROWS_AS(Mask::explicitly(full({2, 2}, 2)), ValueError);
}

TEST_CASE("mask: some entries of a batch keep their own rules") {
  const Tensor each = stack({ones({2, 3}), tensor({{1, 0, 1}, {0, 0, 1}}), zeros({2, 3})});
  const Mask mask = Mask::padding({3, 2, 1}) & Mask::explicitly(each);
  const Mask some = mask.of_entries(Indices({2}, {1, 0}));
  check_mask(some, 2, 2, 3, [&](Index b, Index t, Index s) { return mask.allows(1 - b, t, s); });
  check_mask(Mask::causal().of_entries(Indices({1}, {5})), 1, 3, 3,
             [](Index, Index t, Index s) { return s <= t; });
  CHECK_THROWS_AS(Mask::padding({3, 2}).of_entries(Indices({1}, {2})), IndexError);
}

TEST_CASE(
    "mask: the stretch of a query holds every key that it may attend to, and has gaps only where told") {
  constexpr Index any = std::numeric_limits<Index>::max();
  const Mask masks[] = {Mask(),
                        Mask::causal(),
                        Mask::causal().from_query(4),
                        Mask::padding({5, 0}),
                        Mask::window(2, 1),
                        Mask::window(any, any),
                        Mask::window(1, 0).from_query(9),
                        Mask::local_and_global(1, 2),
                        Mask::local_and_global(0, any),
                        Mask::local_and_global(1, 2).from_query(12),
                        Mask::local_and_global(any, 0) & Mask::causal(),
                        Mask::causal() & Mask::padding({3, 5}) & Mask::local_and_global(1, 1)};
  for (const Mask& mask : masks)
    for (const Index keys : {0, 1, 5, 6, 7})
      for (Index b = 0; b < 2; ++b)
        for (Index t = 0; t < 8; ++t) {
          const Mask::Reach reach = mask.reach(b, t, keys);
          CHECK(0 <= reach.begin);
          CHECK(reach.begin <= reach.end);
          CHECK(reach.end <= keys);
          for (Index s = 0; s < keys; ++s) {
            const bool inside = s >= reach.begin && s < reach.end;
            if (mask.allows(b, t, s)) CHECK(inside);
            if (inside && !reach.gaps) CHECK(mask.allows(b, t, s));
            for (Index end = s; end <= keys; ++end) {  // any part of a row
              std::vector<Scalar> row(static_cast<std::size_t>(end - s), -1);
              mask.write_row(b, t, s, end, row.data());
              for (Index key = s; key < end; ++key)
                CHECK((row[static_cast<std::size_t>(key - s)] == 1) == mask.allows(b, t, key));
            }
          }
        }
}

TEST_CASE("mask: what makes no sense is refused in words") {
  CHECK_THROWS_WITH_AS(Mask::padding({3, -1}), "mask: a length is -1: lengths must be 0 or more", ValueError);
  CHECK_THROWS_WITH_AS(Mask::window(-1, 0), "mask: a window of -1 before and 0 after: give 0 or more",
                       ValueError);
  CHECK_THROWS_WITH_AS(Mask::local_and_global(1, -2), "mask: reach 1 and -2 global: give 0 or more",
                       ValueError);
  CHECK_THROWS_WITH_AS(Mask::explicitly(ones({3})),
                       "mask: an explicit mask is (T, S) or (B, T, S): (3,): all heads share it", ShapeError);
  CHECK_THROWS_AS(Mask::explicitly(Tensor()), ValueError);
  CHECK_THROWS_WITH_AS(Mask::padding({3, 2}).to_tensor(3, 2, 4),
                       "mask: 2 lengths for a batch of 3: give one for each entry", ShapeError);
  CHECK_THROWS_WITH_AS(Mask::explicitly(ones({2, 3})).to_tensor(1, 2, 4),
                       "mask: an explicit mask of (2, 3) does not fit a batch of 1, 2 queries from position "
                       "0 and 4 keys: give "
                       "(T, S) or (B, T, S)",
                       ShapeError);
  CHECK_THROWS_AS(Mask::explicitly(ones({2, 2, 3})).to_tensor(3, 2, 3), ShapeError);
  CHECK_THROWS_AS(Mask::explicitly(ones({2, 3})).from_query(1).to_tensor(1, 2, 3), ShapeError);
  CHECK_THROWS_WITH_AS(Mask::causal().from_query(2) & Mask::window(1, 1),
                       "mask: query offsets differ, 2 and 0: join the masks first, then call from_query",
                       ValueError);
  CHECK_THROWS_WITH_AS(Mask::causal().from_query(-1), "mask: the first query stands at -1: give 0 or more",
                       ValueError);
}

// ---- attention

TEST_CASE(
    "attention: a query that may attend to nothing gets zeros and gives finite gradients, its own zero") {
  std::mt19937 engine(1);
  const Tensor query = random_tensor({2, 2, 3, 4}, engine);
  const Tensor key = random_tensor({2, 2, 5, 4}, engine);
  const Tensor value = random_tensor({2, 2, 5, 3}, engine);
  const Tensor dy = random_tensor({2, 2, 3, 3}, engine);
  // Entry 1 has no keys at all; in entry 0 query 1 is shut out.
  const Mask mask =
      Mask::padding({5, 0}) & Mask::explicitly(tensor({{1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}, {1, 0, 1, 0, 1}}));
  const Attended found = attend(query, key, value, mask, dy);
  for (const Tensor& x : {found.y, found.dquery, found.dkey, found.dvalue}) CHECK_FALSE(any_non_finite(x));
  CHECK(same_values(select(found.y, 0, 1), zeros({2, 3, 3})));
  CHECK(same_values(select(select(found.y, 0, 0), 1, 1), zeros({2, 3})));
  CHECK(same_values(select(found.dquery, 0, 1), zeros({2, 3, 4})));
  CHECK(same_values(select(select(found.dquery, 0, 0), 1, 1), zeros({2, 4})));
  CHECK(same_values(select(found.dkey, 0, 1), zeros({2, 5, 4})));
  CHECK(same_values(select(found.dvalue, 0, 1), zeros({2, 5, 3})));
  CHECK(max(abs(found.y)).item() > 0);
}

TEST_CASE("attention: what stands in padded keys and values changes nothing, to the last bit, not even NaN") {
  std::mt19937 engine(2);
  const Tensor query = random_tensor({3, 2, 4, 8}, engine);
  const Tensor key = random_tensor({3, 2, 9, 8}, engine);
  const Tensor value = random_tensor({3, 2, 9, 5}, engine);
  const Tensor dy = random_tensor({3, 2, 4, 5}, engine);
  for (const Mask& mask : {Mask::padding({9, 4, 0}), Mask::padding({9, 4, 0}) & Mask::window(3, 3)}) {
    const Attended base = attend(query, key, value, mask, dy);
    for (const Scalar filler : {Scalar(0), Scalar(-3), Scalar(1e30), std::numeric_limits<Scalar>::max(),
                                not_a_number, std::numeric_limits<Scalar>::infinity()}) {
      Tensor dirty_key = with_positions(with_positions(key, 1, 4, filler), 2, 0, filler);
      Tensor dirty_value = with_positions(with_positions(value, 1, 4, filler), 2, 0, filler);
      const Attended found = attend(query, dirty_key, dirty_value, mask, dy);
      INFO("padding of ", filler);
      CHECK(same_bits(found.y, base.y));
      CHECK(same_bits(found.dquery, base.dquery));
      CHECK(same_bits(found.dkey, base.dkey));
      CHECK(same_bits(found.dvalue, base.dvalue));
      // And no gradient reaches the padding.
      CHECK(same_values(slice(select(found.dkey, 0, 1), 1, 4, 9), zeros({2, 5, 8})));
      CHECK(same_values(slice(select(found.dvalue, 0, 1), 1, 4, 9), zeros({2, 5, 5})));
    }
  }
}

TEST_CASE(
    "attention: a query that may attend to nothing changes nothing, to the last bit, not even where it is "
    "NaN") {
  std::mt19937 engine(12);
  const Tensor query = random_tensor({2, 2, 4, 8}, engine);
  const Tensor key = random_tensor({2, 2, 5, 8}, engine);
  const Tensor value = random_tensor({2, 2, 5, 3}, engine);
  const Tensor dy = random_tensor({2, 2, 4, 3}, engine);
  // Queries 2 and 3 of entry 1 stand in its padding, and are shut out.
  Tensor rows = ones({2, 4, 5});
  for (Index i = 0; i < 2 * 5; ++i) rows.writable()[(1 * 4 + 2) * 5 + i] = 0;
  const Mask mask = Mask::padding({5, 2}) & Mask::explicitly(rows);
  const Attended base = attend(query, key, value, mask, dy);
  for (const Scalar filler : {Scalar(0), Scalar(-3), std::numeric_limits<Scalar>::max(), not_a_number,
                              std::numeric_limits<Scalar>::infinity()}) {
    const Attended found = attend(with_positions(query, 1, 2, filler), key, value, mask, dy);
    INFO("a shut-out query of ", filler);
    CHECK(same_bits(found.y, base.y));
    CHECK(same_bits(found.dquery, base.dquery));
    CHECK(same_bits(found.dkey, base.dkey));
    CHECK(same_bits(found.dvalue, base.dvalue));
    CHECK(same_values(slice(select(found.dquery, 0, 1), 1, 2, 4), zeros({2, 2, 8})));
  }
}

TEST_CASE(
    "attention: a padded query that no loss listens to changes nothing, to the last bit, if its scores are "
    "finite") {
  std::mt19937 engine(13);
  const Tensor x = random_tensor({2, 2, 5, 8}, engine);  // self-attention: queries, keys and values in one
  Tensor dy = random_tensor({2, 2, 5, 8}, engine);
  dy = with_positions(dy, 1, 3, 0);
  const Mask mask = Mask::padding({5, 3});
  const Attended base = attend(x, x, x, mask, dy);
  for (const Scalar filler : {Scalar(0), Scalar(-3), Scalar(1e15)}) {
    const Tensor dirty = with_positions(x, 1, 3, filler);
    const Attended found = attend(dirty, dirty, dirty, mask, dy);
    INFO("padding of ", filler);
    for (const auto& [now, before] : {std::pair{found.y, base.y},
                                      {found.dquery, base.dquery},
                                      {found.dkey, base.dkey},
                                      {found.dvalue, base.dvalue}}) {
      CHECK(same_bits(select(now, 0, 0), select(before, 0, 0)));
      CHECK(same_bits(slice(select(now, 0, 1), 1, 0, 3), slice(select(before, 0, 1), 1, 0, 3)));
    }
    for (const Tensor& gradient : {found.dquery, found.dkey, found.dvalue})
      CHECK(same_values(slice(select(gradient, 0, 1), 1, 3, 5), zeros({2, 2, 8})));
  }
}

TEST_CASE("attention: more padding changes the real tokens by less than 1e-6") {
  std::mt19937 engine(3);
  const Tensor query = random_tensor({2, 2, 4, 8}, engine);
  const Tensor key = random_tensor({2, 2, 6, 8}, engine);
  const Tensor value = random_tensor({2, 2, 6, 5}, engine);
  const Tensor dy = random_tensor({2, 2, 4, 5}, engine);
  const Attended tight = attend(query, key, value, Mask::padding({6, 3}), dy);
  for (const Index extra : {1, 2, 7, 30}) {
    const Tensor long_key = concatenate({key, full({2, 2, extra, 8}, 5)}, 2);
    const Tensor long_value = concatenate({value, full({2, 2, extra, 5}, 5)}, 2);
    const Attended padded = attend(query, long_key, long_value, Mask::padding({6, 3}), dy);
    CHECK(difference(array_of(padded.y), array_of(tight.y)) < 1e-6);
    CHECK(difference(array_of(padded.dquery), array_of(tight.dquery)) < 1e-6);
    CHECK(difference(array_of(slice(padded.dkey, 2, 0, 6)), array_of(tight.dkey)) < 1e-6);
    CHECK(difference(array_of(slice(padded.dvalue, 2, 0, 6)), array_of(tight.dvalue)) < 1e-6);
  }
}

TEST_CASE(
    "attention, causal: changing the future changes no earlier output and no earlier gradient, to the last "
    "bit") {
  std::mt19937 engine(4);
  const Index length = 9;
  const Tensor query = random_tensor({1, 2, length, 8}, engine);
  const Tensor key = random_tensor({1, 2, length, 8}, engine);
  const Tensor value = random_tensor({1, 2, length, 8}, engine);
  for (Index now = 1; now < length; ++now) {
    // Only the positions before `now` are asked for anything.
    Tensor dy = random_tensor({1, 2, length, 8}, engine);
    dy = with_positions(dy, 0, now, 0);
    const Attended base = attend(query, key, value, Mask::causal(), dy);
    for (const Scalar future : {Scalar(100), Scalar(-7)}) {
      const Attended found =
          attend(with_positions(query, 0, now, future), with_positions(key, 0, now, future),
                 with_positions(value, 0, now, future), Mask::causal(), dy);
      const auto before = [&](const Tensor& x) { return slice(x, 2, 0, now); };
      CHECK(same_bits(before(found.y), before(base.y)));
      CHECK(same_bits(before(found.dquery), before(base.dquery)));
      CHECK(same_bits(before(found.dkey), before(base.dkey)));
      CHECK(same_bits(before(found.dvalue), before(base.dvalue)));
      CHECK(same_values(slice(found.dkey, 2, now, length), zeros({1, 2, length - now, 8})));
      CHECK_FALSE(same_bits(slice(found.y, 2, now, length), slice(base.y, 2, now, length)));
    }
  }
}

TEST_CASE("attention: recording the weights changes no bit, and the weights are rows that sum to one") {
  std::mt19937 engine(5);
  const Tensor query = random_tensor({2, 3, 4, 8}, engine);
  const Tensor key = random_tensor({2, 3, 6, 8}, engine);
  const Tensor value = random_tensor({2, 3, 6, 5}, engine);
  const Tensor dy = random_tensor({2, 3, 4, 5}, engine);
  for (const Mask& mask : {Mask(), Mask::causal() & Mask::padding({6, 2})}) {
    Tensor weights;
    const Attended with = attend(query, key, value, mask, dy, &weights);
    const Attended without = attend(query, key, value, mask, dy);
    CHECK(same_bits(with.y, without.y));
    CHECK(same_bits(with.dquery, without.dquery));
    CHECK(same_bits(with.dkey, without.dkey));
    CHECK(same_bits(with.dvalue, without.dvalue));
    REQUIRE(weights.shape() == Shape{2, 3, 4, 6});
    for (const Scalar total : sum(weights, -1).values())
      CHECK(std::abs(static_cast<double>(total) - 1) < 1e-5);
    for (Index b = 0; b < 2; ++b)
      for (Index t = 0; t < 4; ++t)
        for (Index s = 0; s < 6; ++s)
          if (!mask.allows(b, t, s)) CHECK(weights.at({b, 1, t, s}) == 0);
  }
}

TEST_CASE("attention: queries that come one by one against the keys so far get what all at once get") {
  std::mt19937 engine(6);
  const Index length = 11;
  const Tensor query = random_tensor({2, 2, length, 8}, engine);
  const Tensor key = random_tensor({2, 2, length, 8}, engine);
  const Tensor value = random_tensor({2, 2, length, 8}, engine);
  for (const Mask& mask :
       {Mask::causal(), Mask::causal() & Mask::window(3, 0), Mask::causal() & Mask::padding({11, 6}),
        Mask::causal() & Mask::local_and_global(2, 1)}) {
    const Tensor all = attention(query, key, value, mask).value();
    for (Index t = 0; t < length; ++t) {
      const auto so_far = [&](const Tensor& x) { return slice(x, 2, 0, t + 1); };
      const Tensor one =
          attention(slice(query, 2, t, t + 1), so_far(key), so_far(value), mask.from_query(t)).value();
      CHECK(difference(array_of(one), array_of(slice(all, 2, t, t + 1))) < 1e-6);
    }
  }
}

TEST_CASE("attention: a bias of minus infinity forbids as a mask does") {
  std::mt19937 engine(7);
  const Tensor query = random_tensor({1, 3, 4}, engine);
  const Tensor key = random_tensor({1, 3, 4}, engine);
  const Tensor value = random_tensor({1, 3, 4}, engine);
  const Tensor bias =
      where(Mask::causal().to_tensor(1, 3, 3), Tensor(Scalar(0)), -std::numeric_limits<Scalar>::infinity());
  CHECK(difference(array_of(attention(query, key, value, {}, bias).value()),
                   array_of(attention(query, key, value, Mask::causal()).value())) < 1e-6);
}

TEST_CASE("attention: scores of 1e4 do not overflow") {
  const Tensor large = full({1, 2, 4}, 100);
  const Attended found = attend(large, large, large, Mask::causal(), ones({1, 2, 4}));
  for (const Tensor& x : {found.y, found.dquery, found.dkey, found.dvalue}) CHECK_FALSE(any_non_finite(x));
}

TEST_CASE("attention: no queries, no keys or no entries give empty or zero results, not errors") {
  const auto shape_of_result = [](Index batch, Index queries, Index keys, const Mask& mask) {
    const Attended found = attend(zeros({batch, 2, queries, 4}), zeros({batch, 2, keys, 4}),
                                  zeros({batch, 2, keys, 3}), mask, ones({batch, 2, queries, 3}));
    CHECK_FALSE(any_non_finite(found.y));
    CHECK_FALSE(any_non_finite(found.dquery));
    return found.y.shape();
  };
  for (const Mask& mask : {Mask(), Mask::causal(), Mask::window(1, 1)}) {
    CHECK(shape_of_result(2, 0, 3, mask) == Shape{2, 2, 0, 3});
    CHECK(shape_of_result(2, 3, 0, mask) == Shape{2, 2, 3, 3});
    CHECK(shape_of_result(0, 3, 3, mask) == Shape{0, 2, 3, 3});
  }
}

TEST_CASE("attention: shapes that do not fit are refused, all three named") {
  const Tensor query = zeros({2, 2, 3, 4});
  CHECK_THROWS_WITH_AS(
      attention(query, zeros({2, 2, 5, 3}), zeros({2, 2, 5, 4})),
      "attention: shapes do not fit: query (2, 2, 3, 4), key (2, 2, 5, 3), value (2, 2, 5, 4): wanted are "
      "(B, H, T, D), (B, H, S, D) and (B, H, S, E), or all three without H",
      ShapeError);
  CHECK_THROWS_AS(attention(query, zeros({2, 2, 5, 4}), zeros({2, 2, 4, 4})), ShapeError);  // S
  CHECK_THROWS_AS(attention(query, zeros({2, 1, 5, 4}), zeros({2, 1, 5, 4})), ShapeError);  // H
  CHECK_THROWS_AS(attention(query, zeros({2, 5, 4}), zeros({2, 5, 4})), ShapeError);        // rank
  CHECK_THROWS_AS(attention(zeros({3, 4}), zeros({5, 4}), zeros({5, 4})), ShapeError);      // rank
  CHECK_THROWS_AS(attention(query, query, query, Mask::padding({1, 2, 3})), ShapeError);    // entries
  CHECK_THROWS_WITH_AS(attention(query, query, query, {}, zeros({5, 2, 2, 3, 3})),
                       "attention: the bias does not broadcast to the scores: (5, 2, 2, 3, 3) for (2, 2, 3, "
                       "3): give sizes that "
                       "are equal or 1",
                       ShapeError);
}
