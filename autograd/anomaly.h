#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autograd/variable.h"
#include "tensor/error.h"

namespace attune::inline ATTUNE_PRECISION {

/// An operation whose result holds NaN or infinity, and what it was given.
struct Anomaly {
  std::string op;               // "divide"
  std::string what;             // "its result", "its gradient for operand 0", "the sum of the gradients …"
  Scalar value = 0;             // NaN, infinity or -infinity
  Shape shape;                  // of what holds it
  std::vector<Index> position;  // of the first such element
  bool backward = false;        // in a backward pass
  std::string pullback_of;      // there: the operation whose pullback called `op`, if that is another one
  std::vector<NodeHandle> nodes;  // of the operands; in a backward pass the one that it was visiting

  /// The operand that held NaN or infinity already, -1 when all were finite.
  int operand = -1;
  Variable operand_value;               // that operand
  Scalar operand_holds = 0;             // NaN, infinity or -infinity
  std::vector<Index> operand_position;  // of the first such element
  /// What an operation element by element was given at that position: "0 and 0". Empty for others.
  std::string given;
  /// Where the infinity in that operand came from, when that was seen.
  std::shared_ptr<const Anomaly> origin;

  /// All of the above and what to do about it. `place` says where in a model it was ("in encoder.norm"), and
  /// `operand_name` what the operand is called there; nn::find_anomaly knows both.
  std::string sentence(const std::string& place = "", const std::string& operand_name = "",
                       const std::string& origin_place = "") const;
};

/// What DetectAnomaly throws.
class AnomalyError : public ValueError {
 public:
  explicit AnomalyError(const Anomaly& found) : ValueError(found.sentence()), anomaly(found) {}
  Anomaly anomaly;
};

struct DetectAnomalyOptions {
  bool infinities = false;  // report an infinity that finite operands gave as well, whatever follows from it
  bool throws = true;       // else `first` holds what was found, and the computation goes on
};

/// While it lives, every operation of this thread is looked at, recorded or not, those inside pullbacks too,
/// and the first whose result holds NaN ends in AnomalyError:
///
///     const DetectAnomaly guard;
///     backward(loss_of(batch));   // divide: nan in its result (2, 3) at [0, 2], in the forward pass: …
///
/// NaN is always reported, also one that `where` or a mask would have hidden later. Infinity is not by
/// itself: -∞ added to the scores of attention is a usual way to say "not here", and does no harm. It is
/// remembered, and named when a NaN comes of it: ∞ - ∞, 0 · ∞.
///
/// Reading every result costs time (a training step takes about half as long again), so this is for finding
/// out, not for every day; without a guard an operation pays for one look at a flag. It changes no bit of
/// any result. nn::find_anomaly wraps it, and names the layer.
class DetectAnomaly {
 public:
  explicit DetectAnomaly(DetectAnomalyOptions options = {});
  ~DetectAnomaly();
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

  /// What was found first, or nothing.
  const std::optional<Anomaly>& first() const { return first_; }
  /// Where the first infinity of the operations that `y` depends on came from, or else the first in a
  /// pullback; or nothing.
  std::optional<Anomaly> first_infinity(const Variable& y) const;

  // For the engine.
  void look_at_result(const char* op, const Variable& y, const std::vector<Variable>& operands);
  void look_at_gradients(const NodeHandle& node, const Variable& dy, const Gradients& parts);
  void look_at_sum(const NodeHandle& node, const Variable& dy);
  void begin_backward() { in_pullbacks_.reset(); }

 private:
  void found(Anomaly anomaly, const std::vector<Variable>& operands, const NodeHandle& result);
  std::shared_ptr<const Anomaly> origin_of(const Variable& infinite) const;

  DetectAnomalyOptions options_;
  DetectAnomaly* before_;
  std::optional<Anomaly> first_;
  // Where infinities came from: in the forward pass by the order of their nodes, which are not kept alive;
  // the first in a pullback; the first that was not recorded.
  std::map<std::uint64_t, Anomaly> in_graph_;
  std::optional<Anomaly> in_pullbacks_, unrecorded_;
};

}  // namespace attune::inline ATTUNE_PRECISION
