#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "autograd/anomaly.h"
#include "autograd/loss.h"
#include "nn/visitor.h"

// What to ask a model that does not learn. Each question is one call, answers in a sentence, and changes
// nothing. (optim/gradients.h has one more: gradient_table.)  V classes, N targets that count.

namespace attune::nn {

// ---- before training: what should the loss be?

/// ln V: the cross-entropy of somebody who knows nothing and holds all classes for equally likely.
double uniform_loss(Index classes);

/// The cross-entropy that these logits (…, V) would have if every target were drawn at random:
///   mean over rows of   log Σ_j exp(x_j) - mean_j x_j
/// It is ln V where the logits of a row are all alike, and larger by about half their variance otherwise.
/// Smoothed labels change nothing about it: what they mix in is this very number. Classes with a logit of -∞
/// are never drawn. Throws ShapeError when there are no logits.
double chance_loss(const Tensor& logits);

/// What the first loss says about a model that has not been trained: converts to true when it is in order.
struct FirstLoss {
  enum class Verdict {
    fine,       // by chance, and at ln V or a little above
    large,      // by chance, but the logits are spread so widely that the loss starts far above ln V
    leak,       // better than chance: the model sees what it is to predict
    opposed,    // worse than chance: the model holds the targets for unlikely
    mismatch,   // not the cross-entropy of these logits and targets
    no_number,  // NaN or infinity
  };
  Verdict verdict = Verdict::fine;
  double loss = 0;     // in nats per target, without label smoothing
  double uniform = 0;  // ln V
  double chance = 0;   // chance_loss of the rows that count
  std::string sentence;
  explicit operator bool() const { return verdict == Verdict::fine; }
};

/// Looks at the loss of the first batch, before the first step: logits (…, V), targets (…), and the options
/// that the loss was computed with: ignored targets do not count, smoothing is taken out again.
///
///     const nn::FirstLoss first = nn::check_first_loss(loss, logits, batch.target_out, {.ignored = 0});
///     if (!first) std::cerr << first.sentence << "\n";
///
/// What it cannot see is a mask that shows the future: an untrained model makes no use of it.
///
/// The verdict allows for chance. If the logits of a row have the deviation s, the loss of targets drawn at
/// random strays from chance_loss by s √(Σ p_c²), where p_c is the share of class c among them: by s / √N
/// when they all differ. Three times that, and at least 0.05 nats, counts as different. A start up to 2 nats
/// above ln V (logits with a deviation of 2) counts as fine: models whose output layer is their embedding
/// start 0.5 to 1 above. Throws ShapeError, IndexError and ValueError as cross_entropy does, ValueError when
/// no target counts.
FirstLoss check_first_loss(const Variable& loss, const Variable& logits, const Indices& targets,
                           const CrossEntropyOptions& options = {});

// ---- forgotten parameters

namespace detail {
std::vector<std::string> unreached_parameters(const Variable& loss,
                                              const std::vector<NamedParameter>& parameters);
}

/// The parameters that visit names but the loss does not depend on: of a layer that was made and is never
/// called, or whose result is thrown away. Frozen ones are left out. The other way round, a parameter that
/// the loss depends on and visit does not name, is what check_visited finds.
///
///     for (const std::string& name : nn::unreached_parameters(loss, model)) std::cerr << name << "\n";
///
/// Throws GraphError when the loss has no history.
template <Layer Model>
std::vector<std::string> unreached_parameters(const Variable& loss, const Model& model) {
  return detail::unreached_parameters(loss, named_parameters(model));
}

// ---- NaN and infinity

/// The first operation that gave NaN, and the layer it belongs to.
struct AnomalyReport {
  Anomaly anomaly;
  std::string layer;      // "encoder.layers.0.self_attention"; empty when no parameter had been used yet
  bool inside = false;    // the operation uses that layer's parameters itself; else it comes right after
  std::string parameter;  // the parameter that held NaN or infinity already, if it was one
  std::string sentence;   // all of it, and what to do
};

namespace detail {
std::optional<AnomalyReport> find_anomaly(const std::vector<NamedParameter>& parameters,
                                          const std::function<Variable()>& loss);
}

/// Computes a loss and its gradients under DetectAnomaly, and reports the first operation that gave NaN; or,
/// when the loss or a gradient is infinite and nothing was NaN, the first that gave infinity. Nothing when
/// loss and gradients are all finite.
///
///     nn::Pass pass{.training = true, .rng = rng.at(step)};      // of the step that failed: the same bits
///     if (const auto found = nn::find_anomaly(model, [&] { return loss_of(model(x, pass), y); }))
///       std::cerr << found->sentence << "\n";
///
/// Operations know no layers. The one that is named owns the parameters that were used last on the way to the
/// operation: where two of its children come together (queries and keys, say) their common layer. The model's
/// gradients stay as they are. Throws GraphError when the loss has no history, ShapeError when it is not one
/// number.
template <Layer Model>
std::optional<AnomalyReport> find_anomaly(const Model& model, const std::function<Variable()>& loss) {
  return detail::find_anomaly(named_parameters(model), loss);
}

// ---- what a model is made of

struct SummaryOptions {
  bool fold = true;  // neighbours in a list that are alike are shown once: "layers.0 … layers.3"
};

namespace detail {
std::string summary(const std::function<void(Visitor&)>& visit, const SummaryOptions& options);
}

/// The layers of a model as a tree, with their types, the shapes of their parameters and how many numbers
/// they hold:
///
///     std::cout << nn::summary(model);
///
/// Frozen parameters and buffers are marked; the last line has the totals. Layers without parameters do not
/// show unless visit names them.
template <Layer Model>
std::string summary(const Model& model, const SummaryOptions& options = {}) {
  // visit is not const because it also serves those who change what they meet; here nothing is changed.
  return detail::summary([&](Visitor& visitor) { visitor("", const_cast<Model&>(model)); }, options);
}

}  // namespace attune::nn
