#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "examples/translator/grammar.h"

/// The built-in corpus: pairs drawn from the grammar, and the word-by-word baseline that it defeats.
namespace attune::examples {

struct Corpus {
  std::vector<Example> train, held_out;
};

/// Distinct pairs, the same for the same arguments on every platform.
///
/// About one in twenty of all combinations of a noun with an adjective, and of a noun with the verb it serves
/// as subject or object, is reserved (always the same ones): no training pair contains any of them, and every
/// held-out pair contains at least one. No sentence, English or French, is in both sets, and every word of
/// the held-out set, on both sides, is in the training set.
///
/// Throws std::invalid_argument if a count is negative or beyond max_pairs, or there are held-out but no
/// training pairs.
Corpus make_corpus(std::uint64_t seed, int train_pairs, int held_out_pairs);

/// Far fewer than the grammar can say, so that distinct sentences are found fast.
inline constexpr int max_pairs = 5'000'000;

/// The best word-by-word dictionary: for every English word the French word it is most often aligned with (""
/// if it is most often aligned with none). Estimated from the true alignments, so no real estimate does
/// better.
using Dictionary = std::unordered_map<std::string, std::string>;
Dictionary make_dictionary(const std::vector<Example>& examples);

/// Replaces every word in its place; words that are not in the dictionary stay as they are.
std::string translate_word_by_word(const Dictionary& dictionary, const std::string& source);

}  // namespace attune::examples
