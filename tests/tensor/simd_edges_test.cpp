#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "tensor/simd/kernels.h"
#include "tests/support/kernels.h"

// What the kernels make of NaN, infinities, zeros and other things at the edge, at every lane.

using namespace attune;
using namespace attune::testing;

TEST_CASE("simd: NaN goes through at every lane, and only where it belongs") {
  const std::size_t n = 67;
  for (const Case& c : cases()) {
    const auto inputs = fill_inputs(c, n, 7);
    for (const Kernels* table : available_kernels()) {
      const auto without = outputs_of(*table, c, inputs, n);
      for (std::size_t k = 0; k < inputs.size(); ++k) {
        if (c.inputs[k].nan == Nan::own_test) continue;
        for (std::size_t place = 0; place < n; ++place) {
          CAPTURE(std::string(table->name));
          CAPTURE(c.name);
          CAPTURE(place);
          auto with = inputs;
          with[k][place] = not_a_number;
          const auto result = outputs_of(*table, c, with, n);
          for (std::size_t i = 0; i < result[0].size(); ++i) {
            if (c.inputs[k].nan == Nan::everywhere || i == place) {
              if (!std::isnan(result[0][i])) FAIL_CHECK("NaN in input ", k, " was lost at element ", i);
            } else if (!same_bits(result[0][i], without[0][i])) {
              FAIL_CHECK("NaN in input ", k, " changed element ", i);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("simd: infinities and zeros of both signs, at every lane, give what they give one at a time") {
  const std::size_t n = 67;
  for (const Case& c : cases()) {
    // Which of ∞ and NaN this one gives depends on the order of its steps.
    if (c.name.find("layer_norm_backward") == 0) continue;
    const auto inputs = fill_inputs(c, n, 8);
    for (const Scalar value : {infinity, -infinity, Scalar(0), Scalar(-0.0)}) {
      for (std::size_t k = 0; k < inputs.size(); ++k) {
        for (std::size_t place = 0; place < n; ++place) {
          auto with = inputs;
          with[k][place] = value;
          const auto twin = outputs_of(scalar_kernels(), c, with, n);
          for (const Kernels* table : vector_tables()) {
            CAPTURE(std::string(table->name));
            CAPTURE(c.name);
            CAPTURE(value);
            CAPTURE(k);
            const std::string wrong = difference(c, n, outputs_of(*table, c, with, n), twin);
            if (!wrong.empty()) FAIL_CHECK(wrong);
          }
        }
      }
    }
  }
}

TEST_CASE("simd: an infinite gradient or input of layer_norm_backward is noticed everywhere") {
  const std::size_t n = 67;
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    for (const Scalar value : {infinity, -infinity}) {
      for (std::size_t place = 0; place < n; ++place) {
        for (const bool in_x : {true, false}) {
          std::vector<Scalar> x(n), dy(n), dx(n), dscale(n), dshift(n);
          for (std::size_t j = 0; j < n; ++j) {
            x[j] = static_cast<Scalar>(j % 7);
            dy[j] = static_cast<Scalar>(j % 5) - 1;
          }
          (in_x ? x : dy)[place] = value;
          const Scalar mean = 3, inverse = Scalar(0.5);
          table->layer_norm_backward(x.data(), &mean, &inverse, nullptr, dy.data(), dx.data(), dscale.data(),
                                     dshift.data(), 1, n);
          const bool all = std::none_of(dx.begin(), dx.end(), [](Scalar v) { return std::isfinite(v); });
          if (!all) FAIL_CHECK(value, " in ", in_x ? "x" : "dy", " at ", place, " left a finite gradient");
        }
      }
    }
  }
}

TEST_CASE("simd: gelu and silu and their derivatives have their limits at infinity") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    const std::vector<Scalar> x = {-infinity, infinity, std::numeric_limits<Scalar>::lowest(), -200,
                                   not_a_number};
    const std::vector<Scalar> dy(x.size(), 3);
    std::vector<Scalar> y(x.size());
    for (const auto kernel : {table->gelu, table->silu}) {
      kernel(x.data(), y.data(), x.size());
      CHECK(same_bits(y[0], Scalar(-0.0)));
      CHECK(y[1] == infinity);
      CHECK(std::abs(y[2]) == 0);
      CHECK(std::abs(y[3]) < Scalar(1e-30));
      CHECK(std::isnan(y[4]));
    }
    for (const auto kernel : {table->gelu_backward, table->silu_backward}) {
      kernel(x.data(), dy.data(), y.data(), x.size());
      CHECK(y[0] == 0);
      CHECK(y[1] == 3);
      CHECK(y[2] == 0);
      CHECK(std::abs(y[3]) < Scalar(1e-30));
      CHECK(std::isnan(y[4]));
    }
  }
}

TEST_CASE("simd: comparisons with NaN are false, but not_equal, which is true") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    for (const bool left : {true, false}) {
      std::vector<Scalar> a(19, left ? not_a_number : Scalar(1));
      std::vector<Scalar> b(19, left ? Scalar(1) : not_a_number);
      std::vector<Scalar> y(19);
      for (const auto kernel :
           {table->less, table->less_equal, table->greater, table->greater_equal, table->equal}) {
        kernel(a.data(), 1, b.data(), 1, y.data(), y.size());
        CHECK(y == std::vector<Scalar>(19, 0));
      }
      table->not_equal(a.data(), 1, b.data(), 1, y.data(), y.size());
      CHECK(y == std::vector<Scalar>(19, 1));
    }
  }
}

TEST_CASE("simd: maximum and minimum of a NaN on both sides, and with a broadcast NaN, are NaN") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    const std::vector<Scalar> a(19, 1);
    std::vector<Scalar> y(19);
    for (const auto kernel : {table->maximum, table->minimum}) {
      kernel(a.data(), 1, &not_a_number, 0, y.data(), y.size());
      CHECK(std::all_of(y.begin(), y.end(), [](Scalar v) { return std::isnan(v); }));
      kernel(&not_a_number, 0, a.data(), 1, y.data(), y.size());
      CHECK(std::all_of(y.begin(), y.end(), [](Scalar v) { return std::isnan(v); }));
      kernel(&not_a_number, 0, &not_a_number, 0, y.data(), y.size());
      CHECK(std::all_of(y.begin(), y.end(), [](Scalar v) { return std::isnan(v); }));
    }
  }
}

TEST_CASE("simd: select leaves no trace of what it does not choose") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    std::vector<Scalar> condition(19), a(19), b(19), y(19);
    for (std::size_t i = 0; i < 19; ++i) {
      const bool first = i % 3 == 0;
      condition[i] = first ? Scalar(1) : Scalar(0);
      (first ? a : b)[i] = static_cast<Scalar>(i);
      (first ? b : a)[i] = not_a_number;
    }
    table->select(condition.data(), 1, a.data(), 1, b.data(), 1, y.data(), 19);
    for (std::size_t i = 0; i < 19; ++i) CHECK(y[i] == static_cast<Scalar>(i));
  }
}

TEST_CASE("simd: relu and its derivative at the kink are 0") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    const std::vector<Scalar> x = {0, Scalar(-0.0), 1, -1, not_a_number};
    const std::vector<Scalar> dy(5, 3);
    std::vector<Scalar> y(5);
    table->relu(x.data(), y.data(), 5);
    CHECK(same_bits(y[0], 0));
    CHECK(same_bits(y[1], 0));
    CHECK(y[2] == 1);
    CHECK(same_bits(y[3], 0));
    CHECK(std::isnan(y[4]));
    table->relu_backward(x.data(), dy.data(), y.data(), 4);
    CHECK(std::vector<Scalar>(y.begin(), y.begin() + 4) == std::vector<Scalar>{0, 0, 3, 0});
  }
}

TEST_CASE("simd: the largest of negative numbers is negative, and of none it is −∞") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    CHECK(table->max(nullptr, 0) == -infinity);
    CHECK(table->min(nullptr, 0) == infinity);
    for (std::size_t n = 1; n <= 67; ++n) {
      for (std::size_t i = 0; i < n; ++i) {
        std::vector<Scalar> x(n, -9);
        x[i] = -3;
        CHECK(table->max(x.data(), n) == -3);
        for (Scalar& v : x) v = -v;
        CHECK(table->min(x.data(), n) == 3);
      }
    }
  }
}

TEST_CASE("simd: any_non_finite finds one NaN or infinity at any place") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    for (const std::size_t n : {std::size_t(1), std::size_t(17), std::size_t(67), std::size_t(300)}) {
      std::vector<Scalar> x(n, std::numeric_limits<Scalar>::max());
      CHECK_FALSE(table->any_non_finite(x.data(), n));
      for (const Scalar bad : {not_a_number, infinity, -infinity}) {
        for (std::size_t i = 0; i < n; ++i) {
          x[i] = bad;
          if (!table->any_non_finite(x.data(), n)) FAIL_CHECK("missed ", bad, " at ", i, " of ", n);
          x[i] = 1;
        }
      }
    }
  }
}

TEST_CASE("simd: masked_softmax is exactly 0 where forbidden, whatever stands there, and zeros if all is") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    for (std::size_t n = 1; n <= 40; ++n) {
      std::vector<Scalar> x(n), allowed(n), y(n), clean(n);
      for (std::size_t j = 0; j < n; ++j) {
        x[j] = static_cast<Scalar>(j % 5);
        allowed[j] = j % 3 == 1 ? Scalar(1) : Scalar(0);
      }
      table->masked_softmax(x.data(), allowed.data(), 0, clean.data(), 1, n);
      for (const Scalar dirt : {not_a_number, infinity, -infinity, Scalar(1e30)}) {
        std::vector<Scalar> dirty = x;
        for (std::size_t j = 0; j < n; ++j) dirty[j] = allowed[j] != 0 ? x[j] : dirt;
        table->masked_softmax(dirty.data(), allowed.data(), 0, y.data(), 1, n);
        for (std::size_t j = 0; j < n; ++j) {
          CHECK(same_bits(y[j], clean[j]));
          if (allowed[j] == 0) CHECK(same_bits(y[j], 0));
        }
        const std::vector<Scalar> none(n, 0);
        table->masked_softmax(dirty.data(), none.data(), 0, y.data(), 1, n);
        CHECK(y == none);
      }
      // NaN among the allowed ones stays among them.
      if (n < 2) continue;
      x[1] = not_a_number;
      table->masked_softmax(x.data(), allowed.data(), 0, y.data(), 1, n);
      for (std::size_t j = 0; j < n; ++j) CHECK((allowed[j] == 0 ? same_bits(y[j], 0) : std::isnan(y[j])));
    }
  }
}

TEST_CASE(
    "simd: softmax rows sum to one even for logits of 1e4, and a place without weight has no say backwards") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    const std::size_t n = 37;
    std::vector<Scalar> x(n), y(n), dy(n), dx(n), dx_nan(n);
    for (std::size_t j = 0; j < n; ++j) x[j] = static_cast<Scalar>(10000 + double(j) / 8);
    table->softmax(x.data(), y.data(), 1, n);
    CHECK(table->sum(y.data(), n) == doctest::Approx(1).epsilon(1e-6));
    for (std::size_t j = 0; j < n; ++j) dy[j] = static_cast<Scalar>(j % 7);
    y[3] = y[20] = y[36] = 0;
    table->softmax_backward(y.data(), dy.data(), dx.data(), 1, n);
    dy[3] = dy[20] = dy[36] = not_a_number;
    table->softmax_backward(y.data(), dy.data(), dx_nan.data(), 1, n);
    CHECK(dx == dx_nan);
    CHECK(dx[3] == 0);
  }
}

TEST_CASE("simd: layer_norm of a row with a large offset is right, forwards and backwards") {
  if (sizeof(Scalar) == 8) return;  // the offset is large for float
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    const std::size_t n = 512;
    Numbers numbers(3);
    std::vector<Scalar> x(n), dy(n), y(n), dx(n), dscale(n), dshift(n);
    for (std::size_t j = 0; j < n; ++j) {
      x[j] = static_cast<Scalar>(10000 + std::floor(4096 * numbers.uniform()) / 1024);  // exact in float
      dy[j] = static_cast<Scalar>(numbers.uniform() - 0.5);
    }
    double mean = 0, variance = 0, mean_dy = 0, mean_dy_x = 0;
    for (const Scalar v : x) mean += double(v) / double(n);
    for (const Scalar v : x) variance += (double(v) - mean) * (double(v) - mean) / double(n);
    const double inverse = 1 / std::sqrt(variance + double(Scalar(1e-5)));
    for (std::size_t j = 0; j < n; ++j) {
      mean_dy += double(dy[j]) / double(n);
      mean_dy_x += double(dy[j]) * (double(x[j]) - mean) * inverse / double(n);
    }
    Scalar m = 0, r = 0;
    table->layer_norm(x.data(), nullptr, nullptr, y.data(), 1, n, Scalar(1e-5), &m, &r);
    table->layer_norm_backward(x.data(), &m, &r, nullptr, dy.data(), dx.data(), dscale.data(), dshift.data(),
                               1, n);
    double worst = 0, worst_dx = 0, worst_dscale = 0;
    for (std::size_t j = 0; j < n; ++j) {
      const double normalised = (double(x[j]) - mean) * inverse;
      worst = std::max(worst, std::abs(double(y[j]) - normalised));
      worst_dx = std::max(
          worst_dx, std::abs(double(dx[j]) - inverse * (double(dy[j]) - mean_dy - normalised * mean_dy_x)));
      worst_dscale = std::max(worst_dscale, std::abs(double(dscale[j]) - double(dy[j]) * normalised));
    }
    CHECK(worst < 1e-6);
    CHECK(worst_dx < 1e-6);
    CHECK(worst_dscale < 1e-6);
  }
}

TEST_CASE("simd: rows that are worked on together have the bits that each has alone") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    for (const std::size_t n : {std::size_t(1), std::size_t(20), std::size_t(67), std::size_t(128)}) {
      constexpr std::size_t rows = 11;
      Numbers numbers(5);
      std::vector<Scalar> x(rows * n), dy(rows * n), scale(n), allowed(rows * n);
      for (auto* run : {&x, &dy, &scale})
        for (Scalar& v : *run) v = static_cast<Scalar>(numbers.uniform() - 0.25);
      for (Scalar& v : allowed) v = numbers.uniform() < 0.7 ? 1 : 0;
      std::vector<Scalar> y[2], dx[2], mean[2], inverse[2], dscale[2], dshift[2], p[2], dp[2], masked[2];
      for (const std::size_t alone : {0u, 1u}) {
        for (auto* run : {&y[alone], &dx[alone], &p[alone], &dp[alone], &masked[alone]})
          run->resize(rows * n);
        for (auto* run : {&mean[alone], &inverse[alone]}) run->resize(rows);
        for (auto* run : {&dscale[alone], &dshift[alone]}) run->resize(n);
        const std::size_t together = alone ? 1 : rows;
        for (std::size_t row = 0; row < rows; row += together) {
          const std::size_t at = row * n;
          table->layer_norm(&x[at], scale.data(), nullptr, &y[alone][at], together, n, Scalar(1e-5),
                            &mean[alone][row], &inverse[alone][row]);
          table->layer_norm_backward(&x[at], &mean[alone][row], &inverse[alone][row], scale.data(), &dy[at],
                                     &dx[alone][at], dscale[alone].data(), dshift[alone].data(), together, n);
          table->softmax(&x[at], &p[alone][at], together, n);
          table->softmax_backward(&p[alone][at], &dy[at], &dp[alone][at], together, n);
          table->masked_softmax(&x[at], &allowed[at], n, &masked[alone][at], together, n);
        }
      }
      for (const auto* both : {y, dx, mean, inverse, dscale, dshift, p, dp, masked})
        CHECK(both[0] == both[1]);
    }
  }
}

TEST_CASE("simd: a class ruled out by a logit of −∞ costs nothing without label smoothing") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    const std::vector<Scalar> x = {1, -infinity, 2};
    Scalar logsumexp = 0;
    const Scalar loss = table->cross_entropy(x.data(), 2, 0, 3, &logsumexp);
    CHECK(double(loss) == doctest::Approx(std::log1p(std::exp(-1.0))).epsilon(1e-6));
  }
}
