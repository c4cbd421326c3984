// The same seed gives the same bits: in repeated runs, on any number of threads, in other processes, whatever
// is recorded, evaluated or computed in between.

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tensor/simd/kernels.h"
#include "tensor/thread_pool.h"
#include "tests/nn/small_training.h"
#include "tests/support/measured.h"
#include "text/search.h"

using namespace attune;
using namespace attune::testing;

namespace {

constexpr int thread_counts[] = {1, 2, 3, 4, 7};

struct KeepThreadCount {
  int before = thread_count();
  ~KeepThreadCount() { set_thread_count(before); }
};

// Large enough that its work is shared between threads.
SmallTrainingOptions shared_work(nn::NormPlacement norm) {
  return {.width = 64, .hidden = 128, .layers = 1, .sentences = 60, .longest = 12, .norm = norm};
}
SmallTrainingOptions large() {
  return {.width = 96, .hidden = 192, .layers = 2, .sentences = 60, .longest = 14};
}

std::vector<Scalar> trained(const SmallTrainingOptions& options, int steps) {
  SmallTraining training(options);
  for (int step = 0; step < steps; ++step) training.step();
  return training.bits();
}

}  // namespace

TEST_CASE("bits: 20 trainings on 1, 2, 3, 4 and 7 threads end in the same weights and moments") {
  const KeepThreadCount keep;
  std::uint64_t name = 0;
  std::size_t numbers = 0;
  for (const nn::NormPlacement norm : {nn::NormPlacement::pre, nn::NormPlacement::post}) {
    std::vector<Scalar> first;
    for (int run = 0; run < 10; ++run) {
      const int threads = thread_counts[run % 5];
      set_thread_count(threads);
      const std::vector<Scalar> bits = trained(shared_work(norm), 2);
      if (run == 0) first = bits;
      CHECK_MESSAGE(same_bits(bits, first), "run ", run, " on ", threads, " threads");
    }
    name = fingerprint(first);
    numbers = first.size();
  }
  measured(
      "20 trainings of 2 steps on 1, 2, 3, 4 and 7 threads: the same %zu numbers to the bit (%016llx, %s)",
      numbers, static_cast<unsigned long long>(name), kernels().name);
}

TEST_CASE("bits: 20 long trainings on 1, 2, 3, 4 and 7 threads end in the same weights and moments" *
          doctest::skip()) {
  const KeepThreadCount keep;
  std::vector<Scalar> first;
  for (int run = 0; run < 20; ++run) {
    const int threads = thread_counts[run % 5];
    set_thread_count(threads);
    const std::vector<Scalar> bits = trained(large(), 20);
    if (run == 0) first = bits;
    CHECK_MESSAGE(same_bits(bits, first), "run ", run, " on ", threads, " threads");
  }
  measured(
      "20 trainings of 20 steps on 1, 2, 3, 4 and 7 threads: the same %zu numbers to the bit (%016llx, %s)",
      first.size(), static_cast<unsigned long long>(fingerprint(first)), kernels().name);
}

// ---- other processes

#if defined(__unix__)

// Run by other processes of the test below.
TEST_CASE("bits: child: prints the name of what a training ends in" * doctest::skip()) {
  const char* steps = std::getenv("ATTUNE_TEST_STEPS");
  if (steps == nullptr) return;
  const int count = std::atoi(steps);
  const std::vector<Scalar> bits = trained(count > 10 ? large() : shared_work(nn::NormPlacement::pre), count);
  std::printf("fingerprint %016llx, a training began at %p\n",
              static_cast<unsigned long long>(fingerprint(bits)), static_cast<const void*>(bits.data()));
}

namespace {

// What a process of its own, with that many threads, says about a training: its fingerprint, and where in
// memory it was.
std::pair<std::string, std::string> said_by_process(int threads, int steps) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string command =
      "ATTUNE_THREADS=" + std::to_string(threads) + " ATTUNE_TEST_STEPS=" + std::to_string(steps) +
      " ATTUNE_SIMD=" + kernels().name + " '" + self + "' --no-skip --test-case='bits: child*' 2>/dev/null";
  std::pair<std::string, std::string> said;
  if (FILE* pipe = popen(command.c_str(), "r")) {
    char line[256];
    while (std::fgets(line, sizeof line, pipe)) {
      const std::string text = line;
      if (text.find("fingerprint ") != 0) continue;
      said = {text.substr(12, 16), text.substr(text.rfind(' ') + 1)};
    }
    pclose(pipe);
  }
  return said;
}

void check_processes(int processes, int steps) {
  std::set<std::string> places;
  std::string first;
  for (int process = 0; process < processes; ++process) {
    const int threads = thread_counts[process % 5];
    const auto [name, place] = said_by_process(threads, steps);
    if (name.empty()) {
      std::printf("SKIPPED: this machine cannot start the test program a second time\n");
      return;
    }
    if (process == 0) first = name;
    CHECK_MESSAGE(name == first, "process ", process, " with ", threads, " threads");
    places.insert(place);
  }
  measured(
      "%d processes with 1, 2, 3, 4 and 7 threads, at %zu places in memory, %d steps: the same bits (%s, %s)",
      processes, places.size(), steps, first.c_str(), kernels().name);
}

}  // namespace

TEST_CASE("bits: five processes, each with its own threads and memory, train to the same weights") {
  check_processes(5, 2);
}
TEST_CASE("bits: 20 processes, each with its own threads and memory, train to the same weights" *
          doctest::skip()) {
  check_processes(20, 20);
}

#endif

// ---- dropout

namespace {

// The masks of a training step, in the order in which backward meets them: what each dropout makes of ones.
std::vector<std::vector<Scalar>> masks_of(const SmallTraining& training, Index step) {
  std::vector<std::vector<Scalar>> masks;
  nn::Pass pass = training.pass_of(step);
  const Variable loss = training.loss(training.batches[0], pass);
  const detail::PullbackTap tap([&](const Node& node, const Variable& dy, Gradients&) {
    if (std::string(node.op) == "dropout")
      masks.push_back(node.pullback(Variable(ones(dy.shape())), {})[0].value().value().values());
  });
  std::vector<Variable> all;
  for (const nn::NamedParameter& parameter : nn::named_parameters(training.model))
    all.emplace_back(parameter.cell->value, parameter.cell->leaf);
  gradients(loss, all);
  return masks;
}

}  // namespace

TEST_CASE(
    "dropout: in a Transformer every layer has masks of its own, new ones at every step, the same ones "
    "again") {
  const SmallTraining training({.layers = 3});
  std::set<std::vector<Scalar>> seen;
  std::size_t count = 0;
  std::size_t dropped = 0;
  std::size_t elements = 0;
  for (Index step = 1; step <= 5; ++step) {
    const auto masks = masks_of(training, step);
    REQUIRE(masks.size() == 2 + 3 * 2 + 3 * 3);  // embeddings, encoder layers, decoder layers
    for (const std::vector<Scalar>& mask : masks) {
      CHECK_MESSAGE(seen.insert(mask).second, "a mask was used twice");
      for (const Scalar value : mask) {
        CHECK((value == 0 || value == 1 / (1 - Scalar(0.2))));
        dropped += value == 0;
      }
      elements += mask.size();
      ++count;
    }
    CHECK(masks_of(training, step) == masks);
  }
  const double share = static_cast<double>(dropped) / static_cast<double>(elements);
  CHECK(share == doctest::Approx(0.2).epsilon(0.02));
  measured("dropout: %zu masks of 17 layers and 5 steps, all different; %.4f dropped where 0.2 was asked for",
           count, share);
}

TEST_CASE(
    "dropout: layers called in another order, or beside other layers, drop what they would have dropped") {
  Rng rng(9);
  std::vector<nn::Dropout> layers;
  for (int i = 0; i < 6; ++i) layers.emplace_back(Scalar(0.5), rng);
  const Variable x = ones({10, 20});
  const nn::Pass pass{.training = true, .rng = rng.at(1)};
  std::vector<Tensor> forwards;
  for (const nn::Dropout& layer : layers) forwards.push_back(layer(x, pass).value());
  for (std::size_t i = layers.size(); i-- > 0;) CHECK(same_values(layers[i](x, pass).value(), forwards[i]));
  // What other models, evaluation and other passes do in between takes nothing from its stream.
  const nn::Pass other{.training = true, .rng = rng.at(2)};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    static_cast<void>(layers[(i + 1) % 6](x, other));
    static_cast<void>(layers[i](x, nn::Pass{}));
    CHECK(same_values(layers[i](x, pass).value(), forwards[i]));
  }
}

// ---- what must not matter

TEST_CASE(
    "bits: two batches give the same losses and gradients in either order, and with calls interleaved") {
  const SmallTraining training;
  const SmallTraining another({.width = 32, .seed = 9});
  std::vector<Variable> parameters;
  for (const nn::NamedParameter& parameter : nn::named_parameters(training.model))
    parameters.emplace_back(parameter.cell->value, parameter.cell->leaf);
  const auto forward = [&](std::size_t which) {
    nn::Pass pass = training.pass_of(static_cast<Index>(which) + 1);
    return training.loss(training.batches[which], pass);
  };
  const auto bits_of = [&](const Variable& loss) {
    std::vector<Scalar> bits = loss.value().values();
    for (const Variable& gradient : gradients(loss, parameters)) {
      const std::vector<Scalar> more = gradient.value().values();
      bits.insert(bits.end(), more.begin(), more.end());
    }
    return bits;
  };
  const std::vector<Scalar> first = bits_of(forward(0));
  const std::vector<Scalar> second = bits_of(forward(1));
  CHECK_FALSE(same_bits(first, second));
  CHECK(same_bits(bits_of(forward(1)), second));
  CHECK(same_bits(bits_of(forward(0)), first));

  // Both forward, then both backward, the earlier one first or last.
  for (const bool earlier_first : {true, false}) {
    const Variable a = forward(0);
    const Variable b = forward(1);
    std::map<bool, std::vector<Scalar>> found;
    for (const bool is_a : {earlier_first, !earlier_first}) found[is_a] = bits_of(is_a ? a : b);
    CHECK(same_bits(found[true], first));
    CHECK(same_bits(found[false], second));
  }

  // The halves of a forward pass, with those of another batch and of another model between them.
  nn::Pass pass_a = training.pass_of(1);
  nn::Pass pass_b = training.pass_of(2);
  nn::Pass pass_c = another.pass_of(1);
  const auto encode = [](const SmallTraining& one, std::size_t which, nn::Pass& pass) {
    return one.model.encode(one.batches[which].source, one.batches[which].source_lengths, pass);
  };
  const auto finish = [](const SmallTraining& one, std::size_t which, const nn::Transformer::Memory& memory,
                         nn::Pass& pass) {
    return cross_entropy(one.model.decode(one.batches[which].target_in, memory, pass),
                         one.batches[which].target_out,
                         {.label_smoothing = Scalar(0.1), .ignored = text::Vocabulary::pad});
  };
  const nn::Transformer::Memory memory_b = encode(training, 1, pass_b);
  const nn::Transformer::Memory memory_c = encode(another, 0, pass_c);
  const nn::Transformer::Memory memory_a = encode(training, 0, pass_a);
  const Variable loss_c = finish(another, 0, memory_c, pass_c);
  const Variable loss_a = finish(training, 0, memory_a, pass_a);
  backward(loss_c);
  const Variable loss_b = finish(training, 1, memory_b, pass_b);
  CHECK(same_bits(bits_of(loss_b), second));
  CHECK(same_bits(bits_of(loss_a), first));
}

TEST_CASE(
    "bits: recording attention, evaluating and translating between steps change no weight of a training") {
  SmallTraining plain;
  SmallTraining busy;
  nn::AttentionRecord record;
  for (int step = 0; step < 12; ++step) {
    // The losses that both are about to see.
    for (std::size_t half = 0; half < 2; ++half) {
      nn::Pass without = plain.pass_of(step);
      nn::Pass with = busy.pass_of(step, &record);
      const Variable a = plain.loss(plain.batches[half], without);
      const Variable b = busy.loss(busy.batches[half], with);
      CHECK(same_bits(a.value().values(), b.value().values()));
    }
    plain.step();
    busy.step(&record);
    CHECK(record.of(busy.model.decoder.layers[0].cross_attention).rank() == 4);
    if (step % 3 == 0) record.clear();
    // Translating, measuring the loss, asking for gradients by hand.
    text::greedy_search(busy.model, {{4, 5, 6}, {7, 8}}, 64);
    {
      const NoGradient no_gradient;
      nn::Pass evaluation;
      static_cast<void>(busy.loss(busy.batches[1], evaluation));
    }
    nn::Pass pass = busy.pass_of(99);
    const Variable& weight = busy.model.source_embedding.weight;
    gradients(busy.loss(busy.batches[0], pass), {weight});
    REQUIRE(same_bits(plain.bits(), busy.bits()));
  }
  measured(
      "recording attention, translating, evaluating and asking for gradients in each of 12 steps: the same "
      "%zu numbers to the bit",
      plain.bits().size());
}
