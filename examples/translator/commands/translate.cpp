#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <optional>

#include "examples/translator/commands/command.h"
#include "examples/translator/commands/corpora.h"
#include "examples/translator/standard_streams.h"

namespace attune::examples {
namespace {

void add_translate(Flags& flags) {
  Decoding& decoding = flags.options.decoding;
  add_to(flags);
  add_model(flags);
  add_threads(flags);
  flags.group("Search");
  flags.number<Index>("--beam", 1, 1000, "beam search with so many hypotheses [1: greedy search]",
                      [&decoding](Index width) {
                        decoding.way = Decoding::Way::beam;
                        decoding.beam.beam = width;
                        if (width == 1) decoding.beam.patience = 1;  // then it is greedy search
                      });
  flags.number<double>("--length-penalty", 0, 100,
                       "rank by log P / length^X: 0 prefers short translations [1]",
                       [&decoding](double alpha) { decoding.beam.length_penalty = alpha; });
  flags.number<Index>("--n-best", 1, 1000,
                      "print so many translations of each line, as tab-separated: number of the line, score, "
                      "log P, translation",
                      [&options = flags.options, &decoding](Index count) {
                        options.lists = true;
                        decoding.beam.n_best = count;
                      });
  flags.group("Sampling");
  text::SamplingOptions& sampling = decoding.sampling;
  flags.toggle("--sample", "translate by chance, as likely as the model says",
               [&decoding] { decoding.way = Decoding::Way::sampling; });
  flags.number<double>("--temperature", 0.001, 1000, "above 1: more surprises, below 1: fewer [1]",
                       [&sampling](double temperature) { sampling.temperature = temperature; });
  flags.number<Index>("--top-k", 1, 1'000'000'000, "from the N likeliest tokens only [all]",
                      [&sampling](Index k) { sampling.top_k = k; });
  flags.number<double>("--top-p", 0.001, 1,
                       "from the likeliest tokens that together have the probability X [1]",
                       [&sampling](double p) { sampling.top_p = p; });
  flags.number<std::uint64_t>("--seed", 0, any, "the same seed, the same text [0]",
                              [&sampling](std::uint64_t seed) { sampling.seed = seed; });
}

void check_translate(Flags& flags) {
  const Decoding& decoding = flags.options.decoding;
  const bool sampling = flags.given("--sample");
  for (const std::string flag : {"--temperature", "--top-k", "--top-p", "--seed"})
    if (flags.given(flag) && !sampling)
      fail<UsageError>("translate: ", flag, " is for sampling: add --sample, or leave it out");
  for (const std::string flag : {"--beam", "--length-penalty", "--n-best"}) {
    if (!flags.given(flag)) continue;
    if (sampling)
      fail<UsageError>("translate: ", flag, " is for searching, and --sample draws by chance: leave one out");
    if (!flags.given("--beam"))
      fail<UsageError>("translate: ", flag, " is for beam search: add --beam 5, for one");
  }
  if (decoding.beam.n_best > decoding.beam.beam)
    fail<UsageError>("translate: a beam of ", decoding.beam.beam, " has no ", decoding.beam.n_best,
                     " best: give --beam ", decoding.beam.n_best, " or a smaller --n-best");
}

// The translations of one line as they are printed.
std::string shown(const std::vector<Answer>& translations, bool lists, std::size_t line) {
  if (!lists) return translations.front().text + '\n';
  std::string result;
  for (const Answer& translation : translations) {
    char numbers[96];
    std::snprintf(numbers, sizeof numbers, "%zu\t%.4f\t%.4f\t", line, translation.score,
                  translation.log_probability);
    result += numbers + translation.text + '\n';
  }
  return result;
}

int run_translate(Options& options) {
  const Translator translator = Translator::load(options.model);
  if (!options.to.empty()) require_language(translator, options.to, options.model);
  InterruptedInASentence interruption("translate");
  if (isatty(STDIN_FILENO) != 0) std::cerr << "Type a sentence and press Enter; end with Ctrl-D.\n";

  // Lines are collected to be sorted by length and translated together; but nobody is kept waiting: where no
  // more are there, those that are get their answer.
  constexpr std::size_t most_together = 1024;
  std::vector<std::string> waiting;
  std::size_t answered = 0;
  Translator::Report report;
  const auto answer = [&] {
    std::string answers;
    for (const std::vector<Answer>& translations :
         translate_lines(translator, waiting, options.decoding, answered, &report))
      answers += shown(translations, options.lists, ++answered);
    waiting.clear();
    write_out("translate", answers);
    interruption.answered(answered);
  };
  PolledInput input(answer);
  std::istream in(&input);
  in.exceptions(std::ios::badbit);  // what answer throws is to be heard
  text::LineReader reader(in);
  std::string line;
  while (reader.next(line)) {
    waiting.push_back(line);
    if (waiting.size() == most_together) answer();
  }
  answer();
  if (input.failed())
    fail<FileError>("translate: standard input cannot be read: give it a file of text: translate < FILE");

  report_repairs("translate", reader.report());
  if (report.cut_lines > 0)
    std::cerr << "translate: " << report.cut_lines << (report.cut_lines == 1 ? " line was" : " lines were")
              << " longer than " << Translator::longest << " tokens; what came after was not read.\n";
  report_unknown("translate", report.unknown_words);
  return 0;
}

}  // namespace

const Command translate_command{
    .name = "translate",
    .summary = "translate standard input, one line for each line",
    .footer =
        "\n  echo 'the black cat sees the small dog.' | translator translate\n"
        "  translator translate --beam 5 <lines.txt >translations.txt\n"
        "  translator translate --beam 5 --n-best 3 <lines.txt >lists.tsv",
    .add_flags = add_translate,
    .set_defaults = nullptr,
    .check = check_translate,
    .run = run_translate,
    .aside = nullptr,
};

}  // namespace attune::examples
