// Subwords: any bytes that are read as a model end in a FileError, unless they are the model that was
// written; and with a model of either kind any line is cut into pieces that join to what the header promises.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "io/unicode.h"
#include "tensor/error.h"
#include "tests/fuzz/support.h"
#include "text/sentencepiece.h"
#include "text/utf8.h"

using namespace attune;
using namespace attune::text;
using fuzz::expect;

namespace {

const SentencePieceTokenizer& model(SubwordKind kind) {
  const auto train = [](SubwordKind of) {
    return SentencePieceTokenizer::train(
        {"the cat sees the dog", "le chat voit le chien, l'été", "我看见一只猫。"}, {.kind = of, .size = 31});
  };
  static const SentencePieceTokenizer unigram = train(SubwordKind::unigram), bpe = train(SubwordKind::bpe);
  return kind == SubwordKind::unigram ? unigram : bpe;
}

void read_as_file(std::string_view bytes) {
  try {
    const SentencePieceTokenizer read = SentencePieceTokenizer::parse(bytes, "input");
    expect(bytes == model(read.kind()).to_bytes(), "only what was written is read");
  } catch (const FileError& error) {
    expect(std::strlen(error.what()) < 1000, "errors are short");
    expect(io::find_invalid_utf8(error.what()) == std::string_view::npos, "errors are UTF-8");
  }
}

// What `split` and `join` keep of a line: all but invalid bytes and the kind and number of spaces.
std::string kept(std::string_view line) {
  std::string text;
  for (const std::string_view c : characters(line)) text += c == CharacterTokenizer::visible_space ? " " : c;
  std::string words;
  for (const std::string_view word : split_at_white_space(text)) {
    if (!words.empty()) words += ' ';
    words += word;
  }
  return words;
}

void cut(std::string_view line, SubwordKind kind) {
  const SentencePieceTokenizer& tokenizer = model(kind);
  const Tokens pieces = tokenizer.split(line);
  for (const std::string& piece : pieces)
    expect(!piece.empty() && split_at_white_space(piece).size() == 1 &&
               split_at_white_space(piece)[0].size() == piece.size(),
           "pieces are not empty and hold no white space");
  expect(tokenizer.join(pieces) == kept(line), "pieces join to the line");
  static const Vocabulary vocabularies[] = {model(SubwordKind::unigram).vocabulary(),
                                            model(SubwordKind::bpe).vocabulary()};
  for (const std::int32_t id : vocabularies[kind == SubwordKind::bpe].encode(pieces))
    expect(id == Vocabulary::unknown || id >= Vocabulary::special_count, "no text makes a special token");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  fuzz::plant_seeds(*argc, *argv,
                    {model(SubwordKind::unigram).to_bytes(), model(SubwordKind::bpe).to_bytes(),
                     "the cat  voit\tl'été, <s> 嗨 ▁ 猫 </s>\xFF"});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_as_file(bytes);
  cut(bytes, SubwordKind::unigram);
  cut(bytes, SubwordKind::bpe);
  return 0;
}
