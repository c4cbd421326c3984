#include <iostream>

#include "examples/translator/commands/command.h"
#include "examples/translator/commands/corpora.h"
#include "examples/translator/overfit.h"

namespace attune::examples {
namespace {

// A batch that is learnt by heart within seconds: about thirty sentences, at a rate that suits most models.
constexpr Index overfit_tokens = 512;
constexpr double overfit_rate = 2e-3;
constexpr int overfit_pairs = 20'000;  // of the built-in corpus: enough for all of its words

void add_overfit(Flags& flags) {
  add_to(flags);
  add_seed(flags);
  add_threads(flags);
  add_corpus(flags);
  add_tokens(flags);
  flags.group("Training");
  flags.number<Index>("--steps", 1, 1'000'000, "give up after so many [300]",
                      [&options = flags.options](Index steps) { options.steps = steps; });
  flags.number<Index>(
      "--batch-tokens", 1, 1'000'000,
      "the size of the batch, padding included [" + shown(overfit_tokens) + "]",
      [&options = flags.options](Index tokens) {
        options.given.push_back([=](TrainingSettings& settings) { settings.batch_tokens = tokens; });
      });
  flags.number<double>("--rate", 1e-12, 10, "the learning rate [" + shown(overfit_rate) + "]",
                       [&options = flags.options](double rate) {
                         options.given.push_back([=](TrainingSettings& settings) { settings.rate = rate; });
                       });
  add_transformer(flags);
}

void set_overfit_defaults(Options& options) {
  if (!options.names_corpus()) options.training = tour_settings();
  options.training.batch_tokens = overfit_tokens;
  options.training.rate = overfit_rate;
}

void check_overfit(Flags& flags) {
  const Options& options = flags.options;
  check_files(options.pairs, options.source, options.target, "--");
  check_corpus_flags(flags);
  check_model(options);
}

int report_overfit(Translator& translator, const std::vector<text::EncodedPair>& pairs,
                   const Options& options) {
  describe(translator);
  const std::vector<text::EncodedPair> batch = one_batch(pairs, options.training);
  std::cout << "One batch of " << batch.size() << (batch.size() == 1 ? " sentence" : " sentences")
            << ", without dropout and label smoothing, such as\n  "
            << translator.source.decode(batch[0].source) << "\n  "
            << translator.target.decode(batch[0].target) << "\n\n";
  const OverfitResult result = overfit(translator, batch, options.training, options.steps, std::cout);
  std::cout << '\n' << verdict(result) << '\n';
  return result.learnt() ? 0 : 1;
}

int run_overfit(Options& options) {
  options.training.model.dropout = 0;
  if (!options.names_corpus()) {
    check_memory(options.training.model);
    const Corpus corpus = make_corpus(corpus_seed, overfit_pairs, 0, options.language());
    Translator translator = make_builtin_translator(corpus, options.training);
    return report_overfit(translator, encode_builtin(translator, corpus).training, options);
  }
  const std::vector<text::SentencePair> pairs =
      std::move(read_corpus(options.pairs, options.source, options.target).pairs);
  Translator translator = make_translator(pairs, options);
  const text::EncodedCorpus encoded = text::encode_pairs(pairs, translator.source.language(),
                                                         translator.target.language(), options.max_length);
  if (encoded.pairs.empty()) fail<ValueError>("overfit: no pairs are left to train on: raise --max-length");
  return report_overfit(translator, encoded.pairs, options);
}

}  // namespace

const Command overfit_command{
    .name = "overfit",
    .summary = "one batch to zero loss: does it learn at all?",
    .footer =
        "\nWithout --pairs or --source and --target the batch is of the built-in corpus.\n"
        "Trains on that batch alone, without dropout and label smoothing, until the loss\n"
        "is below 0.01 nats per token, and asks greedy decoding for the batch again. The\n"
        "last line says whether it learnt, and if not, where to look. Nothing is saved.",
    .add_flags = add_overfit,
    .set_defaults = set_overfit_defaults,
    .check = check_overfit,
    .run = run_overfit,
    .aside = "which trains a new model and keeps none",
};

}  // namespace attune::examples
