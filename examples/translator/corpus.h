#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "examples/translator/french.h"

/// The built-in corpus: pairs drawn from the grammar, and the word-by-word baseline that it defeats.
namespace attune::examples {

struct Corpus {
  std::vector<Example> train, held_out;
  const TargetLanguage* language = &french();
};

/// Distinct pairs, the same for the same arguments on every platform. The English sentences are the same for
/// every language.
///
/// About one in twenty of all combinations of a noun with an adjective, and of a noun with the verb it serves
/// as subject or object, is reserved (always the same ones): no training pair contains any of them, and every
/// held-out pair contains at least one. No sentence of either language is in both sets, and every word of
/// the held-out set, on both sides, is in the training set.
///
/// Throws std::invalid_argument if a count is negative or beyond max_pairs, or there are held-out but no
/// training pairs.
Corpus make_corpus(std::uint64_t seed, int train_pairs, int held_out_pairs,
                   const TargetLanguage& language = french());

/// Far fewer than the grammar can say, so that distinct sentences are found fast.
inline constexpr int max_pairs = 5'000'000;

/// The best word-by-word dictionary: for every English word the word it is most often aligned with ("" if it
/// is most often aligned with none). Estimated from the true alignments, so no real estimate does better.
/// Where tokens are characters, those that stand side by side for the same English word are one word.
struct Dictionary {
  std::unordered_map<std::string, std::string> words;
  const TargetLanguage* language = &french();
};
Dictionary make_dictionary(const Corpus& corpus);

/// Replaces every word in its place; words that are not in the dictionary stay as they are.
std::string translate_word_by_word(const Dictionary& dictionary, const std::string& source);

}  // namespace attune::examples
