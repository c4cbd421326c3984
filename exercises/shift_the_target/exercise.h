// 7.1 What the decoder reads and what it must say: the target, shifted by one.
//
// `sentences` are lists of ids, without <s> and </s>, of different lengths. Return two matrices (B, T), where
// T is the length of the longest sentence and one more:
//
//   reads   <s> y1 y2 … yn            filled with <pad> at the end
//   says    y1 y2 … yn </s>           filled with <pad> at the end
//
// The ids of the specials are text::Vocabulary::start, ::end and ::pad; Indices::full makes a matrix of one
// number, and m.at(row, column) = id writes into it (tensor/indices.h).

#include "exercises/exercise.h"

using namespace attune;

struct Shifted {
  Indices reads, says;
};

inline Shifted shift_the_target(const std::vector<std::vector<std::int32_t>>& sentences) {
  throw Unsolved("shift_the_target");
}
