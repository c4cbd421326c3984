#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "tensor/error.h"
#include "tensor/simd/kernels.h"

// Every kernel of every table that this machine can run, against its scalar twin. One table of cases below
// drives the tests of values, places, NaN, infinities and working in place; a kernel without a row there is
// not tested.

namespace {

using attune::available_kernels;
using attune::ForcedKernels;
using attune::Kernels;
using attune::Scalar;
using attune::scalar_kernels;

constexpr Scalar epsilon = std::numeric_limits<Scalar>::epsilon();
constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();
constexpr Scalar untouched = -12345;
constexpr std::size_t longest = 5000;

std::vector<const Kernels*> vector_tables() {
  std::vector<const Kernels*> tables = available_kernels();
  tables.pop_back();  // the scalar one
  return tables;
}

/// Room for `longest` numbers, with an unreadable page right before and right behind.
class Guarded {
 public:
  Guarded() {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    bytes_ = (longest * sizeof(Scalar) + page - 1) / page * page;
    whole_ = bytes_ + 2 * page;
    void* memory = mmap(nullptr, whole_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    base_ = static_cast<char*>(memory);
    REQUIRE(mprotect(base_, page, PROT_NONE) == 0);
    REQUIRE(mprotect(base_ + page + bytes_, page, PROT_NONE) == 0);
    begin_ = reinterpret_cast<Scalar*>(base_ + page);
    end_ = reinterpret_cast<Scalar*>(base_ + page + bytes_);
    std::fill(begin_, end_, untouched);
  }
  ~Guarded() { munmap(base_, whole_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  /// n numbers that end where the unreadable page begins (place −1), or that begin `place` numbers into a
  /// page.
  Scalar* run(std::size_t n, int place) { return place < 0 ? end_ - n : begin_ + place; }

  /// True if the 64 numbers on either side of the run are as they were. Makes the run untouched again.
  bool clean_around(Scalar* run, std::size_t n) {
    bool clean = true;
    for (Scalar* p = std::max(begin_, run - 64); p < run; ++p) clean = clean && *p == untouched;
    for (Scalar* p = run + n; p < std::min(end_, run + n + 64); ++p) clean = clean && *p == untouched;
    std::fill(run, run + n, untouched);
    return clean;
  }

 private:
  char* base_ = nullptr;
  Scalar* begin_ = nullptr;
  Scalar* end_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t whole_ = 0;
};

/// A small generator of its own, so that the tests do not lean on what they test.
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

// ---- the table of cases
// -----------------------------------------------------------------------------------------

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
using Run = std::function<void(const Kernels&, In, Out, std::size_t)>;

/// |result − twin| ≤ ε (relative |twin| + absolute + absolute_per_element n); all 0 means: the same bits.
struct Tolerance {
  double relative = 0;
  double absolute = 0;
  double absolute_per_element = 0;
};

struct Case {
  std::string name;
  std::vector<Input> inputs;
  int runs =
      1;  // outputs of n numbers. They hold positive numbers before, which kernels that update them read.
  int ones = 0;  // outputs of one number
  bool elementwise = true;
  bool updates = false;  // reads its outputs
  std::size_t least = 0;
  Tolerance tolerance;
  Run run;
};

Case unary(const char* name, Kernels::Unary Kernels::*kernel, Tolerance tolerance,
           Values values = Values::any) {
  Case c;
  c.name = name;
  c.inputs = {{values, Nan::same_place}};
  c.tolerance = tolerance;
  c.run = [=](const Kernels& k, In in, Out out, std::size_t n) { (k.*kernel)(in[0], out[0], n); };
  return c;
}

Case row(const char* name, Kernels::Unary Kernels::*kernel, Tolerance tolerance) {
  Case c = unary(name, kernel, tolerance);
  c.inputs[0].nan = Nan::everywhere;
  c.elementwise = false;
  return c;
}

Case backward(const char* name, Kernels::UnaryBackward Kernels::*kernel, Tolerance tolerance,
              Nan of_nan = Nan::same_place) {
  Case c;
  c.name = name;
  c.inputs = {{Values::any, of_nan}, {Values::any, of_nan}};
  c.tolerance = tolerance;
  c.run = [=](const Kernels& k, In in, Out out, std::size_t n) { (k.*kernel)(in[0], in[1], out[0], n); };
  return c;
}

void add_binary(std::vector<Case>& cases, const char* name, Kernels::Binary Kernels::*kernel, Nan of_nan,
                Values values = Values::any) {
  for (int steps = 0; steps < 4; ++steps) {
    const int a_step = steps & 1;
    const int b_step = steps >> 1;
    Case c;
    c.name = std::string(name) + (a_step ? " run" : " number") + (b_step ? " run" : " number");
    c.inputs = {{values, of_nan}, {Values::any, of_nan}};
    if (steps != 3) c.inputs[0].nan = c.inputs[1].nan = Nan::own_test;
    c.least = steps == 3 ? 0 : 1;
    c.elementwise = steps == 3;
    c.run = [=](const Kernels& k, In in, Out out, std::size_t n) {
      (k.*kernel)(in[0], a_step, in[1], b_step, out[0], n);
    };
    cases.push_back(c);
  }
}

Case reduction(const char* name, Kernels::Reduction Kernels::*kernel, Tolerance tolerance) {
  Case c;
  c.name = name;
  c.inputs = {{Values::any, Nan::everywhere}};
  c.runs = 0;
  c.ones = 1;
  c.elementwise = false;
  c.tolerance = tolerance;
  c.run = [=](const Kernels& k, In in, Out out, std::size_t n) { *out[0] = (k.*kernel)(in[0], n); };
  return c;
}

Case other(const char* name, std::vector<Input> inputs, int runs, int ones, Tolerance tolerance, Run run) {
  Case c;
  c.name = name;
  c.inputs = std::move(inputs);
  c.runs = runs;
  c.ones = ones;
  c.elementwise = false;
  c.tolerance = tolerance;
  c.run = std::move(run);
  return c;
}

Case elementwise(Case c) {
  c.elementwise = true;
  return c;
}
Case updating(Case c) {
  c.updates = true;
  return c;
}
Case at_least(std::size_t n, Case c) {
  c.least = n;
  return c;
}

attune::AdamStep adam_step() {
  attune::AdamStep step;
  step.rate = Scalar(0.01);
  step.weight_decay = Scalar(0.1);
  step.correction1 = Scalar(0.271);
  step.correction2 = Scalar(0.002997);
  return step;
}

std::vector<Case> make_cases() {
  const Input any = {Values::any, Nan::same_place};
  const Input all = {Values::any, Nan::everywhere};
  const Input special = {Values::any, Nan::own_test};
  const Input mask = {Values::mask, Nan::own_test};
  std::vector<Case> cases = {
      unary("negate", &Kernels::negate, {}),
      unary("absolute", &Kernels::absolute, {}),
      unary("exp", &Kernels::exp, {2}),
      unary("log", &Kernels::log, {2}, Values::positive),
      unary("sqrt", &Kernels::sqrt, {}, Values::positive),
      unary("square", &Kernels::square, {}),
      unary("tanh", &Kernels::tanh, {3}),
      unary("sigmoid", &Kernels::sigmoid, {4}),
      unary("erf", &Kernels::erf, {3}),
      unary("relu", &Kernels::relu, {}),
      unary("gelu", &Kernels::gelu, {4, 8}),
      unary("silu", &Kernels::silu, {5}),
      unary("reciprocal", &Kernels::reciprocal, {}),
      backward("relu_backward", &Kernels::relu_backward, {}, Nan::own_test),
      backward("gelu_backward", &Kernels::gelu_backward, {8, 64}),
      backward("silu_backward", &Kernels::silu_backward, {8, 64}),
      backward("tanh_backward", &Kernels::tanh_backward, {4, 16}),
      backward("sigmoid_backward", &Kernels::sigmoid_backward, {}),

      elementwise(updating(
          other("fill", {}, 1, 0, {},
                [](const Kernels& k, In, Out out, std::size_t n) { k.fill(Scalar(2.5), out[0], n); }))),
      elementwise(updating(
          other("add_to", {any}, 1, 0, {},
                [](const Kernels& k, In in, Out out, std::size_t n) { k.add_to(in[0], out[0], n); }))),
      elementwise(updating(other(
          "axpy", {any}, 1, 0, {1, 16},
          [](const Kernels& k, In in, Out out, std::size_t n) { k.axpy(Scalar(-1.7), in[0], out[0], n); }))),
      elementwise(other(
          "scale", {any}, 1, 0, {},
          [](const Kernels& k, In in, Out out, std::size_t n) { k.scale(Scalar(-1.7), in[0], out[0], n); })),

      reduction("sum", &Kernels::sum, {1, 8, 2}),
      reduction("sum_of_squares", &Kernels::sum_of_squares, {16}),
      reduction("max", &Kernels::max, {}),
      reduction("min", &Kernels::min, {}),
      other("dot", {all, all}, 0, 1, {1, 64, 16},
            [](const Kernels& k, In in, Out out, std::size_t n) { *out[0] = k.dot(in[0], in[1], n); }),
      other("sum_of_squared_deviations", {all}, 0, 1, {16},
            [](const Kernels& k, In in, Out out, std::size_t n) {
              *out[0] = k.sum_of_squared_deviations(in[0], Scalar(0.3), n);
            }),
      other("any_non_finite", {special}, 0, 1, {},
            [](const Kernels& k, In in, Out out, std::size_t n) {
              *out[0] = k.any_non_finite(in[0], n) ? 1 : 0;
            }),

      row("softmax", &Kernels::softmax, {16}),
      row("log_softmax", &Kernels::log_softmax, {8, 8}),
      other(
          "masked_softmax", {special, mask}, 1, 0, {16},
          [](const Kernels& k, In in, Out out, std::size_t n) { k.masked_softmax(in[0], in[1], out[0], n); }),
      other("softmax_backward", {all, all}, 1, 0, {16, 64, 16},
            [](const Kernels& k, In in, Out out, std::size_t n) {
              k.softmax_backward(in[0], in[1], out[0], n);
            }),
      other("log_softmax_backward", {{Values::logarithms, Nan::same_place}, all}, 1, 0, {8, 16, 4},
            [](const Kernels& k, In in, Out out, std::size_t n) {
              k.log_softmax_backward(in[0], in[1], out[0], n);
            }),

      other("layer_norm", {all, any, any}, 1, 2, {16, 16},
            [](const Kernels& k, In in, Out out, std::size_t n) {
              k.layer_norm(in[0], in[1], in[2], out[0], n, Scalar(1e-5), out[1], out[2]);
            }),
      other("layer_norm without scale", {all, any}, 1, 2, {16, 16},
            [](const Kernels& k, In in, Out out, std::size_t n) {
              k.layer_norm(in[0], nullptr, in[1], out[0], n, Scalar(1e-5), out[1], out[2]);
            }),
      other("layer_norm without shift", {all, any}, 1, 2, {16, 16},
            [](const Kernels& k, In in, Out out, std::size_t n) {
              k.layer_norm(in[0], in[1], nullptr, out[0], n, Scalar(1e-5), out[1], out[2]);
            }),
      other("layer_norm without both", {all}, 1, 2, {16, 16},
            [](const Kernels& k, In in, Out out, std::size_t n) {
              k.layer_norm(in[0], nullptr, nullptr, out[0], n, Scalar(1e-5), out[1], out[2]);
            }),
      at_least(1, other("layer_norm_backward", {all, all, all}, 1, 0, {32, 256},
                        [](const Kernels& k, In in, Out out, std::size_t n) {
                          Scalar mean = k.sum(in[0], n) / static_cast<Scalar>(n);
                          if (!std::isfinite(mean)) mean = 0;
                          k.layer_norm_backward(in[0], mean, Scalar(0.3), in[1], in[2], out[0], n);
                        })),
      at_least(1, other("layer_norm_backward without scale", {all, all}, 1, 0, {32, 256},
                        [](const Kernels& k, In in, Out out, std::size_t n) {
                          Scalar mean = k.sum(in[0], n) / static_cast<Scalar>(n);
                          if (!std::isfinite(mean)) mean = 0;
                          k.layer_norm_backward(in[0], mean, Scalar(0.3), nullptr, in[1], out[0], n);
                        })),
      at_least(1, updating(other("layer_norm_backward_parameters", {special, any}, 2, 0, {8, 128},
                                 [](const Kernels& k, In in, Out out, std::size_t n) {
                                   const Scalar mean = k.sum(in[0], n) / static_cast<Scalar>(n);
                                   k.layer_norm_backward_parameters(in[0], mean, Scalar(0.3), in[1], out[0],
                                                                    out[1], n);
                                 }))),
      other("rms_norm", {all, any}, 1, 1, {16},
            [](const Kernels& k, In in, Out out, std::size_t n) {
              k.rms_norm(in[0], in[1], out[0], n, Scalar(1e-5), out[1]);
            }),
      other("rms_norm without scale", {all}, 1, 1, {16},
            [](const Kernels& k, In in, Out out, std::size_t n) {
              k.rms_norm(in[0], nullptr, out[0], n, Scalar(1e-5), out[1]);
            }),
      at_least(1, other("rms_norm_backward", {all, all, all}, 1, 0, {32, 256},
                        [](const Kernels& k, In in, Out out, std::size_t n) {
                          k.rms_norm_backward(in[0], Scalar(0.3), in[1], in[2], out[0], n);
                        })),
      at_least(1, other("rms_norm_backward without scale", {all, all}, 1, 0, {32, 256},
                        [](const Kernels& k, In in, Out out, std::size_t n) {
                          k.rms_norm_backward(in[0], Scalar(0.3), nullptr, in[1], out[0], n);
                        })),
      elementwise(updating(other("rms_norm_backward_parameters", {any, any}, 1, 0, {2, 64},
                                 [](const Kernels& k, In in, Out out, std::size_t n) {
                                   k.rms_norm_backward_parameters(in[0], Scalar(0.3), in[1], out[0], n);
                                 }))),

      at_least(1, other("cross_entropy", {all}, 0, 2, {16, 16},
                        [](const Kernels& k, In in, Out out, std::size_t n) {
                          *out[0] = k.cross_entropy(in[0], n / 2, 0, n, out[1]);
                        })),
      at_least(1, other("cross_entropy smoothed", {all}, 0, 2, {16, 16},
                        [](const Kernels& k, In in, Out out, std::size_t n) {
                          *out[0] = k.cross_entropy(in[0], n / 2, Scalar(0.1), n, out[1]);
                        })),
      at_least(1, other("cross_entropy_backward", {any}, 1, 0, {8, 16},
                        [](const Kernels& k, In in, Out out, std::size_t n) {
                          k.cross_entropy_backward(in[0], Scalar(9.5), n / 2, Scalar(0.1), Scalar(0.7),
                                                   out[0], n);
                        })),

      elementwise(updating(other("adam", {any}, 3, 0, {16, 8},
                                 [](const Kernels& k, In in, Out out, std::size_t n) {
                                   k.adam(out[0], in[0], out[1], out[2], n, adam_step());
                                 }))),
      elementwise(updating(other("sgd", {any}, 1, 0, {2, 8},
                                 [](const Kernels& k, In in, Out out, std::size_t n) {
                                   k.sgd(out[0], in[0], nullptr, n, Scalar(0.1), 0, Scalar(0.01));
                                 }))),
      elementwise(updating(other("sgd with momentum", {any}, 2, 0, {2, 16},
                                 [](const Kernels& k, In in, Out out, std::size_t n) {
                                   k.sgd(out[0], in[0], out[1], n, Scalar(0.1), Scalar(0.9), Scalar(0.01));
                                 }))),

      other("dropout_mask", {}, 1, 0, {},
            [](const Kernels& k, In, Out out, std::size_t n) {
              k.dropout_mask(1, 2, 0x1fffffff3u, 0xe0000000u, Scalar(1.25), out[0], n);
            }),
      other("uniform", {}, 1, 0, {},
            [](const Kernels& k, In, Out out, std::size_t n) { k.uniform(3, 4, 77, out[0], n); }),
  };
  add_binary(cases, "add", &Kernels::add, Nan::same_place);
  add_binary(cases, "subtract", &Kernels::subtract, Nan::same_place);
  add_binary(cases, "multiply", &Kernels::multiply, Nan::same_place);
  add_binary(cases, "divide", &Kernels::divide, Nan::same_place);
  add_binary(cases, "maximum", &Kernels::maximum, Nan::same_place);
  add_binary(cases, "minimum", &Kernels::minimum, Nan::same_place);
  add_binary(cases, "power", &Kernels::power, Nan::same_place, Values::positive);
  add_binary(cases, "less", &Kernels::less, Nan::own_test);
  add_binary(cases, "less_equal", &Kernels::less_equal, Nan::own_test);
  add_binary(cases, "greater", &Kernels::greater, Nan::own_test);
  add_binary(cases, "greater_equal", &Kernels::greater_equal, Nan::own_test);
  add_binary(cases, "equal", &Kernels::equal, Nan::own_test);
  add_binary(cases, "not_equal", &Kernels::not_equal, Nan::own_test);
  for (int steps = 0; steps < 8; ++steps) {
    Case c = other("select", {mask, special, special}, 1, 0, {},
                   [=](const Kernels& k, In in, Out out, std::size_t n) {
                     k.select(in[0], steps & 1, in[1], steps >> 1 & 1, in[2], steps >> 2, out[0], n);
                   });
    c.elementwise = steps == 7;
    c.least = steps == 7 ? 0 : 1;
    cases.push_back(c);
  }
  return cases;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = make_cases();
  return all;
}

std::vector<std::vector<Scalar>> fill_inputs(const Case& c, std::size_t n, std::uint64_t seed) {
  std::vector<std::vector<Scalar>> inputs;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    Numbers numbers(seed + 17 * i);
    std::vector<Scalar> run(n);
    for (Scalar& x : run) {
      const double u = numbers.uniform();
      switch (c.inputs[i].values) {
        case Values::any:
          x = static_cast<Scalar>(16 * u - 8);
          break;
        case Values::positive:
          x = static_cast<Scalar>(std::exp(12 * u - 6));
          break;
        case Values::mask:
          x = u < 0.3 ? Scalar(0) : u < 0.6 ? Scalar(1) : Scalar(-2.5);
          break;
        case Values::logarithms:
          x = static_cast<Scalar>(-10 * u - 0.1);
          break;
      }
      // A few equal neighbours, for comparisons.
      if (i == 1 && c.inputs[0].values == Values::any && numbers.uniform() < 0.2) {
        x = inputs[0][static_cast<std::size_t>(&x - run.data())];
      }
    }
    inputs.push_back(std::move(run));
  }
  return inputs;
}

/// The outputs of a kernel, run in plain vectors.
std::vector<std::vector<Scalar>> outputs_of(const Kernels& kernels, const Case& c,
                                            const std::vector<std::vector<Scalar>>& inputs, std::size_t n) {
  std::vector<std::vector<Scalar>> outputs;
  for (int i = 0; i < c.runs; ++i) {
    Numbers numbers(static_cast<std::uint64_t>(i) + 1);
    outputs.emplace_back(n);
    for (Scalar& y : outputs.back()) y = static_cast<Scalar>(numbers.uniform() + 0.5);
  }
  for (int i = 0; i < c.ones; ++i) outputs.emplace_back(1, untouched);
  std::vector<const Scalar*> in;
  for (const auto& run : inputs) in.push_back(run.data());
  std::vector<Scalar*> out;
  for (auto& run : outputs) out.push_back(run.data());
  c.run(kernels, in.data(), out.data(), n);
  return outputs;
}

bool same_bits(Scalar a, Scalar b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

bool close(const Tolerance& t, std::size_t n, Scalar result, Scalar twin) {
  if (same_bits(result, twin)) return true;
  const double bound = t.relative * std::abs(double(twin)) + t.absolute + t.absolute_per_element * double(n);
  return bound > 0 && std::abs(double(result) - double(twin)) <= double(epsilon) * bound;
}

/// Where two sets of outputs differ by more than the tolerance: "" or a sentence.
std::string difference(const Case& c, std::size_t n, const std::vector<std::vector<Scalar>>& result,
                       const std::vector<std::vector<Scalar>>& twin) {
  for (std::size_t k = 0; k < twin.size(); ++k) {
    for (std::size_t i = 0; i < twin[k].size(); ++i) {
      if (!close(c.tolerance, n, result[k][i], twin[k][i])) {
        std::ostringstream text;
        text.precision(17);
        text << "output " << k << ", element " << i << " of " << n << ": " << result[k][i] << ", twin "
             << twin[k][i];
        return text.str();
      }
    }
  }
  return "";
}

std::vector<std::size_t> lengths() {
  std::vector<std::size_t> result;
  for (std::size_t n = 0; n <= 65; ++n) result.push_back(n);
  for (const std::size_t n : std::initializer_list<std::size_t>{127, 128, 129, 255, 256, 257, 1000, 4999}) {
    result.push_back(n);
  }
  return result;
}

}  // namespace

TEST_CASE(
    "simd: every kernel agrees with its scalar twin at every length and place, and touches nothing else") {
  std::vector<Guarded> in_memory(3);
  std::vector<Guarded> out_memory(3);
  long checked = 0;
  for (const Case& c : cases()) {
    for (const std::size_t n : lengths()) {
      if (n < c.least) continue;
      const auto inputs = fill_inputs(c, n, n + 1);
      const auto twin = outputs_of(scalar_kernels(), c, inputs, n);
      for (const Kernels* table : vector_tables()) {
        CAPTURE(std::string(table->name));
        CAPTURE(c.name);
        for (int place = -1; place < (n <= 65 ? 16 : 2); ++place) {
          std::vector<const Scalar*> in;
          std::vector<Scalar*> out;
          for (std::size_t i = 0; i < inputs.size(); ++i) {
            // Different runs at different misalignments.
            Scalar* run = in_memory[i].run(n, place < 0 ? place : (place + 5 * static_cast<int>(i)) % 16);
            std::copy(inputs[i].begin(), inputs[i].end(), run);
            in.push_back(run);
          }
          for (std::size_t i = 0; i < twin.size(); ++i) {
            const std::size_t size = twin[i].size();
            Scalar* run = out_memory[i].run(size, place < 0 ? place : (place + 3 * static_cast<int>(i)) % 16);
            Numbers numbers(i + 1);
            for (std::size_t j = 0; j < size; ++j) run[j] = static_cast<Scalar>(numbers.uniform() + 0.5);
            out.push_back(run);
          }
          c.run(*table, in.data(), out.data(), n);
          std::vector<std::vector<Scalar>> result;
          for (std::size_t i = 0; i < twin.size(); ++i) result.emplace_back(out[i], out[i] + twin[i].size());
          const std::string wrong = difference(c, n, result, twin);
          if (!wrong.empty()) FAIL_CHECK(wrong);
          bool clean = true;
          for (std::size_t i = 0; i < inputs.size(); ++i) {
            clean = clean && std::equal(inputs[i].begin(), inputs[i].end(), in[i], same_bits);
            clean = in_memory[i].clean_around(const_cast<Scalar*>(in[i]), n) && clean;
          }
          for (std::size_t i = 0; i < out.size(); ++i) {
            clean = out_memory[i].clean_around(out[i], twin[i].size()) && clean;
          }
          if (!clean) FAIL_CHECK("wrote where it must not, at n = ", n, ", place ", place);
          ++checked;
        }
      }
    }
  }
  MESSAGE(cases().size(), " cases, ", checked, " runs compared");
}

TEST_CASE("simd: an elementwise result does not depend on where the element stands") {
  const std::size_t n = 67;
  for (const Case& c : cases()) {
    if (!c.elementwise) continue;
    const auto inputs = fill_inputs(c, n, 5);
    for (const Kernels* table : available_kernels()) {
      CAPTURE(std::string(table->name));
      CAPTURE(c.name);
      const auto whole = outputs_of(*table, c, inputs, n);
      for (std::size_t i = 0; i < n; ++i) {
        // The same element, last in a shorter run: every lane and both sides of the rest of the loop come up.
        std::vector<std::vector<Scalar>> shorter = inputs;
        for (auto& run : shorter) run.resize(i + 1);
        const auto part = outputs_of(*table, c, shorter, i + 1);
        for (std::size_t k = 0; k < whole.size(); ++k) {
          if (!same_bits(part[k][i], whole[k][i])) FAIL_CHECK("element ", i, " of output ", k, " differs");
        }
      }
    }
  }
}

TEST_CASE("simd: an output may be the same run as an input") {
  for (const Case& c : cases()) {
    if (c.runs == 0 || c.updates) continue;
    for (const std::size_t n : {std::size_t(1), std::size_t(19), std::size_t(67)}) {
      const auto inputs = fill_inputs(c, n, 6);
      for (const Kernels* table : available_kernels()) {
        const auto apart = outputs_of(*table, c, inputs, n);
        for (std::size_t same = 0; same < inputs.size(); ++same) {
          if (c.inputs[same].values == Values::mask) continue;
          if (c.name.find("number") != std::string::npos || (c.name == "select" && !c.elementwise)) continue;
          CAPTURE(std::string(table->name));
          CAPTURE(c.name);
          auto runs = inputs;
          std::vector<const Scalar*> in;
          for (const auto& run : runs) in.push_back(run.data());
          std::vector<Scalar*> out = {runs[same].data()};
          std::vector<Scalar> ones(static_cast<std::size_t>(c.ones));
          for (Scalar& one : ones) out.push_back(&one);
          c.run(*table, in.data(), out.data(), n);
          for (std::size_t i = 0; i < n; ++i) {
            if (!same_bits(runs[same][i], apart[0][i]))
              FAIL_CHECK("input ", same, ", element ", i, " differs");
          }
        }
      }
    }
  }
}

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

TEST_CASE("simd: infinities and zeros give what they give one at a time") {
  const std::size_t n = 35;
  for (const Case& c : cases()) {
    if (c.name.find("layer_norm_backward") == 0)
      continue;  // which of ∞ and NaN it gives depends on the order of steps
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
      table->masked_softmax(x.data(), allowed.data(), clean.data(), n);
      for (const Scalar dirt : {not_a_number, infinity, -infinity, Scalar(1e30)}) {
        std::vector<Scalar> dirty = x;
        for (std::size_t j = 0; j < n; ++j) dirty[j] = allowed[j] != 0 ? x[j] : dirt;
        table->masked_softmax(dirty.data(), allowed.data(), y.data(), n);
        for (std::size_t j = 0; j < n; ++j) {
          CHECK(same_bits(y[j], clean[j]));
          if (allowed[j] == 0) CHECK(same_bits(y[j], 0));
        }
        const std::vector<Scalar> none(n, 0);
        table->masked_softmax(dirty.data(), none.data(), y.data(), n);
        CHECK(y == none);
      }
      // NaN among the allowed ones stays among them.
      if (n < 2) continue;
      x[1] = not_a_number;
      table->masked_softmax(x.data(), allowed.data(), y.data(), n);
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
    table->softmax(x.data(), y.data(), n);
    CHECK(table->sum(y.data(), n) == doctest::Approx(1).epsilon(1e-6));
    for (std::size_t j = 0; j < n; ++j) dy[j] = static_cast<Scalar>(j % 7);
    y[3] = y[20] = y[36] = 0;
    table->softmax_backward(y.data(), dy.data(), dx.data(), n);
    dy[3] = dy[20] = dy[36] = not_a_number;
    table->softmax_backward(y.data(), dy.data(), dx_nan.data(), n);
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
    table->layer_norm(x.data(), nullptr, nullptr, y.data(), n, Scalar(1e-5), &m, &r);
    table->layer_norm_backward(x.data(), m, r, nullptr, dy.data(), dx.data(), n);
    table->layer_norm_backward_parameters(x.data(), m, r, dy.data(), dscale.data(), dshift.data(), n);
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

TEST_CASE("simd: a class ruled out by a logit of −∞ costs nothing without label smoothing") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    const std::vector<Scalar> x = {1, -infinity, 2};
    Scalar logsumexp = 0;
    const Scalar loss = table->cross_entropy(x.data(), 2, 0, 3, &logsumexp);
    CHECK(double(loss) == doctest::Approx(std::log1p(std::exp(-1.0))).epsilon(1e-6));
  }
}

TEST_CASE("simd: the error of a long sum grows far more slowly than its length") {
  const std::size_t n = 1 << 20;
  const std::vector<Scalar> x(n, Scalar(0.1));
  for (const Kernels* table : vector_tables()) {
    CAPTURE(std::string(table->name));
    const double error = double(table->sum(x.data(), n)) / (double(n) * double(Scalar(0.1))) - 1;
    CHECK(std::abs(error) < 256 * double(epsilon));
  }
}

// ---- accuracy
// ---------------------------------------------------------------------------------------------------

namespace {

using Bits = std::conditional_t<sizeof(Scalar) == 4, std::uint32_t, std::uint64_t>;

Scalar from_bits(Bits bits) {
  Scalar x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// Distance of a result from the true value, in units in the last place of the true value.
double ulps(Scalar result, long double truth) {
  int exponent = 0;
  std::frexp(static_cast<Scalar>(truth), &exponent);
  const long double ulp = std::ldexp(1.0L, exponent - std::numeric_limits<Scalar>::digits);
  if (!std::isfinite(result)) return std::numeric_limits<double>::infinity();
  return static_cast<double>(std::abs(static_cast<long double>(result) - truth) / ulp);
}

struct Accuracy {
  const char* name;
  Kernels::Unary Kernels::*kernel;
  long double (*truth)(long double);
  double bound;
};

}  // namespace

TEST_CASE("simd: exp and log are within 2 ULP, tanh, erf and sigmoid within 3, over all magnitudes") {
  const Accuracy functions[] = {
      {"exp", &Kernels::exp, [](long double x) { return std::exp(x); }, 2},
      {"log", &Kernels::log, [](long double x) { return std::log(x); }, 2},
      {"tanh", &Kernels::tanh, [](long double x) { return std::tanh(x); }, 3},
      {"erf", &Kernels::erf, [](long double x) { return std::erf(x); }, 3},
      {"sigmoid", &Kernels::sigmoid, [](long double x) { return 1 / (1 + std::exp(-x)); }, 3},
  };
  // An odd stride through all bit patterns: every sign, exponent and low bit comes up.
  const Bits count = 400'000;
  const Bits stride = (std::numeric_limits<Bits>::max() / count) | 1;
  std::vector<Scalar> x;
  for (Bits i = 0; i < count; ++i) {
    const Scalar v = from_bits(static_cast<Bits>(i * stride));
    if (std::isfinite(v)) x.push_back(v);
  }
  for (int i = -60000; i <= 60000; ++i)
    x.push_back(static_cast<Scalar>(i * (7.0 / 4096)));  // where curves bend
  std::vector<Scalar> y(x.size());
  for (const Accuracy& f : functions) {
    std::vector<long double> truth(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) truth[i] = f.truth(static_cast<long double>(x[i]));
    std::ostringstream report;
    report << f.name << " of " << x.size() << " numbers, worst ULP";
    for (const Kernels* table : vector_tables()) {
      (table->*f.kernel)(x.data(), y.data(), x.size());
      double worst = 0;
      Scalar worst_at = 0;
      long in_range = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const Scalar rounded = static_cast<Scalar>(truth[i]);
        if (!std::isnormal(rounded)) {
          // Out of the normal range: zero, subnormal, ∞ or NaN. The same kind of number, to a smallest normal
          // number.
          if (std::isnan(rounded) != std::isnan(y[i]))
            FAIL_CHECK(std::string(f.name), " of ", x[i], " is ", y[i]);
          if (std::isinf(rounded) && y[i] != rounded)
            FAIL_CHECK(std::string(f.name), " of ", x[i], " is ", y[i]);
          if (std::isfinite(rounded) && !(std::abs(y[i]) <= std::numeric_limits<Scalar>::min()))
            FAIL_CHECK(std::string(f.name), " of ", x[i], " is ", y[i]);
          continue;
        }
        ++in_range;
        const double error = ulps(y[i], truth[i]);
        if (error > worst) {
          worst = error;
          worst_at = x[i];
        }
      }
      CAPTURE(std::string(table->name));
      CAPTURE(std::string(f.name));
      CAPTURE(worst_at);
      CHECK(in_range > 10'000);
      CHECK(worst <= f.bound);
      report << ", " << table->name << " " << worst << " at " << worst_at;
    }
    MESSAGE(report.str());
  }
}

TEST_CASE("simd: where exp and sigmoid leave the normal range") {
  if (sizeof(Scalar) == 8) return;
  for (const Kernels* table : vector_tables()) {
    CAPTURE(std::string(table->name));
    const Scalar x[] = {Scalar(88.72283), Scalar(88.7229), Scalar(-87.33), Scalar(-95), Scalar(-103.9),
                        Scalar(-104),     infinity,        -infinity,      0,           Scalar(-0.0)};
    Scalar y[10];
    table->exp(x, y, 10);
    CHECK(double(y[0]) == doctest::Approx(std::exp(double(x[0]))).epsilon(1e-6));
    CHECK(y[1] == infinity);
    CHECK(double(y[2]) == doctest::Approx(std::exp(double(x[2]))).epsilon(1e-6));
    CHECK(std::abs(double(y[3]) - std::exp(-95.0)) < 2e-45);  // subnormal, not flushed
    CHECK(y[3] > 0);
    CHECK(y[4] > 0);
    CHECK(y[5] == 0);
    CHECK(y[6] == infinity);
    CHECK(y[7] == 0);
    CHECK(y[8] == 1);
    CHECK(y[9] == 1);
    const Scalar z[] = {-87, -89, infinity, -infinity};
    table->sigmoid(z, y, 4);
    CHECK(double(y[0]) == doctest::Approx(std::exp(-87.0)).epsilon(1e-6));
    CHECK(y[1] == 0);  // flushed: the true value is subnormal
    CHECK(y[2] == 1);
    CHECK(y[3] == 0);
    const Scalar w[] = {0, Scalar(-0.0), -1, infinity, std::numeric_limits<Scalar>::denorm_min()};
    table->log(w, y, 5);
    CHECK(y[0] == -infinity);
    CHECK(y[1] == -infinity);
    CHECK(std::isnan(y[2]));
    CHECK(y[3] == infinity);
    CHECK(double(y[4]) == doctest::Approx(std::log(double(w[4]))).epsilon(1e-6));
  }
}

// ---- random numbers
// ---------------------------------------------------------------------------------------------

TEST_CASE("simd: threefry gives the published answers") {
  struct Answer {
    std::uint32_t counter[2], key[2], words[2];
  };
  // "Parallel random numbers: as easy as 1, 2, 3", the known-answer vectors published with it, threefry2x32,
  // 20 rounds.
  const Answer answers[] = {
      {{0, 0}, {0, 0}, {0x6b200159, 0x99ba4efe}},
      {{0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x1cb996fc, 0xbb002be7}},
      {{0x243f6a88, 0x85a308d3}, {0x13198a2e, 0x03707344}, {0xc4923a9c, 0x483df7a0}},
  };
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    for (const Answer& a : answers) {
      std::uint32_t words[2] = {};
      table->threefry_block(a.key[0], a.key[1], a.counter[0], a.counter[1], words);
      CHECK(words[0] == a.words[0]);
      CHECK(words[1] == a.words[1]);
    }
    std::uint32_t first[2] = {};
    table->threefry_bits(0, 0, 0, first, 2);
    CHECK(first[0] == 0x6b200159);
    CHECK(first[1] == 0x99ba4efe);
  }
}

TEST_CASE("simd: any part of a random stream is the same bits from every table") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    for (const std::uint64_t first :
         {0ull, 1ull, 7ull, 0x1fffffff0ull, 0x1ffffffefull, 0xfffffffffffff00ull}) {
      for (std::size_t n = 0; n <= 130; ++n) {
        std::vector<std::uint32_t> bits(n + 1, 42);
        table->threefry_bits(0xdeadbeef, 123, first, bits.data(), n);
        for (std::size_t i = 0; i < n; ++i) {
          const std::uint64_t index = first + i;
          std::uint32_t block[2];
          scalar_kernels().threefry_block(0xdeadbeef, 123, static_cast<std::uint32_t>(index >> 1),
                                          static_cast<std::uint32_t>(index >> 33), block);
          if (bits[i] != block[index & 1]) FAIL_CHECK("element ", i, " from ", first);
        }
        CHECK(bits[n] == 42);
      }
    }
  }
}

TEST_CASE("simd: uniform numbers are below 1 and evenly spread, and a dropout mask keeps its share") {
  for (const Kernels* table : available_kernels()) {
    CAPTURE(std::string(table->name));
    std::vector<Scalar> u(100'000);
    table->uniform(1, 2, 0, u.data(), u.size());
    double mean = 0;
    for (const Scalar v : u) {
      if (!(v >= 0 && v < 1)) FAIL_CHECK(v);
      mean += double(v) / double(u.size());
    }
    CHECK(mean == doctest::Approx(0.5).epsilon(0.01));
    table->dropout_mask(1, 2, 0, 0xe6666666u, 2, u.data(), u.size());
    mean = 0;
    for (const Scalar v : u) mean += double(v) / double(u.size());
    CHECK(mean == doctest::Approx(1.8).epsilon(0.01));
  }
}

// ---- the choice of a table
// --------------------------------------------------------------------------------------

TEST_CASE("simd: a table can be forced by name, and an unknown name says what there is") {
  const Kernels& before = attune::kernels();
  {
    const ForcedKernels forced("scalar");
    CHECK(&attune::kernels() == &scalar_kernels());
  }
  CHECK(&attune::kernels() == &before);
  try {
    attune::use_kernels("mmx");
    FAIL("no error");
  } catch (const attune::ValueError& error) {
    const std::string text = error.what();
    CAPTURE(text);
    CHECK(text.find("use_kernels: this machine has no kernels called \"mmx\": choose one of ") == 0);
    CHECK(text.find("scalar") != std::string::npos);
  }
  CHECK(&attune::kernels() == &before);
}

TEST_CASE("simd: the environment variable ATTUNE_SIMD chooses the table") {
  const Kernels& before = attune::kernels();
  const char* set_before = std::getenv("ATTUNE_SIMD");
  const std::string kept = set_before ? set_before : "";
  setenv("ATTUNE_SIMD", "scalar", 1);
  CHECK(&attune::detail::choose_kernels() == &scalar_kernels());
  setenv("ATTUNE_SIMD", "avx1024", 1);
  CHECK_THROWS_AS(attune::detail::choose_kernels(), attune::ValueError);
  setenv("ATTUNE_SIMD", "", 1);
  CHECK(&attune::detail::choose_kernels() == available_kernels().front());
  if (set_before) {
    setenv("ATTUNE_SIMD", kept.c_str(), 1);
  } else {
    unsetenv("ATTUNE_SIMD");
  }
  attune::use_kernels(before.name);
}
