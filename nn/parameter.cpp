#include "nn/parameter.h"

#include "tensor/error.h"

namespace attune::nn {
namespace {

Tensor checked_replacement(const char* what, const Tensor& old, const Tensor& value) {
  if (!(value.checked("set_value").shape() == old.shape()))
    fail<ShapeError>("set_value: shapes differ: ", value.shape(), " for a ", what, " of ", old.shape(),
                     ": only numbers can change, not sizes");
  return copy(value);
}

}  // namespace

Parameter::Parameter(Tensor initial) : cell_(std::make_shared<Cell>()) {
  initial.checked("parameter");
  cell_->leaf = tracked(initial).node();
  cell_->value = std::move(initial);
}

Parameter::Cell& Parameter::cell() const {
  if (!cell_)
    fail<ValueError>(
        "parameter: it has no value: assign Parameter(tensor) in the layer's constructor; if the model was "
        "moved, use the one it was moved to");
  return *cell_;
}

Parameter::operator Variable() const {
  const Cell& cell = this->cell();
  return cell.frozen ? Variable(cell.value) : Variable(cell.value, cell.leaf);
}

void Parameter::set_value(const Tensor& value) {
  cell().value = checked_replacement("parameter", this->value(), value);
}
void Buffer::set_value(const Tensor& value) {
  if (!value_.defined())
    fail<ValueError>(
        "set_value: the buffer has no value yet: assign Buffer(tensor) in the layer's constructor");
  value_ = checked_replacement("buffer", value_, value);
}

}  // namespace attune::nn
