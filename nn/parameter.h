#pragma once

#include <memory>

#include "autograd/variable.h"

namespace attune::nn {

/// A tensor that training changes: a weight or a bias. A member of a layer.
///
/// Move-only: copying a model by accident does not compile. Where an operation wants a Variable, a Parameter
/// turns into one that shows its value of that moment: changing the parameter later does not change results
/// computed from it.
class Parameter {
 public:
  /// What a parameter is made of, shared with the optimisers that change it: they never hold addresses of
  /// members.
  struct Cell {
    Tensor value;
    NodeHandle leaf;  // where backward adds up the gradient
    bool frozen = false;
  };

  Parameter() = default;
  explicit Parameter(Tensor initial);
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(Parameter&&) noexcept = default;
  Parameter(const Parameter&) = delete;
  Parameter& operator=(const Parameter&) = delete;

  bool defined() const { return cell_ != nullptr; }
  operator Variable() const;
  const Tensor& value() const { return cell().value; }
  const Shape& shape() const { return value().shape(); }
  Index elements() const { return value().elements(); }

  /// Another value of the same shape. Throws ShapeError for another shape.
  void set_value(const Tensor& value);
  /// What backward has added up; undefined when nothing has arrived.
  Tensor gradient() const { return cell().leaf->gradient; }
  void clear_gradient() { cell().leaf->gradient = Tensor(); }

  /// A frozen parameter is a constant: no gradient flows into it and no optimiser changes it. It is still
  /// saved.
  void freeze() { cell().frozen = true; }
  void unfreeze() { cell().frozen = false; }
  bool frozen() const { return cell().frozen; }

  const std::shared_ptr<Cell>& handle() const { return cell_; }

 private:
  Cell& cell() const;
  std::shared_ptr<Cell> cell_;
};

/// A tensor that belongs to a model and is saved with it, but that training does not change.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Tensor value) : value_(std::move(value)) {}
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(Buffer&&) noexcept = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  const Tensor& value() const { return value_; }
  /// Another value of the same shape. Throws ShapeError for another shape.
  void set_value(const Tensor& value);

 private:
  Tensor value_;
};

}  // namespace attune::nn
