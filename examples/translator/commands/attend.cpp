#include <iostream>
#include <sstream>

#include "examples/translator/commands/command.h"
#include "examples/translator/commands/corpora.h"
#include "examples/translator/picture.h"

namespace attune::examples {
namespace {

void add_attend(Flags& flags) {
  Options& options = flags.options;
  flags.words("sentence", options.sentence, "what to translate, between quotation marks");
  add_to(flags);
  add_model(flags);
  flags.number<std::size_t>("--layer", 1, 256, "the decoder layer, counted from 1 [the last]",
                            [&options](std::size_t layer) { options.layer = layer; });
  flags.number<std::size_t>("--head", 1, 1024,
                            "the head to show here, counted from 1 [the mean of all heads]",
                            [&options](std::size_t head) { options.head = head; });
  flags.text("--svg", "file", options.svg, "where the picture of all heads is written [" + options.svg + "]");
  add_threads(flags);
}

void check_attend(Flags& flags) {
  if (flags.options.sentence.empty())
    fail<UsageError>(
        "attend: no sentence was given: write translator attend 'the black cat sees the small dog.'");
}

// The sentence as translate would read it: one line, repaired.
std::string read_sentence(const std::string& text) {
  std::istringstream in(text);
  text::LineReader reader(in);
  std::string sentence, more;
  reader.next(sentence);
  while (reader.next(more))
    if (!more.empty()) fail<ValueError>("attend: it draws one sentence: give a single line");
  report_repairs("attend", reader.report());
  return sentence;
}

// The number that was given, counted from 0; `otherwise` where none was.
std::size_t chosen(const char* what, std::size_t given, std::size_t count, std::size_t otherwise) {
  if (given > count)
    fail<ValueError>("attend: there is no ", what, " ", given, ": the decoder of this model has ", what,
                     count == 1 ? " 1 only" : "s 1 to " + std::to_string(count), ": give --", what,
                     " one that is there, or leave it out");
  return given == 0 ? otherwise : given - 1;
}

int run_attend(Options& options) {
  constexpr std::size_t most = 100;  // tokens that a picture has room for
  const Translator translator = Translator::load(options.model);
  if (!options.to.empty()) require_language(translator, options.to, options.model);
  require_attention(translator, options.model, "attend", "--model");
  const nn::TransformerSettings& settings = translator.model.settings;
  const auto layers = static_cast<std::size_t>(settings.decoder_layers);
  const auto heads = static_cast<std::size_t>(settings.heads);
  const std::size_t layer = chosen("layer", options.layer, layers, layers - 1);
  const std::size_t head = chosen("head", options.head, heads, heads);

  const std::string sentence = read_sentence(options.sentence);
  const std::size_t count = translator.source.tokenizer->split(sentence).size();
  if (count == 0) fail<ValueError>("attend: there is no word in this sentence: give one with words");
  if (count > most)
    fail<ValueError>("attend: a sentence of ", count, " tokens is too long to draw: give one of at most ",
                     most);
  Translator::Report report;
  const Attended attended = translate_and_look(translator, sentence, &report);
  const Tensor& weights = attended.maps.layers[layer];  // (H, T, S)
  std::cout << sentence << "\n  " << attended.translation << "\n\nWhat it looked at while writing ("
            << (head < heads ? "head " + std::to_string(head + 1) + " of " + std::to_string(heads)
                             : "mean of the " + std::to_string(heads) + " heads")
            << ", decoder layer " << layer + 1 << " of " << layers << "):\n\n";
  io::print_heat_map(
      std::cout, heat_map(attended.maps,
                          head < heads ? select(weights, 0, static_cast<Index>(head)) : mean(weights, 0)));
  const std::filesystem::path svg = options.svg;
  std::error_code problem;  // if there is one, so has the writing, with its reason
  if (svg.has_parent_path()) std::filesystem::create_directories(svg.parent_path(), problem);
  write_attention_picture(svg, translator, attended.maps, layer);
  std::cout << "\nAll heads of this layer: " << options.svg << '\n' << std::flush;
  if (!std::cout) fail<FileError>("attend: the output cannot be written: is the disk full?");
  report_unknown("attend", report.unknown_words);
  return 0;
}

}  // namespace

const Command attend_command{
    .name = "attend",
    .summary = "show what the model looks at while it translates",
    .footer =
        "\nPrints the attention of one decoder layer and writes it, head by head, as SVG.\n\n"
        "  translator attend 'the black cat sees the small dog.' --head 2",
    .add_flags = add_attend,
    .set_defaults = nullptr,
    .check = check_attend,
    .run = run_attend,
    .aside = nullptr,
};

}  // namespace attune::examples
