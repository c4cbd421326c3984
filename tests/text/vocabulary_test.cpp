#include "text/vocabulary.h"

#include <doctest/doctest.h>

#include "tensor/error.h"
#include "tests/io/scratch.h"

using namespace attune::text;
using namespace std::string_literals;

namespace {

Vocabulary small_vocabulary() {
  TokenCounts counts;
  count_tokens({"le", "chat", "voit", "le", "chien", ".", "le"}, counts);
  count_tokens({"le", "chat", "."}, counts);
  return Vocabulary(counts);
}

const std::string small_file =
    "attune vocabulary 1: 9 tokens\n<pad>\n<unk>\n<s>\n</s>\nle\n.\nchat\nchien\nvoit\n";

std::string refusal(const std::string& file) {
  try {
    Vocabulary::parse(file, "v.txt");
  } catch (const attune::FileError& error) {
    return error.what();
  }
  return "not refused";
}

}  // namespace

TEST_CASE("vocabulary: the specials come first, then tokens by count and spelling") {
  const Vocabulary vocabulary = small_vocabulary();
  CHECK(vocabulary.to_text() == small_file);
  CHECK(vocabulary.size() == 9);
  CHECK(vocabulary.token(Vocabulary::pad) == "<pad>");
  CHECK(vocabulary.token(Vocabulary::unknown) == "<unk>");
  CHECK(vocabulary.token(Vocabulary::start) == "<s>");
  CHECK(vocabulary.token(Vocabulary::end) == "</s>");
  CHECK(vocabulary.id("le") == 4);
  CHECK(vocabulary.id("souris") == Vocabulary::unknown);
}

TEST_CASE("vocabulary: the order in which tokens were counted leaves no trace") {
  TokenCounts forwards, backwards;
  std::vector<std::string> words;
  for (int i = 0; i < 500; ++i) words.push_back("w" + std::to_string(i * 7919 % 500));
  for (auto word = words.begin(); word != words.end(); ++word) ++forwards[*word];
  backwards.reserve(5000);
  for (auto word = words.rbegin(); word != words.rend(); ++word) ++backwards[*word];
  CHECK(Vocabulary(forwards) == Vocabulary(backwards));
}

TEST_CASE("vocabulary: rare tokens and those beyond the size are unknown") {
  TokenCounts counts = {{"a", 5}, {"b", 3}, {"c", 3}, {"d", 1}};
  CHECK(Vocabulary(counts, {.min_count = 2}).size() == 7);
  CHECK_FALSE(Vocabulary(counts, {.min_count = 2}).contains("d"));
  const Vocabulary limited(counts, {.max_size = 6});
  CHECK(limited.size() == 6);
  CHECK(limited.contains("b"));
  CHECK_FALSE(limited.contains("c"));
  CHECK(Vocabulary(counts, {.max_size = 4}) == Vocabulary());
  CHECK_THROWS_AS(Vocabulary(counts, {.max_size = 3}), attune::ValueError);
}

TEST_CASE("vocabulary: encoding and decoding known tokens changes nothing") {
  const Vocabulary vocabulary = small_vocabulary();
  const Tokens tokens = {"le", "chien", "voit", "le", "chat", "."};
  CHECK(vocabulary.encode(tokens) == std::vector<std::int32_t>{4, 7, 8, 4, 6, 5});
  CHECK(vocabulary.decode(vocabulary.encode(tokens)) == tokens);
}

TEST_CASE("vocabulary: decoding stops at </s>, skips <pad> and <s>, and shows unknown tokens") {
  const Vocabulary vocabulary = small_vocabulary();
  CHECK(vocabulary.decode({2, 4, 0, 1, 6, 3, 4, 4}) == Tokens{"le", "<unk>", "chat"});
  CHECK_THROWS_WITH_AS(vocabulary.decode({9}),
                       "Vocabulary::token: no such id: 9: this vocabulary has ids 0 to 8",
                       attune::IndexError);
  CHECK_THROWS_AS(vocabulary.token(-1), attune::IndexError);
}

TEST_CASE("vocabulary: a token of the text that is spelled like a special is unknown") {
  TokenCounts counts;
  count_tokens({"<s>", "</s>", "</s>", "<pad>", "<unk>", "a"}, counts);
  const Vocabulary vocabulary(counts);
  CHECK(vocabulary.size() == 5);
  CHECK(vocabulary.encode({"<s>", "</s>", "<pad>", "<unk>", "a"}) ==
        std::vector<std::int32_t>{1, 1, 1, 1, 4});
  CHECK_FALSE(vocabulary.contains("</s>"));
}

TEST_CASE("vocabulary: a capital is looked up in small letters when asked to") {
  const Vocabulary vocabulary = small_vocabulary();
  CHECK(vocabulary.encode({"Le", "CHAT", "Souris"}) == std::vector<std::int32_t>{1, 1, 1});
  CHECK(vocabulary.encode({"Le", "CHAT", "Souris"}, true) == std::vector<std::int32_t>{4, 6, 1});
}

TEST_CASE("vocabulary: tokens that a file of lines cannot hold are refused") {
  for (const std::string& token : {""s, "a\nb"s, "a\r"s, "a\0b"s, "\xff"s}) {
    CHECK_THROWS_AS(Vocabulary(TokenCounts{{token, 1}}), attune::ValueError);
  }
}

TEST_CASE("vocabulary: a saved one is loaded unchanged") {
  const auto path =
      std::filesystem::temp_directory_path() / ("attune-vocabulary-" + std::to_string(::getpid()));
  const Vocabulary vocabulary(
      TokenCounts{{"été", 2}, {"嗨", 2}, {" ", 1}, {"attune vocabulary 1: 4 tokens", 1}});
  vocabulary.save(path);
  CHECK(Vocabulary::load(path) == vocabulary);
  Vocabulary().save(path);  // over the old one
  CHECK(Vocabulary::load(path) == Vocabulary());
}

TEST_CASE("vocabulary: a missing file or folder is a FileError") {
  CHECK_THROWS_AS(Vocabulary::load("/no/such/vocabulary.txt"), attune::FileError);
  CHECK_THROWS_AS(Vocabulary::load("/"), attune::FileError);
  CHECK_THROWS_AS(Vocabulary().save("/no/such/vocabulary.txt"), attune::FileError);
}

TEST_CASE("vocabulary: every truncation of a file is refused") {
  for (std::size_t length = 0; length < small_file.size(); ++length) {
    CAPTURE(length);
    CHECK(refusal(small_file.substr(0, length)) != "not refused");
  }
  CHECK(refusal(small_file) == "not refused");
}

TEST_CASE("vocabulary: malformed files are refused with the line and the reason") {
  const auto with = [](const std::string& old_part, const std::string& new_part) {
    std::string file = small_file;
    file.replace(file.find(old_part), old_part.size(), new_part);
    return refusal(file);
  };
  CHECK(with("chat", "le") ==
        "Vocabulary::load: v.txt, line 8: the token \"le\" was there before: the file is damaged or not a "
        "vocabulary; train "
        "again or restore it");
  CHECK(with("chat", "").find("line 8: no token, since it is empty") != std::string::npos);
  CHECK(with("chat", "ch\xff").find("line 8: no token, since it is not UTF-8") != std::string::npos);
  CHECK(with("chat\n", "chat\r\n").find("line 8: no token, since it contains a carriage return") !=
        std::string::npos);
  CHECK(with("chat", "c\0t"s).find("line 8: no token, since it contains a NUL byte") != std::string::npos);
  CHECK(with("chat", "<s>").find("line 8: the special token <s> stands here a second time") !=
        std::string::npos);
  CHECK(with("<unk>", "<UNK>").find("line 3: the special token <unk> must stand here") != std::string::npos);
  CHECK(with("<s>\n", "").find("line 4: the special token <s> must stand here") != std::string::npos);
  CHECK(with("voit\n", "voit\net\n").find("line 11: the header says 9 tokens, but more follow") !=
        std::string::npos);
  CHECK(with("9", "8").find("line 10: the header says 8 tokens, but more follow") != std::string::npos);
  CHECK(with("9", "10").find("line 11: the file ends here") != std::string::npos);
  CHECK(with("9", "3").find("line 1: a vocabulary has at least the 4 special tokens") != std::string::npos);
  CHECK(with("9", "9999999999999999999999").find("line 1: the header has no number") != std::string::npos);
  CHECK(with("9", "-9").find("line 1: ") != std::string::npos);
  CHECK(with("9", "09").find("line 1: ") != std::string::npos);
  CHECK(with("vocabulary 1", "vocabulary 2").find("line 1: the header is not") != std::string::npos);
  CHECK(refusal("\xEF\xBB\xBF" + small_file).find("line 1: ") != std::string::npos);
  CHECK(refusal("").find("line 1: the file ends here") != std::string::npos);
}
