#include "text/sentencepiece.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "io/file.h"
#include "io/safetensors.h"
#include "tensor/error.h"
#include "text/utf8.h"

using namespace attune;
using namespace attune::text;

namespace {

const std::vector<std::string_view> english = {
    "the black cat sees the small dog.",   "does the dog see the cat?", "the cats sleep; the dogs do not.",
    "nobody has ever seen a sleeping dog", "a small cat saw it",        "the dog slept."};
const std::vector<std::string_view> chinese = {"我看见一只黑猫。", "你看见那只小狗了吗？",
                                               "猫在睡觉，狗没有。"};

std::vector<std::string_view> both() {
  std::vector<std::string_view> lines = english;
  lines.insert(lines.end(), chinese.begin(), chinese.end());
  return lines;
}

std::string bars(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += (text.empty() ? "" : "|") + token;
  return text;
}

template <class Kind>
std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Kind& error) {
    return error.what();
  }
  return "nothing was thrown";
}

constexpr SubwordKind kinds[] = {SubwordKind::unigram, SubwordKind::bpe};

// With both languages in one model.
SentencePieceTokenizer small(SubwordKind kind) {
  return SentencePieceTokenizer::train(both(), {.kind = kind, .size = 55});
}

}  // namespace

// All of it needs the library; without it there is one promise, the last one here.
TEST_SUITE_BEGIN("sentencepiece" * doctest::skip(!SentencePieceTokenizer::available()));

TEST_CASE("subwords: joining restores what was split, to the letter, in every language") {
  for (const SubwordKind kind : kinds) {
    const SentencePieceTokenizer tokenizer = small(kind);
    for (const std::string_view line : both()) CHECK(tokenizer.join(tokenizer.split(line)) == line);
    for (const std::string line : {
             "",
             "x",
             "The CAT, sees: \"my\" l'été (3.5 %)…",  // characters that no piece has
             "我们喜欢猫，狗？！ＡＢＣ ①",            // NFKC would change the marks and letters
             "e\u0301te\u0301 and \u00E9t\u00E9",     // composed and decomposed stay what they are
             "a\u00A0b\u3000c\u2028d",                // white space of Unicode is a character
             "</s> <unk> <s> <pad> <unk> ",
             "\U0001F600\U0001F600 \U0001F3FD",
             "▅▅ ⁇",
         }) {
      const std::string kept = line == "</s> <unk> <s> <pad> <unk> " ? line.substr(0, line.size() - 1) : line;
      CHECK(tokenizer.join(tokenizer.split(line)) == kept);
    }
  }
}

TEST_CASE("subwords: runs of ASCII white space and ▁ are one space, invalid UTF-8 is U+FFFD, NUL stays") {
  for (const SubwordKind kind : kinds) {
    const SentencePieceTokenizer tokenizer = small(kind);
    const auto there_and_back = [&](const std::string& line) {
      return tokenizer.join(tokenizer.split(line));
    };
    CHECK(there_and_back("  the \t cat\r\n ") == "the cat");
    CHECK(there_and_back("the▁▁cat▁") == "the cat");
    CHECK(there_and_back("the\xFF"
                         "cat \xE4\xB8") == "the\uFFFDcat \uFFFD");
    CHECK(there_and_back(std::string("the\0cat", 7)) == std::string("the\0cat", 7));
    CHECK(tokenizer.split(" \t ").empty());
    CHECK(tokenizer.split("").empty());
    CHECK(tokenizer.join({}) == "");
    for (const std::string& token : tokenizer.split(" a\tthe\xFF cat\v. \f龘"))
      CHECK(token.find_first_of(" \t\v\f\r\n") == std::string::npos);
  }
}

TEST_CASE("subwords: very long lines and words are split and joined") {
  std::string line;
  while (line.size() < 100'000) line += "the cat sees 我看见一只黑猫 xyz";
  for (const SubwordKind kind : kinds) {
    const SentencePieceTokenizer tokenizer = small(kind);
    CHECK(tokenizer.join(tokenizer.split(line)) == line);
    const std::string word(100'000, 'a');
    CHECK(tokenizer.join(tokenizer.split(word)) == word);
  }
}

TEST_CASE("subwords: what is frequent becomes one piece, what is rare falls into several") {
  for (const SubwordKind kind : kinds) {
    const SentencePieceTokenizer tokenizer = small(kind);
    CHECK(tokenizer.split("the dog and the cat").size() < tokenizer.split("eht god dna eht tac").size());
    CHECK(bars(tokenizer.split("a dog")).find("▁do") != std::string::npos);
    CHECK(bars(tokenizer.split("thunder")) != "▁thunder");
  }
}

TEST_CASE("subwords: the vocabulary has the size asked for, and an id for every piece of known text") {
  for (const SubwordKind kind : kinds) {
    const SentencePieceTokenizer tokenizer = small(kind);
    const Vocabulary vocabulary = tokenizer.vocabulary();
    CHECK(vocabulary.size() == 55);
    for (const std::string_view line : both())
      for (const std::int32_t id : vocabulary.encode(tokenizer.split(line))) CHECK(id != Vocabulary::unknown);
    // New words are made of known characters.
    for (const std::int32_t id : vocabulary.encode(tokenizer.split("sadness 猫猫看")))
      CHECK(id >= Vocabulary::special_count);
    // What is unknown is one token of its own.
    CHECK(bars(tokenizer.split("the 龘龘 cat")).find("|龘龘|") != std::string::npos);
    CHECK(vocabulary.id("龘龘") == Vocabulary::unknown);
  }
}

TEST_CASE("subwords: text spelled like a special token makes none, in training and in use") {
  std::vector<std::string_view> lines(30, "x<unk> y<s> z</s> <pad> <unk> <s> </s>");
  lines.push_back("and more text for it");
  for (const SubwordKind kind : kinds) {
    const SentencePieceTokenizer tokenizer = SentencePieceTokenizer::train(lines, {.kind = kind, .size = 27});
    const Vocabulary vocabulary = tokenizer.vocabulary();
    for (const std::string line : {"</s> <unk>", "x</s>y<s>", "<pad><pad>"}) {
      for (const std::int32_t id : vocabulary.encode(tokenizer.split(line)))
        CHECK((id == Vocabulary::unknown || id >= Vocabulary::special_count));
      CHECK(tokenizer.join(tokenizer.split(line)) == line);
    }
  }
}

TEST_CASE("subwords: the same lines and options give the same bytes, others give others") {
  for (const SubwordKind kind : kinds) {
    const std::string bytes = small(kind).to_bytes();
    CHECK(small(kind).to_bytes() == bytes);
    std::thread([&] { CHECK(small(kind).to_bytes() == bytes); }).join();
    CHECK(SentencePieceTokenizer::train(both(), {.kind = kind, .size = 56}).to_bytes() != bytes);
  }
  CHECK(small(SubwordKind::unigram).to_bytes() != small(SubwordKind::bpe).to_bytes());
}

TEST_CASE("subwords: coverage leaves out the rarest characters") {
  std::vector<std::string_view> lines(200, "the cat sleeps");
  lines.push_back("the ß");
  const SubwordOptions options{.kind = SubwordKind::bpe, .size = 24};
  SubwordOptions fewer = options;
  fewer.character_coverage = 0.99;
  CHECK(SentencePieceTokenizer::train(lines, options).vocabulary().contains("ß"));
  CHECK_FALSE(SentencePieceTokenizer::train(lines, fewer).vocabulary().contains("ß"));
}

TEST_CASE("subwords: a size that the text does not give is refused with the largest that it gives") {
  const auto largest = [](const std::vector<std::string_view>& lines, SubwordKind kind) {
    const std::string message =
        message_of<ValueError>([&] { SentencePieceTokenizer::train(lines, {.kind = kind, .size = 8000}); });
    const std::string words = "does not give a vocabulary of 8000: ask for at most ";
    const std::size_t at = message.find(words);
    REQUIRE_MESSAGE(at != std::string::npos, message);
    return std::stoi(message.substr(at + words.size()));
  };
  for (const SubwordKind kind : kinds) {
    const int most = largest(english, kind);
    CHECK(SentencePieceTokenizer::train(english, {.kind = kind, .size = most}).vocabulary().size() == most);
    CHECK_THROWS_AS(SentencePieceTokenizer::train(english, {.kind = kind, .size = most + 1}), ValueError);
  }
  // BPE keeps what it has joined; pieces of a unigram model come out fewer.
  CHECK(largest(english, SubwordKind::bpe) > largest(english, SubwordKind::unigram));
}

TEST_CASE("subwords: a size without room for the characters is refused with the smallest that has it") {
  for (const SubwordKind kind : kinds) {
    const std::string message =
        message_of<ValueError>([&] { SentencePieceTokenizer::train(chinese, {.kind = kind, .size = 10}); });
    const std::string words = "it needs at least ";
    const std::size_t at = message.find(words);
    REQUIRE_MESSAGE(at != std::string::npos, message);
    const int least = std::stoi(message.substr(at + words.size()));
    CHECK(SentencePieceTokenizer::train(chinese, {.kind = kind, .size = least}).vocabulary().size() == least);
    CHECK_THROWS_AS(SentencePieceTokenizer::train(chinese, {.kind = kind, .size = least - 1}), ValueError);
  }
}

TEST_CASE("subwords: options out of range and lines without text are refused") {
  const auto refused = [](const std::vector<std::string_view>& lines, const SubwordOptions& options) {
    return message_of<ValueError>([&] { SentencePieceTokenizer::train(lines, options); });
  };
  CHECK(refused(english, {.size = 4}).find("has no room for pieces beside its 4 specials") !=
        std::string::npos);
  CHECK(refused(english, {.size = -1}).find("a vocabulary of -1") != std::string::npos);
  for (const double share : {0.0, 0.9799, -1.0, 1.01, std::nan("")})
    CHECK(refused(english, {.character_coverage = share}).find("character_coverage is out of range") !=
          std::string::npos);
  for (const SubwordKind kind : kinds) {
    CHECK(refused({}, {.kind = kind}).find("no text in 0 lines") != std::string::npos);
    CHECK(refused({"", " \t", std::string_view("\0", 1), "▁ ▅"}, {.kind = kind}).find("no text in 4 lines") !=
          std::string::npos);
  }
}

TEST_CASE("subwords: odd lines do no harm to training") {
  std::vector<std::string_view> lines = english;
  const std::string long_word(70'000, 'a');
  const std::string long_chinese = [] {
    std::string text;
    while (text.size() < 70'000) text += "我看见一只黑猫";
    return text;
  }();
  const std::string with_nul("the\0cat", 7);
  for (const std::string_view odd : {std::string_view(long_word), std::string_view(long_chinese),
                                     std::string_view(with_nul), std::string_view("the\xFF cat \xC3"),
                                     std::string_view("▅ the ▅"), std::string_view("\u200B\u0301\u202E")})
    lines.push_back(odd);
  for (const SubwordKind kind : kinds) {
    const SentencePieceTokenizer tokenizer = SentencePieceTokenizer::train(lines, {.kind = kind, .size = 66});
    CHECK(tokenizer.vocabulary().size() == 66);
    CHECK(tokenizer.vocabulary().contains("\uFFFD"));
    CHECK(tokenizer.vocabulary().contains("猫"));
  }
}

TEST_CASE("subwords: what is saved is read again, and its copies outlive it") {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "attune-subwords.test";
  for (const SubwordKind kind : kinds) {
    const SentencePieceTokenizer tokenizer = small(kind);
    tokenizer.save(file);
    CHECK(io::read_file(file, 1 << 20) == tokenizer.to_bytes());
    std::unique_ptr<Tokenizer> copy;
    {
      const SentencePieceTokenizer again = SentencePieceTokenizer::load(file);
      CHECK(again.kind() == kind);
      CHECK(again.vocabulary() == tokenizer.vocabulary());
      copy = std::make_unique<SentencePieceTokenizer>(again);
    }
    CHECK(copy->name() == (kind == SubwordKind::unigram ? "sentencepiece-unigram" : "sentencepiece-bpe"));
    CHECK(copy->split("the sleeping 猫") == tokenizer.split("the sleeping 猫"));
  }
  std::filesystem::remove(file);
  CHECK_THROWS_AS(SentencePieceTokenizer::load(file), FileError);
}

TEST_CASE("subwords: every truncation and every flipped bit of a model is refused in a sentence") {
  for (const SubwordKind kind : kinds) {
    const std::string bytes =
        SentencePieceTokenizer::train({"the cat", "the dog"}, {.kind = kind, .size = 13}).to_bytes();
    const auto refused = [](std::string_view broken) {
      return message_of<FileError>([&] { SentencePieceTokenizer::parse(broken, "my.model"); });
    };
    int wrong = 0;
    for (std::size_t size = 0; size < bytes.size(); ++size)
      wrong += refused(std::string_view(bytes).substr(0, size)).find("my.model: its checksum") ==
               std::string::npos;
    std::string broken = bytes;
    for (char& byte : broken)
      for (int bit = 0; bit < 8; ++bit) {
        byte = static_cast<char>(byte ^ (1 << bit));
        wrong += refused(broken).find("my.model: its checksum") == std::string::npos;
        byte = static_cast<char>(byte ^ (1 << bit));
      }
    CHECK(wrong == 0);
    CHECK(refused(bytes + '\0').find("restore the file, or train again") != std::string::npos);
    CHECK_NOTHROW(SentencePieceTokenizer::parse(broken, "my.model"));
  }
}

TEST_CASE("subwords: two threads split at once, and train at once") {
  const SentencePieceTokenizer tokenizer = small(SubwordKind::unigram);
  const Tokens expected = tokenizer.split(english[0]);
  const std::string bytes = small(SubwordKind::bpe).to_bytes();
  std::vector<std::thread> threads;
  std::vector<int> wrong(2);
  for (int& count : wrong)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) count += tokenizer.split(english[0]) != expected;
      count += small(SubwordKind::bpe).to_bytes() != bytes;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(2));
}

TEST_SUITE_END();

TEST_CASE("subwords: without SentencePiece the error says how to get it" *
          doctest::skip(SentencePieceTokenizer::available())) {
  CHECK(message_of<Error>([] { SentencePieceTokenizer::train({"a"}); }).find("-DATTUNE_SENTENCEPIECE=ON") !=
        std::string::npos);
  CHECK_THROWS_AS(SentencePieceTokenizer::parse("", "x"), Error);
}
