// 5.2 Count the parameters of a Transformer by hand.
//
// Given its settings (nn/transformer.h), return how many numbers training changes. docs/transformer.md,
// "Counting", counts one. Mind three things that the settings decide: how many embeddings there are, how many
// norms, and that encoder and decoder may have different numbers of layers.
//
// Before you run it: which of the settings make no difference at all?

#include "exercises/exercise.h"

using namespace attune;

inline Index count_parameters(const nn::TransformerSettings& settings) {
  throw Unsolved("count_parameters");
}
