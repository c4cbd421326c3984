#include "autograd/streaming_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tensor/gemm.h"
#include "tensor/simd/kernels.h"
#include "tensor/thread_pool.h"

// One entry is one head of one sentence: Q (T, D), K (S, D), V (S, E). It is cut into tiles of queries by
// keys, whose scores fit a cache.
//
// Forward, for each block of queries, along the keys. After some tiles of keys a query has
//   m = the largest score so far,   n = Σ_s exp(z_s − m),   y = Σ_s exp(z_s − m) v_s
// and if the next tile has a larger one, m', all that was summed up is too large by exp(m' − m):
//   n ← n exp(m − m') + Σ_s exp(z_s − m'),   y ← y exp(m − m') + Σ_s exp(z_s − m') v_s
// At the end y / n is the answer: no weight was kept.
//
// Backward makes the weights of a tile again, A = exp(Z − m) / n, and goes through the formulas of
// docs/attention.md:
//   dV += Aᵀ dY,   dA = dY Vᵀ,   dZ = A ⊙ (dA − rowsum(dA ⊙ A)),   dQ += dZ K / √D,   dK += dZᵀ Q / √D
// The sum over a whole row would need all tiles of keys at once. But
//   Σ_s da_s a_s = Σ_s (Σ_e dy_e v_se) a_s = Σ_e dy_e (Σ_s a_s v_se) = Σ_e dy_e y_e
// which is known before.

namespace attune::inline ATTUNE_PRECISION {
namespace {

// The scores of a tile are 64 KiB, and stay in the second-level cache.
constexpr Index tile_queries = 128;
constexpr Index tile_keys = 128;
// Fewer queries than this are asked one by one: no packed keys would be used often enough.
constexpr Index few_queries = 4;
// Multiply-adds that are worth a thread.
constexpr Index work_at_once = 1 << 18;

constexpr Scalar minus_infinity = -std::numeric_limits<Scalar>::infinity();

struct Range {
  Index begin = 0, end = 0;
  Index size() const { return end - begin; }
};

Range part(Index begin, Index size, Index end) {
  return {begin, std::min(end, begin + size)};
}

// Where row `row` of head `h` of sentence `b` begins in x (B, H, rows, columns).
Index place(const Tensor& x, Index b, Index h, Index row) {
  return b * x.strides()[0] + h * x.strides()[1] + row * x.strides()[2];
}

// Rows of one head's matrix.
GemmOperand rows_of(const Tensor& x, Index b, Index h, Range rows) {
  return {x.data() + place(x, b, h, rows.begin), rows.size(), x.size(3), x.strides()[2], x.strides()[3]};
}

// A tensor (B, H, rows, columns) to be written, in memory (B, rows, H, columns).
struct Output {
  Tensor tensor;
  Scalar* numbers;

  Output(const Shape& shape) {
    Tensor memory = Tensor::uninitialised({shape[0], shape[2], shape[1], shape[3]});
    numbers = memory.writable();
    tensor = permute(memory, {0, 2, 1, 3});
  }
  Scalar* row(Index b, Index h, Index row) const { return numbers + place(tensor, b, h, row); }
  Index row_stride() const { return tensor.strides()[2]; }
  GemmResult rows_from(Index b, Index h, Index first) const { return {row(b, h, first), row_stride()}; }
  void clear(Index b, Index h, Range rows) const {
    for (Index r = rows.begin; r < rows.end; ++r) std::fill_n(row(b, h, r), tensor.size(3), Scalar(0));
  }
};

// What is asked, the same for all tiles.
struct Question {
  const Tensor &query, &key, &value;
  const Mask& mask;
  Tensor bias;  // (B, H, T, S), broadcast, with rows in order; or undefined
  Index batch, heads, queries, keys;
  Scalar scale;                      // 1 / √D
  bool alike;                        // for all sentences
  std::vector<Mask::Reach> reaches;  // (B or 1, T)

  Question(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& m, const Tensor& b)
      : query(q),
        key(k),
        value(v),
        mask(m),
        bias(b.defined() ? broadcast_to(contiguous(b), q.shape().with(-1, k.size(2))) : Tensor()),
        batch(q.size(0)),
        heads(q.size(1)),
        queries(q.size(2)),
        keys(k.size(2)),
        scale(1 / std::sqrt(static_cast<Scalar>(q.size(3)))),
        alike(m.same_for_all(batch, queries, keys)) {
    for (Index entry = 0; entry < (alike ? std::min<Index>(batch, 1) : batch); ++entry)
      for (Index t = 0; t < queries; ++t) reaches.push_back(mask.reach(entry, t, keys));
  }

  const Mask::Reach& reach(Index b, Index t) const {
    return reaches[static_cast<std::size_t>((alike ? 0 : b * queries) + t)];
  }
  // The part of a tile that a query may attend to, in keys.
  Range seen(Index b, Index t, Range tile) const {
    const Mask::Reach& whole = reach(b, t);
    const Range common{std::max(whole.begin, tile.begin), std::min(whole.end, tile.end)};
    return common.size() > 0 ? common : Range{tile.begin, tile.begin};
  }
  // The part of a tile that any of the queries may attend to.
  Range seen(Index b, Range rows, Range tile) const {
    Range all{tile.end, tile.begin};
    for (Index t = rows.begin; t < rows.end; ++t) {
      const Range one = seen(b, t, tile);
      if (one.size() > 0) all = {std::min(all.begin, one.begin), std::max(all.end, one.end)};
    }
    return all;
  }

  // Q / √D, a row after the other; zeros for a query that sees nothing, since it may be NaN and 0 · NaN is
  // NaN.
  void write_scaled_queries(Index b, Index h, Range rows, Scalar* out) const {
    const Index width = query.size(3);
    for (Index t = rows.begin; t < rows.end; ++t, out += width) {
      const Scalar* from = query.data() + place(query, b, h, t);
      if (reach(b, t).size() == 0) {
        std::fill_n(out, width, Scalar(0));
      } else {
        kernels().scale(scale, from, out, static_cast<std::size_t>(width));
      }
    }
  }

  // Z = Q Kᵀ / √D + bias of a tile, a row of `tile.size()` scores after the other. What a query does not see
  // is −∞ where there are gaps, and arbitrary outside its reach. `allowed` has room for a row.
  void write_scores(Index b, Index h, Range rows, Range tile, const Scalar* scaled, Scalar* scores,
                    Scalar* allowed) const {
    const Index width = query.size(3);
    if (rows.size() < few_queries) {
      for (Index i = 0; i < rows.size(); ++i)
        kernels().dot_rows(scaled + i * width, key.data() + place(key, b, h, tile.begin), key.strides()[2],
                           static_cast<std::size_t>(tile.size()), scores + i * tile.size(),
                           static_cast<std::size_t>(width));
    } else {
      gemm({scaled, rows.size(), width, width, 1}, rows_of(key, b, h, tile).transposed(),
           {scores, tile.size()});
    }
    if (!bias.defined() && !mask.may_have_gaps()) return;
    const Kernels& k = kernels();
    for (Index t = rows.begin; t < rows.end; ++t, scores += tile.size()) {
      const Range some = seen(b, t, tile);
      Scalar* const row = scores + (some.begin - tile.begin);
      const auto count = static_cast<std::size_t>(some.size());
      if (bias.defined()) {
        const Index step = bias.strides()[3];
        k.add(row, 1, bias.data() + place(bias, b, h, t) + some.begin * step, step ? 1 : 0, row, count);
      }
      if (reach(b, t).gaps) {
        mask.write_row(b, t, some.begin, some.end, allowed);
        k.select(allowed, 1, row, 1, &minus_infinity, 0, row, count);
      }
    }
  }
};

// The numbers that a thread works with.
struct Scratch {
  Tensor memory;
  Scalar *scaled, *scores, *dscores, *allowed, *common;

  // For `rows` queries at a time.
  Scratch(const Question& q, Index rows) {
    const Index scaled_size = rows * q.query.size(3);
    const Index row_size = std::min(q.keys, tile_keys);
    const Index tile_size = std::min(rows, tile_queries) * row_size;
    memory = Tensor::uninitialised({scaled_size + 2 * tile_size + row_size + rows});
    scaled = memory.writable();
    scores = scaled + scaled_size;
    dscores = scores + tile_size;
    allowed = dscores + tile_size;
    common = allowed + row_size;
  }
};

// Zeros for the numbers of a row outside [begin, end).
void clear_outside(Scalar* row, Index size, Index begin, Index end) {
  if (begin > 0) std::fill_n(row, begin, Scalar(0));
  if (end < size) std::fill_n(row + end, size - end, Scalar(0));
}

// y, largest and inverse of some queries of one entry.
void attend(const Question& q, Index b, Index h, Range rows, const Scratch& scratch, const Output& y,
            Scalar* largest, Scalar* inverse) {
  const Kernels& k = kernels();
  const auto value_width = static_cast<std::size_t>(q.value.size(3));
  q.write_scaled_queries(b, h, rows, scratch.scaled);
  std::fill_n(largest, rows.size(), minus_infinity);
  Scalar* const sum = inverse;  // until all tiles are done
  std::fill_n(sum, rows.size(), Scalar(0));

  bool first = true;
  for (Index begin = 0; begin < q.keys; begin += tile_keys) {
    const Range tile = q.seen(b, rows, part(begin, tile_keys, q.keys));
    if (tile.size() <= 0) continue;
    q.write_scores(b, h, rows, tile, scratch.scaled, scratch.scores, scratch.allowed);
    for (Index i = 0; i < rows.size(); ++i) {
      Scalar* const row = scratch.scores + i * tile.size();
      const Range some = q.seen(b, rows.begin + i, tile);
      const auto count = static_cast<std::size_t>(some.size());
      Scalar* const z = row + (some.begin - tile.begin);
      const Scalar in_tile = k.max(z, count);
      if (in_tile == minus_infinity) {  // nothing to be seen here
        std::fill_n(row, tile.size(), Scalar(0));
        continue;
      }
      clear_outside(row, tile.size(), some.begin - tile.begin, some.end - tile.begin);
      if (!(in_tile <= largest[i])) {  // also where it is NaN
        if (sum[i] != 0) {
          Scalar shrink = largest[i] - in_tile;
          k.exp(&shrink, &shrink, 1);
          sum[i] *= shrink;
          k.scale(shrink, y.row(b, h, rows.begin + i), y.row(b, h, rows.begin + i), value_width);
        }
        largest[i] = in_tile;
      }
      sum[i] += k.exp_minus(z, largest[i], z, count);
    }
    if (rows.size() < few_queries) {
      for (Index i = 0; i < rows.size(); ++i) {
        Scalar* const row = y.row(b, h, rows.begin + i);
        if (first) std::fill_n(row, value_width, Scalar(0));
        k.sum_rows(scratch.scores + i * tile.size(), q.value.data() + place(q.value, b, h, tile.begin),
                   q.value.strides()[2], static_cast<std::size_t>(tile.size()), row, value_width);
      }
    } else {
      gemm({scratch.scores, rows.size(), tile.size(), tile.size(), 1}, rows_of(q.value, b, h, tile),
           y.rows_from(b, h, rows.begin), first ? GemmMode::overwrite : GemmMode::add);
    }
    first = false;
  }
  for (Index i = 0; i < rows.size(); ++i) {
    Scalar* const row = y.row(b, h, rows.begin + i);
    if (sum[i] == 0) {
      // Nothing may be seen; where everything may, but all scores are −∞, there is no softmax.
      const bool undefined = q.keys > 0 && q.mask.allows_everything();
      std::fill_n(row, value_width, undefined ? std::numeric_limits<Scalar>::quiet_NaN() : Scalar(0));
    } else {
      inverse[i] = 1 / sum[i];
      k.scale(inverse[i], row, row, value_width);
    }
  }
}

// The gradients of one entry. All tiles of queries meet the first tile of keys, then the next.
void attend_backward(const Question& q, const StreamedAttention& forward, const Tensor& dy, Index b, Index h,
                     const Scratch& scratch, const Output& dquery, const Output& dkey, const Output& dvalue) {
  const Kernels& k = kernels();
  const Index width = q.query.size(3);
  const auto value_width = static_cast<std::size_t>(q.value.size(3));
  const Scalar* const largest = forward.largest.data() + (b * q.heads + h) * q.queries;
  const Scalar* const inverse = forward.inverse.data() + (b * q.heads + h) * q.queries;
  q.write_scaled_queries(b, h, {0, q.queries}, scratch.scaled);
  // Σ_s da_ts a_ts is taken from the row itself where one tile holds it.
  const bool whole_rows = q.keys <= tile_keys;
  for (Index t = 0; t < q.queries; ++t) {
    if (largest[t] == minus_infinity)  // it has seen nothing, and may be NaN
      std::fill_n(scratch.scaled + t * width, width, Scalar(0));
    if (!whole_rows)
      scratch.common[t] =
          k.dot(dy.data() + place(dy, b, h, t), forward.y.data() + place(forward.y, b, h, t), value_width);
  }

  for (Index first_key = 0; first_key < q.keys; first_key += tile_keys) {
    const Range all_keys = part(first_key, tile_keys, q.keys);
    for (Index first_row = 0; first_row < q.queries; first_row += tile_queries) {
      const Range rows = part(first_row, tile_queries, q.queries);
      const Range seen = q.seen(b, rows, all_keys);
      const Range tile = seen.size() > 0 ? seen : Range{all_keys.begin, all_keys.begin};
      // The first tile of a row or column of tiles writes its sums, the others add to them.
      const GemmMode of_keys = first_row == 0 ? GemmMode::overwrite : GemmMode::add;
      const GemmMode of_queries = first_key == 0 ? GemmMode::overwrite : GemmMode::add;
      if (first_row == 0)
        for (const Output* gradient : {&dkey, &dvalue}) {
          gradient->clear(b, h, {all_keys.begin, tile.begin});
          gradient->clear(b, h, {tile.end, all_keys.end});
        }
      if (first_key == 0 && tile.size() == 0) dquery.clear(b, h, rows);
      if (tile.size() == 0) continue;

      const Scalar* const scaled = scratch.scaled + rows.begin * width;
      q.write_scores(b, h, rows, tile, scaled, scratch.scores, scratch.allowed);
      const GemmOperand dy_rows = rows_of(dy, b, h, rows);
      gemm(dy_rows, rows_of(q.value, b, h, tile).transposed(), {scratch.dscores, tile.size()});  // dA
      for (Index t = rows.begin; t < rows.end; ++t) {
        Scalar* const z = scratch.scores + (t - rows.begin) * tile.size();
        Scalar* const da = scratch.dscores + (t - rows.begin) * tile.size();
        const Range some = largest[t] == minus_infinity ? Range{tile.begin, tile.begin} : q.seen(b, t, tile);
        const Index from = some.begin - tile.begin;
        clear_outside(z, tile.size(), from, some.end - tile.begin);
        clear_outside(da, tile.size(), from, some.end - tile.begin);
        k.attention_backward(largest[t], inverse[t], whole_rows ? nullptr : scratch.common + t, z + from,
                             da + from, static_cast<std::size_t>(some.size()));
      }
      const GemmOperand a{scratch.scores, rows.size(), tile.size(), tile.size(), 1};
      const GemmOperand dz{scratch.dscores, rows.size(), tile.size(), tile.size(), 1};
      gemm(a.transposed(), dy_rows, dvalue.rows_from(b, h, tile.begin), of_keys);
      gemm(dz, rows_of(q.key, b, h, tile), dquery.rows_from(b, h, rows.begin), of_queries);
      gemm(dz.transposed(), {scaled, rows.size(), width, width, 1}, dkey.rows_from(b, h, tile.begin),
           of_keys);
    }
  }
  if (q.keys == 0) dquery.clear(b, h, {0, q.queries});
  if (q.queries == 0)
    for (const Output* gradient : {&dkey, &dvalue}) gradient->clear(b, h, {0, q.keys});
  for (Index t = 0; t < q.queries; ++t)
    k.scale(q.scale, dquery.row(b, h, t), dquery.row(b, h, t), static_cast<std::size_t>(width));
}

// x with neighbours in a row beside each other.
Tensor with_rows(const Tensor& x) {
  return x.strides()[3] == 1 ? x : contiguous(x);
}

}  // namespace

StreamedAttention stream_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const Mask& mask, const Tensor& bias) {
  const Tensor query_rows = with_rows(query), key_rows = with_rows(key), value_rows = with_rows(value);
  const Question q(query_rows, key_rows, value_rows, mask, bias);
  Tensor largest = Tensor::uninitialised({q.batch, q.heads, q.queries});
  Tensor inverse = Tensor::uninitialised({q.batch, q.heads, q.queries});
  Scalar* const largest_out = largest.writable();
  Scalar* const inverse_out = inverse.writable();
  const Output y(query.shape().with(-1, value.size(3)));
  const Index blocks = (q.queries + tile_queries - 1) / tile_queries;
  const Index work = std::min(q.queries, tile_queries) * q.keys * (query.size(3) + value.size(3)) + 1;
  parallel_for(q.batch * q.heads * blocks, std::max<Index>(1, work_at_once / work),
               [&](Index begin, Index end) {
                 const Scratch scratch(q, std::min(q.queries, tile_queries));
                 for (Index item = begin; item < end; ++item) {
                   const Index entry = item / blocks;
                   const Range rows = part(item % blocks * tile_queries, tile_queries, q.queries);
                   const Index first = entry * q.queries + rows.begin;
                   attend(q, entry / q.heads, entry % q.heads, rows, scratch, y, largest_out + first,
                          inverse_out + first);
                 }
               });
  return {y.tensor, largest, inverse};
}

AttentionGradients stream_attention_backward(const Tensor& query, const Tensor& key, const Tensor& value,
                                             const Mask& mask, const Tensor& bias,
                                             const StreamedAttention& forward, const Tensor& dy) {
  const Tensor query_rows = with_rows(query), key_rows = with_rows(key), value_rows = with_rows(value);
  const Tensor dy_rows = with_rows(dy);
  const Question q(query_rows, key_rows, value_rows, mask, bias);
  const Output dquery(query.shape()), dkey(key.shape()), dvalue(value.shape());
  const Index work = q.queries * q.keys * (3 * query.size(3) + 2 * value.size(3)) + 1;
  parallel_for(q.batch * q.heads, std::max<Index>(1, work_at_once / work), [&](Index begin, Index end) {
    const Scratch scratch(q, q.queries);
    for (Index entry = begin; entry < end; ++entry)
      attend_backward(q, forward, dy_rows, entry / q.heads, entry % q.heads, scratch, dquery, dkey, dvalue);
  });
  return {dquery.tensor, dkey.tensor, dvalue.tensor};
}

}  // namespace attune::inline ATTUNE_PRECISION
