// The training loop and what it leaves in its folder. That a killed training goes on to the same bits, as a
// program, is kill_test.sh.

#include "examples/translator/train.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <string>
#include <vector>

#include "examples/translator/builtin.h"
#include "examples/translator/command_line.h"
#include "examples/translator/run_folder.h"
#include "examples/translator/settings_file.h"
#include "tests/io/child.h"
#include "tests/io/scratch.h"

using namespace attune;
using namespace attune::examples;
namespace fs = std::filesystem;

namespace {

const Corpus& tiny_corpus() {
  static const Corpus made = make_corpus(1, 200, 20);
  return made;
}

TrainingSettings tiny_settings() {
  TrainingSettings settings = tour_settings();
  settings.model.width = settings.model.hidden = 8;
  settings.model.heads = 2;
  settings.model.encoder_layers = settings.model.decoder_layers = 1;
  settings.model.dropout = Scalar(0.1);
  settings.batch_tokens = 256;
  settings.epochs = 4;
  settings.warmup = 5;
  settings.rate = 0.01;
  return settings;
}

// A translator and its data, which stay together.
struct Ready {
  TrainingSettings settings;
  Translator translator;
  TrainingData data;

  explicit Ready(TrainingSettings given = tiny_settings())
      : settings(given),
        translator(make_builtin_translator(tiny_corpus(), settings)),
        data(encode_builtin(translator, tiny_corpus())) {}
};

std::string content_of(const fs::path& file) {
  return io::read_file(file, 1 << 24);
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Columns of times are left out: they are never the same twice.
std::string without_times(const std::string& table, const std::vector<int>& times) {
  std::string kept;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line); kept += '\n') {
    std::istringstream cells(line);
    int column = 0;
    for (std::string cell; std::getline(cells, cell, ','); ++column)
      if (std::find(times.begin(), times.end(), column) == times.end()) kept += cell + ',';
  }
  return kept;
}

std::string tables_of(const fs::path& folder) {
  return without_times(content_of(folder / "training.csv"), {2, 9}) +
         without_times(content_of(folder / "steps.csv"), {2});
}

// Trains in a folder until Ctrl-C comes during step `interrupt_at`; 0: to the end.
TrainingResult train_until(RunFolder& run, Training& training, Index interrupt_at) {
  const InterruptFlag interrupt;
  TrainingHooks hooks;
  hooks.after_step = [&](const StepFigures& figures) {
    run.add(figures);
    if (figures.step == interrupt_at) std::raise(SIGINT);
  };
  hooks.after_epoch = [&](const EpochFigures& figures, bool) { run.add(training, figures); };
  hooks.save = [&] { run.save(training); };
  if (training.run(hooks, interrupt) == Training::Ending::finished) return run.finish(training);
  return result_of(training.state, true);
}

Index steps_of_an_epoch() {
  const Ready ready;
  return static_cast<Index>(
      text::make_batches(ready.data.training,
                         {.max_tokens = ready.settings.batch_tokens, .seed = ready.settings.seed, .epoch = 1})
          .size());
}

void begin_in(const fs::path& folder, Index interrupt_at) {
  Ready ready;
  RunFolder run(folder);
  Training training(ready.translator, ready.data, ready.settings);
  run.begin(training, "", {});
  train_until(run, training, interrupt_at);
}

}  // namespace

TEST_CASE("gradient: accumulated over several batches it is that of one large batch") {
  TrainingSettings settings = tiny_settings();
  settings.model.dropout = 0;
  Ready ready(settings);
  nn::Transformer& model = ready.translator.model;
  const auto pairs = [&](std::size_t begin, std::size_t end) {
    std::vector<std::size_t> chosen;
    for (; begin < end; ++begin) chosen.push_back(begin);
    return text::make_batch(ready.data.training, chosen);
  };
  const auto gradient = [&](const std::vector<text::Batch>& batches, StepGradient& figures) {
    nn::clear_gradients(model);
    figures = compute_gradient(model, batches, {.label_smoothing = Scalar(0.1), .clip = 0}, Rng(1), 1, 1);
    std::vector<double> all;
    nn::for_each_parameter(model, [&](const std::string&, nn::Parameter& parameter) {
      for (const Scalar value : parameter.gradient().values()) all.push_back(static_cast<double>(value));
    });
    return all;
  };
  StepGradient whole, parts;
  const std::vector<double> one = gradient({pairs(0, 30)}, whole);
  const std::vector<double> sum = gradient({pairs(0, 3), pairs(3, 20), pairs(20, 30)}, parts);
  REQUIRE(one.size() == sum.size());
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    difference += (one[i] - sum[i]) * (one[i] - sum[i]);
    size += one[i] * one[i];
  }
  const double tolerance = sizeof(Scalar) == 8 ? 1e-12 : 1e-5;
  CHECK(std::sqrt(difference / size) < tolerance);
  CHECK(std::abs(whole.loss - parts.loss) < tolerance * whole.loss);
  CHECK(std::abs(whole.norm - parts.norm) < tolerance * whole.norm);
  CHECK(whole.target_tokens == parts.target_tokens);
}

TEST_CASE("training: interrupted after any step and resumed, it gives the same files") {
  const Scratch scratch;
  begin_in(scratch / "whole", 0);
  const std::string weights = content_of(scratch / "whole" / "weights.safetensors");
  const std::string tables = tables_of(scratch / "whole");
  const Index n = steps_of_an_epoch();
  for (const Index at : {Index{1}, n - 1, n, n + 1, 2 * n + n / 2}) {
    CAPTURE(at);
    const fs::path folder = scratch / std::to_string(at);
    begin_in(folder, at);
    CHECK(RunFolder(folder).begun());
    CHECK_FALSE(RunFolder(folder).finished());
    Ready ready;  // as another process would
    // Weights that a killed process wrote after its last checkpoint do not count.
    const fs::path later = folder / "checkpoints" / "epoch-0009.safetensors";
    io::write_atomically(later, "of a later epoch");
    Translator translator = RunFolder(folder).start();
    RunFolder run(folder);
    Training training(translator, ready.data, ready.settings);
    run.resume(training);
    CHECK_FALSE(fs::exists(later));
    CHECK(training.state.steps == at);
    const TrainingResult result = train_until(run, training, 0);
    CHECK_FALSE(result.interrupted);
    CHECK(RunFolder(folder).finished());
    CHECK(content_of(folder / "weights.safetensors") == weights);
    CHECK(tables_of(folder) == tables);
  }
}

TEST_CASE("training: a limit by steps ends it in the middle of an epoch, which is measured all the same") {
  const Scratch scratch;
  Ready ready;
  ready.settings.steps = 5;
  ready.settings.epochs = 1000;
  const TrainingResult result = train_into(scratch / "out", ready.translator, ready.data, ready.settings, {});
  CHECK(result.steps == 5);
  CHECK(std::isfinite(result.validation_loss));
  const std::string table = content_of(scratch / "out" / "training.csv");
  CHECK(std::count(table.begin(), table.end(), '\n') >= 2);
  CHECK(RunFolder(scratch / "out").finished());

  // Going on with what is finished changes nothing.
  const std::string weights = content_of(scratch / "out" / "weights.safetensors");
  const auto tables = tables_of(scratch / "out");  // without the time, which is another
  Translator again = RunFolder(scratch / "out").start();
  resume_in(scratch / "out", again, ready.data, ready.settings);
  CHECK(content_of(scratch / "out" / "weights.safetensors") == weights);
  CHECK(tables_of(scratch / "out") == tables);
}

TEST_CASE("training: it stops when the score has not become better for as many epochs as patience allows") {
  Ready ready;
  ready.settings.rate = 1e-300;  // nothing is learnt, not even in double: the first epoch stays the best
  ready.settings.model.dropout = 0;
  ready.settings.epochs = 50;
  ready.settings.patience = 2;
  int since_best = 0, epochs = 0;
  const TrainingResult result =
      train(ready.translator, ready.data, ready.settings, [&](const EpochFigures& f) {
        ++epochs;
        CHECK(since_best < 2);
        since_best = f.best ? 0 : since_best + 1;
      });
  CHECK(since_best == 2);
  CHECK(result.epochs == epochs);
  CHECK(epochs < 50);
}

TEST_CASE("training: the weights of the last epochs and of the best are kept, and no others") {
  const Scratch scratch;
  Ready ready;
  ready.settings.epochs = 5;
  ready.settings.keep = 2;
  ready.settings.average = 2;
  train_into(scratch / "out", ready.translator, ready.data, ready.settings, {});
  const RunFolder run(scratch / "out");
  std::vector<int> kept;
  for (const RunFolder::Epoch& epoch : run.last_epochs(2)) kept.push_back(epoch.number);
  CHECK(kept == std::vector<int>{4, 5});
  CHECK_FALSE(fs::exists(scratch / "out" / "checkpoints" / "epoch-0003.safetensors"));

  // The model of the folder is the better of the mean and of the best epoch.
  Translator mean = run.start();
  io::average_weights({run.last_epochs(2)[0].file, run.last_epochs(2)[1].file}, mean.model);
  const double loss = validation_loss(mean.model, ready.data.validation);
  const Translator model = Translator::load(scratch / "out");
  CHECK(validation_loss(model.model, ready.data.validation) <= loss);
  Translator epoch = run.start();
  for (const RunFolder::Epoch& each : run.last_epochs(2)) {
    io::load_weights(each.file, epoch.model);
    CHECK(validation_loss(model.model, ready.data.validation) <=
          validation_loss(epoch.model, ready.data.validation));
  }
  CHECK(model.notes.count("weights") == 1);
}

TEST_CASE("training: a damaged checkpoint is passed over for the one before, or named; the model stays") {
  const Scratch scratch;
  const fs::path folder = scratch / "run";
  const Index stopped = steps_of_an_epoch() + 2;
  begin_in(folder, stopped);
  const fs::path latest = folder / "checkpoints" / "latest.safetensors";
  const fs::path previous = folder / "checkpoints" / "previous.safetensors";
  const std::string model = content_of(folder / "weights.safetensors");
  const auto resume = [&] {
    Ready ready;
    Translator translator = RunFolder(folder).start();
    RunFolder run(folder);
    Training training(translator, ready.data, ready.settings);
    run.resume(training);
    return training.state.steps;
  };
  const std::string whole = content_of(latest);
  const std::string before = content_of(previous);
  io::write_atomically(latest, whole.substr(0, whole.size() / 2));
  CHECK(resume() < stopped);
  // The damaged one is out of the way: a next save must not put it in the place of the whole one.
  CHECK(content_of(latest) == before);
  CHECK(content_of(folder / "checkpoints" / "damaged.safetensors").size() == whole.size() / 2);
  io::write_atomically(latest, whole.substr(0, whole.size() / 2));
  io::write_atomically(previous, "");
  const std::string text = message_of([&] { resume(); });
  CHECK(contains(text, "latest.safetensors"));
  CHECK(contains(text, "there is no older checkpoint that is whole: restore"));
  CHECK(content_of(folder / "weights.safetensors") == model);
  io::write_atomically(latest, whole);
  CHECK(resume() == stopped);
}

TEST_CASE("training: it does not go on with another corpus, nor beside another process") {
  const Scratch scratch;
  begin_in(scratch / "run", 6);
  Ready ready;
  Translator translator = RunFolder(scratch / "run").start();
  ready.data.training[3].target[0] ^= 1;
  CHECK(contains(message_of([&] { resume_in(scratch / "run", translator, ready.data, ready.settings); }),
                 "resume: the corpus is not the one that this training began with"));

  Ready other;
  RunFolder first(scratch / "busy"), second(scratch / "busy");
  const Training training(other.translator, other.data, other.settings);
  first.begin(training, "", {});
  CHECK(contains(message_of([&] { second.begin(training, "", {}); }), "another process trains here"));
  CHECK(contains(message_of([&] { RunFolder(scratch / "none").settings(); }), "no training has begun here"));
}

TEST_CASE(
    "training: when a file cannot grow any more, it ends in a sentence, and goes on from the last "
    "checkpoint") {
  const Scratch scratch;
  begin_in(scratch / "whole", 0);
  begin_in(scratch / "run", 6);
  const std::string text = in_child([&]() -> std::string {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{2000, 2000};  // less than a checkpoint takes: as on a disk without room
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Ready ready;
    Translator translator = RunFolder(scratch / "run").start();
    return message_of([&] { resume_in(scratch / "run", translator, ready.data, ready.settings); });
  });
  CHECK(contains(text, "File too large"));
  Ready ready;
  Translator translator = RunFolder(scratch / "run").start();
  resume_in(scratch / "run", translator, ready.data, ready.settings);
  CHECK(content_of(scratch / "run" / "weights.safetensors") ==
        content_of(scratch / "whole" / "weights.safetensors"));
  CHECK(tables_of(scratch / "run") == tables_of(scratch / "whole"));
}

TEST_CASE("settings: what a training writes down repeats it") {
  const auto options_of = [](const std::string& line) {
    std::istringstream words("translator train " + line);
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    std::vector<const char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
    return read_command_line(static_cast<int>(pointers.size()), pointers.data()).value();
  };
  for (const std::string line :
       {"", "--to zh --baseline mean --epochs 3", "--pairs p.tsv --minutes 2.5 --seed 18446744073709551615",
        "--source a --target b --validation 7 --source-tokens bpe --target-tokens bpe --share-embeddings "
        "--min-count 2 --max-vocabulary 99 --max-length 33 --width 24 --heads 3 --hidden 5 --layers 3 --norm "
        "post "
        "--dropout 0.3 --label-smoothing 0.2 --rate 0.0007 --warmup 9 --schedule inverse-square-root --beta1 "
        "0.8 "
        "--beta2 0.97 --clip 25 --accumulate 2 --batch-tokens 4096 --steps 8000 --patience 10 --keep-best-by "
        "bleu "
        "--keep 10 --average 10 --save-every 0.5 --save-every-steps 11"}) {
    CAPTURE(line);
    const std::string text = settings_text(options_of(line));
    const Options again = options_of_settings(text, "settings.ini");
    CHECK(settings_text(again) == text);
    for (std::istringstream words(line); words;) {  // each flag that was given is in it
      std::string word;
      words >> word;
      if (word.starts_with("--")) CHECK(contains(text, "\n" + word.substr(2) + " = "));
    }
  }
  const std::string defaults = settings_text(options_of("--pairs p.tsv"));
  for (const char* name : {"pairs",
                           "source-tokens",
                           "target-tokens",
                           "min-count",
                           "max-vocabulary",
                           "max-length",
                           "width",
                           "hidden",
                           "heads",
                           "layers",
                           "norm",
                           "dropout",
                           "seed",
                           "epochs",
                           "keep-best-by",
                           "batch-tokens",
                           "accumulate",
                           "rate",
                           "warmup",
                           "schedule",
                           "beta1",
                           "beta2",
                           "label-smoothing",
                           "clip",
                           "save-every",
                           "keep",
                           "average"})
    CHECK_MESSAGE(contains(defaults, std::string("\n") + name + " = "), name);
  const Options all = options_of_settings(
      "pairs = p.tsv\nrate = 0.0007 \n# a comment\n\ndropout=0.3\nschedule = inverse-square-root\n", "F");
  CHECK(all.pairs == "p.tsv");
  CHECK(all.training.rate == 0.0007);
  CHECK(all.training.model.dropout == Scalar(0.3));
  CHECK(all.training.schedule == RateSchedule::inverse_square_root);
}

TEST_CASE("settings: every line that cannot be followed is named with its place") {
  const auto refusal = [](const std::string& text) {
    return message_of([&] { options_of_settings(text, "F"); });
  };
  CHECK(refusal("rate = 0.1\nnonsense\n") == "F:2: \"nonsense\" is no setting: write name = value");
  CHECK(refusal("rate =\n") == "F:1: \"rate\" has no value: write one, or take the line out");
  CHECK(refusal("rate = 1\n\nrate = 2\n") == "F:3: \"rate\" stands in line 1 already: give it once");
  CHECK(refusal("rats = 1\n") ==
        "F:1: there is no setting \"rats\": `translator train --help` lists them, with two dashes");
  CHECK(contains(refusal("# x\nepochs = many\n"), "F:2: epochs: \"many\" was given: give a whole number"));
  CHECK(contains(refusal("keep = 2\naverage = 3\n"), "F:2: average 3 needs the weights of as many epochs"));
  CHECK(refusal("pairs = p\nshare-embeddings = maybe\n") ==
        "F:2: share-embeddings is \"maybe\": write yes or no");
  CHECK(
      contains(refusal("minutes = 3\nschedule = cosine\n"), "F:2: schedule cosine ends with the last step"));
}
