#pragma once

#include <vector>

#include "examples/translator/flags.h"

// The commands of the translator. Each is a file of this folder: its flags, what it refuses, and what it
// does.

namespace attune::examples {

/// `translator NAME`: a row of the table that the command line and its help are made from.
struct Command {
  const char* name;
  const char* summary;  // a line in the list of commands
  const char* footer;   // below the list of its flags
  void (*add_flags)(Flags& flags);
  /// What the flags leave open, before they are applied; null: nothing.
  void (*set_defaults)(Options& options);
  /// UsageError for flags that do not fit together; settles what depends on several. Null: all do.
  void (*check)(Flags& flags);
  int (*run)(Options& options);
  /// Why a flag of other commands has no effect here, after a comma; null: nothing is to be said.
  const char* aside = nullptr;
};

extern const Command train_command, resume_command, average_command, overfit_command, translate_command,
    chat_command, attend_command, score_command, report_command, split_command;

/// All of them, in the order of the help.
const std::vector<const Command*>& commands();

}  // namespace attune::examples
