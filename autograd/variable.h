#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tensor/elementwise.h"
#include "tensor/indices.h"
#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

class Variable;
class Gradient;
struct Node;
/// One gradient per parent, in the parents' order. An undefined one means "no gradient".
using Gradients = std::vector<Gradient>;

/// A counted handle to a node of the graph. The last handle frees the node, and with it whatever only it kept
/// alive, in a loop: a graph of any depth is freed on a small stack.
class NodeHandle {
 public:
  NodeHandle() = default;
  explicit NodeHandle(Node* fresh) : node_(fresh) {}  // takes the one count that a new node starts with
  NodeHandle(const NodeHandle& other) noexcept;
  NodeHandle(NodeHandle&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  NodeHandle& operator=(NodeHandle other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~NodeHandle();

  Node* get() const { return node_; }
  Node* operator->() const { return node_; }
  explicit operator bool() const { return node_ != nullptr; }

 private:
  Node* node_ = nullptr;
};

/// A value with a history: a tensor, and the operation that made it.
///
/// Variables are values: copying one copies two handles, and nothing can change the numbers of a Variable
/// that exists. There are three kinds: constants (no history; a Tensor or a number turns into one by itself),
/// leaves (whose gradient is wanted; made by `tracked`, or by a layer's Parameter), and results of operations
/// on either.
class Variable {
 public:
  Variable() = default;
  Variable(Tensor value) : value_(std::move(value)) {}  // a constant
  Variable(Scalar number) : value_(number) {}           // a constant
  Variable(Tensor value, NodeHandle node) : value_(std::move(value)), node_(std::move(node)) {}

  bool defined() const { return value_.defined(); }
  const Tensor& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  int rank() const { return value_.rank(); }
  Index size(int axis) const { return value_.size(axis); }
  Index elements() const { return value_.elements(); }
  Scalar item() const { return value_.item(); }

  /// True when gradients flow into it.
  bool requires_gradient() const { return static_cast<bool>(node_); }
  /// A leaf's gradient, after backward: of the leaf's shape, or undefined when nothing has reached it.
  /// Throws GraphError when this is not a leaf: ask `gradients` for the gradient of anything else.
  Tensor gradient() const;
  /// Forgets a leaf's gradient. backward adds to what is there.
  void clear_gradient() const;

  const NodeHandle& node() const { return node_; }

 private:
  Tensor value_;
  NodeHandle node_;
};

/// A leaf: a value whose gradient is wanted.
Variable tracked(Tensor value);
/// The value alone, cut from its history: gradients stop here.
Variable detach(const Variable& x);

// ---- recording operations

/// What a pullback returns for one parent: a whole gradient of the parent's shape, or a part of one. Parts
/// make slicing and gathering cost what they touch: 512 slices of one tensor add into one buffer, instead of
/// making 512 tensors of zeros.
class Gradient {
 public:
  Gradient() = default;  // none
  Gradient(Variable whole) : value_(std::move(whole)) {}
  /// dy belongs at positions begin, begin + step, … of an axis; zero elsewhere.
  static Gradient slice(Variable dy, int axis, Index begin, Index step);
  /// dy's rows belong to the rows named (a row may be named often); zero elsewhere.
  static Gradient rows(Variable dy, Indices rows);

  enum class Kind { whole, slice, rows };
  Kind kind() const { return kind_; }
  bool defined() const { return value_.defined(); }
  const Variable& value() const { return value_; }
  /// The same part with another value.
  Gradient with_value(Variable value) const;

  /// Throws ShapeError, or IndexError for a row, when it does not belong to a parent of this shape.
  void check_fits(const char* op, const Shape& parent) const;
  /// The whole gradient, as a differentiable value.
  Variable to_whole(const Shape& parent) const;
  /// target += this, in place.
  void add_to(Tensor& target) const;

 private:
  Variable value_;
  Kind kind_ = Kind::whole;
  int axis_ = 0;
  Index begin_ = 0;
  Index step_ = 1;
  Indices rows_;
};

/// An operation in the graph. It holds no values: what backward needs is what its pullback has captured.
struct Node {
  using Pullback = std::function<Gradients(const Variable& dy, const Variable& y)>;

  const char* op = "leaf";
  std::uint64_t order = 0;  // of creation: later nodes have larger numbers
  Shape shape;              // of the result
  std::vector<NodeHandle> parents;
  Pullback pullback;  // empty for leaves, and after backward has used it
  Tensor output;      // only where the pullback asks for it
  bool is_leaf = false;
  bool used = false;  // backward has been here and released the pullback
  Tensor gradient;    // of a leaf: what backward has added up

  std::atomic<std::int64_t> handles{1};  // for NodeHandle
  Node* next_doomed = nullptr;           // for NodeHandle
};

/// True unless a NoGradient is alive in this thread.
bool recording();

/// While it lives, operations of this thread are not recorded: for evaluation and translation.
class NoGradient {
 public:
  NoGradient();
  ~NoGradient();
  NoGradient(const NoGradient&) = delete;
  NoGradient& operator=(const NoGradient&) = delete;

 private:
  bool before_;
};

namespace detail {
Variable record_node(const char* op, Tensor value, const std::vector<Variable>& parents,
                     Node::Pullback pullback, bool keeps_output);
Variable unrecorded(const char* op, Tensor value, const std::vector<Variable>& parents);
bool needs_recording(const std::vector<Variable>& parents);
}  // namespace detail

/// The result of an operation, with its place in the graph.
///
/// `pullback(dy)` or `pullback(dy, y)` turns the gradient of the result into one gradient per parent; only
/// the second form keeps the result alive for it. It is written in differentiable operations, which are
/// recorded only when the gradient itself is to be differentiated. `op` must be a literal: it names the
/// operation in errors and pictures.
template <class Pullback>
Variable record(const char* op, Tensor value, const std::vector<Variable>& parents, Pullback&& pullback) {
  if (!detail::needs_recording(parents)) return detail::unrecorded(op, std::move(value), parents);
  constexpr bool with_output = std::is_invocable_v<Pullback&, const Variable&, const Variable&>;
  if constexpr (with_output) {
    return detail::record_node(op, std::move(value), parents, std::forward<Pullback>(pullback), true);
  } else {
    return detail::record_node(
        op, std::move(value), parents,
        [pull = std::forward<Pullback>(pullback)](const Variable& dy, const Variable&) { return pull(dy); },
        false);
  }
}

// ---- backward

/// Computes the gradient of a single number with respect to every leaf it depends on, and adds it to
/// `leaf.gradient()`.
///
/// The graph is released on the way: run backward once per forward pass. Throws GraphError when `loss` has no
/// history, when the graph has been used before, or when a pullback breaks its contract; ShapeError when
/// `loss` is not one number. If anything throws, no leaf's gradient has changed.
///
/// Threads may share leaves, and so a model, to compute with them and to ask for `gradients`, which change
/// nothing. backward changes the leaves: run it in one thread at a time for each model.
void backward(const Variable& loss);

struct GradientOptions {
  bool record = false;      // make the gradients differentiable themselves
  bool keep_graph = false;  // leave the graph usable for another pass; `record` implies it
};
/// dy/dx for each x, leaves or not, weighted by `dy` (default: ones; y must then be one number). An x that y
/// does not depend on gets zeros. No leaf's gradient() is touched.
std::vector<Variable> gradients(const Variable& y, const std::vector<Variable>& xs, const Variable& dy = {},
                                GradientOptions options = {});

/// The graph behind a value as Graphviz DOT: `dot -Tsvg graph.dot > graph.svg`. Boxes are operations
/// with the shapes of their results, rounded ones are leaves; arrows run the way the numbers flow, dashed
/// from constants, of which a graph knows no more than that they are there. A leaf that has a gradient shows
/// it. A graph holds no values: those in `named` appear with their names and, as y does, with their numbers,
/// where these are at most 12. Throws GraphError for a name of something that y does not depend on.
std::string to_dot(const Variable& y, const std::vector<std::pair<std::string, Variable>>& named = {});

/// Every leaf that y depends on, each once.
std::vector<NodeHandle> leaves_of(const Variable& y);

class DetectAnomaly;

namespace detail {
// For DetectAnomaly (autograd/anomaly.h). Without one alive in this thread each is one look at a pointer.
void look_at_result(const char* op, const Variable& y, const std::vector<Variable>& operands);
void look_at_gradients(const NodeHandle& node, const Variable& dy, const Gradients& parts);
DetectAnomaly* anomaly_guard();

/// While it lives, the operations of this thread are those of a node's pullback.
class PullbackScope {
 public:
  explicit PullbackScope(const NodeHandle& node);
  ~PullbackScope();
  PullbackScope(const PullbackScope&) = delete;
  PullbackScope& operator=(const PullbackScope&) = delete;

 private:
  const NodeHandle* before_;
};
}  // namespace detail

/// How many nodes exist, in all threads: returns to its base after each training step.
std::int64_t live_nodes();

namespace detail {
/// For the tests of the tests: while it lives, `change` may spoil what the pullback of an operation returns.
class PullbackTap {
 public:
  using Change = std::function<void(const Node& node, const Variable& dy, Gradients& gradients)>;
  explicit PullbackTap(Change change);
  ~PullbackTap();
  PullbackTap(const PullbackTap&) = delete;
  PullbackTap& operator=(const PullbackTap&) = delete;

 private:
  Change change_;
  const Change* before_;
};
}  // namespace detail

}  // namespace attune::inline ATTUNE_PRECISION
