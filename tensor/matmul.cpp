#include "tensor/matmul.h"

#include <memory>

#include "tensor/error.h"
#include "tensor/gemm.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

GemmOperand last_two_axes(const Tensor& x) {
  return {x.data(), x.size(-2), x.size(-1), x.stride(-2), x.stride(-1)};
}

// True for heads that lie beside each other in memory, (…, S, H, D), seen as (…, H, S, D). A product with
// such a B is laid out like B, so that joining its heads again takes no copy.
bool rows_outside_heads(const Tensor& b) {
  return b.rank() >= 3 && b.size(-3) > 1 && b.size(-2) > 1 && b.stride(-1) == 1 &&
         b.stride(-3) == b.size(-1) && b.stride(-2) == b.size(-3) * b.size(-1);
}

}  // namespace

Shape detail::matmul_shape(const char* op, const Shape& a, const Shape& b) {
  if (a.rank() < 2 || b.rank() < 2)
    fail<ShapeError>(op, ": matrices are wanted, with two axes or more: ", a, " and ", b,
                     ": turn a vector into a row or a column with unsqueeze");
  if (a[-1] != b[-2])
    fail<ShapeError>(op, ": inner sizes differ, ", a[-1], " and ", b[-2], ": ", a, " and ", b,
                     ": (…, M, K) · (…, K, N) needs equal K; transpose one of them?");
  const auto batch_of = [](const Shape& shape) { return shape.removed(-1).removed(-1); };
  const Shape batch = broadcast_shapes(op, batch_of(a), batch_of(b));
  return batch.inserted(-1, a[-2]).inserted(-1, b[-1]);
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  const Shape shape =
      detail::matmul_shape("matmul", a.checked("matmul").shape(), b.checked("matmul").shape());
  // One matrix B for a whole batch of A: the batch's rows are just more rows of one product.
  if (b.rank() == 2 && a.rank() > 2 && a.is_contiguous())
    return reshape(matmul(reshape(a, Shape{shape.with(-1, 1).elements(), a.size(-1)}), b), shape);

  const bool like_b = rows_outside_heads(b);
  Tensor c = Tensor::uninitialised(like_b ? shape.with(-3, shape[-2]).with(-2, shape[-3]) : shape);
  Scalar* const out = c.writable();
  if (like_b) c = transpose(c, -3, -2);
  if (c.elements() == 0) return c;
  GemmBatchAxis axes[Shape::max_rank];
  int axis_count = 0;
  const Tensor left = broadcast_to(a, shape.with(-1, a.size(-1)));
  const Tensor right = broadcast_to(b, shape.with(-2, b.size(-2)));
  for (int axis = 0; axis < shape.rank() - 2; ++axis)
    axes[axis_count++] = {shape[axis], left.stride(axis), right.stride(axis), c.stride(axis)};
  const GemmResult result{out, c.stride(-2)};
  batched_gemm(last_two_axes(left), last_two_axes(right), result, axes, axis_count);
  return c;
}

namespace {

struct PackedWeight : Memory::Companion {
  explicit PackedWeight(const GemmOperand& b) : matrix(b) {}
  PackedMatrix matrix;
};

// The packed form that stands with the weight's memory, or null if that is another one.
const PackedMatrix* kept_packed(const Tensor& weight, const GemmOperand& b) {
  const Memory::Companion* companion = weight.memory().companion();
  if (!companion) companion = weight.memory().keep(std::make_unique<const PackedWeight>(b));
  const auto* packed = dynamic_cast<const PackedWeight*>(companion);
  return packed && packed->matrix.is_of(b) ? &packed->matrix : nullptr;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, KeepPacked keep) {
  if (x.checked("linear").rank() < 1 || weight.checked("linear").rank() != 2 || x.size(-1) != weight.size(1))
    fail<ShapeError>("linear: the last axis must have the weight's input size: ", x.shape(), " and weight ",
                     weight.shape(), ": the weight is (out, in)");
  const Index inputs = weight.size(1);
  const Index outputs = weight.size(0);
  if (bias.defined() && !(bias.shape() == Shape{outputs}))
    fail<ShapeError>("linear: the bias must be (out): ", bias.shape(), " and weight ", weight.shape());
  const Tensor rows = contiguous(x);
  const Index count = inputs ? x.elements() / inputs : x.shape().with(-1, 1).elements();
  Tensor y = Tensor::uninitialised(x.shape().with(-1, outputs));
  Scalar* out = y.writable();
  const Tensor start = bias.defined() ? contiguous(bias) : Tensor();
  const GemmOperand left{rows.data(), count, inputs, inputs, 1};
  const GemmOperand right = last_two_axes(weight).transposed();
  const GemmResult result{out, outputs};
  const GemmStart from{bias.defined() ? start.data() : nullptr, 0};
  const PackedMatrix* packed =
      keep == KeepPacked::yes && weight.elements() > 0 ? kept_packed(weight, right) : nullptr;
  if (packed) {
    gemm(left, *packed, result, from);
  } else {
    gemm(left, right, result, from);
  }
  return y;
}

}  // namespace attune::inline ATTUNE_PRECISION
