#include <iostream>

#include "examples/translator/commands/command.h"
#include "examples/translator/report.h"

namespace attune::examples {
namespace {

void add_report(Flags& flags) {
  add_to(flags);
  add_model(flags);
}

int run_report(Options& options) {
  write_report(options.model);
  std::cout << "Written: " << (std::filesystem::path(options.model) / "report.html").string() << '\n'
            << std::flush;
  if (!std::cout) fail<FileError>("report: the output cannot be written: is the disk full?");
  return 0;
}

}  // namespace

const Command report_command{
    .name = "report",
    .summary = "make the page about a training again",
    .footer =
        "\nTraining writes report.html into its folder after every epoch. This makes it\n"
        "again from training.csv, steps.csv and the records in report/.",
    .add_flags = add_report,
    .set_defaults = nullptr,
    .check = nullptr,
    .run = run_report,
    .aside = nullptr,
};

}  // namespace attune::examples
