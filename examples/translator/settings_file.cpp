#include "examples/translator/settings_file.h"

#include <charconv>
#include <set>
#include <sstream>

#include "examples/translator/flags.h"
#include "io/unicode.h"
#include "text/utf8.h"

namespace attune::examples {
namespace {

std::string trimmed(const std::string& text) {
  constexpr const char* spaces = " \t\r";
  const std::size_t begin = text.find_first_not_of(spaces);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

// Lines of settings, and which names they have.
class Lines {
 public:
  void comment(const std::string& text) { text_ += "# " + text + "\n"; }
  void heading(const std::string& text) { text_ += "\n# " + text + "\n"; }
  void add(const std::string& name, const std::string& value) {
    text_ += name + " = " + value + "\n";
    names_.insert(name);
  }
  // The shortest digits that are read as the same number.
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void add(const std::string& name, Number value) {
    char digits[40];
    add(name, std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr));
  }
  // What is off without it, and is then left out.
  template <class Value>
  void add_if(const std::string& name, const Value& value, const std::string& otherwise) {
    if (value != Value{})
      add(name, value);
    else
      comment(name + ": " + otherwise);
  }
  bool has(const std::string& name) const { return names_.count(name) > 0; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::set<std::string> names_;
};

}  // namespace

std::vector<SettingsLine> parse_settings(const std::string& text, const std::string& file) {
  std::vector<SettingsLine> settings;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const std::string content = trimmed(line);
    if (content.empty() || content[0] == '#') continue;
    const std::size_t equals = content.find('=');
    SettingsLine setting{trimmed(content.substr(0, equals)), "", number};
    if (equals != std::string::npos) setting.value = trimmed(content.substr(equals + 1));
    if (equals == std::string::npos || setting.name.empty())
      fail<UsageError>(file, ":", number, ": ", io::show_name(content), " is no setting: write name = value");
    if (setting.value.empty())
      fail<UsageError>(file, ":", number, ": ", io::show_name(setting.name),
                       " has no value: write one, or take the line out");
    for (const SettingsLine& earlier : settings)
      if (earlier.name == setting.name)
        fail<UsageError>(file, ":", number, ": ", io::show_name(setting.name), " stands in line ",
                         earlier.line, " already: give it once");
    settings.push_back(setting);
  }
  return settings;
}

std::string settings_text(const Options& o) {
  const TrainingSettings& t = o.training;
  const nn::TransformerSettings& m = t.model;
  Lines lines;
  lines.comment(
      "The settings of a training. Repeat it:  ./run translator train --settings FILE --out FOLDER");

  lines.heading("Corpus");
  if (!o.names_corpus()) {
    lines.add("to", o.language().code());
  } else {
    lines.add_if("pairs", o.pairs, "two files instead");
    lines.add_if("source", o.source, "one file instead");
    lines.add_if("target", o.target, "one file instead");
    lines.add_if("validation-pairs", o.validation_pairs, "none");
    lines.add_if("validation-source", o.validation_source, "none");
    lines.add_if("validation-target", o.validation_target, "none");
    lines.add_if("validation", o.validation_count.value_or(0),
                 o.names_validation() ? "none is held out" : "1000, or a tenth of a smaller corpus");
    lines.add("source-tokens", o.source_tokens);
    lines.add("target-tokens", o.target_tokens);
    const bool source_learnt = learnt_pieces(o.source_tokens).has_value();
    const bool target_learnt = learnt_pieces(o.target_tokens).has_value();
    if (o.joint) lines.add("joint", "yes");
    if (source_learnt || target_learnt) lines.add("character-coverage", o.character_coverage);
    if (!source_learnt || !target_learnt) {
      lines.add("min-count", o.min_count);
      lines.add("max-vocabulary", o.max_vocabulary);
    }
    lines.add("max-length", o.max_length);
    if (m.share_embeddings) lines.add("share-embeddings", "yes");
  }

  lines.heading("Model");
  lines.add("width", m.width);
  lines.add("hidden", m.hidden);
  lines.add("heads", m.heads);
  lines.add("layers", m.encoder_layers);
  lines.add("norm", m.norm == nn::NormPlacement::pre ? "pre" : "post");
  lines.add("dropout", m.dropout);
  lines.add_if("baseline", o.baseline, "none");

  lines.heading("Training");
  lines.add("seed", t.seed);
  lines.add("epochs", t.epochs);
  lines.add_if("steps", t.steps, "as the epochs have");
  lines.add_if("minutes", t.minutes, "no limit");
  lines.add_if("patience", t.patience, "no limit");
  lines.add("keep-best-by", t.keep_best_by == KeepBestBy::bleu ? "bleu" : "loss");
  lines.add("batch-tokens", t.batch_tokens);
  lines.add("accumulate", t.accumulate);
  lines.add("rate", t.rate);
  lines.add("warmup", t.warmup);
  lines.add("schedule", t.schedule == RateSchedule::cosine ? "cosine" : "inverse-square-root");
  lines.add("beta1", t.beta1);
  lines.add("beta2", t.beta2);
  lines.add("label-smoothing", t.label_smoothing);
  lines.add("clip", t.clip);

  lines.heading("Checkpoints");
  lines.add("save-every", t.save_every);
  lines.add_if("save-every-steps", t.save_every_steps, "by the clock alone");
  lines.add("keep", t.keep);
  lines.add("average", t.average);

  // What else was given on the command line. Where to write and with how many threads is no setting.
  for (const auto& [flag, value] : o.given_text) {
    const std::string name = flag.substr(2);
    if (lines.has(name) || name == "out" || name == "model" || name == "threads" || name == "settings" ||
        name == "overwrite")
      continue;
    lines.add(name, value);
  }
  return lines.text();
}

}  // namespace attune::examples
