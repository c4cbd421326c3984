#include "examples/translator/chat.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "examples/translator/commands/command.h"
#include "examples/translator/commands/corpora.h"
#include "examples/translator/standard_streams.h"

namespace attune::examples {
namespace {

void add_chat(Flags& flags) {
  add_to(flags);
  add_model(flags);
  add_threads(flags);
}

// How many columns the terminal has; 80 where the output is none.
int terminal_width() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? std::max<int>(size.ws_col, 20) : 80;
}

int run_chat(Options& options) {
  const Translator translator = Translator::load(options.model);
  if (!options.to.empty()) require_language(translator, options.to, options.model);
  Chat chat(translator, terminal_width());
  InterruptedInASentence interruption("chat");
  std::ios::sync_with_stdio(false);  // std::cin then tells an error from an end
  // The prompt is for people: what is piped through has the answers alone.
  const bool people = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  const std::string prompt = people ? "> " : "";
  write_out("chat",
            (people ? "Type a sentence and press Enter; :help lists what else there is.\n" : "") + prompt);
  text::LineReader reader(std::cin);
  std::string line;
  std::size_t answered = 0;
  while (reader.next(line)) {
    const std::optional<std::string> answer = chat.answer(line);
    if (!answer) return 0;
    write_out("chat", *answer + prompt);
    interruption.answered(++answered);
  }
  if (people) write_out("chat", "\n");
  if (std::cin.bad()) fail<FileError>("chat: standard input cannot be read: type, or give it a file of text");
  report_repairs("chat", reader.report());
  return 0;
}

}  // namespace

const Command chat_command{
    .name = "chat",
    .summary = "translate as you type, and show the attention",
    .footer =
        "\nEach line is translated, and below it stands what one decoder layer looked at:\n"
        "a row for each token of the translation, a column for each token of the line.\n"
        "Lines that begin with a colon are commands: :layer 2, :head 3, :beam 5, :best 3,\n"
        ":help, :quit.",
    .add_flags = add_chat,
    .set_defaults = nullptr,
    .check = nullptr,
    .run = run_chat,
    .aside = nullptr,
};

}  // namespace attune::examples
