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

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// ---- what WordTokenizer knows about marks and apostrophes

constexpr std::array<std::string_view, 9> closing_marks = {".", ",", "!", "?", ";", ":", "…", ")", "]"};
constexpr std::array<std::string_view, 2> closing_quotes = {"»", "”"};
constexpr std::array<std::string_view, 4> opening_marks = {"(", "[", "«", "“"};
constexpr std::string_view straight_quote = "\"";

// Before these the French put a space.
constexpr std::array<std::string_view, 5> french_spaced_marks = {"?", "!", ";", ":", "»"};

bool closes(std::string_view token) {
  return is_one_of(token, closing_marks) || is_one_of(token, closing_quotes);
}
bool opens(std::string_view token) {
  return is_one_of(token, opening_marks);
}
bool is_mark(std::string_view token) {
  return closes(token) || opens(token) || token == straight_quote;
}

// French words that lose their last vowel before another one: le, de, je, … que, jusque, …
constexpr std::array<std::string_view, 15> elided_words = {
    "l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "quelqu", "presqu"};
constexpr std::array<std::string_view, 26> elision_causes = {"a", "e", "i", "o", "u", "y", "h", "à", "â",
                                                             "ä", "æ", "é", "è", "ê", "ë", "î", "ï", "ô",
                                                             "ö", "œ", "ù", "û", "ü", "ÿ", "á", "í"};

bool is_apostrophe(std::string_view c) {
  return c == "'" || c == "’";
}

/// The bytes of an elided word and its apostrophe at the front of `word`, 0 when it begins with none.
std::size_t elision_length(std::string_view word) {
  std::size_t length = 0;
  for (const std::string_view c : characters(word)) {
    if (is_apostrophe(c)) {
      return is_one_of(lower_case(word.substr(0, length)), elided_words) ? length + c.size() : 0;
    }
    length += c.size();
  }
  return 0;
}

bool is_elision(std::string_view token) {
  return !token.empty() && elision_length(token) == token.size();
}

/// Rule 3: cuts elisions off the front of a word and appends all parts. `d'aujourd'hui` is `d'`
/// `aujourd'hui`.
void append_word(std::string_view word, Tokens& tokens) {
  while (!word.empty()) {
    const std::size_t elision = elision_length(word);
    const std::string_view rest = word.substr(elision);
    const bool vowel_follows =
        !rest.empty() && is_one_of(lower_case(characters(rest).front()), elision_causes);
    const bool cut = elision > 0 && vowel_follows;
    tokens.emplace_back(cut ? word.substr(0, elision) : word);
    word = cut ? rest : std::string_view();
  }
}

bool is_digit(std::string_view c) {
  return c.size() == 1 && c[0] >= '0' && c[0] <= '9';
}

/// Rule 2: whether the mark between these two characters belongs to a number or an abbreviation.
bool stays_inside(std::string_view before, std::string_view mark, std::string_view after) {
  if (mark == ".") return !is_mark(before) && !is_mark(after);
  return (mark == "," || mark == ":") && is_digit(before) && is_digit(after);
}

/// Rules 2 and 3 for a run of characters without white space.
void append_run(const std::vector<std::string_view>& run, Tokens& tokens) {
  std::string word;
  const auto finish_word = [&] {
    append_word(word, tokens);
    word.clear();
  };
  for (std::size_t i = 0; i < run.size(); ++i) {
    const bool inner = i > 0 && i + 1 < run.size() && stays_inside(run[i - 1], run[i], run[i + 1]);
    if (is_mark(run[i]) && !inner) {
      finish_word();
      tokens.emplace_back(run[i]);
    } else {
      word += run[i];
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
  std::vector<std::string_view> run;  // characters since the last white space
  for (const std::string_view c : characters(line)) {
    if (is_white_space(decode_character(c).code_point)) {
      append_run(run, tokens);
      run.clear();
    } else {
      run.push_back(c);
    }
  }
  append_run(run, tokens);
  return tokens;
}

std::string WordTokenizer::join(const Tokens& tokens) const {
  const bool french = spacing_ == Spacing::french;
  std::string line;
  bool glue = true;  // no space before the next token
  bool inside_quotes = false;
  for (const std::string& token : tokens) {
    const bool is_quote = token == straight_quote;
    const bool spaced_by_french = french && is_one_of(token, french_spaced_marks);
    const bool leans_left = (closes(token) && !spaced_by_french) || (is_quote && inside_quotes);
    if (!glue && !leans_left) line += ' ';
    line += token;

    const bool opening_quote = is_quote && !inside_quotes;
    if (is_quote) inside_quotes = !inside_quotes;
    glue = opening_quote || is_elision(token) || (opens(token) && !(french && token == "«"));
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
