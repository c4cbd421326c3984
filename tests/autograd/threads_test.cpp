#include <doctest/doctest.h>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tensor/indexing.h"
#include "tensor/thread_pool.h"
#include "tests/autograd/operation_rows.h"

// The same bits for any number of threads, of every operation, its gradient included, on inputs large enough
// to be shared.

using namespace attune;
using namespace attune::testing;

namespace {

class Threads {
 public:
  explicit Threads(int count) : before_(thread_count()) { set_thread_count(count); }
  ~Threads() { set_thread_count(before_); }

 private:
  int before_;
};

std::vector<Scalar> bits_of(const Variable& y, const std::vector<Variable>& leaves) {
  std::vector<Scalar> bits = y.value().values();
  Rng rng(2);
  for (const Variable& gradient : gradients(y, leaves, uniform(y.shape(), -1, 1, rng))) {
    const std::vector<Scalar> more = gradient.value().values();
    bits.insert(bits.end(), more.begin(), more.end());
  }
  return bits;
}

struct Large {
  const char* name;
  std::vector<Tensor> inputs;
  std::function<Variable(const std::vector<Variable>&)> f;
};

std::vector<Large> large_operations() {
  std::mt19937 engine(1);
  const Tensor long_one = random_tensor({70001}, engine, 0.5, 2);
  const Tensor long_two = random_tensor({70001}, engine, 0.5, 2);
  const Tensor wide = random_tensor({130, 601}, engine);
  const Tensor wide_two = random_tensor({130, 601}, engine);
  const Tensor row = random_tensor({601}, engine);
  const Tensor column = random_tensor({130, 1}, engine);
  const Tensor tall = random_tensor({30001, 3}, engine);
  const Tensor cube = random_tensor({8, 90, 70}, engine);
  const Tensor cube_two = random_tensor({8, 70, 90}, engine);
  const Indices classes = some_indices({130}, 601);
  std::vector<Large> all;
  // Every elementwise row of the table, as it is, and broadcasting.
  for (const Operation& operation : elementwise_rows()) {
    if (operation.name.find("condition that") != std::string::npos) continue;
    static std::map<std::string, std::string> names;
    const char* name = names.emplace(operation.name, operation.name).first->second.c_str();
    if (operation.cases.front().operands.size() == 1) {
      all.push_back({name, {long_one}, operation.f});
    } else {
      all.push_back({name, {long_one, long_two}, operation.f});
      all.push_back({name, {abs(wide) + 1, abs(row) + 1}, operation.f});
      all.push_back({name, {abs(column) + 1, abs(wide) + 1}, operation.f});
    }
  }
  const auto add = [&](const char* name, std::vector<Tensor> inputs,
                       std::function<Variable(const Variables&)> f) {
    all.push_back({name, std::move(inputs), std::move(f)});
  };
  add("sum", {long_one}, [](const Variables& x) { return sum(x[0]); });
  add("sum of rows", {wide}, [](const Variables& x) { return sum(x[0], -1); });
  add("sum of columns", {wide}, [](const Variables& x) { return sum(x[0], 0); });
  add("sum of tall columns", {tall}, [](const Variables& x) { return sum(x[0], 0); });
  add("sum of scattered axes", {cube}, [](const Variables& x) { return sum(x[0], {0, 2}); });
  add("mean", {wide}, [](const Variables& x) { return mean(x[0], 0); });
  add("variance", {wide}, [](const Variables& x) { return variance(x[0]); });
  add("max", {wide}, [](const Variables& x) { return max(x[0], 0); });
  add("min", {long_one}, [](const Variables& x) { return min(x[0]); });
  add("matmul", {wide, wide_two}, [](const Variables& x) { return matmul(x[0], transpose(x[1])); });
  add("matmul of a batch", {cube, cube_two}, [](const Variables& x) { return matmul(x[0], x[1]); });
  add("matmul, tall", {tall, random_tensor({3, 40}, engine)},
      [](const Variables& x) { return matmul(x[0], x[1]); });
  add("matmul, long inside", {random_tensor({5, 20001}, engine), random_tensor({20001, 7}, engine)},
      [](const Variables& x) { return matmul(x[0], x[1]); });
  add("linear", {cube, random_tensor({64, 70}, engine), random_tensor({64}, engine)},
      [](const Variables& x) { return linear(x[0], x[1], x[2]); });
  add("softmax", {wide}, [](const Variables& x) { return softmax(x[0]); });
  add("log_softmax along axis 0", {wide}, [](const Variables& x) { return log_softmax(x[0], 0); });
  add("masked_softmax", {cube}, [](const Variables& x) {
    return masked_softmax(x[0], tensor_of(pattern({90, 70})));
  });
  add("layer_norm", {wide, row, row * 2}, [](const Variables& x) { return layer_norm(x[0], x[1], x[2]); });
  add("layer_norm of many rows", {tall, tensor({1, 2, 3}), tensor({4, 5, 6})},
      [](const Variables& x) { return layer_norm(x[0], x[1], x[2]); });
  add("rms_norm", {wide, row}, [](const Variables& x) { return rms_norm(x[0], x[1]); });
  add("cross_entropy", {wide},
      [=](const Variables& x) { return cross_entropy(x[0], classes, {.label_smoothing = Scalar(0.1)}); });
  add("gather_rows", {wide}, [](const Variables& x) { return gather_rows(x[0], some_indices({300}, 130)); });
  add("scatter_add_rows", {wide},
      [](const Variables& x) { return scatter_add_rows(x[0], some_indices({130}, 40), 40); });
  add("pick", {wide}, [=](const Variables& x) { return pick(x[0], classes); });
  add("concatenate", {wide, wide_two}, [](const Variables& x) { return concatenate({x[0], x[1]}, 1); });
  add("copies of views", {cube}, [](const Variables& x) { return reshape(permute(x[0], {2, 0, 1}), {-1}); });
  add("dropout", {wide}, [](const Variables& x) { return dropout(x[0], Scalar(0.3), Rng(3)); });
  add("attention",
      {random_tensor({3, 4, 70, 16}, engine), random_tensor({3, 4, 80, 16}, engine),
       random_tensor({3, 4, 80, 24}, engine)},
      [](const Variables& x) {
        return attention(x[0], x[1], x[2], Mask::causal() & Mask::padding({80, 50, 0}));
      });
  return all;
}

}  // namespace

TEST_CASE("threads: every operation and its gradient give the same bits on 1, 2, 3, 4 and 7 threads") {
  int compared = 0;
  for (const Large& operation : large_operations()) {
    std::vector<Scalar> one;
    for (const int count : {1, 2, 3, 4, 7}) {
      const Threads threads(count);
      const std::vector<Variable> leaves = tracked_all(operation.inputs);
      const std::vector<Scalar> bits = bits_of(operation.f(leaves), leaves);
      if (count == 1) {
        one = bits;
        continue;
      }
      INFO(operation.name, " on ", count, " threads");
      REQUIRE(bits.size() == one.size());
      CHECK(std::memcmp(bits.data(), one.data(), bits.size() * sizeof(Scalar)) == 0);
      ++compared;
    }
  }
  CHECK(compared > 200);
}

TEST_CASE("threads: random numbers and positions of maxima are the same for any number of threads") {
  Rng source(1);
  const Tensor x = normal({300, 301}, 0, 1, source);
  const Indices largest = argmax(x);
  const Tensor dropped = dropout(ones({300, 301}), Scalar(0.5), Rng(4));
  for (const int count : {1, 2, 3, 4, 7}) {
    const Threads threads(count);
    Rng again(1);
    CHECK(same_values(normal({300, 301}, 0, 1, again), x));
    CHECK(argmax(x) == largest);
    CHECK(same_values(dropout(ones({300, 301}), Scalar(0.5), Rng(4)), dropped));
  }
}
