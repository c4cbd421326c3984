#include <unistd.h>

#include <iostream>

#include "examples/translator/commands/command.h"
#include "examples/translator/commands/corpora.h"

namespace attune::examples {
namespace {

void add_translate(Flags& flags) {
  add_to(flags);
  add_model(flags);
  add_threads(flags);
}

int run_translate(Options& options) {
  const Translator translator = Translator::load(options.model);
  if (!options.to.empty()) require_language(translator, options.to, options.model);
  Translator::Report report;
  std::ios::sync_with_stdio(false);  // std::cin then tells an error from an end, and is faster
  const bool terminal = isatty(STDIN_FILENO) != 0;
  if (terminal) std::cerr << "Type a sentence and press Enter; end with Ctrl-D.\n";
  text::LineReader reader(std::cin);
  std::vector<std::string> waiting;
  const std::size_t together =
      terminal ? 1 : 256;  // a person gets each answer at once, a file goes faster in batches
  const auto answer = [&] {
    for (const std::string& line : translator.translate(waiting, &report)) std::cout << line << '\n';
    std::cout << std::flush;
    if (!std::cout) fail<FileError>("translate: the translations cannot be written: is the disk full?");
    waiting.clear();
  };
  std::string line;
  while (reader.next(line)) {
    waiting.push_back(line);
    if (waiting.size() == together) answer();
  }
  answer();
  if (std::cin.bad())
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
    .footer = "\n  echo 'the black cat sees the small dog.' | translator translate",
    .add_flags = add_translate,
    .set_defaults = nullptr,
    .check = nullptr,
    .run = run_translate,
    .aside = nullptr,
};

}  // namespace attune::examples
