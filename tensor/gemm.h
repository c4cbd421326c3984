#pragma once

#include <cstdint>
#include <initializer_list>
#include <mutex>

#include "tensor/gemm_buffer.h"
#include "tensor/scalar.h"

// C = A · B for matrices with any strides: the one routine under matmul, linear layers and attention.
// M rows of A and C, N columns of B and C, K the inner size that is summed over.

namespace attune::inline ATTUNE_PRECISION {

/// A matrix to read: element (i, j) is data[i * row_stride + j * column_stride]. Strides count elements and
/// may be 0 (broadcast) or negative. A transposed operand is the same memory with sizes and strides
/// exchanged, and costs nothing.
struct GemmOperand {
  const Scalar* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 1;

  GemmOperand transposed() const { return {data, columns, rows, column_stride, row_stride}; }
};

/// The matrix to write: element (i, j) is data[i * row_stride + j]. Its elements must not overlap each other
/// or A or B.
struct GemmResult {
  Scalar* data = nullptr;
  std::int64_t row_stride = 0;
};

enum class GemmMode {
  overwrite,  // C  = A · B
  add,        // C += A · B
};

/// What a product is added to: C itself, or a matrix of the same sizes, or, with a stride of 0, one row for
/// all rows, which is how a linear layer's bias costs no pass of its own. Null: nothing.
struct GemmStart {
  const Scalar* data = nullptr;
  std::int64_t row_stride = 0;

  const Scalar* at(std::int64_t row, std::int64_t column) const {
    return data ? data + row * row_stride + column : nullptr;
  }
};

struct Kernels;

/// A matrix packed once, at its first product, for many: a weight, while it does not change. The numbers that
/// it was made from must stay where they are. Threads may share it.
class PackedMatrix {
 public:
  explicit PackedMatrix(const GemmOperand& b);
  /// True if it was made from this matrix, and for the kernels in use.
  bool is_of(const GemmOperand& b) const;

 private:
  friend void gemm(const GemmOperand& a, const PackedMatrix& b, const GemmResult& c, const GemmStart& start);
  const Kernels* kernels_;
  GemmOperand source_;
  mutable std::once_flag packed_once_, split_once_;
  mutable GemmBuffer packed_, split_;  // for multiply-adds and for the matrix unit: whichever is asked for
};

/// C = start + A · B, to the last bit as with B itself.
void gemm(const GemmOperand& a, const PackedMatrix& b, const GemmResult& c, const GemmStart& start = {});

/// One axis of a batch: its size, and how far each operand moves per step. 0 for an operand that all entries
/// share.
struct GemmBatchAxis {
  std::int64_t size = 1;
  std::int64_t a_stride = 0;
  std::int64_t b_stride = 0;
  std::int64_t c_stride = 0;
};

/// C (M, N) = A (M, K) · B (K, N). With K = 0 the product is zero; with M = 0 or N = 0 nothing is touched.
/// Throws ShapeError if the inner sizes differ.
///
/// Every element is summed in the same order, whatever the sizes, the strides and the number of threads:
///   c_ij = Σ_blocks ( Σ_{k in block} a_ik b_kj )    each inner sum in the order of k, blocks of 256
/// so a row of the result does not depend, to the last bit, on how many other rows there are.
/// On a machine with a matrix unit (simd/gemm_split.h) products with M ≥ 8, K ≥ 32 and N ≥ 32 that are not
/// entries of a batch go there. Their sums are ordered as firmly and no less exact, but in another order, so
/// that there a row depends, in its last bits, on whether there are seven others; infinities may become NaN.
void gemm(const GemmOperand& a, const GemmOperand& b, const GemmResult& c,
          GemmMode mode = GemmMode::overwrite);

/// C = start + A · B.
void gemm(const GemmOperand& a, const GemmOperand& b, const GemmResult& c, const GemmStart& start);

/// The same for each entry of a batch with up to 8 axes: entry (x, y, …) multiplies the matrices that
/// begin x * axes[0].a_stride + y * axes[1].a_stride + … after a.data, and likewise for b and c. No axes: one
/// product. Attention multiplies (B, H, T, D) by (B, H, D, S) this way without copying: two axes, of sizes B
/// and H.
void batched_gemm(const GemmOperand& a, const GemmOperand& b, const GemmResult& c, const GemmBatchAxis* axes,
                  int axis_count, GemmMode mode = GemmMode::overwrite);

inline void batched_gemm(const GemmOperand& a, const GemmOperand& b, const GemmResult& c,
                         std::initializer_list<GemmBatchAxis> axes, GemmMode mode = GemmMode::overwrite) {
  batched_gemm(a, b, c, axes.begin(), static_cast<int>(axes.size()), mode);
}

}  // namespace attune::inline ATTUNE_PRECISION
