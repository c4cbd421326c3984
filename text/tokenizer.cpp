#include "text/tokenizer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "tensor/error.h"
#include "text/utf8.h"

namespace attune::text {
namespace {

Tokens to_tokens(const std::vector<std::string_view>& pieces) {
  return Tokens(pieces.begin(), pieces.end());
}

std::string join_with_spaces(const Tokens& tokens) {
  std::string line;
  for (const std::string& token : tokens) {
    if (!line.empty()) line += ' ';
    line += token;
  }
  return line;
}

// ---- what WordTokenizer knows about marks and apostrophes

constexpr std::u32string_view closing_marks = U".,!?;:…)]»”";
constexpr std::u32string_view opening_marks = U"([«“„";
constexpr std::u32string_view french_spaced_marks = U"?!;:»";  // the French put a space before these

bool is_in(std::u32string_view set, char32_t c) {
  return set.find(c) != std::u32string_view::npos;
}

bool is_mark(char32_t c) {
  if ((c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z')) return false;  // most characters, so first
  return c == U'"' || is_in(closing_marks, c) || is_in(opening_marks, c);
}

// French words that lose their last vowel before another one: le, de, je, … que, jusque, …
constexpr std::array<std::string_view, 15> elided_words = {
    "l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "quelqu", "presqu"};
constexpr std::u32string_view elision_causes = U"aeiouyhàâäæéèêëîïôöœùûüÿáí";

/// The bytes of an elided word and its apostrophe at the front of `word`, 0 when it begins with none.
std::size_t elision_length(std::string_view word) {
  constexpr std::string_view straight = "'", curly = "’";
  const std::size_t length = std::min(word.find(straight), word.find(curly));
  if (length == std::string_view::npos) return 0;
  const std::string left = lower_case(word.substr(0, length));
  if (std::find(elided_words.begin(), elided_words.end(), left) == elided_words.end()) return 0;
  return length + (word[length] == '\'' ? straight.size() : curly.size());
}

bool is_elision(std::string_view token) {
  return !token.empty() && elision_length(token) == token.size();
}

bool elision_before(std::string_view word) {
  return !word.empty() && is_in(elision_causes, decode_utf8(lower_case(characters(word).front()))[0]);
}

/// Rule 3: cuts elisions off the front of a word and appends all parts. `d'aujourd'hui` is `d'`
/// `aujourd'hui`.
void append_word(std::string_view word, Tokens& tokens) {
  std::size_t elision = elision_length(word);
  while (elision > 0 && elision_before(word.substr(elision))) {
    tokens.emplace_back(word.substr(0, elision));
    word.remove_prefix(elision);
    elision = elision_length(word);
  }
  if (!word.empty()) tokens.emplace_back(word);
}

bool is_digit(char32_t c) {
  return c >= U'0' && c <= U'9';
}

/// Rule 2: whether the mark between these two characters belongs to a number or an abbreviation.
bool stays_inside(char32_t before, char32_t mark, char32_t after) {
  if (mark == U'.') return !is_mark(before) && !is_mark(after);
  return (mark == U',' || mark == U':') && is_digit(before) && is_digit(after);
}

/// Rules 2 and 3 for a run of characters without white space.
void append_run(std::u32string_view run, Tokens& tokens) {
  std::string word;
  const auto finish_word = [&] {
    append_word(word, tokens);
    word.clear();
  };
  for (std::size_t i = 0; i < run.size(); ++i) {
    const bool inner = i > 0 && i + 1 < run.size() && stays_inside(run[i - 1], run[i], run[i + 1]);
    if (is_mark(run[i]) && !inner) {
      finish_word();
      tokens.push_back(encode_utf8(run[i]));
    } else {
      word += encode_utf8(run[i]);
    }
  }
  finish_word();
}

}  // namespace

// ---- space and bpe

Tokens SpaceTokenizer::split(std::string_view line) const {
  return to_tokens(split_at_white_space(line));
}
std::string SpaceTokenizer::join(const Tokens& tokens) const {
  return join_with_spaces(tokens);
}

Tokens BpeTokenizer::split(std::string_view line) const {
  return to_tokens(split_at_white_space(line));
}
std::string BpeTokenizer::join(const Tokens& tokens) const {
  return join_with_spaces(join_pieces(tokens));
}

Tokens join_pieces(const Tokens& pieces) {
  constexpr std::string_view marker = "@@";
  Tokens words;
  std::string word;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::string_view piece = pieces[i];
    const bool continues =
        piece.size() >= marker.size() && piece.substr(piece.size() - marker.size()) == marker;
    word += continues ? piece.substr(0, piece.size() - marker.size()) : piece;
    if (continues && i + 1 < pieces.size()) continue;
    if (!word.empty()) words.push_back(word);
    word.clear();
  }
  return words;
}

// ---- word

Tokens WordTokenizer::split(std::string_view line) const {
  Tokens tokens;
  std::u32string run;  // the characters since the last white space
  for (const char32_t c : decode_utf8(line)) {
    if (is_white_space(c)) {
      append_run(run, tokens);
      run.clear();
    } else {
      run += c;
    }
  }
  append_run(run, tokens);
  return tokens;
}

std::string WordTokenizer::join(const Tokens& tokens) const {
  const bool french = spacing_ == Spacing::french;
  std::string line;
  bool glue = true;              // no space before the next token
  bool inside_straight = false;  // between " and "
  bool inside_german = false;    // between „ and “, which opens otherwise
  for (const std::string& token : tokens) {
    const std::u32string text = decode_utf8(token);
    const char32_t mark = text.size() == 1 && is_mark(text[0]) ? text[0] : U'\0';
    const bool ends_quote = (mark == U'"' && inside_straight) || (mark == U'“' && inside_german);
    const bool closes =
        mark != 0 && is_in(closing_marks, mark) && !(french && is_in(french_spaced_marks, mark));
    if (!glue && !closes && !ends_quote) line += ' ';
    line += token;

    const bool opens = mark != 0 && (mark == U'"' || is_in(opening_marks, mark)) && !ends_quote;
    glue = is_elision(token) || (opens && !(french && mark == U'«'));
    if (mark == U'"') inside_straight = !inside_straight;
    if (mark == U'„' || mark == U'“') inside_german = mark == U'„';
  }
  return line;
}

// ---- character

Tokens CharacterTokenizer::split(std::string_view line) const {
  Tokens tokens;
  for (const std::string_view c : characters(line)) {
    const bool space = c.size() == 1 && is_ascii_white_space(c[0]);
    tokens.emplace_back(space ? visible_space : c);
  }
  return tokens;
}

std::string CharacterTokenizer::join(const Tokens& tokens) const {
  std::string line;
  for (const std::string& token : tokens) line += token == visible_space ? " " : token;
  return line;
}

// ---- by name

namespace {

/// Every tokeniser there is. A new one is a class and a row here.
std::vector<std::unique_ptr<Tokenizer>> all_tokenizers() {
  std::vector<std::unique_ptr<Tokenizer>> all;
  all.push_back(std::make_unique<SpaceTokenizer>());
  all.push_back(std::make_unique<BpeTokenizer>());
  all.push_back(std::make_unique<WordTokenizer>());
  all.push_back(std::make_unique<WordTokenizer>(WordTokenizer::Spacing::french));
  all.push_back(std::make_unique<CharacterTokenizer>());
  return all;
}

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(std::string_view name) {
  for (std::unique_ptr<Tokenizer>& tokenizer : all_tokenizers()) {
    if (tokenizer->name() == name) return std::move(tokenizer);
  }
  std::string names;
  for (const std::string& known : tokenizer_names()) names += (names.empty() ? "" : ", ") + known;
  fail<ValueError>("make_tokenizer: no tokeniser has this name: \"", repair_utf8(name), "\": use one of ",
                   names);
}

std::vector<std::string> tokenizer_names() {
  std::vector<std::string> names;
  for (const std::unique_ptr<Tokenizer>& tokenizer : all_tokenizers()) names.push_back(tokenizer->name());
  return names;
}

}  // namespace attune::text
