#include "examples/translator/corpus.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace attune::examples {
namespace {

/// About one combination in twenty, chosen by its number alone, whatever the seed.
bool reserved(const Combination& combination) {
  const std::uint64_t number = (static_cast<std::uint64_t>(combination.with) << 16) |
                               (static_cast<std::uint64_t>(combination.noun) << 8) | combination.partner;
  return Dice(number).below(20) == 0;
}

bool has_reserved(const std::vector<Combination>& found) {
  return std::any_of(found.begin(), found.end(), reserved);
}

/// FNV-1a. Sets of these numbers stand for sets of texts; two texts with one number would only cost a pair.
std::uint64_t fingerprint(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

using Fingerprints = std::unordered_set<std::uint64_t>;
using Words = std::unordered_set<std::string>;

bool all_known(const Words& words, const std::vector<std::string>& tokens) {
  return std::all_of(tokens.begin(), tokens.end(),
                     [&](const std::string& token) { return words.count(token) > 0; });
}

}  // namespace

Corpus make_corpus(std::uint64_t seed, int train_pairs, int held_out_pairs, const TargetLanguage& language) {
  if (train_pairs < 0 || held_out_pairs < 0 || train_pairs > max_pairs || held_out_pairs > max_pairs) {
    throw std::invalid_argument("make_corpus: the numbers of pairs must be between 0 and " +
                                std::to_string(max_pairs) + ": got " + std::to_string(train_pairs) + " and " +
                                std::to_string(held_out_pairs) + ": ask for fewer");
  }
  if (held_out_pairs > 0 && train_pairs == 0) {
    throw std::invalid_argument(
        "make_corpus: held-out pairs use only words of the training pairs: got no training pairs: ask for "
        "some");
  }

  const auto train_count = static_cast<std::size_t>(train_pairs);
  const auto held_out_count = static_cast<std::size_t>(held_out_pairs);
  Dice dice(seed);
  Corpus corpus;
  corpus.language = &language;
  Fingerprints sources;

  corpus.train.reserve(train_count);
  sources.reserve(train_count + held_out_count);
  while (corpus.train.size() < train_count) {
    const Sentence sentence = random_sentence(dice);
    if (has_reserved(combinations(sentence))) continue;
    Example example = render(sentence, language);
    if (!sources.insert(fingerprint(example.pair.source)).second) continue;
    corpus.train.push_back(std::move(example));
  }
  if (held_out_count == 0) return corpus;

  Words english, target;
  for (const Example& example : corpus.train) {
    for (std::string& token : tokenise(example.pair.source)) english.insert(std::move(token));
    for (std::string& token : language.split(example.pair.target)) target.insert(std::move(token));
  }
  // A reserved combination shows in the words of both languages, so no text of either can be in training too.
  corpus.held_out.reserve(held_out_count);
  while (corpus.held_out.size() < held_out_count) {
    const Sentence sentence = random_sentence(dice);
    if (!has_reserved(combinations(sentence))) continue;
    Example example = render(sentence, language);
    if (!all_known(english, tokenise(example.pair.source)) ||
        !all_known(target, language.split(example.pair.target)))
      continue;
    if (!sources.insert(fingerprint(example.pair.source)).second) continue;
    corpus.held_out.push_back(std::move(example));
  }
  return corpus;
}

Dictionary make_dictionary(const Corpus& corpus) {
  const TargetLanguage& language = *corpus.language;
  // English word → translation → how often; ordered, so that ties are the same everywhere.
  std::unordered_map<std::string, std::map<std::string, int>> counts;
  for (const Example& example : corpus.train) {
    const std::vector<std::string> source = tokenise(example.pair.source);
    const std::vector<std::string> target = language.split(example.pair.target);
    std::vector<char> aligned(source.size(), 0);
    for (std::size_t i = 0; i < target.size(); ++i) {
      const int at = example.alignment[i];
      if (at < 0) continue;
      std::string word = target[i];
      while (language.in_characters() && i + 1 < target.size() && example.alignment[i + 1] == at)
        word += target[++i];
      const std::size_t from = static_cast<std::size_t>(at);
      ++counts[source[from]][word];
      aligned[from] = 1;
    }
    for (std::size_t i = 0; i < source.size(); ++i) {
      if (!aligned[i]) ++counts[source[i]][""];
    }
  }
  Dictionary dictionary{{}, &language};
  for (const auto& [word, translations] : counts) {
    const auto best = std::max_element(translations.begin(), translations.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    dictionary.words[word] = best->first;
  }
  return dictionary;
}

std::string translate_word_by_word(const Dictionary& dictionary, const std::string& source) {
  std::vector<std::string> words;
  for (const std::string& token : tokenise(source)) {
    const auto entry = dictionary.words.find(token);
    const std::string& word = entry == dictionary.words.end() ? token : entry->second;
    if (!word.empty()) words.push_back(word);
  }
  return dictionary.language->join(words);
}

}  // namespace attune::examples
