// 8.2 Write the smallest number of a run as a kernel, with its rest and its NaN.
//
// `B` is a batch of B::size numbers. What it can do, with x and y batches and p a pointer to numbers:
//
//   B::load_unaligned(p)     reads B::size numbers that begin at p: all of them, so they must all be there
//   x.store_unaligned(p)     writes them
//   B(7)                     7 in every lane
//   min(x, y)                the smaller one in each lane. As on the processor: y where either of them is NaN
//   x + y, x * y             in each lane
//
// Return the smallest of the n numbers at x, +∞ for n = 0, and NaN if there is a NaN anywhere among them.
// Work in batches: the test counts loads, and allows n / B::size of them and two more. Read nothing outside
// of the run.
//
// Hints. The rest, fewer than B::size numbers, goes through a small buffer; what must stand in the lanes
// behind it, so that they change nothing? And min forgets a NaN on one side: but 0 · v is 0 for every finite
// v and NaN for NaN, and a sum that has met NaN stays NaN. (0 · ∞ is NaN as well. The test has no infinity
// among its numbers; do you?) None of these reads a single lane: at the end, store the batch into an array
// of B::size numbers and go through that in a plain loop.

#include "exercises/exercise.h"

using namespace attune;

template <class B>
Scalar smallest(const Scalar* x, std::size_t n) {
  throw Unsolved("smallest");
}
