// A translator whose text is cut into pieces that were learnt: what its folder holds, and what is refused.

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "examples/translator/commands/corpora.h"
#include "examples/translator/translator.h"
#include "io/file.h"
#include "tests/io/scratch.h"
#include "tests/support/measured.h"

using namespace attune;
using namespace attune::examples;
using attune::testing::measured;

namespace {

const std::vector<text::SentencePair> pairs = {
    {"the black cat sees the small dog.", "le chat noir voit le petit chien."},
    {"the dog sees the black cats.", "le chien voit les chats noirs."},
    {"does the dog sleep?", "le chien dort-il ?"},
    {"the small cats sleep.", "les petits chats dorment."},
};

/// Untrained, with pieces that were learnt from these pairs.
Translator make(const std::string& source_tokens, const std::string& target_tokens, bool joint = false) {
  Options options;
  options.source_tokens = source_tokens;
  options.target_tokens = target_tokens;
  options.joint = joint;
  nn::TransformerSettings& model = options.training.model;
  model.width = model.hidden = 8;
  model.heads = 2;
  model.encoder_layers = model.decoder_layers = 1;
  return make_translator(pairs, options);
}

std::string message_of_loading(const std::filesystem::path& folder) {
  try {
    Translator::load(folder);
  } catch (const FileError& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool is_there(const std::filesystem::path& file) {
  return std::filesystem::exists(file);
}

}  // namespace

TEST_SUITE_BEGIN("subwords of a translator" * doctest::skip(!text::SentencePieceTokenizer::available()));

TEST_CASE("translator: with learnt pieces it is saved whole, and translates alike when it is loaded") {
  const Scratch scratch;
  const std::filesystem::path folder = scratch / "model";
  const std::vector<std::string> lines = {"the cats see the dog.", "", "l'été 猫 unseen"};
  for (const char* kind : {"unigram:28", "bpe:40"}) {
    const Translator first = make(kind, "bpe:44");
    CHECK(first.source.vocabulary.size() == first.model.settings.source_vocabulary);
    first.save(folder, {});
    const Translator second = Translator::load(folder);
    CHECK(second.source.tokenizer->name() == first.source.tokenizer->name());
    CHECK(second.target.tokenizer->name() == "sentencepiece-bpe");
    CHECK(second.translate(lines) == first.translate(lines));
    for (const std::string& line : lines) CHECK(second.source.encode(line) == first.source.encode(line));
    CHECK(second.target.decode(second.target.encode("le chien dort-il ?")) == "le chien dort-il ?");
  }
}

TEST_CASE("translator: joint pieces and shared embeddings give both languages one model of pieces") {
  const Translator joint = make("bpe:50", "bpe:50", true);
  CHECK(joint.source.vocabulary == joint.target.vocabulary);
  CHECK(joint.source.vocabulary.size() == 50);
  CHECK(joint.source.encode("le chat sleeps") == joint.target.encode("le chat sleeps"));
  CHECK_FALSE(make("bpe:40", "bpe:40").source.vocabulary == make("bpe:40", "bpe:40").target.vocabulary);
}

TEST_CASE(
    "translator: pieces on one side, words or characters on the other, and nothing left of an older one") {
  const Scratch scratch;
  const std::filesystem::path folder = scratch / "model";
  make("bpe:40", "bpe:44").save(folder, {});
  CHECK(is_there(folder / "target.sentencepiece"));
  make("bpe:40", "character").save(folder, {});
  CHECK(is_there(folder / "source.sentencepiece"));
  CHECK_FALSE(is_there(folder / "target.sentencepiece"));
  CHECK(Translator::load(folder).target.tokenizer->name() == "character");
  make("word", "character").save(folder, {});
  CHECK_FALSE(is_there(folder / "source.sentencepiece"));
  CHECK(Translator::load(folder).source.tokenizer->name() == "word");
}

TEST_CASE("translator: a model of pieces that is missing, damaged or of another training is refused") {
  const Scratch scratch;
  const std::filesystem::path folder = scratch / "model", other = scratch / "other";
  make("bpe:40", "bpe:44").save(folder, {});
  make("bpe:41", "bpe:44").save(other, {});
  const std::filesystem::path file = folder / "source.sentencepiece";
  const std::string bytes = io::read_file(file, 1 << 20);

  std::filesystem::copy_file(other / "source.sentencepiece", file,
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(contains(message_of_loading(folder), "source.sentencepiece: this is not the model of pieces"));
  int unseen = 0;
  for (std::size_t at = 3; at < bytes.size(); at += 97) {
    std::string broken = bytes;
    broken[at] = static_cast<char>(broken[at] ^ 4);
    std::ofstream(file, std::ios::binary) << broken;
    unseen += !contains(message_of_loading(folder), file.string());
    std::ofstream(file, std::ios::binary) << bytes.substr(0, at);
    unseen += !contains(message_of_loading(folder), file.string());
  }
  CHECK(unseen == 0);
  std::filesystem::remove(file);
  CHECK(contains(message_of_loading(folder), "source.sentencepiece: the translator here is only half there"));
  std::ofstream(file, std::ios::binary) << bytes;
  CHECK(message_of_loading(folder) == "no error");

  // The name of another tokeniser in the weights.
  io::SafetensorsFile weights = io::read_safetensors(folder / "weights.safetensors");
  weights.metadata["source_tokens"] = "sentencepiece-unigram";
  io::write_safetensors(folder / "weights.safetensors", weights);
  CHECK(contains(message_of_loading(folder), "speaks of sentencepiece-unigram"));
  weights.metadata.erase("source_sentencepiece_crc32c");
  io::write_safetensors(folder / "weights.safetensors", weights);
  CHECK(contains(message_of_loading(folder), "no tokeniser has this name"));
}

TEST_CASE("translator: killed while models of pieces replace each other, one translator is left whole") {
  const Scratch scratch;
  const std::filesystem::path folder = scratch / "model";
  std::vector<Translator> all;
  all.push_back(make("bpe:40", "bpe:44"));
  all.push_back(make("bpe:41", "word"));
  all.push_back(make("bpe:42", "bpe:45"));
  all[0].save(folder, {{"step", "0"}});
  std::mt19937 random(3);
  constexpr int rounds = 15;
  int in_the_middle = 0;
  for (int round = 0; round < rounds; ++round) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (std::size_t step = random();; ++step)
        all[step % 3].save(folder, {{"step", std::to_string(step % 3)}});
    }
    random();
    std::this_thread::sleep_for(std::chrono::microseconds(1000 + random() % 60000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    in_the_middle += is_there(folder / "source.sentencepiece.previous");
    REQUIRE(message_of_loading(folder) == "no error");
    const Translator found = Translator::load(folder);
    const Translator& expected = all[static_cast<std::size_t>(std::stoi(found.notes.at("step")))];
    CHECK(found.source.vocabulary == expected.source.vocabulary);
    CHECK(found.source.encode("the black cats") == expected.source.encode("the black cats"));
    CHECK(found.target.tokenizer->name() == expected.target.tokenizer->name());
    CHECK(found.target.encode("le chien") == expected.target.encode("le chien"));
  }
  CHECK(in_the_middle > 0);
  measured(
      "kill -9 at %d random moments while models of pieces replace each other: %d between pieces and weights",
      rounds, in_the_middle);
}

TEST_SUITE_END();
