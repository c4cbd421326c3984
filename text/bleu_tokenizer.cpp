#include "text/bleu_tokenizer.h"

#include <algorithm>
#include <iterator>

#include "tensor/error.h"
#include "text/utf8.h"

namespace attune::text {
namespace {

bool is_digit(char32_t c) {
  return c >= U'0' && c <= U'9';  // of ASCII only
}

bool is_stop(char32_t c) {
  return c == U'.' || c == U',';
}

// Every printable character of ASCII that is no letter, no digit and none of ' , - .
bool is_always_alone(char32_t c) {
  return (c >= U' ' && c <= U'&') || (c >= U'(' && c <= U'+') || c == U'/' || (c >= U':' && c <= U'@') ||
         (c >= U'[' && c <= U'`') || (c >= U'{' && c <= U'~');
}

std::u32string replace_all(std::u32string_view line, std::u32string_view what, std::u32string_view by) {
  std::u32string result;
  std::size_t begin = 0;
  for (std::size_t at; (at = line.find(what, begin)) != line.npos; begin = at + what.size())
    result.append(line.substr(begin, at - begin)).append(by);
  return result.append(line.substr(begin));
}

// Puts `before`, `between` and `after` around each pair of neighbours (a, b) with matches(a, b), from left to
// right. As with a regular expression, the b of one pair cannot be the a of the next: in "x.." the dots are
// x . and . by the first pass, and what one pass has not separated is left to the next.
template <class Matches>
std::u32string space_pairs(std::u32string_view line, Matches matches, std::u32string_view before,
                           std::u32string_view between, std::u32string_view after) {
  std::u32string result;
  std::size_t i = 0;
  while (i < line.size()) {
    if (i + 1 < line.size() && matches(line[i], line[i + 1])) {
      result.append(before) += line[i];
      result.append(between) += line[i + 1];
      result.append(after);
      i += 2;
    } else {
      result += line[i++];
    }
  }
  return result;
}

// The part of 13a that concerns punctuation, in mteval's order; each pass reads what the last one wrote.
std::u32string space_punctuation(std::u32string_view line) {
  std::u32string text;
  for (const char32_t c : line) {
    if (is_always_alone(c))
      (text.append(U" ") += c).append(U" ");
    else
      text += c;
  }
  // A full stop or a comma stays in its word only between two digits.
  text = space_pairs(
      text, [](char32_t a, char32_t b) { return !is_digit(a) && is_stop(b); }, U"", U" ", U" ");
  text = space_pairs(
      text, [](char32_t a, char32_t b) { return is_stop(a) && !is_digit(b); }, U" ", U" ", U"");
  // A hyphen stays in its word unless it follows a digit.
  return space_pairs(
      text, [](char32_t a, char32_t b) { return is_digit(a) && b == U'-'; }, U"", U" ", U" ");
}

std::u32string space_13a(std::u32string_view line) {
  std::u32string text = replace_all(line, U"<skipped>", U"");
  text = replace_all(text, U"-\n", U"");  // a word that was hyphenated at the end of a line
  text = replace_all(text, U"\n", U" ");
  text = replace_all(text, U"&quot;", U"\"");
  text = replace_all(text, U"&amp;", U"&");  // before the next two, so &amp;lt; becomes <
  text = replace_all(text, U"&lt;", U"<");
  text = replace_all(text, U"&gt;", U">");
  return space_punctuation(U" " + text + U" ");
}

struct Range {
  char32_t first, last;
};

// The blocks that sacreBLEU's zh calls Chinese, in its order. Two of them are meant to be U+20000 to U+2A6D6
// and U+2F800 to U+2FA1D, the rare characters of extension B and the supplement. In Python "\u20000" is two
// characters, U+2000 and 0, and what is compared with it is one. So rare characters are not separated, and
// from U+2001 to U+2A6D everything is: dashes and quotation marks (— “ ”), arrows, €. Scores are comparable
// only where this is copied.
constexpr Range chinese[] = {
    {0x3400, 0x4DB5}, {0x4E00, 0x9FA5}, {0x9FA6, 0x9FBB}, {0xF900, 0xFA2D}, {0xFA30, 0xFA6A},
    {0xFA70, 0xFAD9}, {0x2001, 0x2A6D}, {0x2F81, 0x2FA1}, {0xFF00, 0xFFEF}, {0x2E80, 0x2EFF},
    {0x3000, 0x303F}, {0x31C0, 0x31EF}, {0x2F00, 0x2FDF}, {0x2FF0, 0x2FFF}, {0x3100, 0x312F},
    {0x31A0, 0x31BF}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE4F}, {0x2600, 0x26FF}, {0x2700, 0x27BF},
    {0x3200, 0x32FF}, {0x3300, 0x33FF},
};

// Without the spaces at both ends that 13a has, nor its entities: a full stop at the end that follows a digit
// stays, as does a comma that comes first.
std::u32string space_zh(std::u32string_view line) {
  while (!line.empty() && is_python_white_space(line.front())) line.remove_prefix(1);
  std::u32string text;
  for (const char32_t c : line) {
    const bool alone = std::any_of(std::begin(chinese), std::end(chinese),
                                   [=](Range range) { return c >= range.first && c <= range.last; });
    if (alone)
      (text.append(U" ") += c).append(U" ");
    else
      text += c;
  }
  return space_punctuation(text);
}

std::u32string space_characters(std::u32string_view line) {
  std::u32string text;
  for (const char32_t c : line) (text += c) += U' ';
  return text;
}

std::u32string space_nothing(std::u32string_view line) {
  return std::u32string(line);
}

struct BleuTokenizer {
  const char* name;
  std::u32string (*put_spaces)(std::u32string_view line);
};

constexpr BleuTokenizer all_bleu_tokenizers[] = {
    {"13a", space_13a}, {"zh", space_zh}, {"char", space_characters}, {"none", space_nothing}};

}  // namespace

bool is_python_white_space(char32_t c) {
  return is_white_space(c) || (c >= 0x1C && c <= 0x1F);
}

Tokens split_for_bleu(std::string_view line, std::string_view tokenizer) {
  const auto* const chosen =
      std::find_if(std::begin(all_bleu_tokenizers), std::end(all_bleu_tokenizers),
                   [=](const BleuTokenizer& candidate) { return candidate.name == tokenizer; });
  if (chosen == std::end(all_bleu_tokenizers)) {
    std::string names;
    for (const std::string& name : bleu_tokenizer_names()) names += (names.empty() ? "" : ", ") + name;
    fail<ValueError>("bleu: there is no tokenizer ", io::show_name(tokenizer), ": choose one of ", names);
  }
  std::u32string text = decode_utf8(line);
  while (!text.empty() && is_python_white_space(text.back())) text.pop_back();
  text = chosen->put_spaces(text);

  Tokens tokens;
  for (auto end = text.begin(); end != text.end();) {
    const auto begin = std::find_if_not(end, text.end(), is_python_white_space);
    end = std::find_if(begin, text.end(), is_python_white_space);
    if (begin != end) tokens.push_back(io::encode_utf8({begin, end}));
  }
  return tokens;
}

std::vector<std::string> bleu_tokenizer_names() {
  std::vector<std::string> names;
  for (const BleuTokenizer& tokenizer : all_bleu_tokenizers) names.emplace_back(tokenizer.name);
  return names;
}

std::string usual_bleu_tokenizer(const std::vector<std::string>& references) {
  std::size_t chinese_characters = 0, all = 0;
  for (const std::string& line : references) {
    for (const char32_t c : decode_utf8(line)) {
      all += is_python_white_space(c) ? 0 : 1;
      chinese_characters += (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) ? 1 : 0;
    }
  }
  return 2 * chinese_characters > all ? "zh" : "13a";
}

}  // namespace attune::text
