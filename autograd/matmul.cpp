#include "autograd/matmul.h"

#include "autograd/reduce.h"
#include "autograd/views.h"
#include "tensor/matmul.h"

namespace attune::inline ATTUNE_PRECISION {

// C = A B,   dA = dC Bᵀ,   dB = Aᵀ dC
// From C_mn = Σ_k A_mk B_kn: A_mk is in row m of C only, beside B_kn, so dA_mk = Σ_n dC_mn B_kn; and B_kn is
// in column n only, beside A_mk, so dB_kn = Σ_m A_mk dC_mn. Batches that were broadcast add up: sum_to.
Variable matmul(const Variable& a, const Variable& b) {
  return record("matmul", matmul(a.value(), b.value()), {a, b}, [a, b](const Variable& dc) {
    Gradient da;
    Gradient db;
    if (a.requires_gradient()) da = sum_to(matmul(dc, transpose(b)), a.shape());
    if (b.requires_gradient()) {
      // Where B is the transpose of what lies in memory, so is its gradient: dBᵀ = dCᵀ A.
      const bool transposed = b.value().stride(-1) != 1 && b.value().stride(-2) == 1;
      db = sum_to(transposed ? transpose(matmul(transpose(dc), a)) : matmul(transpose(a), dc), b.shape());
    }
    return Gradients{std::move(da), std::move(db)};
  });
}

// Y = X Wᵀ + b,   dX = dY W,   dW = dYᵀ X,   db = Σ_rows dY        with all axes of X but the last as one:
// the rows
Variable linear(const Variable& x, const Variable& weight, const Variable& bias) {
  std::vector<Variable> parents{x, weight};
  if (bias.defined()) parents.push_back(bias);
  const KeepPacked keep = recording() ? KeepPacked::no : KeepPacked::yes;  // training changes it at each step
  return record("linear", linear(x.value(), weight.value(), bias.value(), keep), parents,
                [x, weight, bias](const Variable& dy) {
                  const auto rows = [](const Variable& v) {
                    return reshape(v, Shape{v.shape().with(-1, 1).elements(), v.size(-1)});
                  };
                  Gradient dx, dweight, dbias;
                  if (x.requires_gradient()) dx = reshape(matmul(rows(dy), weight), x.shape());
                  if (weight.requires_gradient()) dweight = matmul(transpose(rows(dy)), rows(x));
                  if (!bias.defined()) return Gradients{std::move(dx), std::move(dweight)};
                  if (bias.requires_gradient()) dbias = sum(rows(dy), 0);
                  return Gradients{std::move(dx), std::move(dweight), std::move(dbias)};
                });
}

}  // namespace attune::inline ATTUNE_PRECISION
