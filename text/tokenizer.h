#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

// A tokeniser cuts a line of text into tokens and joins tokens to text again. Which one a model was trained
// with is part of the model: it is saved by name and made again by `make_tokenizer(name)`.
//
//   name          "does he see it?" becomes     made for
//   space         does he see it?               text that is tokenised already
//   bpe           does he see it?               the same, in pieces: `pul@@ ley` joins to `pulley`
//   word          does he see it ?              sentences of languages that put spaces between words
//   word-french   does he see it ?              the same, joined the French way: `le voit-il ?`, `« oui »`
//   character     d o e s ▁ h e ▁ …             everything else, Chinese for one
//
// Pieces that are learnt from the text are in text/sentencepiece.h.
//
// Left out: sentence splitting, words of languages without spaces.

namespace attune::text {

using Tokens = std::vector<std::string>;

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// The name by which `make_tokenizer` makes it again, unless it has learnt something that must be loaded.
  virtual std::string name() const = 0;

  /// The tokens of one line; none of them is empty or contains ASCII white space. Invalid UTF-8 becomes
  /// U+FFFD, except in `space` and `bpe`, which leave every byte as it is.
  virtual Tokens split(std::string_view line) const = 0;

  /// One line of text from tokens.
  virtual std::string join(const Tokens& tokens) const = 0;
};

/// Cuts at ASCII white space, joins with one space. For text that another program has tokenised.
class SpaceTokenizer : public Tokenizer {
 public:
  std::string name() const override { return "space"; }
  Tokens split(std::string_view line) const override;
  std::string join(const Tokens& tokens) const override;
};

/// Cuts at ASCII white space like SpaceTokenizer; joining also joins the pieces that end in `@@`
/// (`join_pieces`).
class BpeTokenizer : public Tokenizer {
 public:
  std::string name() const override { return "bpe"; }
  Tokens split(std::string_view line) const override;
  std::string join(const Tokens& tokens) const override;
};

/// Words and punctuation marks.
///
/// Splitting, in this order:
///   1. at white space (Unicode's);
///   2. each of . , ! ? ; : … ( ) [ ] " « » “ ” „ is a token of its own, except that . , : stay between two
///      digits (3.5, 10:30, 1,000) and . also inside a word (p.m, example.com);
///   3. after the apostrophe (' or ’) of a French elision (l d j m t s n c qu jusqu lorsqu puisqu quoiqu
///      quelqu presqu) before a vowel or h: `l'enfant` is `l'` `enfant`. Every other apostrophe stays: don't,
///      it's, aujourd'hui.
/// Hyphens never split: `voit-il` and `well-known` are one token each. Case is kept.
///
/// Joining puts one space between tokens, but none before a closing mark, after an opening mark or after an
/// elision; the marks " open and close in turn. So join(split(line)) == line for ordinarily typed sentences.
/// Not restored: runs of white space, missing spaces (`a,b` comes back as `a, b`), spaces before a mark
/// (French keeps them, see below), brackets inside a word, and '…' used as quotation marks, which stay glued
/// to their words.
class WordTokenizer : public Tokenizer {
 public:
  enum class Spacing {
    close,   // see it?    «yes»
    french,  // le voit-il ?    « oui »    with a space before ? ! ; : » and after «
  };

  explicit WordTokenizer(Spacing spacing = Spacing::close) : spacing_(spacing) {}

  std::string name() const override { return spacing_ == Spacing::french ? "word-french" : "word"; }
  Tokens split(std::string_view line) const override;
  std::string join(const Tokens& tokens) const override;

 private:
  Spacing spacing_;
};

/// One token per code point. ASCII white space becomes ▁ (U+2581), which joins to a space again, as does a ▁
/// that the text had.
class CharacterTokenizer : public Tokenizer {
 public:
  static constexpr std::string_view visible_space = "\xE2\x96\x81";

  std::string name() const override { return "character"; }
  Tokens split(std::string_view line) const override;
  std::string join(const Tokens& tokens) const override;
};

/// Words from BPE pieces: `pul@@` `ley` is `pulley`. A piece ending in `@@` that comes last stands for
/// itself. Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", section 3.2.
Tokens join_pieces(const Tokens& pieces);

/// ValueError for a name that is none of `tokenizer_names()`, listing them.
std::unique_ptr<Tokenizer> make_tokenizer(std::string_view name);

std::vector<std::string> tokenizer_names();

}  // namespace attune::text
