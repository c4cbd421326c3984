#include <algorithm>
#include <iostream>

#include "examples/translator/commands/command.h"
#include "examples/translator/commands/corpora.h"
#include "examples/translator/progress.h"

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
  flags.number<double>("--minutes", 0.001, 1e6,
                       "stop after this long instead of after --epochs (whichever comes first, if both are "
                       "given); the rate then falls with the inverse root of the steps",
                       [&options = flags.options](double minutes) {
                         options.given.push_back([=](TrainingSettings& settings) {
                           settings.minutes = minutes;
                           settings.cosine = false;
                         });
                       });
  flags.setting(
      "--batch-tokens", [](TrainingSettings& s) -> Index& { return s.batch_tokens; }, 1, 100'000'000,
      "tokens per step, padding included");
  flags.setting(
      "--rate", [](TrainingSettings& s) -> double& { return s.rate; }, 1e-12, 10,
      "the highest learning rate");
  flags.setting(
      "--warmup", [](TrainingSettings& s) -> Index& { return s.warmup; }, 0, 1e9,
      "steps until it is reached");
  flags.setting(
      "--label-smoothing", [](TrainingSettings& s) -> Scalar& { return s.label_smoothing; }, 0, 0.99,
      "the share of each target spread over all tokens");

  add_transformer(flags);
  flags.setting(
      "--dropout", [](TrainingSettings& s) -> Scalar& { return s.model.dropout; }, 0, 0.99,
      "the share of values left out while training");
  flags.choice(
      "--baseline", {"mean", "dictionary"},
      "a baseline instead, to compare with: the decoder sees only the mean of the source, or words are "
      "looked up one by one (built-in corpus only)",
      [&options = flags.options](const std::string& name) { options.baseline = name; });
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
  // Without --epochs, which may stand before or behind the command, --minutes alone says when to stop.
  if (options.training.minutes > 0 && !flags.given("--epochs")) options.training.epochs = 1000000;
}

// Trains, keeps the best weights in --out, and says what came of it.
int run_training(Translator& translator, const TrainingData& data, const Options& options,
                 const std::map<std::string, std::string>& notes) {
  const std::filesystem::path folder = options.out;
  if (holds_translator(folder))
    std::cerr << "train: " << options.out
              << " holds a translator, which is replaced when the first epoch is done.\n";
  const TrainingResult result = train_into(folder, translator, data, options.training, notes);
  std::cout << (result.interrupted ? "Interrupted after " : "Trained ") << result.steps
            << (result.steps == 1 ? " step" : " steps") << " in " << minutes_and_seconds(result.seconds)
            << ", in epoch " << result.epochs << "; the lowest validation loss is " << result.validation_loss
            << " nats per token.\n"
            << "Written to " << options.out
            << ": the weights with that loss, the vocabularies, and training.tsv.\n"
            << "Translate with:  ./run translator translate --model " << options.out << '\n'
            << std::flush;
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
  Translator translator = make_builtin_translator(corpus, options.training);
  describe(translator);
  const int status = run_training(translator, encode_builtin(translator, corpus), options,
                                  builtin_notes(*corpus.language, options.training.seed));
  if (status != 0) return status;
  const Score score = score_held_out(translator, corpus);
  std::cout << "Held-out sentences: " << 100 * score.exact << " % of " << corpus.held_out.size()
            << " exactly right\n"
            << score.bleu.to_string() << '\n';
  return 0;
}

int train_on_files(Options& options) {
  std::vector<text::SentencePair> training =
      std::move(read_corpus(options.pairs, options.source, options.target).pairs);
  std::vector<text::SentencePair> validation;
  if (options.names_validation()) {
    validation = std::move(
        read_corpus(options.validation_pairs, options.validation_source, options.validation_target).pairs);
  } else {
    const auto total = static_cast<std::int64_t>(training.size());
    const std::int64_t count =
        options.validation_count.value_or(std::clamp<std::int64_t>(total / 10, 1, 1000));
    if (count >= total)
      fail<ValueError>("train: of ", total, total == 1 ? " pair, " : " pairs, ", count,
                       " cannot be held out for validation: give more pairs, or a smaller --validation");
    text::Split split = text::hold_out(training, count, options.training.seed);
    training = std::move(split.training);
    validation = std::move(split.validation);
    std::cout << with_thousands(static_cast<double>(validation.size()))
              << " pairs are held out for validation.\n";
  }

  Translator translator = make_translator(training, options);
  const text::EncodedCorpus encoded = text::encode_pairs(training, translator.source.language(),
                                                         translator.target.language(), options.max_length);
  const text::EncodedCorpus encoded_validation = text::encode_pairs(
      validation, translator.source.language(), translator.target.language(), options.max_length);
  std::cout << "Training: " << encoded.summary() << "\nValidation: " << encoded_validation.summary() << '\n';
  if (encoded.pairs.empty() || encoded_validation.pairs.empty())
    fail<ValueError>("train: no pairs are left to ", encoded.pairs.empty() ? "train" : "validate",
                     " on: raise --max-length");
  describe(translator);
  return run_training(
      translator, {encoded.pairs, encoded_validation.pairs}, options,
      {{"corpus", options.pairs.empty() ? options.source + " " + options.target : options.pairs},
       {"seed", std::to_string(options.training.seed)}});
}

int run_train(Options& options) {
  if (options.baseline == "mean") options.training.model.source_view = nn::SourceView::mean;
  // An unwritable folder is better known before training than after.
  if (options.baseline != "dictionary") make_writable_folder(options.out);
  return options.names_corpus() ? train_on_files(options) : train_builtin(options);
}

}  // namespace

const Command train_command{
    .name = "train",
    .summary = "train on your own corpus, or the built-in one",
    .footer =
        "\nWithout --pairs or --source and --target it trains on the built-in corpus.\n"
        "Each time the validation loss has come down, weights.safetensors,\n"
        "source.vocabulary and target.vocabulary are written to --out; training.tsv there\n"
        "has the losses of every epoch. Ctrl-C ends training after the current step, and\n"
        "the best weights so far are kept.",
    .add_flags = add_train,
    .set_defaults = set_train_defaults,
    .check = check_train,
    .run = run_train,
    .aside = "which keeps its model in --out",
};

}  // namespace attune::examples
