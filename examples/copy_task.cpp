// Copies and reverses random letters: what a Transformer must be able to learn before anything real.
//
// Command:  ./run copy_task
// Data:     random sequences of ten letters, never the same twice
// Time:     about 2 seconds on two cores
// Ends with the line:
//   Copy and reverse are learned along the curve to expect, and the cheat is unmasked.
//
// A translation that fails has many suspects: the data, the vocabulary, the masks, the model, the settings.
// Here the data cannot be wrong and the right answer is known. Begin here, and compare with the curve.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numeric>

#include "attune.h"
using namespace attune;

constexpr Index letters = 10, length = 10, batch_size = 64;  // T = S = length
constexpr int start = 0;                                     // <s>; the letters are 1 … 10
constexpr Index vocabulary = letters + 1;                    // V
constexpr std::size_t between = 50;                          // steps from one line of the table to the next

struct Task {
  const char* name;
  bool reversed = false;
  bool cheats = false;           // a mistake made on purpose
  std::vector<double> expected;  // the curve: the loss of step 1, then means over 50 steps
  std::size_t steps() const { return between * (expected.size() - 1); }
};

// The curves to expect, in nats per letter, recorded with the seeds in `train`. Instruction sets agree to
// 0.01. With other seeds the loss falls up to 50 steps earlier or later.
constexpr double tolerance = 0.1;
const Task copies{.name = "copy", .expected = {3.51, 2.43, 1.93, 1.11, 0.29, 0.04, 0.02}};
const Task reverses{
    .name = "reverse", .reversed = true, .expected = {3.50, 2.42, 1.84, 0.92, 0.20, 0.03, 0.02}};
const Task cheats{.name = "copy, cheating", .cheats = true, .expected = {0.61, 0.10}};

// ---- the data

struct Batch {
  Indices source, target_in, target_out;  // (B, T) each
};

// The decoder reads <s> y1 y2 … and must say y1 y2 y3 …: the target shifted by one. Who forgets to shift it
// cheats: each letter to be said has just been read. No mask helps: a position may always look at itself.
Batch draw(const Task& task, Index count, Rng rng) {
  Batch batch;
  batch.source = batch.target_in = batch.target_out = Indices::full({count, length}, start);
  for (Index b = 0; b < count; ++b) {
    for (Index t = 0; t < length; ++t) batch.source.at(b, t) = 1 + static_cast<int>(rng.below(letters));
    for (Index t = 0; t < length; ++t)
      batch.target_out.at(b, t) = batch.source.at(b, task.reversed ? length - 1 - t : t);
    for (Index t = 1; t < length; ++t) batch.target_in.at(b, t) = batch.target_out.at(b, t - 1);
  }
  if (task.cheats) batch.target_in = batch.target_out;
  return batch;
}

std::vector<int> no_padding(Index count) {
  return std::vector<int>(static_cast<std::size_t>(count), static_cast<int>(length));
}

// ---- what the model can do, measured in two ways

struct Accuracy {
  double teacher_forced;  // each letter said after the right ones: what the loss sees
  double free_running;    // each letter said after what the model itself has said: what a user sees
};

Accuracy measure(const nn::Transformer& model, const Task& task) {
  const NoGradient no_gradient;
  const Index count = 200;
  const Batch test = draw(task, count, Rng(3));
  nn::Pass pass;
  const auto memory = model.encode(test.source, no_padding(count), pass);
  const Indices forced = argmax(model.decode(test.target_in, memory, pass).value());  // (B, T, V) to (B, T)

  Indices alone = test.target_out;                 // (B, T), overwritten column by column
  Indices latest = Indices::full({count}, start);  // (B)
  auto state = model.begin_decoding(memory);
  for (Index t = 0; t < length; ++t) {
    latest = argmax(model.decode_step(latest, state, pass).value());  // (B, V) to (B)
    for (Index b = 0; b < count; ++b) alone.at(b, t) = latest.values[static_cast<std::size_t>(b)];
  }
  const auto share_right = [&](const Indices& said) {
    double right = 0;
    for (std::size_t i = 0; i < said.values.size(); ++i) right += said.values[i] == test.target_out.values[i];
    return right / static_cast<double>(said.values.size());
  };
  return {share_right(forced), share_right(alone)};
}

// ---- training

struct Run {
  nn::Transformer model;
  std::vector<double> losses = {};  // of every step
  std::vector<double> curve = {};   // their means, to be compared with the expected ones
  Accuracy accuracy = {};
};

// A line of the table.
void report(const Task& task, Run& run) {
  const std::size_t step = run.losses.size();
  const auto recent = static_cast<std::ptrdiff_t>(std::min(step, between));
  const double sum = std::accumulate(run.losses.end() - recent, run.losses.end(), 0.0);
  run.curve.push_back(sum / static_cast<double>(recent));
  run.accuracy = measure(run.model, task);
  std::printf("  %4zu  %6.2f  %8.2f  %12.0f %%  %10.0f %%\n", step, run.curve.back(),
              task.expected[run.curve.size() - 1], 100 * run.accuracy.teacher_forced,
              100 * run.accuracy.free_running);
}

Run train(const Task& task) {
  std::printf("\n%s\n  step    loss  expected  teacher-forced  free-running\n", task.name);
  const Rng data(1), dropout(2);
  Rng weights(1);
  Run run{nn::Transformer({.source_vocabulary = vocabulary,
                           .target_vocabulary = vocabulary,
                           .width = 32,
                           .heads = 1,  // so that its attention can be read off
                           .hidden = 64,
                           .encoder_layers = 1,
                           .decoder_layers = 1,
                           .dropout = 0},
                          weights)};
  optim::Adam adam(run.model, {.beta2 = 0.98});
  const optim::InverseSquareRoot rate{.peak = 0.005, .warmup = 20};
  for (std::uint64_t step = 1; step <= task.steps(); ++step) {
    const Batch batch = draw(task, batch_size, data.at(step));
    nn::Pass pass{.training = true, .rng = dropout.at(step)};
    const Variable logits =
        run.model(batch.source, no_padding(batch_size), batch.target_in, pass);  // (B, T, V)
    const Variable loss = cross_entropy(logits, batch.target_out);               // ()
    if (step == 1) nn::check_visited(loss, run.model);
    run.losses.push_back(static_cast<double>(loss.item()));
    if (step == 1) report(task, run);
    backward(loss);
    optim::clip_gradient_norm(run.model, 1);
    adam.step(rate(static_cast<Index>(step)));
    if (step % between == 0) report(task, run);
  }
  return run;
}

// ---- what came of it

// Where the decoder looks in the source while it says each letter: prints it, and returns it for the SVG.
io::HeatMap show_attention(const Task& task, const nn::Transformer& model) {
  Batch shown = draw(task, 1, Rng(0));
  shown.source.values = {6, 2, 9, 1, 10, 4, 7, 3, 8, 5};  // every letter once
  shown.target_out = shown.source;
  if (task.reversed) std::reverse(shown.target_out.values.begin(), shown.target_out.values.end());
  for (Index t = 1; t < length; ++t) shown.target_in.at(0, t) = shown.target_out.at(0, t - 1);

  const NoGradient no_gradient;
  nn::AttentionRecord record;
  nn::Pass pass{.record = &record};
  model(shown.source, no_padding(1), shown.target_in, pass);
  const Tensor& weights = record.of(model.decoder.layers[0].cross_attention);  // (1, 1, T, S)
  const auto labels = [](const Indices& said) {
    std::vector<std::string> names;
    for (const std::int32_t letter : said.values)
      names.push_back(std::string(1, static_cast<char>('a' + letter - 1)));
    return names;
  };
  std::printf("\n%s: each row is a letter being said, each column a letter of the source\n", task.name);
  io::HeatMap map{.weights = weights.values(),
                  .row_labels = labels(shown.target_out),
                  .column_labels = labels(shown.source)};
  io::print_heat_map(std::cout, map);
  map.title = task.name;
  return map;
}

void write_curves(const std::filesystem::path& file, const Run& copy, const Run& reverse) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file);
  out << "step\tcopy\treverse\n";
  for (std::size_t i = 0; i < copy.losses.size(); ++i)
    out << i + 1 << '\t' << copy.losses[i] << '\t' << reverse.losses[i] << '\n';
  std::printf(out.flush() ? "\nThe losses of all steps are in %s.\n" : "\nCannot write %s.\n", file.c_str());
}

bool on_curve(const Task& task, const Run& run) {
  for (std::size_t i = 0; i < run.curve.size(); ++i) {
    if (std::abs(run.curve[i] - task.expected[i]) <= tolerance) continue;
    std::printf("%s: the curve is off: expected %.2f at step %zu, got %.2f: see %s\n", task.name,
                task.expected[i], i == 0 ? 1 : i * between, run.curve[i],
                "docs/when_your_loss_does_not_fall.md");
    return false;
  }
  return true;
}

int main() try {
  std::printf("attune: %s kernels\n\n", kernels().name);
  std::printf("A model that knows nothing has the loss ln V = ln %d = %.2f.\n", int(vocabulary),
              std::log(double(vocabulary)));
  std::printf(
      "An untrained Transformer begins above that. Its output layer is its embedding, so it says\n"
      "again what it has just read; that is sure of itself, and wrong.\n");
  const Run copy = train(copies);
  const Run reverse = train(reverses);
  std::printf("\nNow with a mistake on purpose: the target is not shifted.\n");
  const Run cheat = train(cheats);
  std::printf("The loss is wonderful and the model useless: only the free-running accuracy tells.\n");

  const std::vector<io::HeatMap> pictures{show_attention(copies, copy.model),
                                          show_attention(reverses, reverse.model)};
  write_curves("out/copy_task/curve.tsv", copy, reverse);
  io::write_heat_map("out/copy_task/attention.svg", pictures,
                     {.title = "Where the decoder looks while it says each letter",
                      .row_axis = "said",
                      .column_axis = "source"});
  std::printf("The attention is drawn in out/copy_task/attention.svg.\n");

  const bool learned = copy.accuracy.free_running > 0.99 && reverse.accuracy.free_running > 0.99;
  const bool unmasked = cheat.accuracy.teacher_forced > 0.99 && cheat.accuracy.free_running < 0.2;
  const bool right = on_curve(copies, copy) && on_curve(reverses, reverse) && on_curve(cheats, cheat);
  const bool all = right && learned && unmasked;
  std::printf("%s\n",
              all ? "Copy and reverse are learned along the curve to expect, and the cheat is unmasked."
                  : "Something is off: see above.");
  return all ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
