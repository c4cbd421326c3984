#include "examples/translator/flags.h"

#include <algorithm>

namespace attune::examples {

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

bool is_there(const CLI::App& app, const std::string& flag) {
  return app.get_option_no_throw(flag) != nullptr;
}

void add_out(CLI::App& app, Options& options) {
  add_text(app, "--out", "folder", options.out,
           "the folder to write to [out/translator; with --to zh: out/translator-zh]");
}
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
void add_seed(CLI::App& app, Options& options) {
  add_setting(
      app, options, "--seed", [](TrainingSettings& s) -> std::uint64_t& { return s.seed; }, 0, any,
      "for weights, order and dropout: the same seed, the same bits");
}
void add_run(CLI::App& app, Options& options) {
  add_setting(
      app, options, "--epochs", [](TrainingSettings& s) -> int& { return s.epochs; }, 1, 1000000,
      "how often training sees the corpus");
  add_seed(app, options);
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

void add_transformer(CLI::App& app, Options& options) {
  add_setting(
      app, options, "--width", [](TrainingSettings& s) -> Index& { return s.model.width; }, 1, 8192,
      "numbers per token; a multiple of --heads")
      ->group("Model");
  add_setting(
      app, options, "--hidden", [](TrainingSettings& s) -> Index& { return s.model.hidden; }, 1, 65536,
      "width of the feed-forward layers")
      ->group("Model");
  add_setting(
      app, options, "--heads", [](TrainingSettings& s) -> Index& { return s.model.heads; }, 1, 1024,
      "attention heads")
      ->group("Model");
  add_number<Index>(app, "--layers", 1, 256, "encoder layers, and as many decoder layers [2]",
                    [&options](Index layers) {
                      options.given.push_back([=](TrainingSettings& settings) {
                        settings.model.encoder_layers = settings.model.decoder_layers = layers;
                      });
                    })
      ->group("Model");
  add_choice(app, "--norm", {"pre", "post"}, "norm before or after each sublayer [pre]",
             [&options](const std::string& where) {
               options.given.push_back([=](TrainingSettings& settings) {
                 settings.model.norm = where == "pre" ? nn::NormPlacement::pre : nn::NormPlacement::post;
               });
             })
      ->group("Model");
  app.add_flag_function(
         "--share-embeddings",
         [&options](std::int64_t) {
           options.given.push_back(
               [](TrainingSettings& settings) { settings.model.share_embeddings = true; });
         },
         wrapped("one vocabulary and one embedding for both languages"))
      ->group("Model");
}

void check_files(const std::string& pairs, const std::string& source, const std::string& target,
                 const std::string& prefix) {
  if (!pairs.empty() && (!source.empty() || !target.empty()))
    fail<UsageError>(prefix, "pairs and ", prefix, "source with ", prefix,
                     "target are two ways to say one thing: give one or the other");
  if (source.empty() != target.empty())
    fail<UsageError>(prefix, "source and ", prefix, "target go together: give both");
}

void check_corpus_flags(const Options& options, const CLI::App& command) {
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
  }
}

void check_model(const Options& options) {
  const nn::TransformerSettings& model = options.training.model;
  if (model.width % model.heads != 0)
    fail<UsageError>("--width ", model.width, " does not split into --heads ", model.heads,
                     ": give a width that is a multiple of the heads");
  if (model.share_embeddings && options.source_tokens != options.target_tokens)
    fail<UsageError>("--share-embeddings needs both languages cut alike, not as ", options.source_tokens,
                     " and ", options.target_tokens, ": give --source-tokens and --target-tokens the same");
}

}  // namespace attune::examples
