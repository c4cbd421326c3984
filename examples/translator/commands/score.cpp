#include <iostream>

#include "examples/translator/commands/command.h"
#include "examples/translator/commands/corpora.h"

namespace attune::examples {
namespace {

void add_score(Flags& flags) {
  add_to(flags);
  add_model(flags);
  add_threads(flags);
  add_corpus(flags);
  Options& options = flags.options;
  flags.group("Two files, no model");
  flags.text("--hypothesis", "file", options.hypothesis, "one translation a line …");
  flags.text("--reference", "file", options.reference, "… and those that were wanted");
  flags.toggle("--tokenized", "the files are tokenised already: cut at spaces only",
               [&options] { options.tokenized = true; });
}

void check_score(Flags& flags) {
  const Options& options = flags.options;
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

int score_files(const Options& options) {
  const text::Lines hypotheses = text::read_lines(options.hypothesis);
  const text::Lines references = text::read_lines(options.reference);
  report_repairs(options.hypothesis, hypotheses.report);
  report_repairs(options.reference, references.report);
  if (hypotheses.lines.size() != references.lines.size())
    fail<FileError>("score: each line needs its reference: ", options.hypothesis, " has ",
                    hypotheses.lines.size(), " lines, ", options.reference, " has ", references.lines.size(),
                    ": give files with the same number of lines");
  if (hypotheses.lines.empty())
    fail<FileError>("score: ", options.hypothesis, " and ", options.reference,
                    " are empty: give files with one sentence a line");
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

int run_score(Options& options) {
  if (!options.hypothesis.empty()) return score_files(options);

  const Translator translator = Translator::load(options.model);
  if (!options.to.empty()) require_language(translator, options.to, options.model);
  std::vector<std::string> sources;
  std::vector<std::string> references;
  if (options.names_corpus()) {
    for (text::SentencePair& pair : read_corpus(options.pairs, options.source, options.target).pairs) {
      sources.push_back(std::move(pair.source));
      references.push_back(std::move(pair.target));
    }
  } else {
    const auto corpus = translator.notes.find("corpus");
    const TargetLanguage* language = language_of(translator);
    if (!language)
      fail<ValueError>("score: this model was trained on ",
                       corpus == translator.notes.end() ? "an unknown corpus" : corpus->second,
                       ": give it sentences of that kind with --pairs, or --source and --target");
    std::cout << "The built-in held-out sentences, English to " << language->name() << ":\n";
    for (Example& example : make_corpus(corpus_seed, training_pairs, held_out_pairs, *language).held_out) {
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

}  // namespace

const Command score_command{
    .name = "score",
    .summary = "BLEU of a model's translations, or of a file's",
    .footer =
        "\nWithout --pairs or --source and --target it translates the sentences held out\n"
        "from the built-in corpus.",
    .add_flags = add_score,
    .set_defaults = nullptr,
    .check = check_score,
    .run = run_score,
    .aside = nullptr,
};

}  // namespace attune::examples
