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
  flags.toggle("--tokenized",
               "the files are tokenised already: cut at spaces only, pieces that end in @@ are joined",
               [&options] { options.tokenized = true; });

  flags.group("How it is counted");
  ScoreSettings& score = options.score;
  flags.choice("--metric", {"bleu", "chrf", "chrf++"}, "one score alone [bleu and chrf]",
               [&score](const std::string& name) { score.metric = name; });
  flags.choice("--tokenize", text::bleu_tokenizer_names(),
               "how text is cut before BLEU is counted [zh when the references are Chinese, else 13a]",
               [&score](const std::string& name) { score.tokenizer = name; });
  flags.toggle("--lowercase", "count capitals as small letters", [&score] { score.lowercase = true; });
  flags.text("--compare", "file", options.compare,
             "another output for the same sentences: which is better, and is it chance?");
  flags.number<int>("--resamples", 1, 1'000'000,
                    "test sets that are drawn to see how far chance reaches [1000]",
                    [&score](int count) { score.resamples = count; });
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
  if (options.tokenized && !options.score.tokenizer.empty())
    fail<UsageError>(
        "--tokenized says that the text is cut already, --tokenize how to cut it: give one of them");
  if (!options.score.tokenizer.empty() && !options.score.metric.empty() && options.score.metric != "bleu")
    fail<UsageError>("--tokenize is for BLEU, chrF counts characters: leave it out, or --metric");
}

// Lines that shall be compared with `count` references, which are those of `what`.
std::vector<std::string> read_output(const std::string& file, std::size_t count, const std::string& what) {
  text::Lines output = text::read_lines(file);
  report_repairs(file, output.report);
  if (output.lines.size() != count)
    fail<FileError>("score: each line needs its reference: ", file, " has ", output.lines.size(), " lines, ",
                    what, " has ", count, ": give files with the same number of lines");
  return std::move(output.lines);
}

int score_files(const Options& options) {
  const text::Lines references = text::read_lines(options.reference);
  report_repairs(options.reference, references.report);
  const std::vector<std::string> output =
      read_output(options.hypothesis, references.lines.size(), options.reference);
  if (output.empty())
    fail<FileError>("score: ", options.hypothesis, " and ", options.reference,
                    " are empty: give files with one sentence a line");
  const text::BpeTokenizer pieces;
  const auto prepared = [&](const std::vector<std::string>& lines) {
    return options.tokenized ? scored_text(pieces, lines) : plain_text(lines);
  };
  const ScoredText wanted = prepared(references.lines);
  std::vector<Measured> baseline;
  if (!options.compare.empty())
    baseline = measure(prepared(read_output(options.compare, output.size(), options.reference)), wanted,
                       options.score);
  print_scores(std::cout, measure(prepared(output), wanted, options.score), baseline, options.compare,
               options.score.resamples);
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
  std::vector<std::string> other;  // read first: translating takes longer
  if (!options.compare.empty()) other = read_output(options.compare, references.size(), "the corpus");
  const Score score = score_pairs(translator, sources, references);
  std::vector<Measured> baseline;
  if (!other.empty())
    baseline = measure(scored_text(*translator.target.tokenizer, other, score.wanted.cut_by), score.wanted,
                       options.score);
  print_scores(std::cout, measure(score.output, score.wanted, options.score), baseline, options.compare,
               options.score.resamples);
  std::cout << 100 * score.exact << " % of " << sources.size() << " exactly right\n";
  return 0;
}

}  // namespace

const Command score_command{
    .name = "score",
    .summary = "BLEU and chrF of a model's or a file's output",
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
