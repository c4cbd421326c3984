// One model, several threads: computing with a model changes nothing in it, so threads may share it, and a
// training of another model may run beside them. Meant to be run under ThreadSanitizer as well.

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tensor/thread_pool.h"
#include "tests/nn/small_training.h"
#include "tests/support/measured.h"
#include "text/search.h"

using namespace attune;
using namespace attune::testing;

namespace {

using Sentences = std::vector<std::vector<std::int32_t>>;

Sentences some_sentences() {
  Rng dice(3);
  Sentences sentences;
  for (int i = 0; i < 20; ++i) {
    std::vector<std::int32_t> sentence;
    const std::uint64_t length = 1 + dice.below(9);
    for (std::uint64_t t = 0; t < length; ++t)
      sentence.push_back(static_cast<std::int32_t>(4 + dice.below(13)));
    sentences.push_back(std::move(sentence));
  }
  return sentences;
}

std::vector<Variable> leaves_of_model(const nn::Transformer& model) {
  std::vector<Variable> leaves;
  for (const nn::NamedParameter& parameter : nn::named_parameters(model))
    leaves.emplace_back(parameter.cell->value, parameter.cell->leaf);
  return leaves;
}

// The loss of a training step, the attention weights it used, and all gradients, without leaving any behind.
std::vector<Scalar> step_bits(const SmallTraining& training) {
  nn::AttentionRecord record;
  nn::Pass pass = training.pass_of(3, &record);
  const Variable loss = training.loss(training.batches[0], pass);
  std::vector<Scalar> bits = loss.value().values();
  const auto append = [&](const Tensor& x) {
    const std::vector<Scalar> more = x.values();
    bits.insert(bits.end(), more.begin(), more.end());
  };
  append(record.of(training.model.decoder.layers[0].cross_attention));
  for (const Variable& gradient : gradients(loss, leaves_of_model(training.model))) append(gradient.value());
  return bits;
}

struct KeepThreadCount {
  int before = thread_count();
  ~KeepThreadCount() { set_thread_count(before); }
};

}  // namespace

TEST_CASE(
    "threads: four of them translate with one shared model as one does alone, while another model is "
    "trained") {
  const KeepThreadCount keep;
  set_thread_count(2);
  SmallTraining shared({.width = 32});
  for (int step = 0; step < 30; ++step) shared.step();  // so that translations have some length and variety
  const nn::Transformer& model = shared.model;
  const Sentences sentences = some_sentences();
  const Sentences expected = text::greedy_search(model, sentences, 40);
  std::size_t tokens = 0;
  for (const auto& sentence : expected) tokens += sentence.size();
  CHECK(tokens > sentences.size());

  SmallTraining alone;
  for (int step = 0; step < 5; ++step) alone.step();

  SmallTraining beside;
  constexpr std::size_t translators = 4;
  constexpr int rounds = 3;
  std::vector<Sentences> found(translators * rounds);
  std::atomic<int> ready = 0;
  const auto start_together = [&] {
    ++ready;
    while (ready < static_cast<int>(translators) + 1) std::this_thread::yield();
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < translators; ++i)
    threads.emplace_back([&, i] {
      start_together();
      for (std::size_t round = 0; round < rounds; ++round)
        found[i * rounds + round] = text::greedy_search(model, sentences, 40);
    });
  threads.emplace_back([&] {
    start_together();
    for (int step = 0; step < 5; ++step) beside.step();
  });
  for (std::thread& thread : threads) thread.join();
  for (const Sentences& translated : found) CHECK(translated == expected);
  CHECK(same_bits(beside.bits(), alone.bits()));
  measured(
      "four threads with one shared model: %zu times the %zu tokens that one thread finds, beside a training "
      "that ends in the bits it has alone",
      found.size(), tokens);
}

TEST_CASE(
    "threads: four of them ask one shared model for losses, attention weights and gradients, and get the "
    "same bits") {
  const KeepThreadCount keep;
  set_thread_count(3);
  const SmallTraining shared;
  const std::vector<Scalar> expected = step_bits(shared);
  const std::vector<Scalar> before = shared.bits();
  std::vector<std::vector<Scalar>> found(4);
  std::vector<std::thread> threads;
  for (std::vector<Scalar>& bits : found)
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) bits = step_bits(shared);
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<Scalar>& bits : found) CHECK(same_bits(bits, expected));
  CHECK(same_bits(shared.bits(), before));
  for (const nn::NamedParameter& parameter : nn::named_parameters(shared.model))
    CHECK_FALSE(parameter.cell->leaf->gradient.defined());
}

TEST_CASE("threads: trainings on four threads at once each end in the bits they have alone") {
  const KeepThreadCount keep;
  set_thread_count(2);
  std::vector<std::vector<Scalar>> alone(4);
  std::vector<std::vector<Scalar>> together(4);
  const auto train = [](std::size_t which) {
    SmallTraining training({.seed = 20 + which});
    for (int step = 0; step < 4; ++step) training.step();
    return training.bits();
  };
  for (std::size_t i = 0; i < alone.size(); ++i) alone[i] = train(i);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < together.size(); ++i) threads.emplace_back([&, i] { together[i] = train(i); });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < alone.size(); ++i) CHECK(same_bits(together[i], alone[i]));
  CHECK_FALSE(same_bits(alone[0], alone[1]));
}
