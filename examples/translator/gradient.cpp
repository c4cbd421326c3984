#include "examples/translator/gradient.h"

#include <cmath>
#include <functional>
#include <limits>

namespace attune::examples {
namespace {

// Says where it began that a loss or gradients are not finite: the step is computed once more, from the same
// numbers to the same bits, and its operations are looked at one by one. ValueError, unless all are finite.
void explain(Index step, const nn::Transformer& model, double loss,
             const std::function<Variable()>& loss_of_step) {
  std::string what = std::isfinite(loss) ? "" : std::isnan(loss) ? "the loss is nan" : "the loss is infinite";
  int parameters = 0, bad = 0;
  std::string first_bad;
  nn::for_each_parameter(model, [&](const std::string& name, const nn::Parameter& parameter) {
    ++parameters;
    if (!parameter.gradient().defined() || !any_non_finite(parameter.gradient())) return;
    if (bad++ == 0) first_bad = name;
  });
  if (bad > 0)
    what += (what.empty() ? "" : ", ") + std::to_string(bad) + " of " + std::to_string(parameters) +
            " gradients are not finite, the first that of " + first_bad;
  const std::optional<nn::AnomalyReport> began = nn::find_anomaly(model, loss_of_step);
  if (began)
    fail<ValueError>("train: step ", step, ": ", what, ": it began here: ", began->sentence,
                     "; this step has changed no weight");
}

}  // namespace

StepGradient compute_gradient(const nn::Transformer& model, const std::vector<text::Batch>& batches,
                              const GradientSettings& settings, const Rng& rng, Index first_batch,
                              Index step) {
  StepGradient result;
  for (const text::Batch& batch : batches) result.target_tokens += batch.target_tokens;

  // Its share of the mean over all tokens: the mean over its own tokens, weighted with how many they are.
  //   Σ_i (n_i / n) · (Σ_t loss_it / n_i)  =  Σ_i Σ_t loss_it / n
  const auto part_of_loss = [&](std::size_t i) {
    const text::Batch& batch = batches[i];
    nn::Pass pass{.training = true,
                  .rng = rng.at(static_cast<std::uint64_t>(first_batch) + static_cast<std::uint64_t>(i))};
    // The decoder reads <s> y1 y2 … and must predict y1 y2 … </s>: the target shifted by one
    // (text::make_batch).
    const Variable logits = model(batch.source, batch.source_lengths, batch.target_in, pass);  // (B, T, V)
    const Variable loss =
        cross_entropy(logits, batch.target_out,
                      {.label_smoothing = settings.label_smoothing, .ignored = text::Vocabulary::pad});
    const double share = static_cast<double>(batch.target_tokens) / static_cast<double>(result.target_tokens);
    return batches.size() == 1 ? loss : loss * static_cast<Scalar>(share);
  };
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const Variable loss = part_of_loss(i);
    result.loss += static_cast<double>(loss.item());
    if (step == 1) nn::check_visited(loss, model);
    backward(loss);  // adds to the gradients of the batches before
  }
  try {
    if (!std::isfinite(result.loss)) fail<ValueError>("train: the loss is not finite: ", result.loss);
    result.norm = optim::clip_gradient_norm(
        model, settings.clip > 0 ? settings.clip : std::numeric_limits<double>::infinity());
  } catch (const ValueError&) {
    explain(step, model, result.loss, [&] {
      Variable loss = part_of_loss(0);
      for (std::size_t i = 1; i < batches.size(); ++i) loss = loss + part_of_loss(i);
      return loss;
    });
    throw;
  }
  return result;
}

}  // namespace attune::examples
