#include "nn/parameter.h"

#include "tensor/error.h"

namespace attune::nn {
namespace {

Tensor checked_replacement(const Tensor& old, const Tensor& value) {
  if (!(value.checked("set_value").shape() == old.shape()))
    fail<ShapeError>("set_value: shapes differ: ", value.shape(), " for a parameter of ", old.shape());
  return copy(value);
}

}  // namespace

Parameter::Parameter(Tensor initial) : cell_(std::make_shared<Cell>()) {
  cell_->leaf = tracked(initial).node();
  cell_->value = std::move(initial);
}

Parameter::Cell& Parameter::cell() const {
  if (!cell_)
    fail<ValueError>("parameter: it has no value yet: assign Parameter(tensor) in the layer's constructor");
  return *cell_;
}

Parameter::operator Variable() const {
  const Cell& cell = this->cell();
  return cell.frozen ? Variable(cell.value) : Variable(cell.value, cell.leaf);
}

void Parameter::set_value(const Tensor& value) {
  cell().value = checked_replacement(this->value(), value);
}
void Buffer::set_value(const Tensor& value) {
  value_ = checked_replacement(value_, value);
}

}  // namespace attune::nn
