#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "autograd/anomaly.h"
#include "autograd/elementwise.h"
#include "autograd/variable.h"
#include "tensor/error.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

thread_local const detail::PullbackTap::Change* tap = nullptr;

// One backward pass.
//
// Nodes are visited newest first. That order is topological without any sorting: an operation can only use
// values that exist, so its parents are always older than itself, and when a node is visited everything that
// used it (all of it newer) has been visited, so its gradient is complete. Why that matters, in the smallest
// example:
//
//     b = a + a;   c = b + b;        // dc/da = 4
//
// c gives b the gradient 1 + 1 = 2, in two parts. Were b visited after the first part, it would hand on 1 to
// each of a's two uses and then 2 to each after the second part: 6 instead of 4; or, worse, never come back
// for it: 2. And where it is the order among nodes that decides:
//
//     d = b + c;                     // dd/da = 6
//
// d gives 1 to b and 1 to c. Were b, the older, visited first, what c gives it later would be lost: 2 instead
// of 6. The whole story: "Why are nodes visited newest first?" in README.md.
class BackwardPass {
 public:
  BackwardPass(const char* name, GradientOptions options) : name_(name), options_(options) {}

  // Visits all that `root` depends on; afterwards `finished` holds the gradients of leaves and of nodes in
  // `wanted`.
  void run(const NodeHandle& root, const Variable& dy, const std::unordered_set<const Node*>& wanted) {
    DetectAnomaly* const guard = detail::anomaly_guard();
    if (guard) guard->begin_backward();
    receive(name_, root, dy);
    while (!waiting_.empty()) {
      const auto newest = waiting_.extract(waiting_.begin());
      Slot& slot = newest.mapped();
      const NodeHandle& node = *slot.node;
      if (guard) guard->look_at_sum(node, slot.sum);
      if (node->is_leaf) {
        finished_.push_back(std::move(slot));
        continue;
      }
      if (wanted.contains(node.get())) finished_.push_back(slot);
      visit(node, slot.sum);
    }
  }

  struct Slot {
    const NodeHandle* node = nullptr;  // the root's, or among the parents of another node
    Variable sum;  // of the gradients that have arrived; with its history, when it is to be differentiable
  };
  const std::vector<Slot>& finished() const { return finished_; }

 private:
  void visit(const NodeHandle& node, const Variable& dy) {
    if (node->used)
      fail<GraphError>(name_, ": this graph has been used before, at ", node->op,
                       ": run the forward pass again, or cut the history with detach(), or let the earlier "
                       "pass be gradients(…) with {.keep_graph = true}");
    const Variable y(node->output, options_.record ? node : NodeHandle());
    Gradients parts = [&] {
      const detail::PullbackScope scope(node);
      return node->pullback(dy, y);
    }();
    if (tap) (*tap)(*node.get(), dy, parts);
    detail::look_at_gradients(node, dy, parts);
    if (parts.size() != node->parents.size())
      fail<GraphError>(node->op, ": its pullback returned ", parts.size(), " gradients for ",
                       node->parents.size(), " parents: return one for each, in order");
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (node->parents[i] && parts[i].defined()) receive(node->op, node->parents[i], std::move(parts[i]));
    if (options_.record || options_.keep_graph) return;
    node->used = true;
    node->release();
    if (node->output.defined()) node->output = Tensor();
  }

  void receive(const char* op, const NodeHandle& node, Gradient&& gradient) {
    gradient.check_fits(op, node->shape);
    const auto [at, is_new] = waiting_.try_emplace(node->order);
    Slot& slot = at->second;
    if (is_new) slot.node = &node;
    const bool is_whole = gradient.kind() == Gradient::Kind::whole;
    if (options_.record) {
      const Variable whole = gradient.to_whole(node->shape);
      slot.sum = is_new ? whole : slot.sum + whole;
    } else if (is_new && is_whole) {
      slot.sum = std::move(gradient).value().value();  // the numbers, without their history
    } else {
      Tensor sum = is_new ? zeros(node->shape) : std::move(slot.sum).value();
      if (is_whole && !sum.is_writable_in_place()) {
        sum = sum + gradient.value().value();  // one pass, where add_to would copy first
      } else {
        gradient.add_to(sum);
      }
      slot.sum = std::move(sum);
    }
  }

  const char* name_;  // of the function that was called, for errors
  GradientOptions options_;
  std::map<std::uint64_t, Slot, std::greater<>> waiting_;  // by Node::order, newest first
  std::vector<Slot> finished_;
};

// Operations inside pullbacks are recorded only when the gradients are to be differentiable.
class RecordingScope {
 public:
  explicit RecordingScope(bool record) {
    if (!record) off_.emplace();
  }

 private:
  std::optional<NoGradient> off_;
};

void check_root(const char* what, const Variable& y) {
  y.value().checked(what);
  if (!y.requires_gradient())
    fail<GraphError>(what, ": the value has no history: ", y.shape(),
                     ": it comes from constants or frozen parameters only, from detach(), from a time under "
                     "NoGradient, or from gradients(…) without {.record = true}");
}

}  // namespace

void backward(const Variable& loss) {
  check_root("backward", loss);
  if (loss.elements() != 1)
    fail<ShapeError>("backward: the loss must be a single number: ", loss.shape(),
                     ": reduce it with sum or mean first");
  const RecordingScope scope(false);
  BackwardPass pass("backward", {});
  pass.run(loss.node(), ones(loss.shape()), {});
  // Only now, when nothing can go wrong any more, do the leaves change.
  std::vector<std::pair<NodeHandle, Tensor>> results;
  for (const auto& [leaf, sum] : pass.finished())
    results.emplace_back(*leaf, (*leaf)->gradient.defined() ? (*leaf)->gradient + sum.value() : sum.value());
  for (auto& [leaf, gradient] : results) leaf->gradient = std::move(gradient);
}

std::vector<Variable> gradients(const Variable& y, const std::vector<Variable>& xs, const Variable& dy,
                                GradientOptions options) {
  check_root("gradients", y);
  if (!dy.defined() && y.elements() != 1)
    fail<ShapeError>("gradients: y must be a single number: ", y.shape(),
                     ": or give dy, the weight of each element");
  if (dy.defined() && !(dy.shape() == y.shape()))
    fail<ShapeError>("gradients: dy must have the shape of y: ", dy.shape(), " and ", y.shape(),
                     ": give one weight for each element of y");
  std::unordered_set<const Node*> wanted;
  for (const Variable& x : xs) {
    x.value().checked("gradients");
    if (!x.requires_gradient())
      fail<GraphError>("gradients: an x has no history: ", x.shape(),
                       ": make it with tracked() before y is computed");
    wanted.insert(x.node().get());
  }
  const RecordingScope scope(options.record);
  BackwardPass pass("gradients", options);
  pass.run(y.node(), dy.defined() ? dy : Variable(ones(y.shape())), wanted);
  std::unordered_map<const Node*, Variable> found;
  for (const auto& [node, sum] : pass.finished()) found[node->get()] = sum;
  std::vector<Variable> results;
  for (const Variable& x : xs) {
    const auto at = found.find(x.node().get());
    results.push_back(at != found.end() ? at->second : Variable(zeros(x.shape())));
  }
  return results;
}

detail::PullbackTap::PullbackTap(Change change) : change_(std::move(change)), before_(tap) {
  tap = &change_;
}
detail::PullbackTap::~PullbackTap() {
  tap = before_;
}

std::vector<NodeHandle> leaves_of(const Variable& y) {
  std::vector<NodeHandle> leaves;
  std::vector<NodeHandle> open;
  std::unordered_set<const Node*> seen;
  const auto meet = [&](const NodeHandle& node) {
    if (node && seen.insert(node.get()).second) open.push_back(node);
  };
  meet(y.node());
  while (!open.empty()) {
    const NodeHandle node = std::move(open.back());
    open.pop_back();
    if (node->is_leaf) leaves.push_back(node);
    for (const NodeHandle& parent : node->parents) meet(parent);
  }
  return leaves;
}

namespace {

// In quotation marks of DOT.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

// The numbers of a small tensor, a line for each row; nothing for others. Three digits are the same with all
// kernels.
std::string numbers_of(const Tensor& x) {
  constexpr Index most = 12;
  if (!x.defined() || x.rank() > 2 || x.elements() > most || x.elements() == 0) return "";
  const std::vector<Scalar> numbers = x.values();
  const std::size_t columns = x.rank() == 0 ? 1 : static_cast<std::size_t>(x.size(-1));
  std::ostringstream out;
  out.precision(3);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    out << (i % columns == 0 ? "\\n" : "   ") << numbers[i] + 0;  // -0 + 0 is 0
  return out.str();
}

// What a node shows: its name, its operation, its shape, and what numbers are known of it. A single number
// says by itself that its shape is ().
std::string label_of(const Node& node, const std::string* name, const Tensor& value) {
  std::ostringstream out;
  if (name) out << escaped(*name) << (node.is_leaf ? "" : " = ");
  if (!name || !node.is_leaf) out << node.op;
  const std::string numbers = numbers_of(value);
  if (node.shape.rank() > 0 || numbers.empty()) out << "\\n" << node.shape;
  out << numbers;
  const std::string gradient = numbers_of(node.gradient);
  if (!gradient.empty())
    out << "\\ngradient" << (node.shape.rank() == 0 ? " " + gradient.substr(2) : gradient);
  return out.str();
}

}  // namespace

std::string to_dot(const Variable& y, const std::vector<std::pair<std::string, Variable>>& named) {
  check_root("to_dot", y);
  std::unordered_map<const Node*, int> numbers;  // how the nodes are called: n0, n1, …
  std::vector<const Node*> open{y.node().get()}, nodes;
  numbers[y.node().get()] = 0;
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    nodes.push_back(node);
    for (const NodeHandle& parent : node->parents)
      if (parent && numbers.try_emplace(parent.get(), static_cast<int>(numbers.size())).second)
        open.push_back(parent.get());
  }
  std::unordered_map<const Node*, const std::pair<std::string, Variable>*> names;
  for (const auto& name : named) {
    name.second.value().checked("to_dot");
    if (!numbers.contains(name.second.node().get()))
      fail<GraphError>("to_dot: what is called '", name.first, "' is not in the graph: ", name.second.shape(),
                       ": name what y was computed from; constants have no place in a graph");
    names.try_emplace(name.second.node().get(), &name);
  }

  std::ostringstream out, arrows;
  out << "digraph {\n  rankdir=LR;\n  ordering=in;\n  node [shape=box, fillcolor=\"#e8f1fb\", "
         "fontname=\"sans-serif\"];\n";
  int constants = 0;
  for (const Node* node : nodes) {
    const auto found = names.find(node);
    const std::string* name = found == names.end() ? nullptr : &found->second->first;
    const Tensor value = node == y.node().get() ? y.value() : name ? found->second->second.value() : Tensor();
    out << "  n" << numbers[node] << " [" << (node->is_leaf ? "style=\"rounded,filled\", " : "") << "label=\""
        << label_of(*node, name, value) << "\"];\n";
    for (const NodeHandle& parent : node->parents) {
      if (parent) {
        arrows << "  n" << numbers[parent.get()] << " -> n" << numbers[node] << ";\n";
      } else {
        arrows << "  c" << constants << " [shape=plaintext, fontcolor=gray40, label=\"constant\"];\n"
               << "  c" << constants << " -> n" << numbers[node] << " [style=dashed, color=gray40];\n";
        ++constants;
      }
    }
  }
  out << arrows.str() << "}\n";
  return out.str();
}

}  // namespace attune::inline ATTUNE_PRECISION
