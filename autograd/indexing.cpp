#include "autograd/indexing.h"

#include <utility>

#include "tensor/indexing.h"

namespace attune::inline ATTUNE_PRECISION {

// y_i = table[rows_i],   dtable[r] = Σ_{i: rows_i = r} dy_i
Variable gather_rows(const Variable& table, const Indices& rows) {
  return record("gather_rows", gather_rows(table.value(), rows), {table},
                [rows](const Variable& dy) { return Gradients{Gradient::rows(dy, rows)}; });
}

// table[r] = Σ_{i: rows_i = r} x_i,   dx_i = dtable[rows_i]
Variable scatter_add_rows(const Variable& x, const Indices& rows, Index row_count) {
  return record("scatter_add_rows", scatter_add_rows(x.value(), rows, row_count), {x},
                [rows](const Variable& dy) { return Gradients{gather_rows(dy, rows)}; });
}

// y_i = x_i[positions_i],   dx_i = dy_i at positions_i, 0 elsewhere
Variable pick(const Variable& x, const Indices& positions) {
  Tensor y = pick(x.value(), positions);
  return record("pick", std::move(y), {x}, [positions, width = x.size(-1)](const Variable& dy) {
    return Gradients{unpick(dy, positions, width)};
  });
}

// y_i = 0 but x_i at positions_i,   dx_i = dy_i[positions_i]
Variable unpick(const Variable& y, const Indices& positions, Index width) {
  return record("unpick", unpick(y.value(), positions, width), {y},
                [positions](const Variable& dy) { return Gradients{pick(dy, positions)}; });
}

}  // namespace attune::inline ATTUNE_PRECISION
