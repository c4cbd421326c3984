#include <iostream>

#include "examples/translator/commands/command.h"
#include "examples/translator/run_folder.h"

namespace attune::examples {
namespace {

void add_average(Flags& flags) {
  add_model(flags);
  flags.number<int>("--last", 1, 100000, "how many epochs, counted from the last one [5]",
                    [&options = flags.options](int count) { options.last = count; });
  flags.text("--out", "folder", flags.options.average_out,
             "the folder to write to [`average` below --model]");
}

int run_average(Options& options) {
  const std::string out = options.average_out.empty() ? options.model + "/average" : options.average_out;
  const RunFolder run(options.model);
  const std::vector<RunFolder::Epoch> last = run.last_epochs(options.last);
  if (static_cast<int>(last.size()) < options.last)
    std::cerr << "average: the weights of " << last.size()
              << (last.size() == 1 ? " epoch are" : " epochs are") << " kept, and not of " << options.last
              << " (`train --keep` says how many).\n";
  std::vector<std::filesystem::path> files;
  for (const RunFolder::Epoch& epoch : last) files.push_back(epoch.file);
  Translator translator = run.start();
  io::average_weights(files, translator.model);
  const std::string weights = "the mean of epochs " + std::to_string(last.front().number) + " to " +
                              std::to_string(last.back().number);
  io::Notes notes{{"weights", weights}};
  notes.insert(translator.notes.begin(), translator.notes.end());
  make_writable_folder(out);
  translator.save(out, notes);
  std::cout << "Written to " << out << ": " << weights << ".\n"
            << "Translate with:  ./run translator translate --model " << out << '\n';
  return 0;
}

}  // namespace

const Command average_command{
    .name = "average",
    .summary = "the mean of the weights of the last epochs",
    .footer = "\nThe mean of several often translates better than each: their noise cancels out.",
    .add_flags = add_average,
    .set_defaults = nullptr,
    .check = nullptr,
    .run = run_average,
};

}  // namespace attune::examples
