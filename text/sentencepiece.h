#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"
#include "text/vocabulary.h"

// Subword units that are learnt from the text itself, by SentencePiece (Kudo & Richardson 2018): frequent
// words are one piece, rare ones several, and no language needs rules of its own, since a space is a
// character like any other, written ▁:
//
//   the translator translates.     ▁the ▁transl ator ▁transl ates .
//
//   unigram   a probability for every piece; a line is cut where the product of its pieces' is largest
//             (Kudo 2018, "Subword Regularization", section 3.2)
//   bpe       pieces that grew by joining the most frequent neighbours; a line is cut by joining in the same
//             order (Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units",
//             section 3.2)
//
// Text is not normalised: neither NFKC (which would make ， a , in Chinese) nor small letters. The only
// changes are those that every tokeniser here makes: invalid UTF-8 becomes U+FFFD, and runs of ASCII white
// space one space, none at the ends; a ▁ (U+2581) of the text is such white space too. Otherwise
// join(split(line)) is the line, also for characters that no piece has.
//
// Left out: sampling one of several ways to cut a line (Kudo 2018), pieces of bytes for unknown characters,
// models that were trained elsewhere.

namespace attune::text {

enum class SubwordKind { unigram, bpe };

struct SubwordOptions {
  SubwordKind kind = SubwordKind::unigram;
  std::int32_t size = 8000;       // of the vocabulary, its four specials included
  double character_coverage = 1;  // 0.98 to 1: of the text; the rarest characters beyond it are unknown
};

class SentencePieceTokenizer : public Tokenizer {
 public:
  /// Learns the pieces from lines of text, of one language or of several (a joint model). The same lines and
  /// options give the same bytes. One thread, about 6 s for 60,000 lines; writes nothing to the terminal.
  ///
  /// A line longer than 8192 bytes counts as several, and NUL bytes and the character ▅ (U+2585), which
  /// SentencePiece uses itself, as spaces.
  ///
  /// ValueError for options out of range, when there is no text, when `size` has no room for the characters,
  /// and when the text does not give that many pieces: it then says how many it gives.
  static SentencePieceTokenizer train(const std::vector<std::string_view>& lines,
                                      const SubwordOptions& options = {});

  /// Reads what `save` wrote, from a file or from memory; `name` is what errors call it. The last bytes are a
  /// checksum: FileError for anything that is not, to the last bit, what was written.
  static SentencePieceTokenizer load(const std::filesystem::path& path);
  static SentencePieceTokenizer parse(std::string_view bytes, const std::string& name);

  /// Writes a model of SentencePiece, which its own programs can read too (the checksum is a field that they
  /// do not know and skip). Written aside and renamed.
  void save(const std::filesystem::path& path) const;
  const std::string& to_bytes() const;

  SubwordKind kind() const;

  /// Every piece, the most frequent of a unigram model first, those of BPE in the order of their joining, and
  /// the characters last. What is in no piece has no id: unknown.
  Vocabulary vocabulary() const;

  /// "sentencepiece-unigram" or "sentencepiece-bpe". (`bpe` is text that another program has cut.)
  std::string name() const override;

  /// Safe to call from several threads at once. Neighbouring characters that are in no piece are one token.
  Tokens split(std::string_view line) const override;
  std::string join(const Tokens& tokens) const override;

  /// False when the library was built without SentencePiece (ATTUNE_SENTENCEPIECE=OFF): `train`, `load` and
  /// `parse` then throw an Error that says so.
  static bool available();

 private:
  struct Model;
  explicit SentencePieceTokenizer(std::shared_ptr<const Model> model);

  std::shared_ptr<const Model> model_;  // shared by copies; never changed
};

}  // namespace attune::text
