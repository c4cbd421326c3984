#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tensor/elementwise.h"
#include "tensor/indices.h"
#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

class Variable;
struct Node;

/// A counted handle to a node of the graph. The last handle frees the node, and with it whatever only it kept
/// alive, in a loop: a graph of any depth is freed on a small stack.
class NodeHandle {
 public:
  NodeHandle() = default;
  explicit NodeHandle(Node* fresh) : node_(fresh) {}  // takes the one count that a new node starts with
  inline NodeHandle(const NodeHandle& other) noexcept;
  NodeHandle(NodeHandle&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  NodeHandle& operator=(NodeHandle other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  inline ~NodeHandle();

  Node* get() const { return node_; }
  Node* operator->() const { return node_; }
  explicit operator bool() const { return node_ != nullptr; }

 private:
  void free_node() noexcept;

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
  Variable() {}
  Variable(Tensor value) : value_(std::move(value)) {}  // a constant
  Variable(Scalar number) : value_(number) {}           // a constant
  Variable(Tensor value, NodeHandle node) : value_(std::move(value)), node_(std::move(node)) {}

  bool defined() const { return value_.defined(); }
  const Tensor& value() const& { return value_; }
  Tensor value() && { return std::move(value_); }  // of a Variable that nobody needs any more
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
  Gradient() {}  // none
  Gradient(Variable whole) : value_(std::move(whole)) {}
  /// dy belongs at positions begin, begin + step, … of an axis; zero elsewhere.
  static Gradient slice(Variable dy, int axis, Index begin, Index step);
  /// dy's rows belong to the rows named (a row may be named often); zero elsewhere.
  static Gradient rows(Variable dy, Indices rows);

  enum class Kind { whole, slice, rows };
  Kind kind() const { return kind_; }
  bool defined() const { return value_.defined(); }
  const Variable& value() const& { return value_; }
  Variable value() && { return std::move(value_); }
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

/// One gradient per parent, in the parents' order: `Gradients{da, db}`. An undefined one, `{}`, means "no
/// gradient". For more than four, or a number known only at run time, there is push_back.
class Gradients {
 public:
  Gradients() = default;
  explicit Gradients(std::size_t count) : parts_(count) {}
  Gradients(Gradient a) { take(a); }
  Gradients(Gradient a, Gradient b) { take(a, b); }
  Gradients(Gradient a, Gradient b, Gradient c) { take(a, b, c); }
  Gradients(Gradient a, Gradient b, Gradient c, Gradient d) { take(a, b, c, d); }

  std::size_t size() const { return parts_.size(); }
  Gradient& operator[](std::size_t i) { return parts_[i]; }
  const Gradient& operator[](std::size_t i) const { return parts_[i]; }
  auto begin() { return parts_.begin(); }
  auto begin() const { return parts_.begin(); }
  auto end() { return parts_.end(); }
  auto end() const { return parts_.end(); }
  void push_back(Gradient part) { parts_.push_back(std::move(part)); }

 private:
  template <class... Parts>
  void take(Parts&... parts) {  // moved in: a list of initialisers would copy them
    parts_.reserve(sizeof...(parts));
    (parts_.push_back(std::move(parts)), ...);
  }

  std::vector<Gradient> parts_;
};

/// A place in the graph: a leaf, or an operation. It holds no values: what backward needs is what its
/// pullback has captured.
struct Node {
  Node();
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Turns dy, the gradient of the result y, into one gradient per parent; once, unless the graph is kept.
  virtual Gradients pullback(const Variable& dy, const Variable& y) const;
  /// Frees the values that the pullback has captured.
  virtual void release() {}

  const char* op = "leaf";
  const std::uint64_t order;  // of creation: later nodes have larger numbers
  Shape shape;                // of the result
  std::vector<NodeHandle> parents;
  Tensor output;  // only where the pullback asks for it
  bool is_leaf = false;
  bool used = false;  // backward has been here and released the pullback
  Tensor gradient;    // of a leaf: what backward has added up

  std::atomic<std::int64_t> handles{1};  // for NodeHandle
  Node* next_doomed = nullptr;           // for NodeHandle
};

inline NodeHandle::NodeHandle(const NodeHandle& other) noexcept : node_(other.node_) {
  if (node_) node_->handles.fetch_add(1, std::memory_order_relaxed);
}
// The last handle is alone with the node, so it need not count down to know.
inline NodeHandle::~NodeHandle() {
  if (node_ && (node_->handles.load(std::memory_order_acquire) == 1 ||
                node_->handles.fetch_sub(1, std::memory_order_acq_rel) == 1))
    free_node();
}

/// The operands of an operation as `record` is given them, `{a, b}` or a vector: it only refers to them.
class Operands {
 public:
  struct Reference {
    Reference(const Variable& x) : operand(&x) {}
    const Variable* operand;
  };
  Operands(std::initializer_list<Reference> listed) : listed_(listed), size_(listed.size()) {}
  Operands(const std::vector<Variable>& all) : all_(all.data()), size_(all.size()) {}

  std::size_t size() const { return size_; }
  const Variable& operator[](std::size_t i) const { return all_ ? all_[i] : *listed_.begin()[i].operand; }

 private:
  std::initializer_list<Reference> listed_;
  const Variable* all_ = nullptr;
  std::size_t size_;
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
Variable record_node(const char* op, Tensor&& value, const Operands& parents, NodeHandle node,
                     bool keeps_output);
Variable unrecorded(const char* op, Tensor&& value, const Operands& parents);
bool needs_recording(const Operands& parents);

// A node with its pullback, which may want the result or not.
template <class Pullback>
struct Operation final : Node {
  static constexpr bool wants_output = std::is_invocable_v<const Pullback&, const Variable&, const Variable&>;

  template <class Given>
  explicit Operation(std::in_place_t, Given&& given) : pull(std::forward<Given>(given)) {}
  Gradients pullback(const Variable& dy, [[maybe_unused]] const Variable& y) const override {
    if constexpr (wants_output) {
      return (*pull)(dy, y);
    } else {
      return (*pull)(dy);
    }
  }
  void release() override { pull.reset(); }

  std::optional<const Pullback> pull;  // nothing after release
};
}  // namespace detail

/// The result of an operation, with its place in the graph.
///
/// `pullback(dy)` or `pullback(dy, y)` turns the gradient of the result into one gradient per parent; only
/// the second form keeps the result alive for it. It is written in differentiable operations, which are
/// recorded only when the gradient itself is to be differentiated. `op` must be a literal: it names the
/// operation in errors and pictures.
template <class Pullback>
Variable record(const char* op, Tensor value, const Operands& parents, Pullback&& pullback) {
  if (!detail::needs_recording(parents)) return detail::unrecorded(op, std::move(value), parents);
  using Operation = detail::Operation<std::decay_t<Pullback>>;
  NodeHandle node(new Operation(std::in_place, std::forward<Pullback>(pullback)));
  return detail::record_node(op, std::move(value), parents, std::move(node), Operation::wants_output);
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
void look_at_result(const char* op, const Variable& y, const Operands& operands);
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
