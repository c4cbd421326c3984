#pragma once

#include <cmath>
#include <iostream>  // for a print in between
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "attune.h"

// What the exercises and their tests share.

/// What a stub throws until somebody has written it.
struct Unsolved : std::logic_error {
  explicit Unsolved(const std::string& function) : std::logic_error(function + " is still a stub") {}
};

/// The largest difference between the numbers of two tensors; infinity if their shapes differ or a number is
/// NaN.
inline double difference(const attune::Tensor& a, const attune::Tensor& b) {
  if (!(a.shape() == b.shape())) return std::numeric_limits<double>::infinity();
  const std::vector<attune::Scalar> x = a.values(), y = b.values();
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double distance = std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i]));
    if (!(distance <= largest)) largest = distance;
  }
  return std::isnan(largest) ? std::numeric_limits<double>::infinity() : largest;
}
