#include "examples/translator/chat.h"

#include <charconv>
#include <cstdio>
#include <sstream>

#include "examples/translator/picture.h"
#include "io/unicode.h"

namespace attune::examples {
namespace {

constexpr std::size_t most_drawn = 60;  // tokens of a side: more is no picture any more

// "mean of the 4 heads, decoder layer 2 of 2"
std::string place(std::size_t head, std::size_t heads, std::size_t layer, std::size_t layers) {
  const std::string which = head == 0 ? "mean of the " + std::to_string(heads) + " heads"
                                      : "head " + std::to_string(head) + " of " + std::to_string(heads);
  return which + ", decoder layer " + std::to_string(layer) + " of " + std::to_string(layers);
}

// The whole number that is there, if it is one from `low` to `high`.
std::optional<std::size_t> number_in(const std::string& text, std::size_t low, std::size_t high) {
  std::size_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size() || number < low || number > high)
    return std::nullopt;
  return number;
}

}  // namespace

Chat::Chat(const Translator& translator, int width)
    : translator_(translator),
      width_(width),
      layer_(static_cast<std::size_t>(translator.model.settings.decoder_layers)) {
  decoding_.beam.beam = 1;
}

std::string Chat::help() const {
  const nn::TransformerSettings& settings = translator_.model.settings;
  const std::string layers = std::to_string(settings.decoder_layers), heads = std::to_string(settings.heads);
  return "  :layer N   look at decoder layer N, 1 to " + layers + "\n" +  //
         "  :head N    look at head N, 1 to " + heads + "; 0 for the mean of all\n" +
         "  :beam N    beam search with N hypotheses; 1 for greedy search\n"
         "  :best N    show the N best of the beam, with the mean log probability of a token\n"
         "  :help      this list\n"
         "  :quit      end; so does Ctrl-D\n"
         "A sentence that begins with a colon: put a space before it.\n";
}

std::optional<std::string> Chat::answer(const std::string& line) {
  if (!line.starts_with(':')) return translate(line);
  const std::size_t space = line.find(' ');
  const std::string command = line.substr(0, space);
  std::string value = space == std::string::npos ? "" : line.substr(space + 1);
  value.erase(0, value.find_first_not_of(' '));
  value.erase(value.find_last_not_of(' ') + 1);
  if (command == ":quit" || command == ":q") return std::nullopt;
  return obey(command, value);
}

std::string Chat::obey(const std::string& command, const std::string& value) {
  if (command == ":help") return help();
  const nn::TransformerSettings& settings = translator_.model.settings;
  std::size_t low = 1, high = 0;
  if (command == ":layer") high = static_cast<std::size_t>(settings.decoder_layers);
  if (command == ":head") low = 0, high = static_cast<std::size_t>(settings.heads);
  if (command == ":beam") high = 1000;
  if (command == ":best") high = static_cast<std::size_t>(decoding_.beam.beam);
  if (high == 0) return "There is no command " + io::show_name(command) + ": :help lists those that are.\n";
  const std::optional<std::size_t> number = number_in(value, low, high);
  if (!number)
    return command + " " + io::show_name(value) + ": give a whole number from " + std::to_string(low) +
           " to " + std::to_string(high) +
           (command == ":best" ? ", the width of the beam; :beam widens it.\n" : ".\n");

  if (command == ":beam" || command == ":best") {
    const auto count = static_cast<Index>(*number);
    text::BeamOptions& beam = decoding_.beam;
    if (command == ":beam")
      beam.beam = count, beam.n_best = std::min(beam.n_best, count);
    else
      beam.n_best = count;
    decoding_.way = beam.beam == 1 ? Decoding::Way::greedy : Decoding::Way::beam;
    return beam.beam == 1
               ? "Greedy search.\n"
               : "Beam search with " + std::to_string(beam.beam) + " hypotheses, of which " +
                     std::to_string(beam.n_best) + (beam.n_best == 1 ? " is" : " are") + " shown.\n";
  }
  (command == ":layer" ? layer_ : head_) = *number;
  if (latest_) return picture();  // the same sentence, seen from there
  return "Next: " +
         place(head_, static_cast<std::size_t>(settings.heads), layer_,
               static_cast<std::size_t>(settings.decoder_layers)) +
         ".\n";
}

std::string Chat::translate(const std::string& line) {
  const std::size_t count = translator_.source.tokenizer->split(line).size();
  if (count == 0) return "\n";
  Translator::Report report;
  std::string result;
  latest_.reset();
  std::vector<Answer> answers;
  const bool has_attention =
      translator_.model.settings.source_view == nn::SourceView::attention;  // else there is nothing to show
  if (has_attention && count <= most_drawn) {
    Attended attended = translate_and_look(translator_, line, &report, decoding_);
    answers = std::move(attended.answers);
    if (attended.maps.target_tokens.size() <= 2 * most_drawn) latest_ = std::move(attended.maps);
  } else {
    answers = translate_lines(translator_, {line}, decoding_, 0, &report).front();
  }
  for (const Answer& found : answers) {
    char score[32] = "";
    if (answers.size() > 1) std::snprintf(score, sizeof score, "%7.3f  ", found.score);
    result += score + found.text + '\n';
  }
  if (report.cut_lines > 0)
    result += "Only the first " + std::to_string(Translator::longest) + " tokens were read.\n";
  if (!report.unknown_words.empty()) {
    result += "Unknown to the model:";
    for (const auto& [word, times] : report.unknown_words) result += " " + io::show_name(word);
    result += '\n';
  }
  if (latest_) return result + '\n' + picture();
  return result + (has_attention ? "Too long to draw.\n" : "");
}

std::string Chat::picture() const {
  const Tensor& weights = latest_->layers[layer_ - 1];  // (H, T, S)
  std::ostringstream out;
  io::print_heat_map(
      out,
      heat_map(*latest_, head_ > 0 ? select(weights, 0, static_cast<Index>(head_ - 1)) : mean(weights, 0)),
      {.text_width = width_});
  out << "  " << place(head_, static_cast<std::size_t>(weights.size(0)), layer_, latest_->layers.size())
      << "\n\n";
  return out.str();
}

}  // namespace attune::examples
