#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/tokenizer.h"

namespace attune::text {

/// How often each token was seen.
using TokenCounts = std::unordered_map<std::string, std::int64_t>;

void count_tokens(const Tokens& tokens, TokenCounts& counts);

struct VocabularyOptions {
  std::int64_t min_count = 1;                                        // rarer tokens are unknown
  std::int64_t max_size = std::numeric_limits<std::int32_t>::max();  // the four specials included
};

/// Tokens and their ids, 0 to size() - 1. The first four are special and always there:
///
///   0 <pad>  fills short sentences of a batch        2 <s>   starts what the decoder reads
///   1 <unk>  stands for every token not listed       3 </s>  ends every sentence
///
/// A token of the text that is spelled like one of them is an unknown token: it encodes as <unk>, so no input
/// can end a sentence or make padding, and it never enters the vocabulary.
///
/// The rest are in order of count, largest first, and of their bytes where counts are equal: the same counts
/// give the same ids everywhere.
class Vocabulary {
 public:
  static constexpr std::int32_t pad = 0;
  static constexpr std::int32_t unknown = 1;
  static constexpr std::int32_t start = 2;
  static constexpr std::int32_t end = 3;
  static constexpr std::int32_t special_count = 4;

  /// The four specials only.
  Vocabulary();

  /// ValueError for options out of range and for tokens that a file of lines cannot hold: empty, with a line
  /// feed, a carriage return or a NUL, or not UTF-8.
  explicit Vocabulary(const TokenCounts& counts, const VocabularyOptions& options = {});

  /// V: how many ids there are, specials included.
  std::int32_t size() const { return static_cast<std::int32_t>(tokens_.size()); }

  bool contains(const std::string& token) const { return ids_.count(token) != 0; }

  /// The id of a token, `unknown` when it is not listed.
  std::int32_t id(const std::string& token) const;

  /// The token of an id; IndexError when there is none.
  const std::string& token(std::int32_t id) const;

  /// The ids of tokens; adds neither <s> nor </s>. With `try_lower_case`, a token that is not listed is
  /// looked up once more in small letters: the capital of a sentence's first word does no harm.
  std::vector<std::int32_t> encode(const Tokens& tokens, bool try_lower_case = false) const;

  /// The tokens of ids, up to the first </s>; <pad> and <s> are left out, an unknown token is `<unk>`.
  Tokens decode(const std::vector<std::int32_t>& ids) const;

  /// Writes a text file: a header `attune vocabulary 1: 5000 tokens`, then one token per line in order of id.
  /// Written aside and renamed, so the old file stays until the new one is complete.
  void save(const std::filesystem::path& path) const;

  /// Reads what `save` wrote. FileError with the line number for anything else.
  static Vocabulary load(const std::filesystem::path& path);

  /// The same from memory; `name` is what errors call it.
  static Vocabulary parse(std::string_view file, const std::string& name);
  std::string to_text() const;

  bool operator==(const Vocabulary& other) const { return tokens_ == other.tokens_; }

 private:
  std::vector<std::string> tokens_;                    // by id
  std::unordered_map<std::string, std::int32_t> ids_;  // without the specials: text never encodes to them
};

}  // namespace attune::text
