#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "tensor/simd/kernels.h"
#include "tests/support/kernels.h"
#include "tests/support/measured.h"

// How far the functions of mathematics are from the truth, over a stride through all bit patterns, and where
// they leave the range of normal numbers.

using namespace attune;
using namespace attune::testing;

namespace {

constexpr bool is_float = sizeof(Scalar) == 4;
using Bits = std::conditional_t<is_float, std::uint32_t, std::uint64_t>;
using Wide = std::conditional_t<is_float, double, long double>;  // for the truth
constexpr Scalar smallest_normal = std::numeric_limits<Scalar>::min();
constexpr Scalar smallest = std::numeric_limits<Scalar>::denorm_min();

Scalar from_bits(Bits bits) {
  Scalar x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

Bits bits_of(Scalar x) {
  Bits bits;
  std::memcpy(&bits, &x, sizeof x);
  return bits;
}

/// The unit in the last place of a Scalar near x, which is not 0.
Wide ulp_near(Wide x) {
  constexpr int digits = std::numeric_limits<Scalar>::digits - 1;
  if constexpr (is_float) {  // by its bits: this is called billions of times
    std::uint64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    bits = (bits & 0x7ff0000000000000u) - (std::uint64_t(digits) << 52);
    std::memcpy(&x, &bits, sizeof bits);
    return x;
  }
  return std::ldexp(Wide(1), std::ilogb(x) - digits);
}

/// What the error is measured in: ULPs of the result; or of the argument, for a function whose result far
/// below 0 is the tiny difference of larger numbers.
enum class Unit { of_result, of_argument };

struct Function {
  const char* name;
  Kernels::Unary Kernels::*kernel;
  Wide (*truth)(Wide);
  double bound;       // in units, where the result is a normal number
  double bound_tiny;  // in smallest numbers, where it is not
  Unit unit = Unit::of_result;
  double from = -std::numeric_limits<double>::infinity();  // below this argument the result is tiny, too
};

// Twice the smallest normal number: such a result may be flushed.
const double anything_tiny = std::ldexp(1.0, std::numeric_limits<Scalar>::digits);

std::vector<Function> functions() {
  const double subnormal_sigmoid = is_float ? -87.3 : -708.3;
  return {
      {"exp", &Kernels::exp, [](Wide x) { return std::exp(x); }, 2, 1},
      {"log", &Kernels::log, [](Wide x) { return std::log(x); }, 2, 1},
      {"tanh", &Kernels::tanh, [](Wide x) { return std::tanh(x); }, 3, 1},
      {"erf", &Kernels::erf, [](Wide x) { return std::erf(x); }, 3, 1},
      {"sigmoid", &Kernels::sigmoid, [](Wide x) { return 1 / (1 + std::exp(-x)); }, 3, anything_tiny},
      {"silu", &Kernels::silu,
       [](Wide x) { return std::isinf(x) && x < 0 ? Wide(-0.0) : x / (1 + std::exp(-x)); }, 4,
       anything_tiny * 1000, Unit::of_result, subnormal_sigmoid},
      {"gelu", &Kernels::gelu,
       [](Wide x) {
         return std::isinf(x) && x < 0 ? Wide(-0.0) : x * std::erfc(-x / std::sqrt(Wide(2))) / 2;
       },
       2, anything_tiny, Unit::of_argument},
  };
}

/// The largest error of one function in one table, and where it was.
struct Worst {
  double error = -1;
  Scalar at = 0;
  double error_tiny = 0;
  Scalar at_tiny = 0;
  long normal = 0;
  long tiny = 0;
};

/// Compares one result with the truth. False: not the right kind of number.
bool compare(const Function& f, Scalar x, Scalar y, Wide truth, Worst& worst) {
  if (std::isnan(truth)) return std::isnan(y);
  const Scalar rounded = static_cast<Scalar>(truth);
  if (std::isinf(rounded)) return y == rounded;
  if (!std::isfinite(y)) return false;
  const Wide distance = std::abs(Wide(y) - truth);
  if (std::abs(rounded) < smallest_normal || x < f.from) {
    // Zero or subnormal. A zero has the sign of the truth as well.
    const double error = static_cast<double>(distance / Wide(smallest));
    ++worst.tiny;
    if (error > worst.error_tiny) {
      worst.error_tiny = error;
      worst.at_tiny = x;
    }
    return std::signbit(y) == std::signbit(truth);
  }
  const Wide unit = ulp_near(f.unit == Unit::of_result ? truth : Wide(x));
  const double error = static_cast<double>(distance / unit);
  ++worst.normal;
  if (error > worst.error) {
    worst.error = error;
    worst.at = x;
  }
  return true;
}

class Sweep {
 public:
  Sweep(const Function& f, std::vector<const Kernels*> tables)
      : function_(f), tables_(std::move(tables)), worst_(tables_.size()) {}

  void add(Scalar x) {
    x_.push_back(x);
    if (x_.size() == 4096) flush();
  }

  /// Holds the bounds, and prints the errors if there is a description of what was swept.
  void finish(const std::string& swept) {
    flush();
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      const Worst& worst = worst_[t];
      CAPTURE(std::string(function_.name));
      CAPTURE(std::string(tables_[t]->name));
      CAPTURE(worst.at);
      CAPTURE(worst.at_tiny);
      CHECK(worst.normal > 1000);
      CHECK(worst.error <= function_.bound);
      CHECK(worst.error_tiny <= function_.bound_tiny);
      if (swept.empty()) continue;
      measured("%s (%s, %s): worst %.3f ULP%s at %a (bits 0x%llx), %s, %ld with normal results",
               function_.name, tables_[t]->name, precision, worst.error,
               function_.unit == Unit::of_argument ? " of the argument" : "", double(worst.at),
               static_cast<unsigned long long>(bits_of(worst.at)), swept.c_str(), worst.normal);
    }
  }

 private:
  void flush() {
    truth_.resize(x_.size());
    y_.resize(x_.size());
    for (std::size_t i = 0; i < x_.size(); ++i) truth_[i] = function_.truth(Wide(x_[i]));
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      (tables_[t]->*function_.kernel)(x_.data(), y_.data(), x_.size());
      for (std::size_t i = 0; i < x_.size(); ++i) {
        if (!compare(function_, x_[i], y_[i], truth_[i], worst_[t]) && ++wrong_ <= 10) {
          FAIL_CHECK(function_.name, " of ", x_[i], " by ", tables_[t]->name, " is ", y_[i], ", the truth ",
                     double(truth_[i]));
        }
      }
    }
    x_.clear();
  }

  const Function function_;
  const std::vector<const Kernels*> tables_;
  std::vector<Worst> worst_;
  std::vector<Scalar> x_, y_;
  std::vector<Wide> truth_;
  long wrong_ = 0;
};

/// Every `stride`-th bit pattern. An odd stride brings up every sign, exponent and low bit; NaNs are among
/// them.
void through_all_patterns(Bits stride, const std::vector<const Kernels*>& tables) {
  for (const Function& f : functions()) {
    Sweep sweep(f, tables);
    Bits bits = 0;
    long count = 0;
    do {
      sweep.add(from_bits(bits));
      bits = static_cast<Bits>(bits + stride);
      ++count;
    } while (bits >= stride);  // until it wraps around
    sweep.finish(std::to_string(count) + " bit patterns");
  }
}

}  // namespace

TEST_CASE(
    "simd: exp and log are within 2 ULP, tanh, erf and sigmoid within 3, over a stride through all "
    "patterns") {
  const Bits stride = is_float ? 1021 : static_cast<Bits>(std::numeric_limits<Bits>::max() / 60'000) | 1;
  through_all_patterns(stride, available_kernels());
}

TEST_CASE("simd: the same over a fine stride" * doctest::skip()) {
  const Bits stride = is_float ? 7 : static_cast<Bits>(std::numeric_limits<Bits>::max() / 10'000'000) | 1;
  through_all_patterns(stride, vector_tables());
}

TEST_CASE(
    "simd: the functions keep their bounds right where they change form, saturate, overflow and flush") {
  const Scalar overflow = std::log(std::numeric_limits<Scalar>::max());
  const Scalar subnormal = std::log(smallest_normal);
  const Scalar vanishing = std::log(smallest);
  const Scalar points[] = {
      overflow,
      subnormal,
      vanishing,
      vanishing - Scalar(0.7),  // exp; 1 / exp in sigmoid
      Scalar(0.34657359),
      Scalar(0.625),
      9,
      20,
      Scalar(0.92),
      4,  // tanh, erf
      Scalar(0.70710678),
      1,
      Scalar(1.41421356),
      Scalar(5.6568542),
      13,  // log, gelu
      smallest_normal,
      std::numeric_limits<Scalar>::max(),
  };
  const int around = is_float ? 3000 : 100;  // patterns on either side
  for (const Function& f : functions()) {
    Sweep sweep(f, available_kernels());
    for (const Scalar point : points) {
      for (int i = -around; i <= around; ++i) {
        const Scalar x = from_bits(static_cast<Bits>(bits_of(std::abs(point)) + static_cast<Bits>(i)));
        sweep.add(x);
        sweep.add(-x);
      }
    }
    for (int i = 0; i <= around; ++i) {
      sweep.add(from_bits(static_cast<Bits>(i)));  // zero and the smallest numbers
      sweep.add(-from_bits(static_cast<Bits>(i)));
    }
    for (int i = -around; i <= around; ++i) sweep.add(static_cast<Scalar>(i * (51.0 / 1500)));
    sweep.finish("");
  }
}

// The points that tensor/simd/kernels.h names, in float.
TEST_CASE("simd: where exp, sigmoid, tanh, erf and log leave the normal range or saturate") {
  if (!is_float) return;
  const auto below = [](Scalar x) { return std::nextafter(x, -infinity); };
  const auto above = [](Scalar x) { return std::nextafter(x, infinity); };
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    const auto at = [&](Kernels::Unary Kernels::*kernel, Scalar x) {
      Scalar y = 0;
      (table->*kernel)(&x, &y, 1);
      return y;
    };
    const auto exp = [&](Scalar x) { return at(&Kernels::exp, x); };
    CHECK(std::isfinite(exp(Scalar(88.72283))));
    CHECK(exp(above(Scalar(88.72283))) == infinity);
    CHECK(exp(infinity) == infinity);
    CHECK(exp(Scalar(-87.33654)) >= smallest_normal);
    CHECK(exp(Scalar(-87.33655)) < smallest_normal);
    CHECK(exp(Scalar(-87.33655)) > 0);  // not flushed
    CHECK(exp(Scalar(-103.97207)) == smallest);
    CHECK(exp(Scalar(-103.97209)) == 0);
    CHECK(same_bits(exp(-infinity), 0));
    CHECK(exp(0) == 1);
    CHECK(exp(Scalar(-0.0)) == 1);

    const auto sigmoid = [&](Scalar x) { return at(&Kernels::sigmoid, x); };
    CHECK(sigmoid(Scalar(-88.72283)) > 0);
    CHECK(same_bits(sigmoid(below(Scalar(-88.72283))), 0));  // flushed
    CHECK(sigmoid(Scalar(16.7)) == 1);
    CHECK(same_bits(sigmoid(-infinity), 0));
    CHECK(sigmoid(infinity) == 1);
    CHECK(sigmoid(0) == Scalar(0.5));

    for (const Scalar sign : {Scalar(1), Scalar(-1)}) {
      CHECK(at(&Kernels::tanh, sign * Scalar(9.1)) == sign);
      CHECK(at(&Kernels::erf, sign * Scalar(4)) == sign);
      for (const auto kernel : {&Kernels::tanh, &Kernels::erf}) {
        CHECK(at(kernel, sign * infinity) == sign);
        CHECK(same_bits(at(kernel, sign * 0), sign * 0));
      }
    }

    const auto log = [&](Scalar x) { return at(&Kernels::log, x); };
    CHECK(log(0) == -infinity);
    CHECK(log(Scalar(-0.0)) == -infinity);
    CHECK(std::isnan(log(-smallest)));
    CHECK(std::isnan(log(-infinity)));
    CHECK(log(infinity) == infinity);
    CHECK(same_bits(log(1), 0));
    CHECK(double(log(smallest)) == doctest::Approx(-103.27893));
  }
}
