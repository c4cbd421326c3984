// 7.2 The n-gram precision of a corpus, as BLEU counts it.
//
// Sentence i of `hypotheses` is to be compared with sentence i of `references`. Return
//
//   p_n = Σ_sentences Σ_ngrams min(count in hypothesis, count in reference) / Σ_sentences (n-grams in
//   hypothesis)
//
// and 0 where there is no n-gram at all. An n-gram is a run of n tokens; a sentence of fewer than n has none.
// (text/README.md, "BLEU, by hand". Look into text/ngrams.cpp only afterwards.)
//
// What should "the the the" earn against "the cat"? And is the precision of two sentences the mean of theirs?

#include "exercises/exercise.h"

using namespace attune;

inline double ngram_precision(const std::vector<text::Tokens>& hypotheses,
                              const std::vector<text::Tokens>& references, std::size_t n) {
  throw Unsolved("ngram_precision");
}
