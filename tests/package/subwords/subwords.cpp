#include <cstdio>

#include "text/sentencepiece.h"

int main() {
  using namespace attune::text;
  const auto tokenizer =
      SentencePieceTokenizer::train({"dort", "dort", "port"}, {.kind = SubwordKind::bpe, .size = 12});
  for (const std::string& piece : tokenizer.split("porte")) std::printf("%s ", piece.c_str());
}
