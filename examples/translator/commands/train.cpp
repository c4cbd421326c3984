#include "examples/translator/commands/train.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "examples/translator/commands/command.h"
#include "examples/translator/commands/corpora.h"
#include "examples/translator/progress.h"
#include "examples/translator/run_folder.h"
#include "examples/translator/settings_file.h"

namespace attune::examples {
namespace {

void add_train(Flags& flags) {
  add_to(flags);
  add_out(flags);
  add_run(flags);
  add_threads(flags);

  add_corpus(flags);
  Options& options = flags.options;
  flags.text("--validation-pairs", "file", options.validation_pairs, "pairs to validate on, in one file");
  flags.text("--validation-source", "file", options.validation_source, "or in two files …");
  flags.text("--validation-target", "file", options.validation_target,
             "… (default: some pairs are held out)");
  flags.number<std::int64_t>("--validation", 1, any,
                             "how many pairs to hold out [1000, or a tenth of a smaller corpus]",
                             [&options](std::int64_t count) { options.validation_count = count; });
  add_tokens(flags);

  flags.group("Training");
  const auto set = [&options](auto member) {
    return [&options, member](auto value) {
      options.given.push_back([=](TrainingSettings& settings) { member(settings) = value; });
    };
  };
  flags.number<Index>("--steps", 1, 1e12, "stop after so many steps (whichever comes first)",
                      set([](TrainingSettings& s) -> Index& { return s.steps; }));
  flags.number<double>("--minutes", 0.001, 1e6, "stop after so long; the time of all runs counts",
                       set([](TrainingSettings& s) -> double& { return s.minutes; }));
  flags.number<int>("--patience", 1, 1e6, "stop after so many epochs without a better score [never]",
                    set([](TrainingSettings& s) -> int& { return s.patience; }));
  flags.choice("--keep-best-by", {"loss", "bleu"},
               "the validation score that tells which epoch is best [loss]", [set](const std::string& name) {
                 set([](TrainingSettings& s) -> KeepBestBy& { return s.keep_best_by; })(
                     name == "bleu" ? KeepBestBy::bleu : KeepBestBy::loss);
               });
  flags.setting(
      "--batch-tokens", [](TrainingSettings& s) -> Index& { return s.batch_tokens; }, 1, 100'000'000,
      "tokens in a batch, padding included");
  flags.setting(
      "--accumulate", [](TrainingSettings& s) -> Index& { return s.accumulate; }, 1, 1e6,
      "batches per step: as one large batch, in less memory");
  flags.setting(
      "--rate", [](TrainingSettings& s) -> double& { return s.rate; }, 1e-12, 10,
      "the highest learning rate");
  flags.setting(
      "--warmup", [](TrainingSettings& s) -> Index& { return s.warmup; }, 0, 1e9,
      "steps until it is reached");
  flags.choice("--schedule", {"cosine", "inverse-square-root"},
               "how the rate falls from there on [cosine; with --minutes: inverse-square-root]",
               [&options](const std::string& name) { options.schedule = name; });
  flags.setting(
      "--beta1", [](TrainingSettings& s) -> double& { return s.beta1; }, 0, 0.999999,
      "of Adam: how long the mean of the gradients remembers");
  flags.setting(
      "--beta2", [](TrainingSettings& s) -> double& { return s.beta2; }, 0, 0.999999,
      "of Adam: how long the mean of their squares remembers");
  flags.setting(
      "--clip", [](TrainingSettings& s) -> double& { return s.clip; }, 0, 1e9,
      "the largest norm of a gradient; 0: any");
  flags.setting(
      "--label-smoothing", [](TrainingSettings& s) -> Scalar& { return s.label_smoothing; }, 0, 0.99,
      "the share of each target spread over all tokens");

  flags.group("Checkpoints");
  flags.setting(
      "--save-every", [](TrainingSettings& s) -> double& { return s.save_every; }, 0, 1e6,
      "minutes between checkpoints, besides those after each epoch");
  flags.number<Index>("--save-every-steps", 1, 1e12, "steps between checkpoints as well [none]",
                      set([](TrainingSettings& s) -> Index& { return s.save_every_steps; }));
  flags.setting(
      "--keep", [](TrainingSettings& s) -> int& { return s.keep; }, 1, 100000,
      "the weights of how many epochs are kept, besides the best");
  flags.setting(
      "--average", [](TrainingSettings& s) -> int& { return s.average; }, 1, 100000,
      "at the end the mean of the weights of so many epochs is tried; the better one of it and the best "
      "epoch is kept");
  flags.text("--settings", "file", options.settings_file,
             "read settings from a file, such as the settings.ini of a training; flags come before it");
  flags.toggle("--overwrite", "begin anew in a folder with an unfinished training",
               [&options] { options.overwrite = true; });

  add_transformer(flags);
  flags.setting(
      "--dropout", [](TrainingSettings& s) -> Scalar& { return s.model.dropout; }, 0, 0.99,
      "the share of values left out while training");
  flags.choice(
      "--baseline", {"mean", "dictionary"},
      "a baseline instead, to compare with: the decoder sees only the mean of the source, or words are "
      "looked up one by one (built-in corpus only)",
      [&options](const std::string& name) { options.baseline = name; });
}

// What the flags leave open is as in the tour on the built-in corpus.
void set_train_defaults(Options& options) {
  if (!options.names_corpus()) options.training = tour_settings();
}

void check_train(Flags& flags) {
  Options& options = flags.options;
  check_files(options.pairs, options.source, options.target, "--");
  check_files(options.validation_pairs, options.validation_source, options.validation_target,
              "--validation-");
  check_corpus_flags(flags);
  if (options.names_corpus() && options.baseline == "dictionary") {
    fail<UsageError>(
        "--baseline dictionary needs the built-in corpus, whose words are aligned: leave out the files");
  }
  if (options.names_validation() && options.validation_count)
    fail<UsageError>("--validation holds pairs out, but --validation-pairs or -source name others: ",
                     "give one or the other");
  check_model(options);
  // Without --epochs, --steps or --minutes alone say when to stop.
  TrainingSettings& training = options.training;
  if ((training.minutes > 0 || training.steps > 0) && !flags.given("--epochs")) training.epochs = 1000000;
  const bool end_is_known = training.minutes == 0 || training.steps > 0 || flags.given("--epochs");
  if (options.schedule == "cosine" && !end_is_known)
    fail<UsageError>("--schedule cosine ends with the last step, and --minutes does not tell which that is: ",
                     "give --steps or --epochs, or --schedule inverse-square-root");
  training.schedule =
      options.schedule == "inverse-square-root" || (options.schedule.empty() && training.minutes > 0)
          ? RateSchedule::inverse_square_root
          : RateSchedule::cosine;
  if (!flags.given("--average")) training.average = std::min(training.average, training.keep);
  if (training.average > training.keep)
    fail<UsageError>("--average ", training.average, " needs the weights of as many epochs, and --keep ",
                     training.keep, " keeps fewer: give --keep ", training.average);
  if (options.baseline == "mean") training.model.source_view = nn::SourceView::mean;
}

std::string hundredths(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", number);
  return text;
}

// Trains, or goes on, in --out, and says what came of it.
int run_training(Translator& translator, const TrainingData& data, const Options& options,
                 const io::Notes& notes) {
  const std::filesystem::path folder = options.out;
  if (!options.resumes && holds_translator(folder))
    std::cerr << "train: " << options.out
              << " holds a translator, which is replaced when the first epoch is done.\n";
  const TrainingResult result =
      options.resumes ? resume_in(folder, translator, data, options.training)
                      : train_into(folder, translator, data, options.training, notes, settings_text(options));
  std::cout << (result.interrupted ? "Interrupted after " : "Trained ") << result.steps
            << (result.steps == 1 ? " step" : " steps") << " in " << minutes_and_seconds(result.seconds)
            << ", in epoch " << result.epochs;
  if (!result.weights.empty()) {
    std::cout << "; the best validation score is that of " << result.weights << ": " << result.validation_loss
              << " nats per token";
    if (result.validation_bleu) std::cout << ", BLEU " << hundredths(*result.validation_bleu);
  }
  std::cout << ".\n";
  if (result.interrupted)
    std::cout << "All of it is saved. Go on with:  ./run translator resume --model " << options.out << '\n';
  else
    std::cout
        << "Written to " << options.out
        << ": these weights, the vocabularies, settings.ini, training.csv, steps.csv and report.html.\n";
  std::cout << "Translate with:  ./run translator translate --model " << options.out << '\n' << std::flush;
  return result.interrupted ? 130 : 0;
}

int train_builtin(Options& options) {
  const Corpus corpus = make_corpus(corpus_seed, training_pairs, held_out_pairs, options.language());
  if (options.baseline == "dictionary") {
    std::cout << "A word-by-word dictionary translates " << 100 * dictionary_score(corpus) << " % of "
              << corpus.held_out.size() << " held-out sentences exactly.\n";
    return 0;
  }
  check_memory(options.training.model);
  Translator translator =
      options.resumes ? RunFolder(options.out).start() : make_builtin_translator(corpus, options.training);
  describe(translator);
  TrainingData data = encode_builtin(translator, corpus);
  for (const Example& example : corpus.held_out)
    data.validation_text.push_back({example.pair.source, example.pair.target});
  const int status =
      run_training(translator, data, options, builtin_notes(*corpus.language, options.training.seed));
  if (status != 0) return status;
  const Score score = score_held_out(translator, corpus);
  std::cout << "Held-out sentences: " << 100 * score.exact << " % of " << corpus.held_out.size()
            << " exactly right\n"
            << score.bleu.to_string() << '\n';
  return 0;
}

// The pairs to train on, and those to validate on: files of their own, or some that are held out.
text::Split read_split(const Options& options) {
  text::Split split;
  split.training = std::move(read_corpus(options.pairs, options.source, options.target).pairs);
  if (options.names_validation()) {
    split.validation = std::move(
        read_corpus(options.validation_pairs, options.validation_source, options.validation_target).pairs);
    return split;
  }
  const auto total = static_cast<std::int64_t>(split.training.size());
  const std::int64_t count = options.validation_count.value_or(std::clamp<std::int64_t>(total / 10, 1, 1000));
  if (count >= total)
    fail<ValueError>("train: of ", total, total == 1 ? " pair, " : " pairs, ", count,
                     " cannot be held out for validation: give more pairs, or a smaller --validation");
  split = text::hold_out(split.training, count, options.training.seed);
  std::cout << with_thousands(static_cast<double>(split.validation.size()))
            << " pairs are held out for validation.\n";
  return split;
}

int train_on_files(Options& options) {
  text::Split split = read_split(options);
  Translator translator =
      options.resumes ? RunFolder(options.out).start() : make_translator(split.training, options);
  const auto encode = [&](const std::vector<text::SentencePair>& pairs) {
    return text::encode_pairs(pairs, translator.source.language(), translator.target.language(),
                              options.max_length);
  };
  text::EncodedCorpus training = encode(split.training), validation = encode(split.validation);
  std::cout << "Training: " << training.summary() << "\nValidation: " << validation.summary() << '\n';
  if (training.pairs.empty() || validation.pairs.empty())
    fail<ValueError>("train: no pairs are left to ", training.pairs.empty() ? "train" : "validate",
                     " on: raise --max-length");
  describe(translator);
  return run_training(
      translator, {std::move(training.pairs), std::move(validation.pairs), std::move(split.validation)},
      options,
      {{"corpus", options.pairs.empty() ? options.source + " " + options.target : options.pairs},
       {"seed", std::to_string(options.training.seed)}});
}

}  // namespace

int run_train(Options& options) {
  if (options.baseline != "dictionary" && !options.resumes) {
    // An unwritable folder is better known before training than after.
    const std::filesystem::path folder = options.out;
    check_not_overwritten("train",
                          {options.pairs, options.source, options.target, options.validation_pairs,
                           options.validation_source, options.validation_target},
                          {folder / "training.csv", folder / "steps.csv", folder / "settings.ini"});
    make_writable_folder(options.out);
    const RunFolder run(options.out);
    if (run.begun() && !options.overwrite && !run.finished())
      fail<ValueError>("train: ", options.out,
                       " holds a training that is not finished: go on with `translator ", "resume --model ",
                       options.out, "`, or begin anew with --overwrite");
  }
  return options.names_corpus() ? train_on_files(options) : train_builtin(options);
}

const Command train_command{
    .name = "train",
    .summary = "train on your own corpus, or the built-in one",
    .footer =
        "\nWithout --pairs or --source and --target it trains on the built-in corpus.\n"
        "Each time the validation score is the best so far, the model is written to\n"
        "--out; training.csv and steps.csv there have the figures of every epoch and\n"
        "step, settings.ini all settings. Ctrl-C ends training after the current step;\n"
        "`translator resume` goes on, to the same bits as if it had never stopped, also\n"
        "after a crash.",
    .add_flags = add_train,
    .set_defaults = set_train_defaults,
    .check = check_train,
    .run = run_train,
    .aside = "which keeps its model in --out",
};

}  // namespace attune::examples
