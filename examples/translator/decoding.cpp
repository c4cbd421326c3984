#include "examples/translator/decoding.h"

namespace attune::examples {

std::vector<std::vector<text::Hypothesis>> find_translations(const Translator& translator,
                                                             const std::vector<text::TokenIds>& sentences,
                                                             const Decoding& decoding, std::uint64_t first) {
  if (decoding.way == Decoding::Way::beam)
    return text::beam_search(translator.model, sentences, decoding.batch_tokens, decoding.beam);
  const std::vector<text::TokenIds> found =
      decoding.way == Decoding::Way::greedy
          ? text::greedy_search(translator.model, sentences, decoding.batch_tokens)
          : text::sample(translator.model, sentences, decoding.batch_tokens, decoding.sampling, first);
  std::vector<std::vector<text::Hypothesis>> results;
  for (const text::TokenIds& tokens : found) results.push_back({{tokens}});
  return results;
}

std::vector<std::vector<Answer>> translate_lines(const Translator& translator,
                                                 const std::vector<std::string>& lines,
                                                 const Decoding& decoding, std::uint64_t first,
                                                 Translator::Report* report) {
  std::vector<text::TokenIds> sentences;
  for (const std::string& line : lines) sentences.push_back(translator.read(line, report));
  std::vector<std::vector<Answer>> results;
  for (const std::vector<text::Hypothesis>& found :
       find_translations(translator, sentences, decoding, first)) {
    results.emplace_back();
    for (const text::Hypothesis& hypothesis : found)
      results.back().push_back(
          {translator.target.decode(hypothesis.tokens), hypothesis.log_probability, hypothesis.score});
  }
  return results;
}

}  // namespace attune::examples
