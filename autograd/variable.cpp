#include "autograd/variable.h"

#include <algorithm>
#include <atomic>

#include "autograd/indexing.h"
#include "tensor/error.h"
#include "tensor/indexing.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

std::atomic<std::uint64_t> next_order{1};
std::atomic<std::uint64_t> freed_nodes{0};
thread_local bool recording_now = true;

}  // namespace

// ---- nodes and their handles

Node::Node() : order(next_order.fetch_add(1, std::memory_order_relaxed)) {}

Gradients Node::pullback(const Variable&, const Variable&) const {
  return {};
}

// Freeing a node drops its handles to its parents, which may free those, and so on down the graph. To keep
// that a loop, a node whose last handle goes while another is being freed only joins a list, which the
// outermost release works off.
void NodeHandle::free_node() noexcept {
  thread_local Node* doomed = nullptr;
  thread_local bool working = false;
  node_->next_doomed = doomed;
  doomed = node_;
  if (working) return;
  working = true;
  std::uint64_t freed = 0;
  while (doomed) {
    Node* node = std::exchange(doomed, doomed->next_doomed);
    delete node;
    ++freed;
  }
  freed_nodes.fetch_add(freed, std::memory_order_relaxed);
  working = false;
}

std::int64_t live_nodes() {
  const std::uint64_t freed = freed_nodes.load(std::memory_order_relaxed);  // orders are given from 1 on
  return static_cast<std::int64_t>(next_order.load(std::memory_order_relaxed) - 1 - freed);
}

Variable tracked(Tensor value) {
  value.checked("tracked");
  NodeHandle node(new Node);
  node->shape = value.shape();
  node->is_leaf = true;
  return Variable(std::move(value), std::move(node));
}

Variable detach(const Variable& x) {
  return Variable(x.value());
}

Tensor Variable::gradient() const {
  if (!node_)
    fail<GraphError>("gradient: a constant has none: make the value with tracked() to want its gradient");
  if (!node_->is_leaf)
    fail<GraphError>("gradient: only leaves keep theirs, this is the result of ", node_->op,
                     ": ask gradients(y, {x}) for it");
  return node_->gradient;
}

void Variable::clear_gradient() const {
  if (node_ && node_->is_leaf) node_->gradient = Tensor();
}

// ---- recording

bool recording() {
  return recording_now;
}

NoGradient::NoGradient() : before_(std::exchange(recording_now, false)) {}
NoGradient::~NoGradient() {
  recording_now = before_;
}

bool detail::needs_recording(const Operands& parents) {
  if (!recording_now) return false;
  for (std::size_t i = 0; i < parents.size(); ++i)
    if (parents[i].requires_gradient()) return true;
  return false;
}

Variable detail::record_node(const char* op, Tensor&& value, const Operands& parents, NodeHandle node,
                             bool keeps_output) {
  value.checked(op);
  node->op = op;
  node->shape = value.shape();
  node->parents.reserve(parents.size());
  for (std::size_t i = 0; i < parents.size(); ++i) node->parents.push_back(parents[i].node());
  if (keeps_output) node->output = value;
  Variable y(std::move(value), std::move(node));
  look_at_result(op, y, parents);
  return y;
}

Variable detail::unrecorded(const char* op, Tensor&& value, const Operands& parents) {
  Variable y(std::move(value));
  look_at_result(op, y, parents);
  return y;
}

// ---- gradients, whole or in part

Gradient Gradient::slice(Variable dy, int axis, Index begin, Index step) {
  Gradient part(std::move(dy));
  part.kind_ = Kind::slice;
  part.axis_ = axis;
  part.begin_ = begin;
  part.step_ = step;
  return part;
}

Gradient Gradient::rows(Variable dy, Indices rows) {
  Gradient part(std::move(dy));
  part.kind_ = Kind::rows;
  part.rows_ = std::move(rows);
  return part;
}

Gradient Gradient::with_value(Variable value) const {
  Gradient changed = *this;
  changed.value_ = std::move(value);
  return changed;
}

void Gradient::check_fits(const char* op, const Shape& parent) const {
  const Shape& part = value_.shape();
  switch (kind_) {
    case Kind::whole:
      if (!(part == parent))
        fail<ShapeError>(op, ": its pullback returned a gradient of the wrong shape: ", part,
                         " for a parent of shape ", parent, ": sum over what was broadcast with sum_to");
      return;
    case Kind::slice: {
      const bool has_axis = axis_ >= -parent.rank() && axis_ < parent.rank() && part.rank() == parent.rank();
      if (!has_axis || !(part.with(axis_, parent[axis_]) == parent) || begin_ < 0 || step_ < 1 ||
          (part[axis_] > 0 &&
           (begin_ >= parent[axis_] || part[axis_] - 1 > (parent[axis_] - 1 - begin_) / step_)))
        fail<ShapeError>(op, ": its pullback returned a slice that does not fit: ", part, " along axis ",
                         axis_, " from ", begin_, " in steps of ", step_, " for a parent of shape ", parent,
                         ": give the axis, the begin and the step of the slice that was taken");
      return;
    }
    case Kind::rows: {
      std::vector<Index> wanted(rows_.checked(op).sizes);
      if (parent.rank() > 0) wanted.insert(wanted.end(), parent.begin() + 1, parent.end());
      if (parent.rank() == 0 || !std::equal(wanted.begin(), wanted.end(), part.begin(), part.end()))
        fail<ShapeError>(op, ": its pullback returned rows that do not fit: ", part, " for ",
                         Shape(rows_.sizes), " rows of a parent of shape ", parent,
                         ": give one row of the parent's width for each index");
      for (const std::int32_t row : rows_.values)
        if (row < 0 || row >= parent[0])
          fail<IndexError>(op, ": its pullback returned a gradient for row ", row, " of a parent of shape ",
                           parent, ": use the rows that were gathered");
      return;
    }
  }
}

Variable Gradient::to_whole(const Shape& parent) const {
  switch (kind_) {
    case Kind::slice:
      return embed_slice(value_, parent, axis_, begin_, step_);
    case Kind::rows:
      return scatter_add_rows(value_, rows_, parent[0]);
    case Kind::whole:
      break;
  }
  return value_;
}

void Gradient::add_to(Tensor& target) const {
  switch (kind_) {
    case Kind::slice:
      return add_to_slice_in_place(target, value_.value(), axis_, begin_, step_);
    case Kind::rows:
      return scatter_add_rows_in_place(target, value_.value(), rows_);
    case Kind::whole:
      return add_in_place(target, value_.value());
  }
}

}  // namespace attune::inline ATTUNE_PRECISION
