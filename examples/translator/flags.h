#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "examples/translator/builtin.h"
#include "examples/translator/options.h"
#include "io/unicode.h"

// What flags are made of: kinds of flags that say in a sentence what was wrong with a value, and the flags
// that several commands have.

namespace attune::examples {

/// The column at which the help of a flag begins, and its end.
inline constexpr std::size_t help_column = 29;
inline constexpr std::size_t help_width = 80;

/// Breaks the text of a flag into lines that stand below each other.
std::string wrapped(const std::string& text);

/// A number as people write it.
std::string shown(double number);

inline constexpr double any = 1e18;  // no limit but that of the type

/// The number that `text` spells. CLI11 reads 010 as eight and -1 as a large seed.
template <class Number>
Number number_from(const std::string& flag, const std::string& text, double low, double high) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = problem == std::errc() && end == text.data() + text.size() && !text.empty();
  // Written so that NaN is refused as well.
  if (!whole || !(static_cast<double>(value) >= low && static_cast<double>(value) <= high)) {
    std::string range = " from " + shown(low) + " to " + shown(high);
    if (high >= 1e18) range = low == 0 ? " that is not negative" : " of " + shown(low) + " or more";
    fail<UsageError>(flag, ": ", io::show_name(text), " was given: give a ",
                     std::is_integral_v<Number> ? "whole number" : "number", range);
  }
  return value;
}

/// A flag that takes a number from `low` to `high`.
template <class Number>
CLI::Option* add_number(CLI::App& app, const std::string& flag, double low, double high,
                        const std::string& help, std::function<void(Number)> set) {
  return app
      .add_option_function<std::string>(
          flag,
          [=](const std::string& text) {
            constexpr auto most = static_cast<double>(std::numeric_limits<Number>::max());
            set(number_from<Number>(flag, text, low, high == any ? std::max(most, any) : high));
          },
          wrapped(help))
      ->option_text(std::is_integral_v<Number> ? "N" : "X");
}

/// A flag that takes a `kind` of text: "file" or "folder".
CLI::Option* add_text(CLI::App& app, const std::string& flag, const std::string& kind, std::string& value,
                      const std::string& help);

/// A flag that takes one of several names.
CLI::Option* add_choice(CLI::App& app, const std::string& flag, const std::vector<std::string>& choices,
                        const std::string& help, const std::function<void(const std::string&)>& set);

/// A setting of the training: `member(settings)` is a reference to it. The default, which may be another on
/// the built-in corpus, is shown in the help.
template <class Member>
CLI::Option* add_setting(CLI::App& app, Options& options, const std::string& flag, Member member, double low,
                         double high, const std::string& help) {
  TrainingSettings own, builtin = tour_settings();
  using Number = std::remove_reference_t<decltype(member(own))>;
  std::string defaults = " [" + shown(static_cast<double>(member(own)));
  if (member(own) != member(builtin))
    defaults += "; built-in corpus: " + shown(static_cast<double>(member(builtin)));
  // A float would show as 0.100000001490116.
  if (std::is_same_v<Number, float>) {
    std::ostringstream text;
    text << " [" << member(own);
    if (member(own) != member(builtin)) text << "; built-in corpus: " << member(builtin);
    defaults = text.str();
  }
  return add_number<Number>(app, flag, low, high, help + defaults + "]", [&options, member](Number value) {
    options.given.push_back([=](TrainingSettings& settings) { member(settings) = value; });
  });
}

bool is_there(const CLI::App& app, const std::string& flag);

// ---- flags of several commands

void add_out(CLI::App& app, Options& options);
/// The same for every command: the language of the built-in corpus.
void add_to(CLI::App& app, Options& options);
void add_model(CLI::App& app, Options& options);
void add_seed(CLI::App& app, Options& options);
void add_run(CLI::App& app, Options& options);  // epochs and seed
void add_threads(CLI::App& app, Options& options);
void add_corpus(CLI::App& app, Options& options);
/// How files become tokens.
void add_tokens(CLI::App& app, Options& options);
/// What the model is made of.
void add_transformer(CLI::App& app, Options& options);

/// UsageError unless the flags PREFIXpairs, PREFIXsource and PREFIXtarget name a corpus in one way.
void check_files(const std::string& pairs, const std::string& source, const std::string& target,
                 const std::string& prefix);
/// UsageError for flags about files when there are none, and the other way round.
void check_corpus_flags(const Options& options, const CLI::App& command);
/// UsageError unless width and heads, and the ways of cutting both languages, fit together.
void check_model(const Options& options);

}  // namespace attune::examples
