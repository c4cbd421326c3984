#pragma once

#include "examples/translator/translator.h"

// From lines to translations, found in one way or another.

namespace attune::examples {

/// How a translation is found: see text/search.h.
struct Decoding {
  enum class Way { greedy, beam, sampling };
  Way way = Way::greedy;
  text::BeamOptions beam = {};
  text::SamplingOptions sampling = {};
  Index batch_tokens = 2048;  // of sentences that are decoded together, each hypothesis counted
};

/// For each sentence its translations as ids, the best first: a single one, or the n best of a beam search.
/// Their scores are 0 without a beam. When sampling, sentence i takes its chances from stream first + i.
std::vector<std::vector<text::Hypothesis>> find_translations(const Translator& translator,
                                                             const std::vector<text::TokenIds>& sentences,
                                                             const Decoding& decoding,
                                                             std::uint64_t first = 0);

/// A translation of a line. The numbers are those of text::Hypothesis.
struct Answer {
  std::string text;
  double log_probability = 0;
  double score = 0;
};

/// The same for lines of text; an empty line has one empty translation.
std::vector<std::vector<Answer>> translate_lines(const Translator& translator,
                                                 const std::vector<std::string>& lines,
                                                 const Decoding& decoding, std::uint64_t first = 0,
                                                 Translator::Report* report = nullptr);

}  // namespace attune::examples
