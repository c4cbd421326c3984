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
  /// Sentences are decoded together up to this many tokens, and so many more lines are looked at to find
  /// sentences of one length.
  Index batch_tokens = 4096;
};

/// A translation of a line. The numbers are those of text::Hypothesis, and 0 without a beam.
struct Answer {
  std::string text;
  double log_probability = 0;
  double score = 0;
};

/// For each line its translations, the best first: a single one, or the n best of a beam search. An empty
/// line has one empty translation. When sampling, line i takes its chances from stream first_line + i.
std::vector<std::vector<Answer>> translate_lines(const Translator& translator,
                                                 const std::vector<std::string>& lines,
                                                 const Decoding& decoding, std::uint64_t first_line = 0,
                                                 Translator::Report* report = nullptr);

}  // namespace attune::examples
