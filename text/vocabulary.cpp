#include "text/vocabulary.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "io/file.h"
#include "io/unicode.h"
#include "tensor/error.h"
#include "text/utf8.h"

namespace attune::text {
namespace {

constexpr std::array<std::string_view, Vocabulary::special_count> specials = {"<pad>", "<unk>", "<s>",
                                                                              "</s>"};
constexpr std::string_view header_start = "attune vocabulary 1: ";
constexpr std::string_view header_end = " tokens";
constexpr std::uint64_t largest_file = std::uint64_t{1} << 30;

bool is_special(std::string_view token) {
  return std::find(specials.begin(), specials.end(), token) != specials.end();
}

/// Why a file of lines cannot hold this token, nullptr when it can.
const char* reason_against(std::string_view token) {
  if (token.empty()) return "it is empty";
  if (token.find('\n') != std::string_view::npos) return "it contains a line feed";
  if (token.find('\r') != std::string_view::npos) return "it contains a carriage return";
  if (token.find('\0') != std::string_view::npos) return "it contains a NUL byte";
  if (find_invalid_utf8(token)) return "it is not UTF-8";
  return nullptr;
}

}  // namespace

void count_tokens(const Tokens& tokens, TokenCounts& counts) {
  for (const std::string& token : tokens) ++counts[token];
}

Vocabulary::Vocabulary() : tokens_(specials.begin(), specials.end()) {}

Vocabulary::Vocabulary(const TokenCounts& counts, const VocabularyOptions& options) : Vocabulary() {
  if (options.max_size < special_count || options.max_size > std::numeric_limits<std::int32_t>::max()) {
    fail<ValueError>("Vocabulary: max_size is out of range: ", options.max_size, ": use ", special_count,
                     " (the specials) to ", std::numeric_limits<std::int32_t>::max());
  }
  std::vector<std::pair<std::int64_t, std::string_view>> frequent;
  for (const auto& [token, count] : counts) {
    if (const char* reason = reason_against(token)) {
      fail<ValueError>("Vocabulary: not a token, since ", reason, ": ", io::show_name(token),
                       ": make tokens with a Tokenizer, from lines that a corpus reader has repaired");
    }
    if (count >= options.min_count && !is_special(token)) frequent.emplace_back(count, token);
  }

  // A total order, so that the order inside the hash table leaves no trace.
  std::sort(frequent.begin(), frequent.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  const auto room = static_cast<std::size_t>(options.max_size - special_count);
  if (frequent.size() > room) frequent.resize(room);
  for (const auto& entry : frequent) {
    ids_.emplace(entry.second, size());
    tokens_.emplace_back(entry.second);
  }
}

std::int32_t Vocabulary::id(const std::string& token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? unknown : found->second;
}

const std::string& Vocabulary::token(std::int32_t id) const {
  if (id < 0 || id >= size()) {
    fail<IndexError>("Vocabulary::token: no such id: ", id, ": this vocabulary has ids 0 to ", size() - 1);
  }
  return tokens_[static_cast<std::size_t>(id)];
}

std::vector<std::int32_t> Vocabulary::encode(const Tokens& tokens, bool try_lower_case) const {
  std::vector<std::int32_t> ids;
  ids.reserve(tokens.size());
  for (const std::string& token : tokens) {
    std::int32_t found = id(token);
    if (found == unknown && try_lower_case) found = id(lower_case(token));
    ids.push_back(found);
  }
  return ids;
}

Tokens Vocabulary::decode(const std::vector<std::int32_t>& ids) const {
  Tokens tokens;
  for (const std::int32_t id : ids) {
    if (id == end) break;
    if (id != pad && id != start) tokens.push_back(token(id));
  }
  return tokens;
}

// ---- the file

std::string Vocabulary::to_text() const {
  std::string file = std::string(header_start) + std::to_string(size()) + std::string(header_end) + "\n";
  for (const std::string& token : tokens_) file += token + "\n";
  return file;
}

void Vocabulary::save(const std::filesystem::path& path) const {
  io::write_atomically(path, to_text());
}

Vocabulary Vocabulary::load(const std::filesystem::path& path) {
  return parse(io::read_file(path, largest_file), path.string());
}

Vocabulary Vocabulary::parse(std::string_view file, const std::string& name) {
  std::size_t line_number = 0;
  const auto refuse = [&](const auto&... what) {
    fail<FileError>("Vocabulary::load: ", name, ", line ", line_number, ": ", what...,
                    ": the file is damaged or not a vocabulary; train again or restore it");
  };
  const auto next_line = [&] {
    ++line_number;
    const std::size_t end = file.find('\n');
    if (end == std::string_view::npos) refuse(file.empty() ? "the file ends here" : "the line does not end");
    const std::string_view line = file.substr(0, end);
    file.remove_prefix(end + 1);
    return line;
  };

  // The header says how many tokens follow, so a file cut between two lines is noticed.
  const std::string_view header = next_line();
  const std::string_view count = header.substr(std::min(header.size(), header_start.size()));
  std::size_t tokens = 0;
  for (const char c : count.substr(0, count.find(' '))) {
    if (c < '0' || c > '9' || tokens > largest_file) refuse("the header has no number of tokens");
    tokens = tokens * 10 + static_cast<std::size_t>(c - '0');
  }
  const std::string expected = std::string(header_start) + std::to_string(tokens) + std::string(header_end);
  if (header != expected) refuse("the header is not \"", header_start, "<number>", header_end, "\"");
  if (tokens < specials.size()) refuse("a vocabulary has at least the ", specials.size(), " special tokens");

  Vocabulary result;
  for (std::size_t id = 0; id < tokens; ++id) {
    const std::string_view token = next_line();
    if (id < specials.size()) {
      if (token != specials[id]) refuse("the special token ", specials[id], " must stand here");
      continue;
    }
    if (const char* reason = reason_against(token)) refuse("no token, since ", reason);
    if (is_special(token)) refuse("the special token ", token, " stands here a second time");
    if (!result.ids_.emplace(token, result.size()).second)
      refuse("the token ", io::show_name(token), " was there before");
    result.tokens_.emplace_back(token);
  }
  ++line_number;
  if (!file.empty()) refuse("the header says ", tokens, " tokens, but more follow");
  return result;
}

}  // namespace attune::text
