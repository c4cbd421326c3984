#include <doctest/doctest.h>
#include <pthread.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <thread>

#include "autograd/check.h"
#include "autograd/dropout.h"
#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/loss.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "autograd/rows.h"
#include "autograd/variable.h"
#include "autograd/views.h"
#include "tensor/error.h"
#include "tensor/indexing.h"
#include "tensor/memory.h"
#include "tensor/random.h"
#include "tests/support/alive.h"
#include "tests/support/sanitizers.h"

using namespace attune;
using namespace attune::testing;

namespace {

std::vector<Scalar> numbers(std::initializer_list<Scalar> list) {
  return list;
}

// Runs `body` on a thread with a stack of 256 KiB: less than a recursion of a few thousand calls needs.
void on_small_stack(void (*body)()) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  pthread_t thread;
  REQUIRE(pthread_create(
              &thread, &attributes,
              [](void* f) -> void* {
                reinterpret_cast<void (*)()>(f)();
                return nullptr;
              },
              reinterpret_cast<void*>(body)) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

Scalar small_stack_gradient;

// A sanitizer makes each of them many times slower, and a tenth is still far more than such a stack could
// recurse.
#if defined(ATTUNE_UNDER_ADDRESS_SANITIZER) || defined(ATTUNE_UNDER_THREAD_SANITIZER)
constexpr int million = 100000;
#else
constexpr int million = 1000000;
#endif

}  // namespace

// ---- what backward computes

TEST_CASE("backward: in b = a + a; c = b + b the gradient of a is 4, not 2 and not 3") {
  const Variable a = tracked(Tensor(5));
  const Variable b = a + a;
  const Variable c = b + b;
  backward(c);
  CHECK(a.gradient().item() == 4);
}

TEST_CASE("backward: a value used on paths of different lengths gets every path's part") {
  // c = a² · (a + a · a²): dc/da = 3a² + 5a⁴
  const Variable a = tracked(Tensor(2));
  const Variable square_of_a = a * a;
  const Variable c = square_of_a * (a + a * square_of_a);
  backward(c);
  CHECK(a.gradient().item() == 3 * 4 + 5 * 16);
}

TEST_CASE("backward: gradients add up over passes until they are cleared") {
  const Variable a = tracked(Tensor(3));
  CHECK_FALSE(a.gradient().defined());
  backward(a * 2);
  backward(a * a);
  CHECK(a.gradient().item() == 2 + 6);
  a.clear_gradient();
  CHECK_FALSE(a.gradient().defined());
  backward(a * 5);
  CHECK(a.gradient().item() == 5);
}

TEST_CASE("backward: a gradient that is held does not change when more is added to it") {
  const Variable a = tracked(tensor({1, 2}));
  backward(sum(a * 3));
  const Tensor held = a.gradient();
  backward(sum(a));
  CHECK(held.values() == numbers({3, 3}));
  CHECK(a.gradient().values() == numbers({4, 4}));
}

TEST_CASE("backward: two leaves that receive the same gradient do not share what is added later") {
  const Variable a = tracked(tensor({1, 2}));
  const Variable b = tracked(tensor({3, 4}));
  backward(sum(a + b) + sum(a * 2));
  CHECK(a.gradient().values() == numbers({3, 3}));
  CHECK(b.gradient().values() == numbers({1, 1}));
}

TEST_CASE("backward: constants and detached values get no gradient and stop none that flow beside them") {
  const Variable a = tracked(Tensor(2));
  const Variable constant = Tensor(7);
  CHECK_FALSE(constant.requires_gradient());
  CHECK_FALSE((constant * 3).requires_gradient());
  CHECK_FALSE(detach(a * a).requires_gradient());
  backward(detach(a * a) * a + constant * a);
  CHECK(a.gradient().item() == 4 + 7);
}

TEST_CASE("backward: slices and rows add into one buffer, also beside whole gradients, in any order") {
  const Variable x = tracked(reshape(arange(12), {4, 3}));
  const Variable whole = x * 2;
  const Variable part = slice(x, 0, 1, 3);
  const Variable rows = gather_rows(x, Indices({3}, {1, 1, 3}));
  SUBCASE("whole first") {
    backward(sum(part * 10) + sum(rows * 100) + sum(whole));
  }
  SUBCASE("rows first") {
    backward(sum(whole) + (sum(part * 10) + sum(rows * 100)));
  }
  SUBCASE("slice first") {
    backward((sum(rows * 100) + sum(whole)) + sum(part * 10));
  }
  CHECK(x.gradient().values() == numbers({2, 2, 2, 212, 212, 212, 12, 12, 12, 102, 102, 102}));
}

TEST_CASE("kinks: the derivative of relu and abs at 0 is 0, and ties are shared equally") {
  const auto slope = [](const auto& f, Scalar at) {
    const Variable x = tracked(Tensor(at));
    return gradients(f(x), {x})[0].item();
  };
  CHECK(slope([](const Variable& x) { return relu(x); }, 0) == 0);
  CHECK(slope([](const Variable& x) { return abs(x); }, 0) == 0);
  CHECK(slope([](const Variable& x) { return maximum(x, 1); }, 1) == Scalar(0.5));
  CHECK(slope([](const Variable& x) { return minimum(1, x); }, 1) == Scalar(0.5));

  const Variable x = tracked(tensor({3, 1, 3, 3}));
  backward(max(x));
  const Scalar third = Scalar(1) / 3;
  CHECK(x.gradient().values() == numbers({third, 0, third, third}));
  const Variable y = tracked(tensor({{2, 2}, {0, 5}}));
  backward(sum(min(y, 1)));
  CHECK(y.gradient().values() == numbers({Scalar(0.5), Scalar(0.5), 1, 0}));

  // x⁰ is 1 everywhere, and 0ᵇ does not change with b.
  const Variable zero = tracked(Tensor(Scalar(0)));
  const Variable power = tracked(Tensor(2));
  const std::vector<Variable> both = gradients(pow(zero, power), {zero, power});
  CHECK(both[0].item() == 0);
  CHECK(both[1].item() == 0);
}

TEST_CASE("kinks: where passes no gradient to what is not chosen, NaN included") {
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  const Variable a = tracked(tensor({1, nan, 3}));
  const Variable b = tracked(tensor({nan, 5, nan}));
  const Variable y = where(tensor({1, 0, 1}), a * a, b * b);
  const std::vector<Variable> slopes = gradients(y, {a, b}, ones({3}));
  CHECK(slopes[0].value().at({0}) == 2);
  CHECK(slopes[1].value().at({1}) == 10);
  CHECK(y.value().values() == numbers({1, 25, 9}));
}

TEST_CASE("cross_entropy: where every target is ignored the loss is 0 and so are all gradients") {
  for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
    const Variable logits = tracked(tensor({{1, 2, 3}, {std::numeric_limits<Scalar>::infinity(), 5, 6}}));
    const Variable loss = cross_entropy(logits, Indices::full({2}, -1),
                                        {.label_smoothing = Scalar(0.1), .reduction = reduction});
    CHECK(loss.item() == 0);
    backward(loss);
    CHECK(logits.gradient().values() == numbers({0, 0, 0, 0, 0, 0}));
  }
}

TEST_CASE("cross_entropy: a model that knows nothing scores ln V, and huge logits do not overflow") {
  CHECK(std::abs(static_cast<double>(cross_entropy(zeros({4, 10}), Indices::full({4}, 3)).item()) -
                 std::log(10.0)) < 1e-6);
  const Variable logits = tracked(tensor({{10000, -10000}, {-10000, 10000}}));
  const Variable loss = cross_entropy(logits, Indices({2}, {0, 0}));
  CHECK(loss.item() == 10000);
  backward(loss);
  CHECK(logits.gradient().values() == numbers({0, 0, Scalar(-0.5), Scalar(0.5)}));
}

TEST_CASE("cross_entropy: the ignored number may be a class of its own, as the padding of a vocabulary is") {
  const Tensor logits = tensor({{1, 2, 3}, {3, 1, 0}, {0, 5, 1}});
  const Scalar some = cross_entropy(logits, Indices({3}, {2, 0, 1}), {.ignored = 0}).item();
  const Scalar only =
      cross_entropy(concatenate({slice(logits, 0, 0, 1), slice(logits, 0, 2, 3)}), Indices({2}, {2, 1}))
          .item();
  CHECK(std::abs(some - only) < Scalar(1e-6));
}

TEST_CASE("dropout: at rate 0 it is nothing, and the same generator drops the same elements again") {
  const Variable x = tracked(ones({100}));
  CHECK(dropout(x, 0, Rng(1)).node().get() == x.node().get());
  const Tensor once = dropout(x, Scalar(0.5), Rng(1)).value();
  CHECK(same_values(dropout(x, Scalar(0.5), Rng(1)).value(), once));
  CHECK_FALSE(same_values(dropout(x, Scalar(0.5), Rng(2)).value(), once));
}

// ---- gradients of gradients

TEST_CASE("gradients: derivatives of x⁵ are 5x⁴, 20x³, 60x², 120x and 120") {
  const Variable x = tracked(Tensor(2));
  Variable y = x * x * x * x * x;
  for (const Scalar expected : numbers({80, 160, 240, 240, 120})) {
    y = gradients(y, {x}, {}, {.record = true})[0];
    CHECK(y.item() == expected);
  }
  CHECK_FALSE(x.gradient().defined());  // gradients() leaves gradient() alone
}

TEST_CASE("gradients: of a mixed polynomial in two variables, both orders agree") {
  const Variable x = tracked(Tensor(3));
  const Variable y = tracked(Tensor(2));
  const Variable z = x * x * y + y * y * y * x;  // ∂²z/∂x∂y = 2x + 3y²
  const std::vector<Variable> first = gradients(z, {x, y}, {}, {.record = true});
  CHECK(first[0].item() == 2 * 3 * 2 + 8);
  CHECK(first[1].item() == 9 + 3 * 4 * 3);
  CHECK(gradients(first[0], {y}, {}, {.keep_graph = true})[0].item() == 18);
  CHECK(gradients(first[1], {x})[0].item() == 18);
}

TEST_CASE("gradients: of results inside the graph, of values that play no part, and of y itself") {
  const Variable x = tracked(Tensor(3));
  const Variable inside = x * x;
  const Variable unused = tracked(ones({2}));
  const Variable y = inside * inside;
  const std::vector<Variable> slopes = gradients(y, {inside, x, unused, y});
  CHECK(slopes[0].item() == 18);
  CHECK(slopes[1].item() == 108);
  CHECK(slopes[2].value().values() == numbers({0, 0}));
  CHECK(slopes[3].item() == 1);
}

TEST_CASE("gradients: with keep_graph the same graph serves again, and without it once") {
  const Variable x = tracked(Tensor(3));
  const Variable y = x * x;
  CHECK(gradients(y, {x}, {}, {.keep_graph = true})[0].item() == 6);
  CHECK(gradients(y, {x}, Tensor(10))[0].item() == 60);
  CHECK_THROWS_AS(gradients(y, {x}), GraphError);
}

// ---- memory and time

TEST_CASE(
    "backward: a chain of a million operations is built, run backward and destroyed on a 256 KiB stack") {
  const std::int64_t base = live_nodes();
  on_small_stack([] {
    const Variable x = tracked(Tensor(1));
    Variable y = x;
    for (int i = 0; i < million; ++i) y = y + 1;
    backward(y);
    small_stack_gradient = x.gradient().item();
  });
  CHECK(small_stack_gradient == 1);
  on_small_stack([] {  // and one that never runs backward
    Variable y = tracked(Tensor(1));
    for (int i = 0; i < million / 4; ++i) y = -y;
  });
  on_small_stack([] {  // and one whose pullbacks hold the values before them
    const Variable x = tracked(Tensor(1));
    Variable y = x;
    for (int i = 0; i < million / 10; ++i) y = y * y;
    backward(y);
    small_stack_gradient = x.gradient().item();
  });
  CHECK(live_nodes() == base);
}

TEST_CASE("backward: after each step the nodes and the memory are back at their base") {
  const Variable weight = tracked(full({16, 16}, Scalar(0.1)));
  const Tensor x = ones({8, 16});
  std::int64_t nodes = 0;
  std::int64_t bytes = 0;
  for (int step = 0; step < 20; ++step) {
    {
      const Variable loss = mean(square(layer_norm(relu(linear(x, weight)), ones({16}), zeros({16}))));
      CHECK(live_nodes() > nodes);
      backward(loss);
      CHECK_FALSE(any_non_finite(weight.gradient()));
      weight.clear_gradient();
    }
    if (step == 0) {
      nodes = live_nodes();
      bytes = memory_use().in_use;
    }
    CHECK(live_nodes() == nodes);
    CHECK(memory_use().in_use == bytes);
  }
}

TEST_CASE("backward: ten thousand training steps grow neither the pool nor the process by a mebibyte") {
  const Variable weight = tracked(full({8, 8}, Scalar(0.1)));
  const Variable bias = tracked(zeros({8}));
  const Tensor x = ones({4, 8});
  const auto step = [&] {
    backward(cross_entropy(linear(tanh(linear(x, weight, bias)), weight), Indices({4}, {0, 1, 2, 3})));
    weight.clear_gradient();
    bias.clear_gradient();
  };
  for (int i = 0; i < 100; ++i) step();
  const MemoryUse pool = memory_use();
  const std::int64_t nodes = live_nodes();
  [[maybe_unused]] const std::int64_t process = resident_bytes();  // sanitizers keep freed memory
  for (int i = 0; i < 10000; ++i) step();
  CHECK(live_nodes() == nodes);
  CHECK(memory_use().in_use + memory_use().idle <= pool.in_use + pool.idle);
#if !defined(ATTUNE_UNDER_ADDRESS_SANITIZER) && !defined(ATTUNE_UNDER_THREAD_SANITIZER)
  CHECK(resident_bytes() - process < 1 << 20);
#endif
}

TEST_CASE("backward: numbers changed in place after they were used do not change the gradient") {
  Tensor numbers_of_x = tensor({1, 2, 3});
  const Variable x = tracked(numbers_of_x);
  const Variable y = sum(x * x);
  numbers_of_x.writable()[0] = 100;  // what an optimiser or a user does; the graph keeps what it has seen
  backward(y);
  CHECK(x.gradient().values() == numbers({2, 4, 6}));
  CHECK(x.value().at({0}) == 1);
}

TEST_CASE("backward: it frees what the pullbacks hold as it goes, while the loss is still alive") {
  const Variable x = tracked(ones({1000}));
  const Variable loss = sum(log(exp(x * 2)));  // the graph holds the result of exp
  const std::int64_t before = memory_use().in_use;
  backward(loss);
  // The new gradient takes the room of what was freed.
  CHECK(x.gradient().at({999}) == 2);
  CHECK(memory_use().in_use < before + 1024);
}

TEST_CASE("graph: it holds exactly the values that its pullbacks captured") {
  constexpr Index size = 1024;  // a size whose block has no waste
  constexpr std::int64_t block = size * static_cast<std::int64_t>(sizeof(Scalar));
  const Variable a = tracked(ones({size}));
  const Variable b = tracked(ones({size}));
  // How many blocks of this size the graph holds that nobody else does: results are dropped but for the node.
  const auto held_by = [&](const auto& f) {
    const std::int64_t before = memory_use().in_use;
    NodeHandle graph;
    {
      // Operands of their own, so that what is captured counts.
      const Variable x = a + 0;
      const Variable y = b + 0;
      graph = f(x, y).node();
    }
    const std::int64_t bytes = memory_use().in_use - before;
    CHECK(bytes % block < 512);  // beside whole blocks only single numbers
    return bytes / block;
  };
  CHECK(held_by([](auto& x, auto& y) { return x + y; }) == 0);
  CHECK(held_by([](auto& x, auto& y) { return x - y; }) == 0);
  CHECK(held_by([](auto& x, auto&) { return -x; }) == 0);
  CHECK(held_by([](auto& x, auto&) { return where(1, x, 0); }) == 0);
  CHECK(held_by([](auto& x, auto&) { return sum(x); }) == 0);
  CHECK(held_by([](auto& x, auto&) { return reshape(x, {32, 32}); }) == 0);
  CHECK(held_by([](auto& x, auto&) { return exp(x); }) == 1);      // its result
  CHECK(held_by([](auto& x, auto&) { return tanh(x); }) == 1);     // its result
  CHECK(held_by([](auto& x, auto&) { return softmax(x); }) == 1);  // its result
  CHECK(held_by([](auto& x, auto&) { return log(x); }) == 1);      // its operand
  CHECK(held_by([](auto& x, auto&) { return relu(x); }) == 1);     // its operand
  CHECK(held_by([](auto& x, auto& y) { return x * y; }) == 2);     // both operands
  CHECK(held_by([](auto& x, auto& y) { return x / y; }) == 2);
  CHECK(held_by([](auto& x, auto& y) { return exp(x) * exp(y); }) ==
        2);  // the factors are the results of exp
  CHECK(held_by([](auto& x, auto&) { return dropout(x, Scalar(0.5), Rng(1)); }) == 0);  // not its mask
}

TEST_CASE("graph: a number times a tensor keeps the tensor only if the number is to be learned") {
  constexpr Index size = 1024;
  const Variable a = tracked(ones({size}));
  const auto bytes_of = [&](const Variable& factor) {
    const std::int64_t before = memory_use().in_use;
    NodeHandle graph;
    {
      const Variable x = a + 0;
      graph = (x * factor).node();
    }
    return memory_use().in_use - before;
  };
  CHECK(bytes_of(tracked(Tensor(2))) >= size * static_cast<std::int64_t>(sizeof(Scalar)));
  CHECK(bytes_of(Tensor(2)) < 1024);
}

TEST_CASE("backward: slicing a tensor 512 times costs what the slices touch, not 512 tensors") {
  const Index steps = 512;
  const Variable x = tracked(ones({steps, 64}));
  std::vector<Variable> parts;
  for (Index t = 0; t < steps; ++t) parts.push_back(select(x, 0, t) * static_cast<Scalar>(t));
  const Variable loss = sum(concatenate(parts));
  release_idle_memory();
  const std::int64_t before = memory_use().in_use;
  backward(loss);
  CHECK(x.gradient().at({511, 63}) == 511);
  CHECK(x.gradient().at({0, 0}) == 0);
  // Had each slice made a tensor of zeros, the pool would now keep some of them; together 64 MiB would have
  // passed through it. What there is instead: one gradient for x and one for the joined slices.
  const std::int64_t whole = steps * 64 * static_cast<std::int64_t>(sizeof(Scalar));
  CHECK(memory_use().in_use + memory_use().idle - before < 6 * whole);
}

// ---- recording

TEST_CASE("record: under NoGradient nothing is recorded, in this thread only, and scopes nest") {
  const Variable x = tracked(Tensor(2));
  CHECK(recording());
  {
    const NoGradient off;
    CHECK_FALSE(recording());
    CHECK_FALSE((x * x).requires_gradient());
    { const NoGradient inner; }
    CHECK_FALSE(recording());
    bool other_thread_records = false;
    std::thread([&] { other_thread_records = recording() && (x * x).requires_gradient(); }).join();
    CHECK(other_thread_records);
  }
  CHECK(recording());
  CHECK((x * x).requires_gradient());
}

TEST_CASE("record: an exception leaves recording as it was") {
  const Variable x = tracked(Tensor(2));
  try {
    const NoGradient off;
    throw std::runtime_error("stop");
  } catch (const std::runtime_error&) {
  }
  CHECK(recording());
  const Variable bad =
      record("bad", Tensor(1), {x}, [](const Variable&) -> Gradients { throw std::runtime_error("stop"); });
  CHECK_THROWS_AS(backward(bad), std::runtime_error);
  CHECK(recording());
}

TEST_CASE("record: an operation of one's own takes a value, parents and a pullback") {
  // y = x³, dx = 3x² dy
  const Function cube = [](const std::vector<Variable>& x) {
    return record("cube", x[0].value() * x[0].value() * x[0].value(), {x[0]},
                  [x = x[0]](const Variable& dy) { return Gradients{3 * square(x) * dy}; });
  };
  Rng rng(1);
  const GradientCheck check = check_gradients(cube, {uniform({2, 3}, 1, 2, rng)});
  CHECK_MESSAGE(check.passed, check.sentence);
  CHECK(check_second_gradients(cube, {uniform({2, 3}, 1, 2, rng)}).passed);
}

TEST_CASE("record: a pullback may leave out gradients that nobody wants") {
  const Variable a = tracked(Tensor(2));
  const Variable b = tracked(Tensor(3));
  const Variable y = record("first only", a.value(), {a, b}, [](const Variable& dy) {
    return Gradients{dy, {}};
  });
  backward(y);
  CHECK(a.gradient().item() == 1);
  CHECK_FALSE(b.gradient().defined());
}

TEST_CASE("leaves_of: each leaf once, however often and deep it is used") {
  const Variable a = tracked(Tensor(1));
  const Variable b = tracked(Tensor(2));
  const Variable unused = tracked(Tensor(3));
  const std::vector<NodeHandle> leaves = leaves_of(a * b + a * a + b);
  CHECK(leaves.size() == 2);
  for (const NodeHandle& leaf : leaves) CHECK((leaf.get() == a.node().get() || leaf.get() == b.node().get()));
}

TEST_CASE(
    "to_dot: boxes are operations with their shapes, rounded ones leaves, arrows run with the numbers") {
  const Variable x = tracked(ones({2, 3}));
  const Variable y = sum(x * x);
  CHECK(to_dot(y) ==
        "digraph {\n"
        "  rankdir=LR;\n"
        "  ordering=in;\n"
        "  node [shape=box, fillcolor=\"#e8f1fb\", fontname=\"sans-serif\"];\n"
        "  n0 [label=\"sum\\n6\"];\n"
        "  n1 [label=\"multiply\\n(2, 3)\"];\n"
        "  n2 [style=\"rounded,filled\", label=\"leaf\\n(2, 3)\"];\n"
        "  n1 -> n0;\n"
        "  n2 -> n1;\n"
        "  n2 -> n1;\n"
        "}\n");
}

TEST_CASE("to_dot: names bring numbers, leaves show their gradients, and constants are dashed") {
  const Variable x = tracked(tensor({{1, -2}, {0, 4}})), a = tracked(Tensor(3));
  const Variable wide = tracked(ones({13})), high = tracked(ones({1, 2, 2}));
  const Variable t = x * 2;
  const Variable y = sum(t) * a + sum(wide) + sum(high);
  backward(y);
  const std::string dot = to_dot(y, {{"x", x}, {"twice \"x\"", t}, {"a", a}, {"wide", wide}, {"high", high}});
  for (const char* line :
       {"label=\"x\\n(2, 2)\\n1   -2\\n0   4\\ngradient\\n6   6\\n6   6\"];\n",  // a leaf, row by row
        "label=\"twice \\\"x\\\" = multiply\\n(2, 2)\\n2   -4\\n0   8\"];\n",    // an operation
        "label=\"a\\n3\\ngradient 6\"];\n",                                      // a single number
        "label=\"wide\\n(13,)\"];\n", "label=\"high\\n(1, 2, 2)\"];\n",          // more than 12, three axes
        "  c0 [shape=plaintext, fontcolor=gray40, label=\"constant\"];\n  c0 -> n"})  // the 2
    CHECK_MESSAGE(dot.find(line) != std::string::npos, line, "in\n", dot);
}

TEST_CASE("to_dot: a name for what is not in the graph is an error") {
  const Variable x = tracked(ones({2}));
  const Variable y = sum(x * 2);
  for (const Variable& other : {tracked(ones({2})), Variable(ones({2}))})
    CHECK_THROWS_WITH_AS(to_dot(y, {{"other", other}}),
                         "to_dot: what is called 'other' is not in the graph: (2,): name what y was computed "
                         "from; constants have no place in a graph",
                         GraphError);
  CHECK_THROWS_AS(to_dot(y, {{"nothing", Variable()}}), ValueError);
}

TEST_CASE("check_gradients: its sentence names the input, the element and both numbers") {
  const GradientCheck check = check_gradients(
      [](const std::vector<Variable>& x) {
        return record("wrong", x[0].value() * x[1].value(), {x[0], x[1]}, [=](const Variable& dy) {
          return Gradients{dy * x[1], dy * x[0] * 2};
        });
      },
      {tensor({1, 2}), tensor({3, 4})});
  CHECK_FALSE(check.passed);
  CHECK(check.sentence.find("input 1 of shape (2,) has a wrong gradient: relative error ") == 0);
  CHECK(std::abs(check.worst - 1) < 1e-2);
  CHECK(check.sentence.find(": backward says ") != std::string::npos);
  CHECK(check.sentence.find("the difference quotient ") != std::string::npos);
}

TEST_CASE("check_gradients: a NaN on either side does not pass") {
  const GradientCheck in_gradient = check_gradients(
      [](const std::vector<Variable>& x) {
        return record("nan", x[0].value(), {x[0]}, [](const Variable& dy) {
          return Gradients{dy * std::numeric_limits<Scalar>::quiet_NaN()};
        });
      },
      {tensor({1, 2})});
  CHECK_FALSE(in_gradient.passed);
  const GradientCheck in_value =
      check_gradients([](const std::vector<Variable>& x) { return log(x[0]); }, {tensor({-1})});
  CHECK_FALSE(in_value.passed);
}
