#include "autograd/loss.h"

#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/reduce.h"
#include "autograd/rows.h"
#include "tensor/error.h"
#include "tensor/rows.h"

namespace attune::inline ATTUNE_PRECISION {

// dlogits = dloss/n · (p - (1 - e) onehot(target) - e/V)        for the n rows that count, 0 for the others
// From loss = -Σ_j q_j log p_j with q = (1 - e) onehot(target) + e/V: by log_softmax's derivative (rows.cpp),
// with dy = -q, dx = -q - p Σ_j (-q_j) = p - q, as q adds up to 1. What the model believes, less what is
// true.
Variable cross_entropy(const Variable& logits, const Indices& targets, const CrossEntropyOptions& options) {
  const Scalar smoothing = options.label_smoothing;
  if (!(smoothing >= 0 && smoothing <= 1))
    fail<ValueError>("cross_entropy: label smoothing is ", smoothing, ": it must be between 0 and 1");
  const CrossEntropyRows rows = cross_entropy_rows(logits.value(), targets, smoothing, options.ignored);

  // The weight of each row: 0 where ignored; under the mean, 1 over how many count.
  const auto ignored_rows = std::count(targets.values.begin(), targets.values.end(), options.ignored);
  const Index counted = static_cast<Index>(targets.values.size()) - static_cast<Index>(ignored_rows);
  const Scalar weight =
      options.reduction == Reduction::mean && counted > 0 ? 1 / static_cast<Scalar>(counted) : 1;
  Tensor value = sum(rows.losses) * weight;

  return record("cross_entropy", std::move(value), {logits},
                [logits, targets, options, weight, logsumexp = rows.logsumexp](const Variable& dy) {
                  const Scalar e = options.label_smoothing;
                  Tensor counts = ones(logsumexp.shape());
                  Indices safe = targets;  // with class 0 where ignored: any would do, its weight is 0
                  Scalar* count = counts.writable();
                  for (std::size_t i = 0; i < targets.values.size(); ++i) {
                    if (targets.values[i] != options.ignored) continue;
                    count[i] = 0;
                    safe.values[i] = 0;
                  }
                  const Variable drows = dy * weight * Variable(counts);
                  if (!recording())
                    return Gradients{Variable(cross_entropy_rows_backward(
                        logits.value(), targets, e, options.ignored, logsumexp, drows.value()))};
                  const Index classes = logits.size(-1);
                  const Variable per_class = unsqueeze(drows, -1);
                  return Gradients{per_class * (softmax(logits) - e / static_cast<Scalar>(classes)) -
                                   unpick((1 - e) * drows, safe, classes)};
                });
}

Variable mean_squared_error(const Variable& prediction, const Variable& target) {
  if (!(prediction.value().checked("mean_squared_error").shape() ==
        target.value().checked("mean_squared_error").shape()))
    fail<ShapeError>("mean_squared_error: shapes differ: ", prediction.shape(), " and ", target.shape(),
                     ": losses do not broadcast; reshape one of them");
  return mean(square(prediction - target));
}

}  // namespace attune::inline ATTUNE_PRECISION
