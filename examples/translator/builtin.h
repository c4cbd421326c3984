#pragma once

#include "examples/translator/corpus.h"
#include "examples/translator/decoding.h"
#include "examples/translator/scores.h"
#include "examples/translator/train.h"

// The tour's side of things: the built-in corpus as training data, and what a model trained on it attends to.

namespace attune::examples {

inline constexpr std::uint64_t corpus_seed = 1;
inline constexpr int training_pairs = 90'000;
inline constexpr int held_out_pairs = 1'000;
inline constexpr const char* builtin_corpus = "built-in";  // its name in the notes of a translator

/// What a translator of the built-in corpus notes down of its training.
std::map<std::string, std::string> builtin_notes(const TargetLanguage& language, std::uint64_t seed);
/// The language that a translator of the built-in corpus writes, as its notes say; null for other corpora.
const TargetLanguage* language_of(const Translator& translator);
/// ValueError unless the translator from `folder` writes the language with this code.
void require_language(const Translator& translator, const std::string& code, const std::string& folder);
/// ValueError of `command` unless the translator from `folder`, which `flag` names, has attention to show.
void require_attention(const Translator& translator, const std::string& folder, const std::string& command,
                       const std::string& flag);

/// The model of the tour, and how it is trained: in about a minute on two cores.
TrainingSettings tour_settings();

/// An untrained translator with the vocabularies of the built-in corpus.
Translator make_builtin_translator(const Corpus& corpus, TrainingSettings& settings);
/// Its pairs as ids; validation is the held-out set, which training never sees.
TrainingData encode_builtin(const Translator& translator, const Corpus& corpus);

struct Score {
  double exact = 0;  // the share that is right to the letter, 0 to 1
  text::Bleu bleu;   // of tokens, pieces of words joined
  std::vector<std::string> translations;
  ScoredText output, wanted;  // the same as text and as tokens, for other scores
};
Score score_pairs(const Translator& translator, const std::vector<std::string>& sources,
                  const std::vector<std::string>& references);
Score score_held_out(const Translator& translator, const Corpus& corpus);

/// The share of held-out sentences that a word-by-word dictionary translates exactly.
double dictionary_score(const Corpus& corpus);

/// What the cross-attention looked at while translating one pair: one matrix (T, S) per head of each layer,
/// the layers one after the other, with its labels. Row j is the moment when target token j was chosen.
struct AttentionMaps {
  std::vector<std::string> source_tokens, target_tokens;
  std::vector<Tensor> layers;  // (H, T, S) each
};
AttentionMaps attention_maps(const Translator& translator, const std::string& source,
                             const std::string& target);

/// The model's own translation of a sentence, the first where there are more, and what it looked at
/// meanwhile. The label of the last row is
/// </s>, or … where the search came to its limit before the model ended the sentence.
struct Attended {
  std::string translation;
  AttentionMaps maps;
  std::vector<Answer> answers = {};  // all that were asked for, the best first
};
Attended translate_and_look(const Translator& translator, const std::string& source,
                            Translator::Report* report = nullptr, const Decoding& decoding = {});

/// For each decoder layer, the share of the crossings (in French, noun-adjective pairs with a different
/// order) for which the cross-attention, averaged over the heads, is largest at the right source word, for
/// both words.
struct AttentionScore {
  std::vector<double> layers;
  int pairs = 0;
  std::size_t clearest() const;
};
AttentionScore score_attention(const Translator& translator, const Corpus& corpus);

}  // namespace attune::examples
