#include "examples/translator/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <iostream>

#include "examples/translator/commands/command.h"
#include "examples/translator/flags.h"
#include "examples/translator/settings_file.h"
#include "io/file.h"

namespace attune::examples {
namespace {

constexpr std::size_t help_width = 80;

// Breaks the text of a flag into lines that stand below each other.
std::string wrapped(const std::string& text) {
  std::istringstream words(text);
  std::string result;
  int column = 0;
  for (std::string word; words >> word;) {
    const int length = io::columns_of(io::decode_utf8(word));
    if (column > 0 && column + 1 + length > static_cast<int>(help_width - help_column)) {
      result += '\n';
      column = 0;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result += word;
    column += length;
  }
  return result;
}

// "train, overfit and score"
std::string list_of_commands() {
  std::string list;
  for (const Command* command : commands()) {
    if (!list.empty()) list += command == commands().back() ? " and " : ", ";
    list += command->name;
  }
  return list;
}

// Why CLI11 stopped, in a sentence of ours.
[[noreturn]] void explain(const CLI::ParseError& error, const CLI::App& app, const CLI::App* command,
                          int argc, const char* const* argv) {
  const std::string program = command ? "translator " + command->get_name() : "translator";
  const std::string see = ": `" + program + " --help` lists what there is";
  if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
    // The first that is left over, in the order of the command line.
    const std::vector<std::string> left = app.remaining(true);
    std::string extra = left.empty() ? "" : left.front();
    for (int i = 1; i < argc; ++i) {
      if (std::find(left.begin(), left.end(), argv[i]) == left.end()) continue;
      extra = argv[i];
      break;
    }
    const std::string name = extra.substr(0, extra.find('='));
    if (name.starts_with("-")) {
      for (const CLI::App* other : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (other->get_option_no_throw(name) == nullptr) continue;
        fail<UsageError>(command ? command->get_name() + " has no flag " : "the tour has no flag ", name,
                         ", but ", other->get_name(), " has: write `translator ", other->get_name(), " ",
                         name, " …`");
      }
      fail<UsageError>("there is no flag ", io::show_name(name), see);
    }
    if (!command)
      fail<UsageError>("there is no command ", io::show_name(extra), ": the commands are ",
                       list_of_commands());
    if (command->get_name() == "translate")
      fail<UsageError>("translate reads standard input, not the command line: write echo ",
                       io::show_name(extra), " | ./run translator translate");
    fail<UsageError>(io::show_name(extra), " belongs to no flag", see);
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) {
    const std::string text = error.what();
    const std::string flag = text.substr(0, text.find(':'));
    if (text.find("At Most") != std::string::npos)
      fail<UsageError>(flag, " was given more than once: give it once");
    fail<UsageError>(flag, " needs a value", see);
  }
  std::string text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  fail<UsageError>(text, see);
}

}  // namespace

// ---- flags, as CLI11 knows them

void Flags::add(const std::string& flag, const std::string& value, const std::string& help,
                const std::function<void(const std::string&)>& set) {
  const auto note_and_set = [flag, set, &all = options](const std::string& text) {
    all.given_text[flag] = text;
    set(text);
  };
  CLI::Option* option =
      app_.add_option_function<std::string>(flag, note_and_set, wrapped(help))->option_text(value);
  if (!group_.empty()) option->group(group_);
}

void Flags::toggle(const std::string& flag, const std::string& help, const std::function<void()>& set) {
  CLI::Option* option = app_.add_flag_function(
      flag,
      [flag, set, &all = options](std::int64_t) {
        all.given_text[flag] = "yes";
        set();
      },
      wrapped(help));
  if (!group_.empty()) option->group(group_);
}

void Flags::words(const std::string& name, std::string& value, const std::string& help) {
  app_.add_option_function<std::vector<std::string>>(
          name,
          [&value](const std::vector<std::string>& given) {
            for (const std::string& word : given) value += (value.empty() ? "" : " ") + word;
          },
          wrapped(help))
      ->option_text(" ");
}

bool Flags::has(const std::string& flag) const {
  return app_.get_option_no_throw(flag) != nullptr;
}

bool Flags::given(const std::string& flag) const {
  const auto counts = [&](const CLI::App& app) {
    return app.get_option_no_throw(flag) != nullptr && app.count(flag) > 0;
  };
  return counts(app_) || (app_.get_parent() != nullptr && counts(*app_.get_parent()));
}

// ---- the command line

namespace {

// A file of settings, as far as the command line does not say otherwise.
struct SettingsFile {
  std::string name;
  std::vector<SettingsLine> lines;
};

// The file that --settings names, read before all else: its lines become flags.
std::optional<SettingsFile> named_settings(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name;
    if (arguments[i] == "--settings" && i + 1 < arguments.size()) name = arguments[i + 1];
    if (arguments[i].starts_with("--settings=")) name = arguments[i].substr(11);
    if (!name.empty()) return SettingsFile{name, parse_settings(io::read_file(name, 1 << 20), name)};
  }
  return std::nullopt;
}

// Puts the lines behind the arguments, as flags of `command`; leaves in `file` those that count.
void add_settings(std::vector<std::string>& arguments, SettingsFile& file, const CLI::App& command) {
  const auto is_given = [&, given = arguments](const std::string& flag) {
    return std::any_of(given.begin(), given.end(), [&](const std::string& argument) {
      return argument == flag || argument.starts_with(flag + "=");
    });
  };
  std::vector<SettingsLine> counting;
  for (const SettingsLine& line : file.lines) {
    const std::string flag = "--" + line.name;
    const CLI::Option* option = command.get_option_no_throw(flag);
    if (!option || line.name == "settings" || line.name == "help")
      fail<UsageError>(file.name, ":", line.line, ": there is no setting ", io::show_name(line.name),
                       ": `translator train --help` lists them, with two dashes");
    if (is_given(flag)) continue;
    counting.push_back(line);
    if (option->get_expected_max() > 0) {
      arguments.insert(arguments.end(), {flag, line.value});
    } else if (line.value == "yes") {
      arguments.push_back(flag);
    } else if (line.value != "no") {
      fail<UsageError>(file.name, ":", line.line, ": ", line.name, " is ", io::show_name(line.value),
                       ": write yes or no");
    }
  }
  file.lines = counting;
}

std::optional<Options> read_arguments(std::vector<std::string> arguments, std::optional<SettingsFile> file) {
  Options options;
  CLI::App app{
      "A small Transformer that learns to translate.\n"
      "Without a command: the tour, which trains on the built-in corpus.",
      "translator"};
  app.get_formatter()->column_width(help_column);
  app.require_subcommand(0, 1);
  app.fallthrough();  // the common flags may stand before or behind the command
  Flags tour_flags(app, options);
  add_to(tour_flags);
  add_out(tour_flags);
  add_model(tour_flags);
  add_run(tour_flags);
  add_threads(tour_flags);
  app.footer(
      "\nExamples:\n"
      "  translator                                    the tour\n"
      "  translator --to zh                            the same to Chinese\n"
      "  translator overfit                            does the model learn at all?\n"
      "  translator train --pairs my.tsv --out my      learn from your own sentences\n"
      "  echo 'a sentence' | translator translate --model my\n"
      "  translator attend 'a sentence' --model my     what it looks at\n"
      "  translator chat --model my                    both, as you type\n"
      "  translator score --model my --pairs test.tsv\n"
      "\n`translator COMMAND --help` lists the flags of a command.");

  std::deque<Flags> all_flags;  // they stay where they are: what they add refers to them
  for (const Command* command : commands()) {
    CLI::App* added = app.add_subcommand(command->name, command->summary);
    Flags& flags = all_flags.emplace_back(*added, options);
    command->add_flags(flags);
    added->footer(command->footer);
    added->get_formatter()->column_width(help_column);
  }

  if (file) add_settings(arguments, *file, *app.get_subcommand("train"));
  std::vector<const char*> pointers{"translator"};
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  const int argc = static_cast<int>(pointers.size());
  const char* const* argv = pointers.data();

  // Follow it, or say why not.
  const auto chosen = [&]() -> CLI::App* {
    const std::vector<CLI::App*> given = app.get_subcommands();
    return given.empty() ? nullptr : given.front();
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    app.exit(help);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    explain(error, app, chosen(), argc, argv);
  }
  Flags* flags = nullptr;
  for (std::size_t i = 0; i < commands().size(); ++i) {
    if (!chosen() || chosen()->get_name() != commands()[i]->name) continue;
    options.command = commands()[i];
    flags = &all_flags[i];
  }

  const bool first = &options.language() == target_languages().front();
  const std::string folder = "out/translator" + (first ? "" : "-" + options.to);
  if (options.out.empty()) options.out = folder;
  if (options.model.empty()) options.model = folder;

  if (!options.command) options.training = tour_settings();
  if (options.command && options.command->set_defaults) options.command->set_defaults(options);
  for (const auto& set : options.given) set(options.training);
  if (options.command && options.command->check) options.command->check(*flags);

  // Flags that may stand before every command, though not all have a use for them.
  const char* aside = options.command ? options.command->aside : "which keeps its model in --out";
  for (const std::string flag : {"--out", "--epochs", "--seed", "--model"}) {
    const bool has_effect = flags ? flags->has(flag) : flag != "--model";
    if (!has_effect && app.count(flag) > 0)
      std::cerr << "translator: " << flag << " has no effect on "
                << (flags ? options.command->name : "the tour") << (aside ? ", " : "") << (aside ? aside : "")
                << ".\n";
  }
  return options;
}

// What is wrong with a line of the file is said with its place.
std::optional<Options> read_with_settings(const std::vector<std::string>& arguments,
                                          const std::optional<SettingsFile>& file) {
  try {
    return read_arguments(arguments, file);
  } catch (const UsageError& error) {
    const std::string text = error.what();
    for (const SettingsLine& line : file ? file->lines : std::vector<SettingsLine>{}) {
      const std::string flag = "--" + line.name;
      const bool given = std::find(arguments.begin(), arguments.end(), flag) != arguments.end();
      if (!given && (text.starts_with(flag + ":") || text.starts_with(flag + " ")))
        fail<UsageError>(file->name, ":", line.line, ": ", text.substr(2));
    }
    throw;
  }
}

}  // namespace

std::optional<Options> read_command_line(int argc, const char* const* argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return read_with_settings(arguments, named_settings(arguments));
}

Options options_of_settings(const std::string& settings, const std::string& file) {
  return read_with_settings({"train"}, SettingsFile{file, parse_settings(settings, file)}).value();
}

}  // namespace attune::examples
