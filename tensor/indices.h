#pragma once

#include <cstdint>
#include <vector>

namespace attune {

/// Integers in a row-major array: token ids, positions, classes. No arithmetic, no views, no SIMD: what
/// computes with numbers is a Tensor, and this is what points into one.
///
///     Indices ids({2, 3}, {7, 8, 3,
///                          9, 3, 0});     // (B, S)
///     ids.at(1, 0)                        // 9
///
/// `values` holds exactly as many integers as the product of `sizes`; the constructors see to that. Whoever
/// changes the members by hand keeps it so, or hears of it from the next operation that reads them.
struct Indices {
  std::vector<std::int64_t> sizes{0};
  std::vector<std::int32_t> values;

  /// Empty: one axis of size 0.
  Indices() = default;

  /// Throws ShapeError when a size is negative or the product of the sizes is not the number of values.
  /// No sizes at all means a single integer.
  Indices(std::vector<std::int64_t> axis_sizes, std::vector<std::int32_t> row_major_values);

  /// The same integer everywhere.
  static Indices full(std::vector<std::int64_t> axis_sizes, std::int32_t value);

  /// Throws ShapeError, naming `op`, when sizes and values no longer fit each other.
  const Indices& checked(const char* op) const;

  int rank() const { return static_cast<int>(sizes.size()); }

  /// The size of one axis; -1 is the last. IndexError when there is no such axis.
  std::int64_t size(int axis) const;

  /// The entry of a matrix (rank 2). ShapeError for another rank, IndexError outside.
  std::int32_t at(std::int64_t row, std::int64_t column) const;
  std::int32_t& at(std::int64_t row, std::int64_t column);

  bool operator==(const Indices& other) const = default;
};

}  // namespace attune
