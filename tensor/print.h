#pragma once

#include <iosfwd>
#include <string>

#include "tensor/tensor.h"

namespace attune::inline ATTUNE_PRECISION {

/// Prints for people: the shape, then the numbers aligned in columns, long axes shortened in the middle.
///
///     (2, 3)
///     [[ 1.0000,  2.0000,  3.0000],
///      [-4.5000,  5.0000,  6.0000]]
std::ostream& operator<<(std::ostream& out, const Tensor& x);
std::string to_string(const Tensor& x);

}  // namespace attune::inline ATTUNE_PRECISION
