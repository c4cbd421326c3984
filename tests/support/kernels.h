#pragma once

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tensor/simd/kernels.h"

// What the tests of the kernels share: memory between unreadable pages, and the table of cases. One row (or a
// few) of that table per kernel drives the tests of lengths, places, NaN, infinities and working in place. A
// kernel without a row fails the test of the table itself (tests/tensor/simd_twins_test.cpp).

// A namespace of its own, as other tables have a Case too and all tests are linked into one program.
namespace attune::testing::inline kernel_rows {

constexpr Scalar epsilon = std::numeric_limits<Scalar>::epsilon();
constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();
constexpr const char* precision = sizeof(Scalar) == 4 ? "float" : "double";

/// The tables that the machine can run, without the scalar one.
inline std::vector<const Kernels*> vector_tables() {
  std::vector<const Kernels*> tables = available_kernels();
  tables.pop_back();
  return tables;
}

inline bool same_bits(Scalar a, Scalar b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

/// Room for `longest` elements, with an unreadable page right before and right behind.
template <class Element>
class Guarded {
 public:
  static constexpr std::size_t longest = 5000;
  static constexpr Element untouched = static_cast<Element>(12345);

  Guarded() {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    bytes_ = (longest * sizeof(Element) + page - 1) / page * page;
    whole_ = bytes_ + 2 * page;
    void* memory = mmap(nullptr, whole_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    base_ = static_cast<char*>(memory);
    REQUIRE(mprotect(base_, page, PROT_NONE) == 0);
    REQUIRE(mprotect(base_ + page + bytes_, page, PROT_NONE) == 0);
    begin_ = reinterpret_cast<Element*>(base_ + page);
    end_ = reinterpret_cast<Element*>(base_ + page + bytes_);
    std::fill(begin_, end_, untouched);
  }
  ~Guarded() { munmap(base_, whole_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  /// n elements that end where the unreadable page behind begins (place −1), or that begin `place` elements
  /// after the one before them ends.
  Element* run(std::size_t n, int place) {
    REQUIRE(n + static_cast<std::size_t>(std::max(place, 0)) <= longest);
    return place < 0 ? end_ - n : begin_ + place;
  }

  /// True if the 64 elements on either side of the run are as they were. Makes the run untouched again.
  bool clean_around(Element* run, std::size_t n) {
    const auto is_untouched = [](Element x) { return x == untouched; };
    Element* const before = run - std::min<std::ptrdiff_t>(64, run - begin_);
    Element* const behind = run + n + std::min<std::ptrdiff_t>(64, end_ - (run + n));
    const bool clean = std::all_of(before, run, is_untouched) && std::all_of(run + n, behind, is_untouched);
    std::fill(run, run + n, untouched);
    return clean;
  }

 private:
  char* base_ = nullptr;
  Element* begin_ = nullptr;
  Element* end_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t whole_ = 0;
};

/// A small generator of its own, so that the tests do not lean on what they test: Knuth's MMIX.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 2654435761u + 1) {}
  double uniform() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state_ >> 40) / 16777216.0;
  }

 private:
  std::uint64_t state_;
};

// ---- the table of kernels, seen as so many pointers

/// Where a member of the table stands, counted in pointers.
template <class Member>
std::size_t slot_of(Member Kernels::*member) {
  const Kernels& table = scalar_kernels();
  const char* const start = reinterpret_cast<const char*>(&table);
  return static_cast<std::size_t>(reinterpret_cast<const char*>(&(table.*member)) - start) / sizeof(void*);
}
constexpr std::size_t slots = sizeof(Kernels) / sizeof(void*);
static_assert(sizeof(Kernels) % sizeof(void*) == 0);

// ---- the table of cases

enum class Values { any, positive, mask, logarithms };

/// What one NaN in an input does: the same place of the first output becomes NaN and nothing else changes;
/// all outputs become NaN; or something that a test of its own looks at.
enum class Nan { same_place, everywhere, own_test };

struct Input {
  Values values = Values::any;
  Nan nan = Nan::same_place;
};

using In = const Scalar* const*;
using Out = Scalar* const*;

/// |result − twin| ≤ (ulps + ulps_per_element n) ulp(twin) + ε (absolute + per_element n). All 0 means: the
/// same bits.
struct Tolerance {
  double ulps = 0;
  double absolute = 0;
  double per_element = 0;
  double ulps_per_element = 0;
};

struct Case {
  std::string name;
  std::size_t slot = 0;  // of the kernel in the table
  std::vector<Input> inputs;
  int runs = 1;  // outputs of n numbers; what is in them before, which updating kernels read, is positive
  int ones = 0;  // outputs of one number
  bool elementwise = false;
  bool updates = false;     // reads its outputs
  bool broadcasts = false;  // some operand is one number
  std::size_t least = 0;
  Tolerance tolerance;
  std::function<void(const Kernels&, In, Out, std::size_t)> run;
};

/// A row for one kernel. `use` is given the kernel itself, so that a row cannot test another one than it
/// names.
template <class Kernel, class Use>
Case row(const char* name, Kernel Kernels::*kernel, std::vector<Input> inputs, int runs, int ones,
         Tolerance tolerance, Use use) {
  Case c;
  c.name = name;
  c.slot = slot_of(kernel);
  c.inputs = std::move(inputs);
  c.runs = runs;
  c.ones = ones;
  c.tolerance = tolerance;
  c.run = [=](const Kernels& k, In in, Out out, std::size_t n) { use(k.*kernel, in, out, n); };
  return c;
}

inline Case elementwise(Case c) {
  c.elementwise = true;
  return c;
}
inline Case updating(Case c) {
  c.updates = true;
  return c;
}
inline Case at_least_one(Case c) {
  c.least = 1;
  return c;
}

inline Case unary(const char* name, Kernels::Unary Kernels::*kernel, Tolerance tolerance,
                  Values values = Values::any) {
  return elementwise(row(name, kernel, {{values, Nan::same_place}}, 1, 0, tolerance,
                         [](Kernels::Unary f, In in, Out out, std::size_t n) { f(in[0], out[0], n); }));
}

inline Case of_a_row(const char* name, Kernels::OfRows Kernels::*kernel, Tolerance tolerance) {
  return row(name, kernel, {{Values::any, Nan::everywhere}}, 1, 0, tolerance,
             [](Kernels::OfRows f, In in, Out out, std::size_t n) { f(in[0], out[0], 1, n); });
}

inline Case backward(const char* name, Kernels::UnaryBackward Kernels::*kernel, Tolerance tolerance,
                     Nan of_nan = Nan::same_place) {
  return elementwise(
      row(name, kernel, {{Values::any, of_nan}, {Values::any, of_nan}}, 1, 0, tolerance,
          [](Kernels::UnaryBackward f, In in, Out out, std::size_t n) { f(in[0], in[1], out[0], n); }));
}

inline Case reduction(const char* name, Kernels::Reduction Kernels::*kernel, Tolerance tolerance) {
  return row(name, kernel, {{Values::any, Nan::everywhere}}, 0, 1, tolerance,
             [](Kernels::Reduction f, In in, Out out, std::size_t n) { *out[0] = f(in[0], n); });
}

inline void add_binary(std::vector<Case>& cases, const char* name, Kernels::Binary Kernels::*kernel,
                       Nan of_nan, Values values = Values::any) {
  for (int steps = 0; steps < 4; ++steps) {
    const int a_step = steps & 1;
    const int b_step = steps >> 1;
    const Nan nan = steps == 3 ? of_nan : Nan::own_test;
    Case c = row(name, kernel, {{values, nan}, {Values::any, nan}}, 1, 0, {},
                 [=](Kernels::Binary f, In in, Out out, std::size_t n) {
                   f(in[0], a_step, in[1], b_step, out[0], n);
                 });
    c.name += std::string(a_step ? " of a run" : " of a number") + (b_step ? " and a run" : " and a number");
    c.broadcasts = steps != 3;
    c.least = c.broadcasts ? 1 : 0;
    c.elementwise = !c.broadcasts;
    cases.push_back(std::move(c));
  }
}

inline AdamStep adam_step() {
  AdamStep step;
  step.rate = Scalar(0.01);
  step.weight_decay = Scalar(0.1);
  step.correction1 = Scalar(0.271);
  step.correction2 = Scalar(0.002997);
  return step;
}

/// The mean that backward is given: finite, whatever x holds.
inline Scalar mean_of(const Scalar* x, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += double(x[i]);
  return std::isfinite(sum) ? static_cast<Scalar>(sum / double(n)) : Scalar(0);
}

inline std::vector<Case> make_cases() {
  const Input any = {Values::any, Nan::same_place};
  const Input all = {Values::any, Nan::everywhere};
  const Input special = {Values::any, Nan::own_test};
  const Input mask = {Values::mask, Nan::own_test};
  using K = Kernels;
  using N = std::size_t;
  std::vector<Case> cases = {
      unary("negate", &K::negate, {}),
      unary("absolute", &K::absolute, {}),
      unary("exp", &K::exp, {2}),
      unary("log", &K::log, {2}, Values::positive),
      unary("sqrt", &K::sqrt, {}, Values::positive),
      unary("square", &K::square, {}),
      unary("tanh", &K::tanh, {3}),
      unary("sigmoid", &K::sigmoid, {4}),
      unary("erf", &K::erf, {3}),
      unary("relu", &K::relu, {}),
      unary("gelu", &K::gelu, {4, 8}),
      unary("silu", &K::silu, {5}),
      unary("reciprocal", &K::reciprocal, {}),
      backward("relu_backward", &K::relu_backward, {}, Nan::own_test),
      backward("gelu_backward", &K::gelu_backward, {8, 64}),
      backward("silu_backward", &K::silu_backward, {8, 64}),
      backward("tanh_backward", &K::tanh_backward, {4, 16}),
      backward("sigmoid_backward", &K::sigmoid_backward, {}),

      elementwise(updating(
          row("fill", &K::fill, {}, 1, 0, {}, [](auto f, In, Out out, N n) { f(Scalar(2.5), out[0], n); }))),
      elementwise(updating(row("add_to", &K::add_to, {any}, 1, 0, {},
                               [](auto f, In in, Out out, N n) { f(in[0], out[0], n); }))),
      elementwise(updating(row("axpy", &K::axpy, {any}, 1, 0, {1, 16},
                               [](auto f, In in, Out out, N n) { f(Scalar(-1.7), in[0], out[0], n); }))),
      elementwise(row("scale", &K::scale, {any}, 1, 0, {},
                      [](auto f, In in, Out out, N n) { f(Scalar(-1.7), in[0], out[0], n); })),

      reduction("sum", &K::sum, {1, 8, 2}),
      reduction("max", &K::max, {}),
      reduction("min", &K::min, {}),
      row("dot", &K::dot, {all, all}, 0, 1, {1, 64, 16},
          [](auto f, In in, Out out, N n) { *out[0] = f(in[0], in[1], n); }),
      row("sum_of_squares", &K::sum_of_squares, {all}, 0, 1, {},
          [](auto f, In in, Out out, N n) { *out[0] = static_cast<Scalar>(f(in[0], n)); }),
      row("any_non_finite", &K::any_non_finite, {special}, 0, 1, {},
          [](auto f, In in, Out out, N n) { *out[0] = f(in[0], n) ? 1 : 0; }),

      of_a_row("softmax", &K::softmax, {16, 0, 0, 1.0 / 256}),
      of_a_row("log_softmax", &K::log_softmax, {8, 8}),
      row("masked_softmax", &K::masked_softmax, {special, mask}, 1, 0, {16, 0, 0, 1.0 / 256},
          [](auto f, In in, Out out, N n) { f(in[0], in[1], 0, out[0], 1, n); }),
      row("softmax_backward", &K::softmax_backward, {all, all}, 1, 0, {16, 64, 16},
          [](auto f, In in, Out out, N n) { f(in[0], in[1], out[0], 1, n); }),
      row("log_softmax_backward", &K::log_softmax_backward, {{Values::logarithms, Nan::same_place}, all}, 1,
          0, {8, 16, 4}, [](auto f, In in, Out out, N n) { f(in[0], in[1], out[0], 1, n); }),

      row("layer_norm", &K::layer_norm, {all, any, any}, 1, 2, {16, 16},
          [](auto f, In in, Out out, N n) {
            f(in[0], in[1], in[2], out[0], 1, n, Scalar(1e-5), out[1], out[2]);
          }),
      row("layer_norm without scale", &K::layer_norm, {all, any}, 1, 2, {16, 16},
          [](auto f, In in, Out out, N n) {
            f(in[0], nullptr, in[1], out[0], 1, n, Scalar(1e-5), out[1], out[2]);
          }),
      row("layer_norm without shift", &K::layer_norm, {all, any}, 1, 2, {16, 16},
          [](auto f, In in, Out out, N n) {
            f(in[0], in[1], nullptr, out[0], 1, n, Scalar(1e-5), out[1], out[2]);
          }),
      row("layer_norm without both", &K::layer_norm, {all}, 1, 2, {16, 16},
          [](auto f, In in, Out out, N n) {
            f(in[0], nullptr, nullptr, out[0], 1, n, Scalar(1e-5), out[1], out[2]);
          }),
      updating(
          at_least_one(row("layer_norm_backward", &K::layer_norm_backward, {all, all, all}, 3, 0, {32, 256},
                           [](auto f, In in, Out out, N n) {
                             const Scalar mean = mean_of(in[0], n), inverse = Scalar(0.3);
                             f(in[0], &mean, &inverse, in[1], in[2], out[0], out[1], out[2], 1, n);
                           }))),
      updating(at_least_one(
          row("layer_norm_backward without scale", &K::layer_norm_backward, {all, all}, 3, 0, {32, 256},
              [](auto f, In in, Out out, N n) {
                const Scalar mean = mean_of(in[0], n), inverse = Scalar(0.3);
                f(in[0], &mean, &inverse, nullptr, in[1], out[0], out[1], out[2], 1, n);
              }))),
      row("rms_norm", &K::rms_norm, {all, any}, 1, 1, {16},
          [](auto f, In in, Out out, N n) { f(in[0], in[1], out[0], n, Scalar(1e-5), out[1]); }),
      row("rms_norm without scale", &K::rms_norm, {all}, 1, 1, {16},
          [](auto f, In in, Out out, N n) { f(in[0], nullptr, out[0], n, Scalar(1e-5), out[1]); }),
      updating(at_least_one(
          row("rms_norm_backward", &K::rms_norm_backward, {all, all, all}, 2, 0, {32, 256},
              [](auto f, In in, Out out, N n) { f(in[0], Scalar(0.3), in[1], in[2], out[0], out[1], n); }))),
      updating(at_least_one(row(
          "rms_norm_backward without scale", &K::rms_norm_backward, {all, all}, 2, 0, {32, 256},
          [](auto f, In in, Out out, N n) { f(in[0], Scalar(0.3), nullptr, in[1], out[0], out[1], n); }))),

      at_least_one(row("cross_entropy", &K::cross_entropy, {all}, 0, 2, {16, 16},
                       [](auto f, In in, Out out, N n) { *out[0] = f(in[0], n / 2, 0, n, out[1]); })),
      at_least_one(
          row("cross_entropy smoothed", &K::cross_entropy, {all}, 0, 2, {16, 16},
              [](auto f, In in, Out out, N n) { *out[0] = f(in[0], n / 2, Scalar(0.1), n, out[1]); })),
      at_least_one(row("cross_entropy_backward", &K::cross_entropy_backward, {any}, 1, 0, {8, 16},
                       [](auto f, In in, Out out, N n) {
                         f(in[0], Scalar(9.5), n / 2, Scalar(0.1), Scalar(0.7), out[0], n);
                       })),

      row("exp_minus", &K::exp_minus, {special}, 1, 1, {16, 16, 0, 1.0 / 256},
          [](auto f, In in, Out out, N n) { *out[1] = f(in[0], Scalar(1.5), out[0], n); }),
      // One sum without blocks, as heads are narrow: for long rows its error grows faster than dot's.
      row("dot_rows", &K::dot_rows, {all, all}, 0, 1, {1, 64, 64},
          [](auto f, In in, Out out, N n) { f(in[0], in[1], 0, 1, out[0], n); }),
      elementwise(updating(row("sum_rows", &K::sum_rows, {any}, 1, 0, {8, 64},
                               [](auto f, In in, Out out, N n) {
                                 const Scalar weights[] = {Scalar(0.5), Scalar(-1.5), 2, 1, Scalar(0.25)};
                                 f(weights, in[0], 0, 5, out[0], n);
                               }))),
      updating(row("attention_backward", &K::attention_backward, {}, 2, 0, {32, 64, 16},
                   [](auto f, In, Out out, N n) { f(Scalar(8), Scalar(0.3), nullptr, out[0], out[1], n); })),
      elementwise(updating(row("attention_backward of a part", &K::attention_backward, {}, 2, 0, {32, 64},
                               [](auto f, In, Out out, N n) {
                                 const Scalar common = Scalar(0.7);
                                 f(Scalar(8), Scalar(0.3), &common, out[0], out[1], n);
                               }))),

      elementwise(updating(
          row("adam", &K::adam, {any}, 3, 0, {16, 8},
              [](auto f, In in, Out out, N n) { f(out[0], in[0], out[1], out[2], n, adam_step()); }))),
      elementwise(updating(row(
          "sgd", &K::sgd, {any}, 1, 0, {2, 8},
          [](auto f, In in, Out out, N n) { f(out[0], in[0], nullptr, n, Scalar(0.1), 0, Scalar(0.01)); }))),
      elementwise(updating(row("sgd with momentum", &K::sgd, {any}, 2, 0, {2, 16},
                               [](auto f, In in, Out out, N n) {
                                 f(out[0], in[0], out[1], n, Scalar(0.1), Scalar(0.9), Scalar(0.01));
                               }))),

      row("dropout", &K::dropout, {any}, 1, 0, {},
          [](auto f, In in, Out out, N n) {
            f(1, 2, 0xfffffff3u, 0xe0000000u, Scalar(1.25), in[0], out[0], n);
          }),
      row("uniform", &K::uniform, {}, 1, 0, {}, [](auto f, In, Out out, N n) { f(3, 4, 77, out[0], n); }),
  };
  add_binary(cases, "add", &K::add, Nan::same_place);
  add_binary(cases, "subtract", &K::subtract, Nan::same_place);
  add_binary(cases, "multiply", &K::multiply, Nan::same_place);
  add_binary(cases, "divide", &K::divide, Nan::same_place);
  add_binary(cases, "maximum", &K::maximum, Nan::same_place);
  add_binary(cases, "minimum", &K::minimum, Nan::same_place);
  add_binary(cases, "power", &K::power, Nan::same_place, Values::positive);
  add_binary(cases, "less", &K::less, Nan::own_test);
  add_binary(cases, "less_equal", &K::less_equal, Nan::own_test);
  add_binary(cases, "greater", &K::greater, Nan::own_test);
  add_binary(cases, "greater_equal", &K::greater_equal, Nan::own_test);
  add_binary(cases, "equal", &K::equal, Nan::own_test);
  add_binary(cases, "not_equal", &K::not_equal, Nan::own_test);
  for (int steps = 0; steps < 8; ++steps) {
    Case c = row("select", &K::select, {mask, special, special}, 1, 0, {}, [=](auto f, In in, Out out, N n) {
      f(in[0], steps & 1, in[1], steps >> 1 & 1, in[2], steps >> 2, out[0], n);
    });
    c.broadcasts = steps != 7;
    c.elementwise = !c.broadcasts;
    c.least = c.broadcasts ? 1 : 0;
    cases.push_back(std::move(c));
  }
  return cases;
}

inline const std::vector<Case>& cases() {
  static const std::vector<Case> all = make_cases();
  return all;
}

// ---- running a case

inline std::vector<std::vector<Scalar>> fill_inputs(const Case& c, std::size_t n, std::uint64_t seed) {
  std::vector<std::vector<Scalar>> inputs;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    Numbers numbers(seed + 17 * i);
    std::vector<Scalar> run(n);
    for (std::size_t j = 0; j < n; ++j) {
      const double u = numbers.uniform();
      switch (c.inputs[i].values) {
        case Values::any:
          run[j] = static_cast<Scalar>(16 * u - 8);
          break;
        case Values::positive:
          run[j] = static_cast<Scalar>(std::exp(12 * u - 6));
          break;
        case Values::mask:
          run[j] = u < 0.3 ? Scalar(0) : u < 0.6 ? Scalar(1) : Scalar(-2.5);
          break;
        case Values::logarithms:
          run[j] = static_cast<Scalar>(-10 * u - 0.1);
          break;
      }
      // A few equal neighbours, for comparisons.
      if (i == 1 && c.inputs[0].values == Values::any && numbers.uniform() < 0.2) run[j] = inputs[0][j];
    }
    inputs.push_back(std::move(run));
  }
  return inputs;
}

/// What output `index` holds before the kernel runs.
inline std::vector<Scalar> output_before(std::size_t index, std::size_t n) {
  Numbers numbers(index + 1);
  std::vector<Scalar> run(n);
  for (Scalar& y : run) y = static_cast<Scalar>(numbers.uniform() + 0.5);
  return run;
}

/// The outputs of a kernel, run in plain vectors.
inline std::vector<std::vector<Scalar>> outputs_of(const Kernels& kernels, const Case& c,
                                                   const std::vector<std::vector<Scalar>>& inputs,
                                                   std::size_t n) {
  std::vector<std::vector<Scalar>> outputs;
  for (int i = 0; i < c.runs; ++i) outputs.push_back(output_before(static_cast<std::size_t>(i), n));
  for (int i = 0; i < c.ones; ++i) outputs.emplace_back(1, not_a_number);
  std::vector<const Scalar*> in;
  for (const auto& run : inputs) in.push_back(run.data());
  std::vector<Scalar*> out;
  for (auto& run : outputs) out.push_back(run.data());
  c.run(kernels, in.data(), out.data(), n);
  return outputs;
}

inline bool close(const Tolerance& t, std::size_t n, Scalar result, Scalar twin) {
  if (same_bits(result, twin)) return true;
  if (!std::isfinite(result) || !std::isfinite(twin)) return false;
  int exponent = 0;
  std::frexp(twin, &exponent);
  const double ulp = std::max(std::ldexp(1.0, exponent - std::numeric_limits<Scalar>::digits),
                              double(std::numeric_limits<Scalar>::denorm_min()));
  const double bound = (t.ulps + t.ulps_per_element * double(n)) * ulp +
                       double(epsilon) * (t.absolute + t.per_element * double(n));
  return bound > 0 && std::abs(double(result) - double(twin)) <= bound;
}

/// Where two sets of outputs differ by more than the tolerance: "" or a sentence.
inline std::string difference(const Case& c, std::size_t n, const std::vector<std::vector<Scalar>>& result,
                              const std::vector<std::vector<Scalar>>& twin) {
  for (std::size_t k = 0; k < twin.size(); ++k) {
    for (std::size_t i = 0; i < twin[k].size(); ++i) {
      if (close(c.tolerance, n, result[k][i], twin[k][i])) continue;
      std::ostringstream text;
      text.precision(17);
      text << "output " << k << ", element " << i << " of " << n << ": " << result[k][i] << ", twin "
           << twin[k][i];
      return text.str();
    }
  }
  return "";
}

}  // namespace attune::testing::inline kernel_rows
