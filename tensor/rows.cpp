#include "tensor/rows.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/elementwise.h"
#include "tensor/error.h"
#include "tensor/loops.h"
#include "tensor/reduce.h"
#include "tensor/simd/kernels.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

struct Rows {
  Index count, width;
};

Rows rows_of(const char* op, const Tensor& x) {
  if (x.checked(op).rank() == 0)
    fail<ShapeError>(op, ": works along the last axis: ", x.shape(), " has none: give at least one axis");
  return {x.shape().with(-1, 1).elements(), x.size(-1)};
}

void check_same(const char* op, const Tensor& a, const Tensor& b) {
  if (!(a.checked(op).shape() == b.checked(op).shape()))
    fail<ShapeError>(op, ": shapes differ: ", a.shape(), " and ", b.shape(), ": give equal shapes");
}

// Calls body(begin, end) for chunks of rows, shared out to the threads.
template <class Body>
void for_each_chunk(const Rows& rows, Body&& body) {
  parallel_for(rows.count, std::max<Index>(1, Loop<1>::chunk / 2 / std::max<Index>(rows.width, 1)), body);
}

// Calls body(row) for every row.
template <class Body>
void for_each_row(const Rows& rows, Body&& body) {
  for_each_chunk(rows, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) body(row);
  });
}

Tensor row_op(const char* op, Kernels::OfRows kernel, const Tensor& x, int axis) {
  const int at = x.checked(op).shape().checked_axis(axis, op);
  if (at != x.rank() - 1) return transpose(row_op(op, kernel, transpose(x, at, -1), -1), at, -1);
  const Rows rows = rows_of(op, x);
  const ContiguousElements in(x);
  Tensor y = Tensor::uninitialised(x.shape());
  Scalar* out = y.writable();
  for_each_chunk(rows, [&](Index begin, Index end) {
    kernel(in.data() + begin * rows.width, out + begin * rows.width, static_cast<std::size_t>(end - begin),
           static_cast<std::size_t>(rows.width));
  });
  return y;
}

Tensor row_op_backward(const char* op, Kernels::OfRowsBackward kernel, const Tensor& y, const Tensor& dy) {
  check_same(op, y, dy);
  const Rows rows = rows_of(op, y);
  const ContiguousElements value(y);
  const ContiguousElements gradient(dy);
  Tensor dx = Tensor::uninitialised(y.shape());
  Scalar* out = dx.writable();
  for_each_chunk(rows, [&](Index begin, Index end) {
    const Index at = begin * rows.width;
    kernel(value.data() + at, gradient.data() + at, out + at, static_cast<std::size_t>(end - begin),
           static_cast<std::size_t>(rows.width));
  });
  return dx;
}

// Gradients of parameters shared by all rows: each block of rows adds up its own, and the blocks are joined
// in order, so that the sum is the same for any number of threads. body(begin, end, sums, apart) adds the
// part of some rows to `count` vectors.
template <class Body>
std::vector<Tensor> sum_over_rows(const Rows& rows, Index count, Body&& body) {
  constexpr Index block = 64;
  const Index blocks = std::max<Index>(1, (rows.count + block - 1) / block);
  Tensor partial = zeros({count, blocks, rows.width});
  Scalar* sums = partial.writable();
  const Index apart = blocks * rows.width;
  parallel_for(rows.count, block,
               [&](Index begin, Index end) { body(begin, end, sums + begin / block * rows.width, apart); });
  const Tensor joined = sum(partial, 1);
  std::vector<Tensor> result;
  for (Index i = 0; i < count; ++i) result.push_back(select(joined, 0, i));
  return result;
}

void check_per_channel(const char* op, const char* what, const Tensor& x, const Tensor& parameter) {
  if (!(parameter.checked(op).shape() == Shape{x.size(-1)}))
    fail<ShapeError>(op, ": the ", what, " must have the size of the last axis: ", parameter.shape(), " for ",
                     x.shape(), ": make the layer with the width of its input");
}

void check_epsilon(const char* op, Scalar epsilon) {
  if (!(epsilon >= 0 && std::isfinite(epsilon)))
    fail<ValueError>(op, ": epsilon is ", epsilon, ": it must be 0 or a little more: 1e-5 is a usual choice");
}

}  // namespace

Tensor softmax(const Tensor& x, int axis) {
  return row_op("softmax", kernels().softmax, x, axis);
}
Tensor log_softmax(const Tensor& x, int axis) {
  return row_op("log_softmax", kernels().log_softmax, x, axis);
}

Tensor masked_softmax(const Tensor& x, const Tensor& allowed) {
  const Rows rows = rows_of("masked_softmax", x);
  const Shape& given = allowed.checked("masked_softmax").shape();
  if (given.rank() > x.rank() || !(broadcast_shapes("masked_softmax", given, x.shape()) == x.shape()))
    fail<ShapeError>("masked_softmax: the mask must broadcast to the scores: ", given, " for ", x.shape(),
                     ": give sizes that are equal or 1");
  Tensor mask = broadcast_to(allowed, x.shape());
  if (rows.width > 1 && mask.stride(-1) != 1) mask = copy(mask);  // the kernel reads a row as it lies
  const Tensor in = contiguous(x);
  Tensor y = Tensor::uninitialised(x.shape());
  Scalar* out = y.writable();
  // The mask's rows are found by its strides: one row of it serves many rows of x (all heads, all of a
  // batch).
  const Loop<1> loop(mask.shape().with(-1, 1), {mask.strides()});
  const auto kernel = kernels().masked_softmax;
  const Index inner = loop.run_length();
  parallel_for(loop.runs(), std::max<Index>(1, Loop<1>::chunk / 2 / std::max<Index>(1, inner * rows.width)),
               [&](Index begin, Index end) {
                 loop.for_each_run(begin, end, [&](Index at, Index n, const Index* offsets) {
                   kernel(in.data() + at * rows.width, mask.data() + offsets[0],
                          static_cast<std::size_t>(loop.inner_stride(0)), out + at * rows.width,
                          static_cast<std::size_t>(n), static_cast<std::size_t>(rows.width));
                 });
               });
  return y;
}

Tensor softmax_backward(const Tensor& y, const Tensor& dy) {
  return row_op_backward("softmax_backward", kernels().softmax_backward, y, dy);
}
Tensor log_softmax_backward(const Tensor& y, const Tensor& dy) {
  return row_op_backward("log_softmax_backward", kernels().log_softmax_backward, y, dy);
}

// ---- norms

LayerNormResult layer_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, Scalar epsilon) {
  const Rows rows = rows_of("layer_norm", x);
  check_per_channel("layer_norm", "scale", x, scale);
  check_per_channel("layer_norm", "shift", x, shift);
  check_epsilon("layer_norm", epsilon);
  const Tensor in = contiguous(x);
  const Tensor factor = contiguous(scale);
  const Tensor offset = contiguous(shift);
  const Shape per_row = x.shape().removed(-1);
  LayerNormResult result{Tensor::uninitialised(x.shape()), Tensor::uninitialised(per_row),
                         Tensor::uninitialised(per_row)};
  Scalar* y = result.y.writable();
  Scalar* mean = result.mean.writable();
  Scalar* inverse = result.inverse_deviation.writable();
  for_each_chunk(rows, [&](Index begin, Index end) {
    kernels().layer_norm(in.data() + begin * rows.width, factor.data(), offset.data(), y + begin * rows.width,
                         static_cast<std::size_t>(end - begin), static_cast<std::size_t>(rows.width), epsilon,
                         mean + begin, inverse + begin);
  });
  return result;
}

LayerNormGradients layer_norm_backward(const Tensor& x, const Tensor& scale, const LayerNormResult& forward,
                                       const Tensor& dy) {
  check_same("layer_norm_backward", x, dy);
  const Rows rows = rows_of("layer_norm_backward", x);
  const std::size_t width = static_cast<std::size_t>(rows.width);
  const Tensor in = contiguous(x);
  const Tensor factor = contiguous(scale);
  const Tensor gradient = contiguous(dy);
  const Scalar* mean = forward.mean.data();
  const Scalar* inverse = forward.inverse_deviation.data();
  Tensor dx = Tensor::uninitialised(x.shape());
  Scalar* out = dx.writable();
  const auto kernel = kernels().layer_norm_backward;
  const std::vector<Tensor> sums =
      sum_over_rows(rows, 2, [&](Index begin, Index end, Scalar* partial, Index apart) {
        const Index at = begin * rows.width;
        kernel(in.data() + at, mean + begin, inverse + begin, factor.data(), gradient.data() + at, out + at,
               partial, partial + apart, static_cast<std::size_t>(end - begin), width);
      });
  return {dx, sums[0], sums[1]};
}

RmsNormResult rms_norm(const Tensor& x, const Tensor& scale, Scalar epsilon) {
  const Rows rows = rows_of("rms_norm", x);
  check_per_channel("rms_norm", "scale", x, scale);
  check_epsilon("rms_norm", epsilon);
  const Tensor in = contiguous(x);
  const Tensor factor = contiguous(scale);
  RmsNormResult result{Tensor::uninitialised(x.shape()), Tensor::uninitialised(x.shape().removed(-1))};
  Scalar* y = result.y.writable();
  Scalar* inverse = result.inverse_root.writable();
  for_each_row(rows, [&](Index row) {
    kernels().rms_norm(in.data() + row * rows.width, factor.data(), y + row * rows.width,
                       static_cast<std::size_t>(rows.width), epsilon, inverse + row);
  });
  return result;
}

RmsNormGradients rms_norm_backward(const Tensor& x, const Tensor& scale, const RmsNormResult& forward,
                                   const Tensor& dy) {
  check_same("rms_norm_backward", x, dy);
  const Rows rows = rows_of("rms_norm_backward", x);
  const std::size_t width = static_cast<std::size_t>(rows.width);
  const Tensor in = contiguous(x);
  const Tensor factor = contiguous(scale);
  const Tensor gradient = contiguous(dy);
  const Scalar* inverse = forward.inverse_root.data();
  Tensor dx = Tensor::uninitialised(x.shape());
  Scalar* out = dx.writable();
  const std::vector<Tensor> sums =
      sum_over_rows(rows, 1, [&](Index begin, Index end, Scalar* partial, Index) {
        for (Index row = begin; row < end; ++row) {
          const Index at = row * rows.width;
          kernels().rms_norm_backward(in.data() + at, inverse[row], factor.data(), gradient.data() + at,
                                      out + at, partial, width);
        }
      });
  return {dx, sums[0]};
}

// ---- cross-entropy

namespace {

void check_targets(const Tensor& logits, const Indices& targets, int ignored) {
  const Rows rows = rows_of("cross_entropy", logits);
  const Shape wanted = logits.shape().removed(-1);
  targets.checked("cross_entropy");
  if (!std::equal(wanted.begin(), wanted.end(), targets.sizes.begin(), targets.sizes.end()))
    fail<ShapeError>("cross_entropy: one target for each row of logits is wanted: logits ", logits.shape(),
                     " and targets ", Shape(targets.sizes), ": the targets' shape must be ", wanted);
  if (rows.width == 0)
    fail<ShapeError>("cross_entropy: there are no classes: logits ", logits.shape(),
                     ": the last axis must be 1 or more");
  for (const std::int32_t target : targets.values)
    if (target != ignored && (target < 0 || target >= rows.width))
      fail<IndexError>("cross_entropy: target ", target, " is no class: logits ", logits.shape(),
                       ": use 0 to ", rows.width - 1, " or the ignored index");
}

}  // namespace

CrossEntropyRows cross_entropy_rows(const Tensor& logits, const Indices& targets, Scalar smoothing,
                                    int ignored) {
  check_targets(logits, targets, ignored);
  const Rows rows = rows_of("cross_entropy", logits);
  const Tensor in = contiguous(logits);
  const Shape per_row = logits.shape().removed(-1);
  CrossEntropyRows result{Tensor::uninitialised(per_row), Tensor::uninitialised(per_row)};
  Scalar* losses = result.losses.writable();
  Scalar* logsumexp = result.logsumexp.writable();
  const std::int32_t* target = targets.values.data();
  for_each_row(rows, [&](Index row) {
    if (target[row] == ignored) {
      losses[row] = logsumexp[row] = 0;
      return;
    }
    losses[row] = kernels().cross_entropy(in.data() + row * rows.width, static_cast<std::size_t>(target[row]),
                                          smoothing, static_cast<std::size_t>(rows.width), logsumexp + row);
  });
  return result;
}

Tensor cross_entropy_rows_backward(const Tensor& logits, const Indices& targets, Scalar smoothing,
                                   int ignored, const Tensor& logsumexp, const Tensor& dlosses) {
  check_targets(logits, targets, ignored);
  const Rows rows = rows_of("cross_entropy", logits);
  const Tensor in = contiguous(logits);
  const Tensor sums = contiguous(logsumexp);
  const Tensor gradient = contiguous(dlosses);
  Tensor dx = Tensor::uninitialised(logits.shape());
  Scalar* out = dx.writable();
  const std::int32_t* target = targets.values.data();
  const std::size_t width = static_cast<std::size_t>(rows.width);
  for_each_row(rows, [&](Index row) {
    Scalar* to = out + row * rows.width;
    if (target[row] == ignored) {
      kernels().fill(0, to, width);
    } else {
      kernels().cross_entropy_backward(in.data() + row * rows.width, sums.data()[row],
                                       static_cast<std::size_t>(target[row]), smoothing, gradient.data()[row],
                                       to, width);
    }
  });
  return dx;
}

}  // namespace attune::inline ATTUNE_PRECISION
