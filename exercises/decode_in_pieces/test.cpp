#include EXERCISE

#include <doctest/doctest.h>

namespace {

// The first position at which the pieces give another result than the whole sequence, or -1. (B, T, C) = (2,
// 6, 8).
Index first_difference(Index piece) {
  Rng rng(1);
  const nn::MultiHeadAttention layer(8, 2, rng);
  const Tensor x = normal({2, 6, 8}, 0, 1, rng);
  nn::Pass pass;
  const Tensor at_once = layer(x, x, Mask::causal(), pass).value();
  const Tensor in_pieces = decode_in_pieces(layer, x, piece).value();
  REQUIRE(in_pieces.shape() == at_once.shape());
  for (Index t = 0; t < 6; ++t)
    if (difference(select(in_pieces, 1, t), select(at_once, 1, t)) > 1e-5) return t;
  return -1;
}

}  // namespace

TEST_CASE("one piece is the whole sequence") {
  const Index t = first_difference(6);
  CHECK_MESSAGE(
      t == -1, "position ", t,
      " differs already with one piece. There is no cache yet, so only the mask can be wrong: it must "
      "be causal, and its query 0 stand at position 0");
}

TEST_CASE("pieces of any size give what the whole sequence gives") {
  for (const Index piece : {1, 2, 4, 5}) {
    const Index t = first_difference(piece);
    std::string hint;
    if (t < piece)
      hint = ": inside a piece there is still a future, and position " + std::to_string(t) +
             " sees the next one. (Or the first piece is told that it begins further on.)";
    else if (t > piece)
      hint = ": the third piece does not begin at `piece`";
    else
      hint =
          ", which begins the second piece: which keys may its query see, and how would the mask know? "
          "docs/transformer.md, \"The decoder, writing\"";
    REQUIRE_MESSAGE(t == -1, "with pieces of ", piece, " position ", t, " is the first that differs", hint);
  }
}
