#include "examples/translator/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <functional>
#include <iostream>
#include <limits>
#include <sstream>
#include <type_traits>

#include "examples/translator/builtin.h"
#include "io/unicode.h"

namespace attune::examples {
namespace {

// ---- help: what stands where, in 80 columns

constexpr std::size_t help_column = 29;
constexpr std::size_t help_width = 80;

// Breaks the text of a flag into lines that stand below each other.
std::string wrapped(const std::string& text) {
  std::istringstream words(text);
  std::string result;
  int column = 0;
  for (std::string word; words >> word;) {
    const int length = io::columns_of(io::decode_utf8(word));
    if (column > 0 && column + 1 + length > static_cast<int>(help_width - help_column)) {
      result += '\n';
      column = 0;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result += word;
    column += length;
  }
  return result;
}

std::string shown(double number) {
  std::ostringstream text;
  text.precision(15);
  text << number;
  return text.str();
}

// ---- flags

// The number that `text` spells. CLI11 reads 010 as eight and -1 as a large seed.
template <class Number>
Number number_from(const std::string& flag, const std::string& text, double low, double high) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = problem == std::errc() && end == text.data() + text.size() && !text.empty();
  // Written so that NaN is refused as well.
  if (!whole || !(static_cast<double>(value) >= low && static_cast<double>(value) <= high)) {
    std::string range = " from " + shown(low) + " to " + shown(high);
    if (high >= 1e18) range = low == 0 ? " that is not negative" : " of " + shown(low) + " or more";
    fail<UsageError>(flag, ": ", io::show_name(text), " was given: give a ",
                     std::is_integral_v<Number> ? "whole number" : "number", range);
  }
  return value;
}

// A batch that is learnt by heart within seconds: about thirty sentences, at a rate that suits most models.
constexpr Index overfit_tokens = 512;
constexpr double overfit_rate = 2e-3;

constexpr double any = 1e18;  // no limit but that of the type

template <class Number>
CLI::Option* add_number(CLI::App& app, const std::string& flag, double low, double high,
                        const std::string& help, std::function<void(Number)> set) {
  return app
      .add_option_function<std::string>(
          flag,
          [=](const std::string& text) {
            constexpr auto most = static_cast<double>(std::numeric_limits<Number>::max());
            set(number_from<Number>(flag, text, low, high == any ? std::max(most, any) : high));
          },
          wrapped(help))
      ->option_text(std::is_integral_v<Number> ? "N" : "X");
}

CLI::Option* add_text(CLI::App& app, const std::string& flag, const std::string& kind, std::string& value,
                      const std::string& help) {
  return app
      .add_option_function<std::string>(
          flag,
          [flag, kind, &value](const std::string& text) {
            if (text.empty()) fail<UsageError>(flag, ": nothing was given: give a ", kind);
            value = text;
          },
          wrapped(help))
      ->option_text(kind == "folder" ? "DIR" : "FILE");
}

CLI::Option* add_choice(CLI::App& app, const std::string& flag, const std::vector<std::string>& choices,
                        const std::string& help, const std::function<void(const std::string&)>& set) {
  std::string list;
  for (const std::string& choice : choices) list += (list.empty() ? "" : ", ") + choice;
  return app
      .add_option_function<std::string>(
          flag,
          [=](const std::string& text) {
            if (std::find(choices.begin(), choices.end(), text) == choices.end())
              fail<UsageError>(flag, ": ", io::show_name(text), " was given: give one of ", list);
            set(text);
          },
          wrapped(help + ": " + list))
      ->option_text("NAME");
}

// A setting of the training, whose default may be another on the built-in corpus. What the command line gives
// is kept until it is known which defaults it goes on top of.
using Given = std::vector<std::function<void(TrainingSettings&)>>;

template <class Member>
CLI::Option* add_setting(CLI::App& app, Given& given, const std::string& flag, Member member, double low,
                         double high, const std::string& help) {
  TrainingSettings own, builtin = tour_settings();
  using Number = std::remove_reference_t<decltype(member(own))>;
  std::string defaults = " [" + shown(static_cast<double>(member(own)));
  if (member(own) != member(builtin))
    defaults += "; built-in corpus: " + shown(static_cast<double>(member(builtin)));
  // A float would show as 0.100000001490116.
  if (std::is_same_v<Number, float>) {
    std::ostringstream text;
    text << " [" << member(own);
    if (member(own) != member(builtin)) text << "; built-in corpus: " << member(builtin);
    defaults = text.str();
  }
  return add_number<Number>(app, flag, low, high, help + defaults + "]", [&given, member](Number value) {
    given.push_back([=](TrainingSettings& settings) { member(settings) = value; });
  });
}

void add_out(CLI::App& app, Options& options) {
  add_text(app, "--out", "folder", options.out,
           "the folder to write to [out/translator; with --to zh: out/translator-zh]");
}
// The same for every command: the language of the built-in corpus.
void add_to(CLI::App& app, Options& options) {
  std::vector<std::string> codes;
  std::string names;
  for (const TargetLanguage* language : target_languages()) {
    codes.push_back(language->code());
    names += (names.empty() ? "" : " or ") + language->name();
  }
  add_choice(app, "--to", codes, "translate the built-in corpus to " + names + " [" + codes.front() + "]",
             [&options](const std::string& code) { options.to = code; });
}
void add_model(CLI::App& app, Options& options) {
  add_text(app, "--model", "folder", options.model, "the folder to read a trained model from [as --out]");
}
void add_seed(CLI::App& app, Given& given) {
  add_setting(
      app, given, "--seed", [](TrainingSettings& s) -> std::uint64_t& { return s.seed; }, 0, any,
      "for weights, order and dropout: the same seed, the same bits");
}
void add_run(CLI::App& app, Given& given) {
  add_setting(
      app, given, "--epochs", [](TrainingSettings& s) -> int& { return s.epochs; }, 1, 1000000,
      "how often training sees the corpus");
  add_seed(app, given);
}
void add_threads(CLI::App& app, Options& options) {
  add_number<int>(app, "--threads", 1, 1024, "how many threads compute [one per processor]",
                  [&options](int count) { options.threads = count; });
}

void add_corpus(CLI::App& app, Options& options) {
  add_text(app, "--pairs", "file", options.pairs, "one pair a line: source, tab, target")->group("Corpus");
  add_text(app, "--source", "file", options.source, "or two files: one source sentence a line …")
      ->group("Corpus");
  add_text(app, "--target", "file", options.target, "… and their translations, line by line")
      ->group("Corpus");
}

// How files become tokens.
void add_tokens(CLI::App& app, Options& options) {
  const auto corpus = [](CLI::Option* option) { option->group("Corpus"); };
  corpus(add_choice(app, "--source-tokens", text::tokenizer_names(),
                    "how source text is cut into tokens [word]",
                    [&](const std::string& name) { options.source_tokens = name; }));
  corpus(add_choice(app, "--target-tokens", text::tokenizer_names(),
                    "how target text is cut into tokens [word]",
                    [&](const std::string& name) { options.target_tokens = name; }));
  corpus(add_number<std::int64_t>(app, "--min-count", 1, any, "tokens seen less often are unknown [1]",
                                  [&](std::int64_t count) { options.min_count = count; }));
  corpus(add_number<std::int64_t>(app, "--max-vocabulary", text::Vocabulary::special_count + 1, 10'000'000,
                                  "tokens kept for each language, the commonest first [30000]",
                                  [&](std::int64_t size) { options.max_vocabulary = size; }));
  corpus(add_number<Index>(app, "--max-length", 2, 100'000,
                           "longer sentences are left out, counted in tokens [100]",
                           [&](Index length) { options.max_length = length; }));
}

template <class Member>
void add_grouped(CLI::App& app, Given& given, const std::string& group, const std::string& flag,
                 Member member, double low, double high, const std::string& help) {
  add_setting(app, given, flag, member, low, high, help)->group(group);
}

void add_transformer(CLI::App& app, Given& given) {
  add_grouped(
      app, given, "Model", "--width", [](TrainingSettings& s) -> Index& { return s.model.width; }, 1, 8192,
      "numbers per token; a multiple of --heads");
  add_grouped(
      app, given, "Model", "--hidden", [](TrainingSettings& s) -> Index& { return s.model.hidden; }, 1, 65536,
      "width of the feed-forward layers");
  add_grouped(
      app, given, "Model", "--heads", [](TrainingSettings& s) -> Index& { return s.model.heads; }, 1, 1024,
      "attention heads");
  add_number<Index>(app, "--layers", 1, 256, "encoder layers, and as many decoder layers [2]",
                    [&given](Index layers) {
                      given.push_back([=](TrainingSettings& settings) {
                        settings.model.encoder_layers = settings.model.decoder_layers = layers;
                      });
                    })
      ->group("Model");
  add_choice(app, "--norm", {"pre", "post"}, "norm before or after each sublayer [pre]",
             [&given](const std::string& where) {
               given.push_back([=](TrainingSettings& settings) {
                 settings.model.norm = where == "pre" ? nn::NormPlacement::pre : nn::NormPlacement::post;
               });
             })
      ->group("Model");
  app.add_flag_function(
         "--share-embeddings",
         [&given](std::int64_t) {
           given.push_back([](TrainingSettings& settings) { settings.model.share_embeddings = true; });
         },
         wrapped("one vocabulary and one embedding for both languages"))
      ->group("Model");
}

void add_train(CLI::App& app, Options& options, Given& given) {
  add_to(app, options);
  add_out(app, options);
  add_run(app, given);
  add_threads(app, options);

  add_corpus(app, options);
  const auto corpus = [](CLI::Option* option) { option->group("Corpus"); };
  corpus(add_text(app, "--validation-pairs", "file", options.validation_pairs,
                  "pairs to validate on, in one file"));
  corpus(add_text(app, "--validation-source", "file", options.validation_source, "or in two files …"));
  corpus(add_text(app, "--validation-target", "file", options.validation_target,
                  "… (default: some pairs are held out)"));
  corpus(add_number<std::int64_t>(app, "--validation", 1, any,
                                  "how many pairs to hold out [1000, or a tenth of a smaller corpus]",
                                  [&](std::int64_t count) { options.validation_count = count; }));
  add_tokens(app, options);

  add_number<double>(app, "--minutes", 0.001, 1e6,
                     "stop after this long instead of after --epochs (whichever comes first, if both are "
                     "given); the rate then falls with the inverse root of the steps",
                     [&given](double minutes) {
                       given.push_back([=](TrainingSettings& settings) {
                         settings.minutes = minutes;
                         settings.cosine = false;
                       });
                     })
      ->group("Training");
  add_grouped(
      app, given, "Training", "--batch-tokens", [](TrainingSettings& s) -> Index& { return s.batch_tokens; },
      1, 100'000'000, "tokens per step, padding included");
  add_grouped(
      app, given, "Training", "--rate", [](TrainingSettings& s) -> double& { return s.rate; }, 1e-12, 10,
      "the highest learning rate");
  add_grouped(
      app, given, "Training", "--warmup", [](TrainingSettings& s) -> Index& { return s.warmup; }, 0, 1e9,
      "steps until it is reached");
  add_grouped(
      app, given, "Training", "--label-smoothing",
      [](TrainingSettings& s) -> Scalar& { return s.label_smoothing; }, 0, 0.99,
      "the share of each target spread over all tokens");

  add_transformer(app, given);
  add_grouped(
      app, given, "Model", "--dropout", [](TrainingSettings& s) -> Scalar& { return s.model.dropout; }, 0,
      0.99, "the share of values left out while training");
  add_choice(
      app, "--baseline", {"mean", "dictionary"},
      "a baseline instead, to compare with: the decoder sees only the mean of the source, or words are "
      "looked up one by one (built-in corpus only)",
      [&options](const std::string& name) { options.baseline = name; })
      ->group("Model");
}

void add_overfit(CLI::App& app, Options& options, Given& given) {
  add_to(app, options);
  add_seed(app, given);
  add_threads(app, options);
  add_corpus(app, options);
  add_tokens(app, options);
  add_number<Index>(app, "--steps", 1, 1'000'000, "give up after so many [300]", [&options](Index steps) {
    options.steps = steps;
  })->group("Training");
  add_number<Index>(app, "--batch-tokens", 1, 1'000'000,
                    "the size of the batch, padding included [" + shown(overfit_tokens) + "]",
                    [&given](Index tokens) {
                      given.push_back([=](TrainingSettings& settings) { settings.batch_tokens = tokens; });
                    })
      ->group("Training");
  add_number<double>(
      app, "--rate", 1e-12, 10, "the learning rate [" + shown(overfit_rate) + "]",
      [&given](double rate) { given.push_back([=](TrainingSettings& settings) { settings.rate = rate; }); })
      ->group("Training");
  add_transformer(app, given);
}

void add_attend(CLI::App& app, Options& options) {
  app.add_option_function<std::vector<std::string>>(
         "sentence",
         [&options](const std::vector<std::string>& words) {
           for (const std::string& word : words)
             options.sentence += (options.sentence.empty() ? "" : " ") + word;
         },
         wrapped("what to translate, between quotation marks"))
      ->option_text(" ");
  add_to(app, options);
  add_model(app, options);
  add_number<std::size_t>(app, "--layer", 1, 256, "the decoder layer, counted from 1 [the last]",
                          [&options](std::size_t layer) { options.layer = layer; });
  add_number<std::size_t>(app, "--head", 1, 1024,
                          "the head to show here, counted from 1 [the mean of all heads]",
                          [&options](std::size_t head) { options.head = head; });
  add_text(app, "--svg", "file", options.svg,
           "where the picture of all heads is written [" + options.svg + "]");
  add_threads(app, options);
}

// ---- what does not fit

bool is_there(const CLI::App& app, const std::string& flag) {
  return app.get_option_no_throw(flag) != nullptr;
}

// Why CLI11 stopped, in a sentence of ours.
[[noreturn]] void explain(const CLI::ParseError& error, const CLI::App& app, const CLI::App* command,
                          int argc, const char* const* argv) {
  const std::string program = command ? "translator " + command->get_name() : "translator";
  const std::string see = ": `" + program + " --help` lists what there is";
  if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
    // The first that is left over, in the order of the command line.
    const std::vector<std::string> left = app.remaining(true);
    std::string extra = left.empty() ? "" : left.front();
    for (int i = 1; i < argc; ++i) {
      if (std::find(left.begin(), left.end(), argv[i]) == left.end()) continue;
      extra = argv[i];
      break;
    }
    const std::string name = extra.substr(0, extra.find('='));
    if (name.starts_with("-")) {
      for (const CLI::App* other : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (!is_there(*other, name)) continue;
        fail<UsageError>(command ? command->get_name() + " has no flag " : "the tour has no flag ", name,
                         ", but ", other->get_name(), " has: write `translator ", other->get_name(), " ",
                         name, " …`");
      }
      fail<UsageError>("there is no flag ", io::show_name(name), see);
    }
    if (!command)
      fail<UsageError>("there is no command ", io::show_name(extra), ": the commands are train, overfit, ",
                       "translate, attend and score");
    if (command->get_name() == "translate")
      fail<UsageError>("translate reads standard input, not the command line: write echo ",
                       io::show_name(extra), " | ./run translator translate");
    fail<UsageError>(io::show_name(extra), " belongs to no flag", see);
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) {
    const std::string text = error.what();
    const std::string flag = text.substr(0, text.find(':'));
    if (text.find("At Most") != std::string::npos)
      fail<UsageError>(flag, " was given more than once: give it once");
    fail<UsageError>(flag, " needs a value", see);
  }
  std::string text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  fail<UsageError>(text, see);
}

void check_files(const std::string& pairs, const std::string& source, const std::string& target,
                 const std::string& prefix) {
  if (!pairs.empty() && (!source.empty() || !target.empty()))
    fail<UsageError>(prefix, "pairs and ", prefix, "source with ", prefix,
                     "target are two ways to say one thing: give one or the other");
  if (source.empty() != target.empty())
    fail<UsageError>(prefix, "source and ", prefix, "target go together: give both");
}

void check_train(const Options& options, const CLI::App& command) {
  check_files(options.pairs, options.source, options.target, "--");
  check_files(options.validation_pairs, options.validation_source, options.validation_target,
              "--validation-");
  if (!options.names_corpus()) {
    for (const char* flag : {"--validation-pairs", "--validation-source", "--validation-target",
                             "--validation", "--source-tokens", "--target-tokens", "--min-count",
                             "--max-vocabulary", "--max-length", "--share-embeddings"}) {
      if (is_there(command, flag) && command.count(flag) > 0)
        fail<UsageError>(flag,
                         " has no effect on the built-in corpus: name a corpus of your own with --pairs, ",
                         "or --source and --target, or leave the flag out");
    }
  } else if (!options.to.empty()) {
    fail<UsageError>("--to chooses the language of the built-in corpus, and your files have their own: ",
                     "leave it out");
  } else if (options.baseline == "dictionary") {
    fail<UsageError>(
        "--baseline dictionary needs the built-in corpus, whose words are aligned: leave out the files");
  }
  if (options.names_validation() && options.validation_count)
    fail<UsageError>("--validation holds pairs out, but --validation-pairs or -source name others: ",
                     "give one or the other");
  const nn::TransformerSettings& model = options.training.model;
  if (model.width % model.heads != 0)
    fail<UsageError>("--width ", model.width, " does not split into --heads ", model.heads,
                     ": give a width that is a multiple of the heads");
  if (model.share_embeddings && options.source_tokens != options.target_tokens)
    fail<UsageError>("--share-embeddings needs both languages cut alike, not as ", options.source_tokens,
                     " and ", options.target_tokens, ": give --source-tokens and --target-tokens the same");
}

void check_score(const Options& options) {
  check_files(options.pairs, options.source, options.target, "--");
  if (options.hypothesis.empty() != options.reference.empty())
    fail<UsageError>("--hypothesis and --reference go together: give both");
  if (!options.hypothesis.empty() && !options.to.empty())
    fail<UsageError>("--hypothesis and --reference are scored without a model: leave out --to");
  if (!options.hypothesis.empty() && options.names_corpus())
    fail<UsageError>("--hypothesis and --reference are scored without a model: leave out --pairs, --source ",
                     "and --target");
  if (options.tokenized && options.hypothesis.empty())
    fail<UsageError>("--tokenized is about --hypothesis and --reference: give these, or leave it out; ",
                     "a model cuts text as it was trained to");
}

}  // namespace

std::optional<Options> read_flags(int argc, const char* const* argv) {
  Options options;
  Given given;
  CLI::App app{
      "A small Transformer that learns to translate.\n"
      "Without a command: the tour, which trains on the built-in corpus.",
      "translator"};
  app.get_formatter()->column_width(help_column);
  app.require_subcommand(0, 1);
  app.fallthrough();  // the common flags may stand before or behind the command
  add_to(app, options);
  add_out(app, options);
  add_model(app, options);
  add_run(app, given);
  add_threads(app, options);
  app.footer(
      "\nExamples:\n"
      "  translator                                    the tour\n"
      "  translator --to zh                            the same to Chinese\n"
      "  translator overfit                            does the model learn at all?\n"
      "  translator train --pairs my.tsv --out my      learn from your own sentences\n"
      "  echo 'a sentence' | translator translate --model my\n"
      "  translator attend 'a sentence' --model my     what it looks at\n"
      "  translator score --model my --pairs test.tsv\n"
      "\n`translator COMMAND --help` lists the flags of a command.");

  CLI::App* train = app.add_subcommand("train", "train on your own corpus, or the built-in one");
  add_train(*train, options, given);
  train->footer(
      "\nWithout --pairs or --source and --target it trains on the built-in corpus.\n"
      "Each time the validation loss has come down, weights.safetensors,\n"
      "source.vocabulary and target.vocabulary are written to --out; training.tsv there\n"
      "has the losses of every epoch. Ctrl-C ends training after the current step, and\n"
      "the best weights so far are kept.");

  CLI::App* overfit = app.add_subcommand("overfit", "one batch to zero loss: does it learn at all?");
  add_overfit(*overfit, options, given);
  overfit->footer(
      "\nWithout --pairs or --source and --target the batch is of the built-in corpus.\n"
      "Trains on that batch alone, without dropout and label smoothing, until the loss\n"
      "is below 0.01 nats per token, and asks greedy decoding for the batch again. The\n"
      "last line says whether it learnt, and if not, where to look. Nothing is saved.");

  CLI::App* translate = app.add_subcommand("translate", "translate standard input, one line for each line");
  add_to(*translate, options);
  add_model(*translate, options);
  add_threads(*translate, options);
  translate->footer("\n  echo 'the black cat sees the small dog.' | translator translate");

  CLI::App* attend = app.add_subcommand("attend", "show what the model looks at while it translates");
  add_attend(*attend, options);
  attend->footer(
      "\nPrints the attention of one decoder layer and writes it, head by head, as SVG.\n\n"
      "  translator attend 'the black cat sees the small dog.' --head 2");

  CLI::App* score = app.add_subcommand("score", "BLEU of a model's translations, or of a file's");
  add_to(*score, options);
  add_model(*score, options);
  add_threads(*score, options);
  add_corpus(*score, options);
  const auto files = [](CLI::Option* option) { option->group("Two files, no model"); };
  files(add_text(*score, "--hypothesis", "file", options.hypothesis, "one translation a line …"));
  files(add_text(*score, "--reference", "file", options.reference, "… and those that were wanted"));
  files(score->add_flag("--tokenized", options.tokenized,
                        wrapped("the files are tokenised already: cut at spaces only")));
  score->footer(
      "\nWithout --pairs or --source and --target it translates the sentences held out\n"
      "from the built-in corpus.");
  for (CLI::App* command : {train, overfit, translate, attend, score})
    command->get_formatter()->column_width(help_column);

  // Follow it, or say why not.
  const auto command = [&]() -> CLI::App* {
    for (CLI::App* chosen : {train, overfit, translate, attend, score})
      if (chosen->parsed()) return chosen;
    return nullptr;
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    app.exit(help);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    explain(error, app, command(), argc, argv);
  }
  options.command = *train       ? Command::train
                    : *overfit   ? Command::overfit
                    : *translate ? Command::translate
                    : *attend    ? Command::attend
                    : *score     ? Command::score
                                 : Command::tour;

  const bool first = &options.language() == target_languages().front();
  const std::string folder = "out/translator" + (first ? "" : "-" + options.to);
  if (options.out.empty()) options.out = folder;
  if (options.model.empty()) options.model = folder;

  // What the flags leave open is as in the tour on the built-in corpus.
  const bool trains = options.command == Command::tour || options.command == Command::train;
  const bool overfits = options.command == Command::overfit;
  if ((trains || overfits) && !options.names_corpus()) options.training = tour_settings();
  if (overfits) options.training.batch_tokens = overfit_tokens, options.training.rate = overfit_rate;
  for (const auto& set : given) set(options.training);
  if (options.training.minutes > 0 && app.count("--epochs") + train->count("--epochs") == 0)
    options.training.epochs = 1000000;  // until then

  if (trains || overfits) check_train(options, command() ? *command() : app);
  if (options.command == Command::attend && options.sentence.empty())
    fail<UsageError>(
        "attend: no sentence was given: write translator attend 'the black cat sees the small dog.'");
  if (options.command == Command::score) check_score(options);
  const std::string name = command() ? command()->get_name() : "the tour";
  for (const std::string flag : {"--out", "--epochs", "--seed", "--model"}) {
    const bool has_effect = flag == "--model"  ? !trains && !overfits
                            : flag == "--seed" ? trains || overfits
                                               : trains;
    if (!has_effect && app.count(flag) > 0)
      std::cerr << "translator: " << flag << " has no effect on " << name
                << (trains     ? ", which keeps its model in --out"
                    : overfits ? ", which trains a new model and keeps none"
                               : "")
                << ".\n";
  }
  return options;
}

}  // namespace attune::examples
