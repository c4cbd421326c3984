#include "tensor/print.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <sstream>
#include <vector>

namespace attune::inline ATTUNE_PRECISION {
namespace {

constexpr Index longest_axis = 10;  // longer axes show this many elements, half from each end

struct Format {
  bool whole = true;        // only whole numbers: printed without decimals
  bool scientific = false;  // very large or very small numbers
  int width = 1;

  std::string number(Scalar value) const {
    char text[64];
    const double x = static_cast<double>(value);
    if (std::isnan(x)) return "nan";
    if (std::isinf(x)) return x > 0 ? "inf" : "-inf";
    std::snprintf(text, sizeof text, scientific ? "%.4e" : whole ? "%.0f" : "%.4f", x);
    return text;
  }
};

// The positions of an axis that are shown; -1 stands for those left out.
std::vector<Index> shown(Index size) {
  std::vector<Index> positions;
  for (Index i = 0; i < size; ++i) {
    if (size > longest_axis && i == longest_axis / 2) {
      positions.push_back(-1);
      i = size - longest_axis / 2;
    }
    positions.push_back(i);
  }
  return positions;
}

template <class Visit>
void for_each_shown(const Tensor& x, const Visit& visit) {
  if (x.rank() == 0) {
    visit(x.item());
    return;
  }
  for (const Index i : shown(x.size(0)))
    if (i >= 0) for_each_shown(select(x, 0, i), visit);
}

Format choose_format(const Tensor& x) {
  Format format;
  double largest = 0;
  double smallest = 1e300;
  for_each_shown(x, [&](Scalar value) {
    const double size = std::abs(static_cast<double>(value));
    if (!std::isfinite(size)) return;
    if (size != std::floor(size)) format.whole = false;
    largest = std::max(largest, size);
    if (size > 0) smallest = std::min(smallest, size);
  });
  format.scientific = largest >= 1e7 || (largest > 0 && largest < 1e-3);
  for_each_shown(x, [&](Scalar value) {
    format.width = std::max(format.width, static_cast<int>(format.number(value).size()));
  });
  return format;
}

void print(std::ostream& out, const Tensor& x, const Format& format, int depth) {
  if (x.rank() == 0) {
    const std::string text = format.number(x.item());
    out << std::string(static_cast<std::size_t>(std::max(0, format.width - static_cast<int>(text.size()))),
                       ' ')
        << text;
    return;
  }
  out << '[';
  bool first = true;
  for (const Index i : shown(x.size(0))) {
    if (!first) {
      out << ',';
      if (x.rank() == 1) {
        out << ' ';
      } else {
        out << std::string(static_cast<std::size_t>(x.rank() - 1), '\n')
            << std::string(static_cast<std::size_t>(depth + 1), ' ');
      }
    }
    first = false;
    if (i < 0) {
      out << "…";
    } else {
      print(out, select(x, 0, i), format, depth + 1);
    }
  }
  out << ']';
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Tensor& x) {
  if (!x.defined()) return out << "undefined tensor";
  if (x.rank() > 0) out << x.shape() << '\n';
  print(out, x, choose_format(x), 0);
  return out;
}

std::string to_string(const Tensor& x) {
  std::ostringstream text;
  text << x;
  return text.str();
}

}  // namespace attune::inline ATTUNE_PRECISION
