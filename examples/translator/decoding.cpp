#include "examples/translator/decoding.h"

namespace attune::examples {

std::vector<std::vector<Answer>> translate_lines(const Translator& translator,
                                                 const std::vector<std::string>& lines,
                                                 const Decoding& decoding, std::uint64_t first_line,
                                                 Translator::Report* report) {
  std::vector<text::TokenIds> sentences;
  for (const std::string& line : lines) sentences.push_back(translator.read(line, report));
  std::vector<std::vector<Answer>> results(lines.size());
  if (decoding.way == Decoding::Way::beam) {
    const auto found = text::beam_search(translator.model, sentences, decoding.batch_tokens, decoding.beam);
    for (std::size_t i = 0; i < found.size(); ++i)
      for (const text::Hypothesis& hypothesis : found[i])
        results[i].push_back(
            {translator.target.decode(hypothesis.tokens), hypothesis.log_probability, hypothesis.score});
    return results;
  }
  const auto found =
      decoding.way == Decoding::Way::greedy
          ? text::greedy_search(translator.model, sentences, decoding.batch_tokens)
          : text::sample(translator.model, sentences, decoding.batch_tokens, decoding.sampling, first_line);
  for (std::size_t i = 0; i < found.size(); ++i) results[i] = {{translator.target.decode(found[i])}};
  return results;
}

}  // namespace attune::examples
