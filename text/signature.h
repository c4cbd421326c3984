#pragma once

#include <cstddef>
#include <string>

// What all scores have in common: one hypothesis for one reference, and a signature.

namespace attune::text {

/// A signature in the form of sacreBLEU's, `what` between case and version:
/// nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:attune-0.1.0
std::string score_signature(bool lowercase, const std::string& what);

/// ValueError of `op` unless there are as many hypotheses as references, and at least one.
void check_sentences(const char* op, std::size_t hypotheses, std::size_t references);

}  // namespace attune::text
