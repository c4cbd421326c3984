// Trains a small Transformer to translate, scores it, and shows what it attends to.
//
// Command:  ./run translator                      the tour: English to French on the built-in corpus
//           ./run translator train --help         your own corpus
// Data:     the built-in corpus (grammar.h), or any parallel text
// Time:     the tour trains about a minute on two cores; a second run finds the trained model
// Ends with the line:  Translate your own:  echo 'the black cat sees the small dog.' | ./run translator
// translate

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "examples/translator/progress.h"
#include "examples/translator/tour.h"

namespace attune::examples {
namespace {

namespace fs = std::filesystem;

// What the command line said.
struct Options {
  std::string out = "out/translator";
  std::string model = "out/translator";
  int threads = 0;
  TrainingSettings training = {};
  // corpora
  std::string pairs, source, target;
  std::string validation_pairs, validation_source, validation_target;
  std::string source_tokens = "word", target_tokens = "word";
  std::int64_t validation_count = 1000;
  std::int64_t min_count = 1, max_vocabulary = 30000;
  Index max_length = 100;
  std::string baseline;
  // score
  std::string hypothesis, reference;
  bool tokenized = false;
};

// ---- reading corpora

text::Corpus read_corpus(const std::string& pairs, const std::string& source, const std::string& target) {
  text::Corpus corpus = pairs.empty() ? text::read_parallel(source, target) : text::read_pairs(pairs);
  std::cout << corpus.report.summary() << '\n';
  return corpus;
}

// Either a file of pairs, or two files: what CLI11 cannot say by itself.
bool names_corpus(const std::string& pairs, const std::string& source, const std::string& target,
                  const std::string& prefix) {
  if (!pairs.empty() && (!source.empty() || !target.empty()))
    fail<ValueError>(prefix, "pairs and ", prefix, "source/", prefix, "target: give one or the other");
  if (source.empty() != target.empty())
    fail<ValueError>(prefix, "source and ", prefix, "target go together: give both");
  return !pairs.empty() || !source.empty();
}

Side make_side(const std::string& tokens, const std::vector<const std::string*>& lines,
               const Options& options) {
  Side side{text::make_tokenizer(tokens), {}};
  text::TokenCounts counts;
  for (const std::string* line : lines) text::count_tokens(side.tokenizer->split(*line), counts);
  side.vocabulary =
      text::Vocabulary(counts, {.min_count = options.min_count, .max_size = options.max_vocabulary});
  return side;
}

// ---- train

void log_header(std::ostream& log) {
  log << "epoch\tstep\tseconds\ttraining_loss\tvalidation_loss\ttokens_per_second\n";
}

int finish_training(const Translator& translator, const TrainingResult& result, const fs::path& folder,
                    const std::map<std::string, std::string>& notes) {
  translator.save(folder, notes);
  std::cout << (result.interrupted ? "Interrupted after " : "Trained ") << result.steps << " steps ("
            << result.epochs << " epochs begun) in " << minutes_and_seconds(result.seconds)
            << ", validation loss " << result.validation_loss << " nats per token.\nWritten to "
            << folder.string()
            << ": the weights with the lowest validation loss, the vocabularies, and training.tsv.\n"
            << "Translate with:  ./run translator translate --model " << folder.string() << '\n';
  return 0;
}

int train_builtin(Options& options) {
  const Corpus corpus = make_corpus(corpus_seed, training_pairs, held_out_pairs);
  if (options.baseline == "dictionary") {
    std::cout << "A word-by-word dictionary translates " << 100 * dictionary_score(corpus) << " % of "
              << corpus.held_out.size() << " held-out sentences exactly.\n";
    return 0;
  }
  if (options.baseline == "mean") options.training.model.source_view = nn::SourceView::mean;
  Translator translator = make_builtin_translator(corpus, options.training);
  fs::create_directories(options.out);
  std::ofstream log(fs::path(options.out) / "training.tsv");
  log_header(log);
  const TrainingResult result = train(translator, encode_builtin(translator, corpus), options.training,
                                      [&](const std::string& line) { log << line << std::endl; });
  finish_training(translator, result, options.out, {{"corpus", "built-in"}});
  const Score score = score_held_out(translator, corpus);
  std::cout << "Held-out sentences: " << 100 * score.exact << " % of " << corpus.held_out.size()
            << " exactly right\n"
            << score.bleu.to_string() << '\n';
  return 0;
}

int train_on_files(Options& options) {
  const bool validates = names_corpus(options.validation_pairs, options.validation_source,
                                      options.validation_target, "--validation-");
  std::vector<text::SentencePair> training =
      std::move(read_corpus(options.pairs, options.source, options.target).pairs);
  std::vector<text::SentencePair> validation;
  if (validates) {
    validation = std::move(
        read_corpus(options.validation_pairs, options.validation_source, options.validation_target).pairs);
  } else {
    text::Split split = text::hold_out(training, options.validation_count, options.training.seed);
    training = std::move(split.training);
    validation = std::move(split.validation);
    std::cout << with_thousands(static_cast<double>(validation.size()))
              << " pairs are held out for validation.\n";
  }

  nn::TransformerSettings& settings = options.training.model;
  std::vector<const std::string*> source_lines;
  std::vector<const std::string*> target_lines;
  for (const text::SentencePair& pair : training) {
    source_lines.push_back(&pair.source);
    target_lines.push_back(&pair.target);
  }
  if (settings.share_embeddings) {  // one vocabulary of both languages
    source_lines.insert(source_lines.end(), target_lines.begin(), target_lines.end());
    target_lines = source_lines;
  }
  Side source = make_side(options.source_tokens, source_lines, options);
  Side target = make_side(options.target_tokens, target_lines, options);
  settings.source_vocabulary = source.vocabulary.size();
  settings.target_vocabulary = target.vocabulary.size();
  Rng rng(options.training.seed);
  Translator translator{std::move(source), std::move(target), nn::Transformer(settings, rng)};

  const text::EncodedCorpus encoded = text::encode_pairs(training, translator.source.language(),
                                                         translator.target.language(), options.max_length);
  const text::EncodedCorpus encoded_validation = text::encode_pairs(
      validation, translator.source.language(), translator.target.language(), options.max_length);
  std::cout << "Training: " << encoded.summary() << "\nValidation: " << encoded_validation.summary() << '\n';
  if (encoded.pairs.empty() || encoded_validation.pairs.empty())
    fail<ValueError>("train: no pairs are left to train or to validate on: raise --max-length");
  std::cout << "Vocabularies of " << settings.source_vocabulary << " and " << settings.target_vocabulary
            << " tokens, " << with_thousands(static_cast<double>(nn::parameter_count(translator.model)))
            << " parameters, " << kernels().name << " kernels, " << thread_count() << " threads\n"
            << std::flush;

  fs::create_directories(options.out);
  std::ofstream log(fs::path(options.out) / "training.tsv");
  log_header(log);
  const TrainingResult result = train(translator, {encoded.pairs, encoded_validation.pairs}, options.training,
                                      [&](const std::string& line) { log << line << std::endl; });
  return finish_training(
      translator, result, options.out,
      {{"corpus", options.pairs.empty() ? options.source + " " + options.target : options.pairs}});
}

int run_train(Options& options) {
  if (holds_translator(options.out) && options.baseline != "dictionary")
    std::cerr << "train: " << options.out
              << " holds a translator, which will be replaced when training ends.\n";
  if (options.training.minutes > 0) options.training.cosine = false;
  if (names_corpus(options.pairs, options.source, options.target, "--")) {
    if (options.baseline == "dictionary")
      fail<ValueError>(
          "--baseline dictionary needs the built-in corpus, whose words are aligned: leave out the files");
    if (options.baseline == "mean") options.training.model.source_view = nn::SourceView::mean;
    return train_on_files(options);
  }
  return train_builtin(options);
}

// ---- translate

int run_translate(const Options& options) {
  const Translator translator = Translator::load(options.model);
  Translator::Report report;
  const bool terminal = isatty(STDIN_FILENO) != 0;
  if (terminal) std::cerr << "Type a sentence and press Enter; end with Ctrl-D.\n";
  text::LineReader reader(std::cin);
  std::vector<std::string> waiting;
  const std::size_t together =
      terminal ? 1 : 256;  // a person gets each answer at once, a file goes faster in batches
  const auto answer = [&] {
    for (const std::string& line : translator.translate(waiting, &report)) std::cout << line << '\n';
    std::cout << std::flush;
    waiting.clear();
  };
  std::string line;
  while (reader.next(line)) {
    waiting.push_back(line);
    if (waiting.size() == together) answer();
  }
  answer();
  if (!std::cout) fail<FileError>("translate: the translations cannot be written: is the disk full?");

  const text::LineReport& lines = reader.report();
  if (lines.byte_order_marks + lines.carriage_returns + lines.invalid_utf8 + lines.with_nul + lines.cut > 0)
    std::cerr << "translate: " << lines.summary() << '\n';
  if (report.cut_lines > 0)
    std::cerr << "translate: " << report.cut_lines << " lines were longer than " << Translator::longest
              << " tokens; what came after was not read.\n";
  if (!report.unknown_words.empty()) {
    std::cerr << "translate: words the model does not know:";
    int shown = 0;
    for (const auto& [word, count] : report.unknown_words) {
      if (++shown > 10) break;
      std::cerr << ' ' << word;
    }
    if (report.unknown_words.size() > 10) std::cerr << " and " << report.unknown_words.size() - 10 << " more";
    std::cerr << '\n';
  }
  return 0;
}

// ---- score

int score_files(const Options& options) {
  const text::Lines hypotheses = text::read_lines(options.hypothesis);
  const text::Lines references = text::read_lines(options.reference);
  const auto tokenizer = text::make_tokenizer(options.tokenized ? "space" : "word");
  const auto tokens = [&](const text::Lines& file) {
    std::vector<text::Tokens> result;
    for (const std::string& line : file.lines) result.push_back(tokenizer->split(line));
    return result;
  };
  const text::Bleu bleu = text::corpus_bleu(tokens(hypotheses), tokens(references),
                                            {.tokenizer = options.tokenized ? "none" : tokenizer->name()});
  std::cout << bleu.to_string() << '\n' << bleu.signature << '\n';
  return 0;
}

int run_score(const Options& options) {
  if (options.hypothesis.empty() != options.reference.empty())
    fail<ValueError>("--hypothesis and --reference go together: give both");
  if (!options.hypothesis.empty()) return score_files(options);

  const Translator translator = Translator::load(options.model);
  std::vector<std::string> sources;
  std::vector<std::string> references;
  if (names_corpus(options.pairs, options.source, options.target, "--")) {
    for (text::SentencePair& pair : read_corpus(options.pairs, options.source, options.target).pairs) {
      sources.push_back(std::move(pair.source));
      references.push_back(std::move(pair.target));
    }
  } else {
    std::cout << "The built-in held-out sentences:\n";
    for (Example& example : make_corpus(corpus_seed, training_pairs, held_out_pairs).held_out) {
      sources.push_back(std::move(example.pair.source));
      references.push_back(std::move(example.pair.target));
    }
  }
  const Score score = score_pairs(translator, sources, references);
  std::cout << score.bleu.to_string() << '\n'
            << score.bleu.signature << '\n'
            << 100 * score.exact << " % of " << sources.size() << " exactly right\n";
  return 0;
}

// ---- the command line

void add_corpus_flags(CLI::App& command, Options& options) {
  command.add_option("--pairs", options.pairs, "a file with one pair a line: source, tab, target");
  command.add_option("--source", options.source, "a file with one source sentence a line …");
  command.add_option("--target", options.target, "… and a file with their translations, line by line");
}

void add_training_flags(CLI::App& command, Options& options) {
  TrainingSettings& training = options.training;
  nn::TransformerSettings& model = training.model;
  add_corpus_flags(command, options);
  command.add_option("--validation-pairs", options.validation_pairs, "pairs to validate on, in one file");
  command.add_option("--validation-source", options.validation_source, "or in two files …");
  command.add_option("--validation-target", options.validation_target,
                     "… (default: some pairs are held out)");
  command.add_option("--validation", options.validation_count, "how many pairs to hold out")
      ->capture_default_str();
  const auto tokenizers = CLI::IsMember(text::tokenizer_names());
  command.add_option("--source-tokens", options.source_tokens, "how source text is cut into tokens")
      ->check(tokenizers)
      ->capture_default_str();
  command.add_option("--target-tokens", options.target_tokens, "how target text is cut into tokens")
      ->check(tokenizers)
      ->capture_default_str();
  command.add_option("--min-count", options.min_count, "rarer tokens are unknown")->capture_default_str();
  command.add_option("--max-vocabulary", options.max_vocabulary, "tokens kept per language")
      ->capture_default_str();
  command.add_option("--max-length", options.max_length, "longer sentences are left out, in tokens")
      ->capture_default_str();

  command.add_option("--minutes", training.minutes,
                     "stop after this long (the rate then falls with the inverse root)");
  command.add_option("--batch-tokens", training.batch_tokens, "tokens per step, padding included")
      ->capture_default_str();
  command.add_option("--rate", training.rate, "the highest learning rate")->capture_default_str();
  command.add_option("--warmup", training.warmup, "steps until it is reached")->capture_default_str();
  command.add_option("--label-smoothing", training.label_smoothing)
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();

  command.add_option("--width", model.width)->check(CLI::Range(1, 8192))->capture_default_str();
  command.add_option("--hidden", model.hidden, "width of the feed-forward layers")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command.add_option("--heads", model.heads)->check(CLI::Range(1, 1024))->capture_default_str();
  command
      .add_option_function<int>(
          "--layers", [&model](const int& n) { model.encoder_layers = model.decoder_layers = n; },
          "encoder layers, and as many decoder layers [2]")
      ->check(CLI::Range(1, 1000));
  command.add_option("--dropout", model.dropout)->check(CLI::Range(0.0, 0.99))->capture_default_str();
  command
      .add_option_function<std::string>(
          "--norm",
          [&model](const std::string& where) {
            model.norm = where == "pre" ? nn::NormPlacement::pre : nn::NormPlacement::post;
          },
          "norm before or after each sublayer [pre]")
      ->check(CLI::IsMember({"pre", "post"}));
  command.add_flag("--share-embeddings", model.share_embeddings,
                   "one vocabulary and embedding for both languages");
  command
      .add_option("--baseline", options.baseline,
                  "a baseline instead: the mean of the source, or a dictionary")
      ->check(CLI::IsMember({"mean", "dictionary"}));
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{
      "A small Transformer that learns to translate. Without a command: a tour on the built-in corpus.",
      "translator"};
  app.require_subcommand(0, 1);
  app.fallthrough();
  app.add_option("--out", options.out, "the folder to write to")->capture_default_str();
  app.add_option("--model", options.model, "the folder to read a trained model from")->capture_default_str();
  app.add_option("--epochs", options.training.epochs, "how often training sees the corpus")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--seed", options.training.seed,
                 "for weights, order and dropout: the same seed, the same bits")
      ->capture_default_str();
  app.add_option("--threads", options.threads, "default: one per processor")->check(CLI::Range(1, 1024));
  CLI::App* train_command = app.add_subcommand("train", "train on your own corpus, or the built-in one");
  CLI::App* translate_command =
      app.add_subcommand("translate", "translate standard input: exactly one line for each line");
  CLI::App* score_command = app.add_subcommand("score", "BLEU of a model's translations, or of a file's");
  add_training_flags(*train_command, options);
  add_corpus_flags(*score_command, options);
  score_command->add_option("--hypothesis", options.hypothesis, "a file with one translation a line …");
  score_command->add_option("--reference", options.reference, "… and the translations that were wanted");
  score_command->add_flag("--tokenized", options.tokenized,
                          "the files are tokenised already: cut at spaces only");
  (void)translate_command;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }

  if (options.threads > 0) set_thread_count(options.threads);
  if (*translate_command) return run_translate(options);
  if (*score_command) return run_score(options);
  // On the built-in corpus, what the flags leave open is as in the tour.
  const bool builtin = !names_corpus(options.pairs, options.source, options.target, "--");
  if (builtin) {
    const auto given = [&](const char* flag) { return train_command->count(flag) > 0; };
    TrainingSettings& training = options.training;
    const TrainingSettings settings = tour_settings();
    if (app.count("--epochs") == 0) training.epochs = settings.epochs;
    if (!given("--warmup")) training.warmup = settings.warmup;
    if (!given("--hidden")) training.model.hidden = settings.model.hidden;
    if (!given("--dropout")) training.model.dropout = settings.model.dropout;
    if (!given("--label-smoothing")) training.label_smoothing = settings.label_smoothing;
  }
  if (options.training.minutes > 0 && app.count("--epochs") == 0)
    options.training.epochs = 1000000;  // until then
  return *train_command ? run_train(options) : tour(options.out, options.training);
}

}  // namespace
}  // namespace attune::examples

int main(int argc, char** argv) {
  try {
    return attune::examples::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "translator: " << error.what() << '\n';
    return 1;
  }
}
