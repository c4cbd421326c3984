#pragma once

#include "autograd/variable.h"
#include "autograd/views.h"

namespace attune::inline ATTUNE_PRECISION {

/// Rows of a table by number: table (V, …), rows of any shape; the result is rows.sizes + table's other axes.
/// With a table of embeddings (V, C) and token ids (B, T) this is the embedding lookup, (B, T, C).
Variable gather_rows(const Variable& table, const Indices& rows);
/// The reverse: a table of `row_count` rows, zero but for x's rows added to the rows named.
Variable scatter_add_rows(const Variable& x, const Indices& rows, Index row_count);
/// One element from each row of x (…, V): y = x[…, positions].
Variable pick(const Variable& x, const Indices& positions);
/// The reverse: zeros (…, width) with each y at its position.
Variable unpick(const Variable& y, const Indices& positions, Index width);

}  // namespace attune::inline ATTUNE_PRECISION
