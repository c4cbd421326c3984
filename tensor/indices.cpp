#include "tensor/indices.h"

#include <cstddef>
#include <utility>

#include "tensor/error.h"
#include "tensor/shape.h"

namespace attune {
namespace {

// Shape checks the sizes: none negative, a product that fits.
Shape shape_of(const std::vector<std::int64_t>& sizes) {
  return Shape(std::span<const Index>(sizes));
}

std::size_t offset_of(const Indices& indices, std::int64_t row, std::int64_t column) {
  if (indices.rank() != 2) {
    fail<ShapeError>("Indices::at: a row and a column need two axes: sizes ", shape_of(indices.sizes),
                     ": use values for other ranks");
  }
  const std::int64_t rows = indices.sizes[0];
  const std::int64_t columns = indices.sizes[1];
  if (row < 0 || row >= rows || column < 0 || column >= columns) {
    fail<IndexError>("Indices::at: outside the matrix: row ", row, ", column ", column, " of sizes ",
                     shape_of(indices.sizes), ": count from 0");
  }
  return static_cast<std::size_t>(row * columns + column);
}

}  // namespace

Indices::Indices(std::vector<std::int64_t> axis_sizes, std::vector<std::int32_t> row_major_values)
    : sizes(std::move(axis_sizes)), values(std::move(row_major_values)) {
  checked("Indices");
}

const Indices& Indices::checked(const char* op) const {
  const Shape shape = shape_of(sizes);
  if (shape.elements() != static_cast<std::int64_t>(values.size())) {
    fail<ShapeError>(op, ": the sizes and the number of values differ: ", shape, " needs ", shape.elements(),
                     " values, got ", values.size(), ": give one value per element");
  }
  return *this;
}

Indices Indices::full(std::vector<std::int64_t> axis_sizes, std::int32_t value) {
  const auto count = static_cast<std::size_t>(shape_of(axis_sizes).elements());
  return Indices(std::move(axis_sizes), std::vector<std::int32_t>(count, value));
}

std::int64_t Indices::size(int axis) const {
  const int from_front = axis < 0 ? axis + rank() : axis;
  if (from_front < 0 || from_front >= rank()) {
    fail<IndexError>("Indices::size: no such axis: axis ", axis, " of sizes ", shape_of(sizes), ": use ",
                     -rank(), " to ", rank() - 1);
  }
  return sizes[static_cast<std::size_t>(from_front)];
}

std::int32_t Indices::at(std::int64_t row, std::int64_t column) const {
  return values[offset_of(*this, row, column)];
}

std::int32_t& Indices::at(std::int64_t row, std::int64_t column) {
  return values[offset_of(*this, row, column)];
}

}  // namespace attune
