#include "examples/translator/commands/command.h"

namespace attune::examples {

const std::vector<const Command*>& commands() {
  static const std::vector<const Command*> all{
      &train_command,     &resume_command, &average_command, &overfit_command, &split_command,
      &translate_command, &chat_command,   &attend_command,  &score_command,   &report_command};
  return all;
}

}  // namespace attune::examples
