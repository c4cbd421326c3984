#include "autograd/anomaly.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "tensor/elementwise.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

thread_local DetectAnomaly* guard = nullptr;
thread_local const NodeHandle* pulling = nullptr;  // the node whose pullback is running

// How many infinities of forward passes are remembered: a pass that adds -∞ in each of its layers, step after
// step, must not fill the memory.
constexpr std::size_t remembered = 1000;

// ---- looking at numbers

struct Found {
  Scalar value;
  std::vector<Index> position;
};

// The first NaN, or else the first infinity.
std::optional<Found> look(const Tensor& x) {
  if (!x.defined() || !any_non_finite(x)) return {};
  const std::vector<Scalar> values = x.values();
  auto at = std::find_if(values.begin(), values.end(), [](Scalar number) { return std::isnan(number); });
  if (at == values.end())
    at = std::find_if(values.begin(), values.end(), [](Scalar number) { return std::isinf(number); });
  Found found{*at, std::vector<Index>(static_cast<std::size_t>(x.rank()))};
  Index rest = at - values.begin();
  for (int axis = x.rank() - 1; axis >= 0; --axis) {
    found.position[static_cast<std::size_t>(axis)] = rest % x.size(axis);
    rest /= x.size(axis);
  }
  return found;
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_elementwise(std::string_view op) {
  return one_of(op, {"abs",  "add",     "divide",  "dropout",  "erf",    "exp",      "gelu",
                     "log",  "maximum", "minimum", "multiply", "negate", "pow",      "reciprocal",
                     "relu", "sigmoid", "silu",    "sqrt",     "square", "subtract", "tanh"});
}

// ---- saying it

std::string in_words(Scalar number) {
  return std::isnan(number) ? "nan" : number > 0 ? "infinity" : "-infinity";
}

std::string in_words(const std::vector<Index>& position) {
  if (position.empty()) return "";
  std::ostringstream text;
  text << " at [";
  for (std::size_t i = 0; i < position.size(); ++i) text << (i ? ", " : "") << position[i];
  text << "]";
  return text.str();
}

// Rounded, so that the sentence is the same on every machine.
std::string in_digits(Scalar number) {
  if (!std::isfinite(number)) return in_words(number);
  std::ostringstream text;
  text.precision(3);
  text << number;
  return text.str();
}

// What an operation element by element was given for one position of its result: "0 and -1". Nothing when the
// operands do not broadcast to it: somebody else's operation of the same name.
std::string given_at(const std::vector<Variable>& operands, const Shape& result,
                     const std::vector<Index>& position) {
  std::string text;
  for (const Variable& operand : operands) {
    if (!operand.defined() || operand.rank() > result.rank()) return "";
    Index offset = 0;
    for (int axis = -1; axis >= -operand.rank(); --axis) {
      if (operand.size(axis) == 1) continue;
      if (operand.size(axis) != result[axis]) return "";
      offset += operand.value().stride(axis) * position[position.size() - static_cast<std::size_t>(-axis)];
    }
    text += (text.empty() ? "" : " and ") + in_digits(operand.value().data()[offset]);
  }
  return text;
}

std::string phase_of(const Anomaly& anomaly) {
  if (!anomaly.backward) return "in the forward pass";
  return anomaly.pullback_of.empty() ? "in the backward pass" : "in the pullback of " + anomaly.pullback_of;
}

std::string advice_on(const Anomaly& anomaly) {
  if (anomaly.backward && anomaly.pullback_of.empty())
    return anomaly.op == "backward" ? "look for the one that uses this and has an infinite gradient"
                                    : "look at what its pullback computes, and from what numbers";
  const std::string_view op = anomaly.op;
  const std::string_view pullback = anomaly.pullback_of;
  if (std::isnan(anomaly.operand_holds))
    return "it was spoiled before this operation: look at how those weights, or that input, came about";
  if (pullback == "sqrt")
    return "the derivative of a square root at 0 is infinite: add a small number under the root";
  if (op == "sqrt") return "a negative number has no square root: keep what goes in at 0 or above";
  if (op == "log" || pullback == "log")
    return "keep what goes into log above 0; for the logarithm of a softmax take log_softmax or "
           "cross_entropy";
  if (one_of(pullback, {"divide", "reciprocal"}) || one_of(op, {"divide", "reciprocal"}))
    return "keep the divisor away from 0, by adding a small number to it";
  if (op == "exp") return "keep what goes in small: subtract the largest first, as softmax does";
  if (op == "pow" || pullback == "pow")
    return "a negative number has whole powers only, and 0 no negative ones: keep the base above 0";
  if (one_of(op, {"softmax", "masked_softmax", "log_softmax", "cross_entropy"}) && anomaly.operand >= 0)
    return "a row of nothing but -infinity, or with infinity in it, has no softmax: say who may attend with "
           "a Mask, which gives zeros where nothing is allowed";
  if (anomaly.operand >= 0)
    return "infinity - infinity and 0 * infinity have no value: look at where the infinity came from";
  return "the numbers have grown beyond what this type holds: lower the rate, or look whose weights or "
         "inputs have grown";
}

}  // namespace

std::string Anomaly::sentence(const std::string& place, const std::string& operand_name,
                              const std::string& origin_place) const {
  std::ostringstream text;
  const auto where_it_was = [&](const Anomaly& anomaly, const std::string& in) {
    text << anomaly.shape << in_words(anomaly.position) << ", " << phase_of(anomaly)
         << (in.empty() ? "" : ", " + in);
  };
  text << op << ": " << in_words(value) << " in " << what << " ";
  where_it_was(*this, place);
  if (operand >= 0) {
    const bool named = !operand_name.empty();
    text << ": operand " << operand << (named ? ", " + operand_name : "") << " " << operand_value.shape()
         << (named ? "," : "") << " holds " << in_words(operand_holds) << " already"
         << in_words(operand_position) << (given.empty() ? "" : "; given were " + given);
  } else if (op == "backward") {
    text << ": infinity and -infinity met there";
  } else if (backward && pullback_of.empty()) {
    text << ": the gradient that came in was finite";
  } else {
    text << ": all that went in was finite" << (given.empty() ? "" : ", there " + given);
  }
  if (origin) {
    text << "; " << in_words(origin->value) << " came first from " << origin->op << ", in " << origin->what
         << " ";
    where_it_was(*origin, origin_place);
    if (origin->operand >= 0) text << ", which was given it in operand " << origin->operand;
    if (!origin->given.empty()) text << ", from " << origin->given;
  }
  text << ": " << advice_on(origin && origin->operand < 0 ? *origin : *this);
  return text.str();
}

// ---- the guard

DetectAnomaly::DetectAnomaly(DetectAnomalyOptions options)
    : options_(options), before_(std::exchange(guard, this)) {}
DetectAnomaly::~DetectAnomaly() {
  guard = before_;
}

DetectAnomaly* detail::anomaly_guard() {
  return guard;
}
void detail::look_at_result(const char* op, const Variable& y, const Operands& operands) {
  if (!guard) return;
  std::vector<Variable> given;
  for (std::size_t i = 0; i < operands.size(); ++i) given.push_back(operands[i]);
  guard->look_at_result(op, y, given);
}
void detail::look_at_gradients(const NodeHandle& node, const Variable& dy, const Gradients& parts) {
  if (guard) guard->look_at_gradients(node, dy, parts);
}
detail::PullbackScope::PullbackScope(const NodeHandle& node) : before_(std::exchange(pulling, &node)) {}
detail::PullbackScope::~PullbackScope() {
  pulling = before_;
}

void DetectAnomaly::look_at_result(const char* op, const Variable& y, const std::vector<Variable>& operands) {
  if (first_ && !options_.throws) return;  // found already
  const std::optional<Found> in_result = look(y.value());
  if (!in_result) return;
  Anomaly anomaly;
  anomaly.op = op;
  anomaly.what = "its result";
  anomaly.value = in_result->value;
  anomaly.shape = y.shape();
  anomaly.position = in_result->position;
  if (is_elementwise(op)) anomaly.given = given_at(operands, y.shape(), anomaly.position);
  if (pulling) {
    anomaly.backward = true;
    anomaly.pullback_of = (*pulling)->op;
    anomaly.nodes = {*pulling};
  } else {
    for (const Variable& operand : operands) anomaly.nodes.push_back(operand.node());
  }
  found(std::move(anomaly), operands, y.node());
}

void DetectAnomaly::look_at_gradients(const NodeHandle& node, const Variable& dy, const Gradients& parts) {
  if (first_ && !options_.throws) return;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].defined()) continue;
    const std::optional<Found> in_part = look(parts[i].value().value());
    if (!in_part) continue;
    Anomaly anomaly;
    anomaly.op = node->op;
    anomaly.what = "its gradient for operand " + std::to_string(i);
    anomaly.value = in_part->value;
    anomaly.shape = parts[i].value().shape();
    anomaly.position = in_part->position;
    anomaly.backward = true;
    anomaly.nodes = {node};
    found(std::move(anomaly), {dy}, {});
  }
}

void DetectAnomaly::look_at_sum(const NodeHandle& node, const Variable& dy) {
  if (first_ && !options_.throws) return;
  const std::optional<Found> in_sum = look(dy.value());
  if (!in_sum) return;
  Anomaly anomaly;
  anomaly.op = "backward";
  anomaly.what = std::string("the sum of the gradients that reach ") + (node->is_leaf ? "a leaf" : node->op);
  anomaly.value = in_sum->value;
  anomaly.shape = dy.shape();
  anomaly.position = in_sum->position;
  anomaly.backward = true;
  anomaly.nodes = {node};
  found(std::move(anomaly), {}, {});
}

void DetectAnomaly::found(Anomaly anomaly, const std::vector<Variable>& operands, const NodeHandle& result) {
  const bool is_nan = std::isnan(anomaly.value);
  // The operand to blame: one with NaN before one with infinity.
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const std::optional<Found> in_operand = look(operands[i].value());
    if (!in_operand || (anomaly.operand >= 0 && !std::isnan(in_operand->value))) continue;
    anomaly.operand = static_cast<int>(i);
    anomaly.operand_value = operands[i];
    anomaly.operand_holds = in_operand->value;
    anomaly.operand_position = in_operand->position;
    if (std::isnan(in_operand->value)) break;
  }
  if (is_nan || (options_.infinities && anomaly.operand < 0)) {
    if (anomaly.operand >= 0 && !std::isnan(anomaly.operand_holds))
      anomaly.origin = origin_of(anomaly.operand_value);
    if (anomaly.op == "backward" && in_pullbacks_)
      anomaly.origin = std::make_shared<const Anomaly>(*in_pullbacks_);
    if (!first_) first_ = anomaly;
    if (options_.throws) throw AnomalyError(anomaly);
    return;
  }

  // An infinity. Where its operands are results of operations it only passes through: where it came from has
  // been noted.
  if (anomaly.operand >= 0 && anomaly.operand_value.requires_gradient() &&
      !anomaly.operand_value.node()->is_leaf)
    return;
  anomaly.operand_value = Variable();  // what is remembered for long keeps no numbers alive
  if (result) {
    Anomaly& kept = in_graph_.emplace(result->order, anomaly).first->second;
    kept.nodes.clear();
    if (in_graph_.size() > remembered) in_graph_.erase(in_graph_.begin());
  }
  std::optional<Anomaly>& earliest = anomaly.backward ? in_pullbacks_ : unrecorded_;
  if (!result && !earliest) earliest = std::move(anomaly);
}

std::shared_ptr<const Anomaly> DetectAnomaly::origin_of(const Variable& infinite) const {
  std::optional<Anomaly> origin;
  if (infinite.requires_gradient()) {
    origin = first_infinity(infinite);
  } else {
    origin = pulling && in_pullbacks_ ? in_pullbacks_ : unrecorded_;
  }
  return origin ? std::make_shared<const Anomaly>(std::move(*origin)) : nullptr;
}

std::optional<Anomaly> DetectAnomaly::first_infinity(const Variable& y) const {
  std::optional<Anomaly> earliest = in_pullbacks_;
  std::uint64_t order = 0;
  std::vector<NodeHandle> open{y.node()};
  std::unordered_set<const Node*> seen;
  while (!open.empty()) {
    const NodeHandle node = std::move(open.back());
    open.pop_back();
    if (!node || !seen.insert(node.get()).second) continue;
    const auto noted = in_graph_.find(node->order);
    if (noted != in_graph_.end() && (order == 0 || node->order < order)) {
      order = node->order;
      earliest = noted->second;
      earliest->nodes = node->parents;
    }
    open.insert(open.end(), node->parents.begin(), node->parents.end());
  }
  return earliest;
}

}  // namespace attune::inline ATTUNE_PRECISION
