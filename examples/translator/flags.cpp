#include "examples/translator/flags.h"

#include <algorithm>

namespace attune::examples {

std::string shown(double number) {
  std::ostringstream text;
  text.precision(15);
  text << number;
  return text.str();
}

void Flags::text(const std::string& flag, const std::string& kind, std::string& value,
                 const std::string& help) {
  add(flag, kind == "folder" ? "DIR" : "FILE", help, [flag, kind, &value](const std::string& text) {
    if (text.empty()) fail<UsageError>(flag, ": nothing was given: give a ", kind);
    value = text;
  });
}

void Flags::choice(const std::string& flag, const std::vector<std::string>& choices, const std::string& help,
                   const std::function<void(const std::string&)>& set) {
  std::string list;
  for (const std::string& choice : choices) list += (list.empty() ? "" : ", ") + choice;
  add(flag, "NAME", help + ": " + list, [=](const std::string& text) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end())
      fail<UsageError>(flag, ": ", io::show_name(text), " was given: give one of ", list);
    set(text);
  });
}

void Flags::tokens(const std::string& flag, const std::string& help, std::string& choice) {
  const std::vector<std::string> names = text::tokenizer_names();
  std::string list;
  for (const std::string& name : names) list += name + ", ";
  list += "unigram:N or bpe:N (N pieces that are learnt)";
  add(flag, "NAME", help + ": " + list, [=, &choice](const std::string& text) {
    if (std::find(names.begin(), names.end(), text) == names.end() && !learnt_pieces(text, flag))
      fail<UsageError>(flag, ": ", io::show_name(text), " was given: give one of ", list);
    choice = text;
  });
}

void add_out(Flags& flags) {
  flags.text("--out", "folder", flags.options.out,
             "the folder to write to [out/translator; with --to zh: out/translator-zh]");
}
void add_to(Flags& flags) {
  std::vector<std::string> codes;
  std::string names;
  for (const TargetLanguage* language : target_languages()) {
    codes.push_back(language->code());
    names += (names.empty() ? "" : " or ") + language->name();
  }
  flags.choice("--to", codes, "translate the built-in corpus to " + names + " [" + codes.front() + "]",
               [&options = flags.options](const std::string& code) { options.to = code; });
}
void add_model(Flags& flags) {
  flags.text("--model", "folder", flags.options.model, "the folder to read a trained model from [as --out]");
}
void add_seed(Flags& flags) {
  flags.setting(
      "--seed", [](TrainingSettings& s) -> std::uint64_t& { return s.seed; }, 0, any,
      "for weights, order and dropout: the same seed, the same bits");
}
void add_run(Flags& flags) {
  flags.setting(
      "--epochs", [](TrainingSettings& s) -> int& { return s.epochs; }, 1, 1000000,
      "how often training sees the corpus");
  add_seed(flags);
}
void add_threads(Flags& flags) {
  flags.number<int>("--threads", 1, 1024, "how many threads compute [one per processor]",
                    [&options = flags.options](int count) { options.threads = count; });
}

void add_corpus(Flags& flags) {
  flags.group("Corpus");
  flags.text("--pairs", "file", flags.options.pairs, "one pair a line: source, tab, target");
  flags.text("--source", "file", flags.options.source, "or two files: one source sentence a line …");
  flags.text("--target", "file", flags.options.target, "… and their translations, line by line");
}

void add_tokens(Flags& flags) {
  flags.group("Corpus");
  Options& options = flags.options;
  const auto tokens = [&](const std::string& flag, const std::string& language, std::string& choice) {
    flags.tokens(flag, "how " + language + " text is cut into tokens [word]", choice);
  };
  tokens("--source-tokens", "source", options.source_tokens);
  tokens("--target-tokens", "target", options.target_tokens);
  flags.toggle("--joint", "learn the pieces of unigram:N or bpe:N from both languages together",
               [&options] { options.joint = true; });
  flags.number<double>("--character-coverage", 0.98, 1,
                       "the share of the text whose characters are pieces; the rarest are not [1]",
                       [&options](double share) { options.character_coverage = share; });
  flags.number<std::int64_t>("--min-count", 1, any, "tokens seen less often are unknown [1]",
                             [&options](std::int64_t count) { options.min_count = count; });
  flags.number<std::int64_t>("--max-vocabulary", text::Vocabulary::special_count + 1, 10'000'000,
                             "tokens kept for each language, the commonest first [30000]",
                             [&options](std::int64_t size) { options.max_vocabulary = size; });
  flags.number<Index>("--max-length", 2, 100'000, "longer sentences are left out, counted in tokens [100]",
                      [&options](Index length) { options.max_length = length; });
}

std::optional<text::SubwordOptions> learnt_pieces(const std::string& choice, const std::string& flag) {
  const std::size_t colon = choice.find(':');
  const std::string kind = choice.substr(0, colon);
  if (colon == std::string::npos || (kind != "unigram" && kind != "bpe")) return std::nullopt;
  const auto size = number_from<std::int32_t>(flag + " " + kind + ":N", choice.substr(colon + 1),
                                              text::Vocabulary::special_count + 1, 10'000'000);
  return text::SubwordOptions{.kind = kind == "bpe" ? text::SubwordKind::bpe : text::SubwordKind::unigram,
                              .size = size};
}

void add_transformer(Flags& flags) {
  flags.group("Model");
  flags.setting(
      "--width", [](TrainingSettings& s) -> Index& { return s.model.width; }, 1, 8192,
      "numbers per token; a multiple of --heads");
  flags.setting(
      "--hidden", [](TrainingSettings& s) -> Index& { return s.model.hidden; }, 1, 65536,
      "width of the feed-forward layers");
  flags.setting(
      "--heads", [](TrainingSettings& s) -> Index& { return s.model.heads; }, 1, 1024, "attention heads");
  flags.number<Index>("--layers", 1, 256, "encoder layers, and as many decoder layers [2]",
                      [&options = flags.options](Index layers) {
                        options.given.push_back([=](TrainingSettings& settings) {
                          settings.model.encoder_layers = settings.model.decoder_layers = layers;
                        });
                      });
  flags.choice("--norm", {"pre", "post"}, "norm before or after each sublayer [pre]",
               [&options = flags.options](const std::string& where) {
                 options.given.push_back([=](TrainingSettings& settings) {
                   settings.model.norm = where == "pre" ? nn::NormPlacement::pre : nn::NormPlacement::post;
                 });
               });
  flags.toggle(
      "--share-embeddings", "one vocabulary and one embedding for both languages",
      [&options = flags.options] {
        options.given.push_back([](TrainingSettings& settings) { settings.model.share_embeddings = true; });
      });
}

void check_files(const std::string& pairs, const std::string& source, const std::string& target,
                 const std::string& prefix) {
  if (!pairs.empty() && (!source.empty() || !target.empty()))
    fail<UsageError>(prefix, "pairs and ", prefix, "source with ", prefix,
                     "target are two ways to say one thing: give one or the other");
  if (source.empty() != target.empty())
    fail<UsageError>(prefix, "source and ", prefix, "target go together: give both");
}

namespace {

void check_tokens(const Flags& flags) {
  const Options& options = flags.options;
  const bool source = learnt_pieces(options.source_tokens).has_value();
  const bool target = learnt_pieces(options.target_tokens).has_value();
  if (options.joint && (!source || options.source_tokens != options.target_tokens))
    fail<UsageError>("--joint learns the pieces of both languages together, and they are cut as ",
                     options.source_tokens, " and ", options.target_tokens,
                     ": give --source-tokens and --target-tokens the same, such as unigram:8000");
  if (!source && !target && flags.given("--character-coverage"))
    fail<UsageError>("--character-coverage has no effect unless pieces are learnt: give --source-tokens or ",
                     "--target-tokens such as unigram:8000, or leave the flag out");
  for (const char* flag : {"--min-count", "--max-vocabulary"})
    if (source && target && flags.given(flag))
      fail<UsageError>(
          flag,
          " has no effect on pieces that are learnt, whose number stands behind the colon: ", "leave it out");
}

}  // namespace

void check_corpus_flags(const Flags& flags) {
  const Options& options = flags.options;
  if (!options.names_corpus()) {
    for (const char* flag :
         {"--validation-pairs", "--validation-source", "--validation-target", "--validation",
          "--source-tokens", "--target-tokens", "--joint", "--character-coverage", "--min-count",
          "--max-vocabulary", "--max-length", "--share-embeddings"}) {
      if (flags.given(flag))
        fail<UsageError>(flag,
                         " has no effect on the built-in corpus: name a corpus of your own with --pairs, ",
                         "or --source and --target, or leave the flag out");
    }
  } else if (!options.to.empty()) {
    fail<UsageError>("--to chooses the language of the built-in corpus, and your files have their own: ",
                     "leave it out");
  }
  check_tokens(flags);
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
