#pragma once

// From what a model says of the next token to a whole translation. Three ways:
//
//   greedy_search   always the likeliest next token
//   beam_search     the best of several translations that grow side by side; n-best lists
//   sample          by chance, as likely as the model says
//
// All of them decode batches of sentences with a cache of keys and values, so that each step computes one
// position; sentences that have come to their end leave the batch. None ever gives <pad> or <s>. They work
// under NoGradient and only read the model, so threads may share it.
//
// What a sentence becomes does not depend on the batch that it stands in, but for the last bits of its scores
// (tensor/gemm.h), which decide where two translations are as good as equal. It never depends on the number
// of threads.

#include "text/beam_search.h"
#include "text/greedy_search.h"
#include "text/sampling.h"
