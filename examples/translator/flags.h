#pragma once

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "examples/translator/builtin.h"
#include "examples/translator/options.h"
#include "io/unicode.h"

namespace CLI {
class App;  // CLI11 takes seconds to compile: only command_line.cpp includes it
}

// What flags are made of: kinds of flags that say in a sentence what was wrong with a value, and the flags
// that several commands have.

namespace attune::examples {

/// The column at which the help of a flag begins.
inline constexpr std::size_t help_column = 29;

/// A number as people write it.
std::string shown(double number);

inline constexpr double any = 1e18;  // no limit but that of the type

/// The number that `text` spells. CLI11 reads 010 as eight and -1 as a large seed.
template <class Number>
Number number_from(const std::string& flag, const std::string& text, double low, double high) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = problem == std::errc() && end == text.data() + text.size() && !text.empty();
  // A float is compared as a float: 0.99f is a little more than 0.99. Written so that NaN is refused as well.
  const bool fits = std::is_floating_point_v<Number>
                        ? value >= static_cast<Number>(low) && value <= static_cast<Number>(high)
                        : static_cast<double>(value) >= low && static_cast<double>(value) <= high;
  if (!whole || !fits) {
    std::string range = " from " + shown(low) + " to " + shown(high);
    if (high >= 1e18) range = low == 0 ? " that is not negative" : " of " + shown(low) + " or more";
    fail<UsageError>(flag, ": ", io::show_name(text), " was given: give a ",
                     std::is_integral_v<Number> ? "whole number" : "number", range);
  }
  return value;
}

/// The flags of one command, or of the tour. What the command line gives goes into `options`.
class Flags {
 public:
  Flags(CLI::App& command_line, Options& all_options) : options(all_options), app_(command_line) {}

  Options& options;

  /// The flags that follow stand under this heading of the help.
  void group(const std::string& name) { group_ = name; }

  /// A flag that takes a number from `low` to `high`.
  template <class Number>
  void number(const std::string& flag, double low, double high, const std::string& help,
              std::function<void(Number)> set) {
    add(flag, std::is_integral_v<Number> ? "N" : "X", help, [=](const std::string& text) {
      constexpr auto most = static_cast<double>(std::numeric_limits<Number>::max());
      set(number_from<Number>(flag, text, low, high == any ? std::max(most, any) : high));
    });
  }

  /// A setting of the training: `member(settings)` is a reference to it. The default, which may be another on
  /// the built-in corpus, is shown in the help.
  template <class Member>
  void setting(const std::string& flag, Member member, double low, double high, const std::string& help) {
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
    number<Number>(flag, low, high, help + defaults + "]", [this, member](Number value) {
      options.given.push_back([=](TrainingSettings& settings) { member(settings) = value; });
    });
  }

  /// A flag that takes a `kind` of text: "file" or "folder".
  void text(const std::string& flag, const std::string& kind, std::string& value, const std::string& help);

  /// A flag that takes one of several names.
  void choice(const std::string& flag, const std::vector<std::string>& choices, const std::string& help,
              const std::function<void(const std::string&)>& set);

  /// A flag that takes the name of a tokeniser, or pieces to be learnt (`learnt_pieces`).
  void tokens(const std::string& flag, const std::string& help, std::string& choice);

  /// A flag without a value.
  void toggle(const std::string& flag, const std::string& help, const std::function<void()>& set);

  /// The words that belong to no flag, joined by spaces.
  void words(const std::string& name, std::string& value, const std::string& help);

  /// Whether there is this flag, and whether it was given, before or behind the command.
  bool has(const std::string& flag) const;
  bool given(const std::string& flag) const;

 private:
  void add(const std::string& flag, const std::string& value, const std::string& help,
           const std::function<void(const std::string&)>& set);

  CLI::App& app_;
  std::string group_;
};

// ---- flags of several commands

void add_out(Flags& flags);
/// The same for every command: the language of the built-in corpus.
void add_to(Flags& flags);
void add_model(Flags& flags);
void add_seed(Flags& flags);
void add_run(Flags& flags);  // epochs and seed
void add_threads(Flags& flags);
void add_corpus(Flags& flags);
/// How files become tokens.
void add_tokens(Flags& flags);
/// What the model is made of.
void add_transformer(Flags& flags);

/// UsageError unless the flags PREFIXpairs, PREFIXsource and PREFIXtarget name a corpus in one way.
void check_files(const std::string& pairs, const std::string& source, const std::string& target,
                 const std::string& prefix);
/// UsageError for flags about files when there are none, and the other way round; and for flags about tokens
/// that do not go together.
void check_corpus_flags(const Flags& flags);
/// The pieces that a choice such as "unigram:8000" or "bpe:4000" asks for; nothing for the name of a
/// tokeniser that needs not learn anything. UsageError, naming the flag, when the number is none.
std::optional<text::SubwordOptions> learnt_pieces(const std::string& choice, const std::string& flag = "");

/// UsageError unless width and heads, and the ways of cutting both languages, fit together.
void check_model(const Options& options);

}  // namespace attune::examples
