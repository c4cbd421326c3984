#include "examples/translator/language.h"

#include <stdexcept>
#include <utility>

#include "examples/translator/chinese.h"
#include "examples/translator/french.h"

namespace attune::examples {

const std::vector<const TargetLanguage*>& target_languages() {
  static const std::vector<const TargetLanguage*> all = {&french(), &chinese()};
  return all;
}

const TargetLanguage& target_language(std::string_view code) {
  for (const TargetLanguage* language : target_languages())
    if (language->code() == code) return *language;
  throw std::out_of_range("target_language: there is no language \"" + std::string(code) + "\"");
}

Example render(const Sentence& sentence, const TargetLanguage& language) {
  const English english = write_english(sentence);
  Translation translation = language.write(sentence, english);
  Example example;
  example.pair = {english.text(), std::move(translation.text)};
  example.noun_adjectives = std::move(translation.noun_adjectives);
  example.alignment = std::move(translation.alignment);
  example.crossings = std::move(translation.crossings);
  example.combinations = combinations(sentence);
  return example;
}

}  // namespace attune::examples
