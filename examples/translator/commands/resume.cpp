#include <iostream>

#include "examples/translator/command_line.h"
#include "examples/translator/commands/command.h"
#include "examples/translator/commands/train.h"
#include "examples/translator/run_folder.h"

namespace attune::examples {
namespace {

void add_resume(Flags& flags) {
  add_to(flags);
  flags.text("--model", "folder", flags.options.model, "the folder of the training [as --out of train]");
  add_threads(flags);
}

// The training is in its folder with all of its settings; only the corpus is read again.
int run_resume(Options& options) {
  const RunFolder run(options.model);
  Options training = options_of_settings(run.settings(), options.model + "/settings.ini");
  training.out = options.model;
  training.resumes = true;
  return run_train(training);
}

}  // namespace

const Command resume_command{
    .name = "resume",
    .summary = "go on with a training that was interrupted",
    .footer =
        "\nTakes all settings from the folder, and reads the corpus again, which must not\n"
        "have changed. The weights become those of a training that never stopped, to\n"
        "the last bit, unless it is limited by --minutes.",
    .add_flags = add_resume,
    .set_defaults = nullptr,
    .check = nullptr,
    .run = run_resume,
    .aside = "which has all settings in its folder, --model",
};

}  // namespace attune::examples
