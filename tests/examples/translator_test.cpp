#include "examples/translator/translator.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "examples/translator/builtin.h"
#include "examples/translator/chinese.h"
#include "examples/translator/command_line.h"
#include "examples/translator/commands/command.h"
#include "examples/translator/progress.h"
#include "examples/translator/run_folder.h"
#include "examples/translator/settings.h"
#include "examples/translator/train.h"
#include "io/file.h"
#include "tests/io/scratch.h"
#include "tests/support/measured.h"
#include "text/utf8.h"

using namespace attune;
using namespace attune::examples;
using attune::testing::measured;
using namespace std::string_literals;

namespace {

const Corpus& small_corpus() {
  static const Corpus made = make_corpus(1, 400, 40);
  return made;
}

TrainingSettings small_settings() {
  TrainingSettings settings = tour_settings();
  settings.model.width = 16;
  settings.model.hidden = 16;
  settings.model.heads = 2;
  settings.model.encoder_layers = settings.model.decoder_layers = 1;
  settings.batch_tokens = 512;
  settings.warmup = 5;
  settings.rate = 0.01;
  return settings;
}

/// Untrained: what it says is nonsense, but always the same nonsense.
Translator small_translator() {
  TrainingSettings settings = small_settings();
  return make_builtin_translator(small_corpus(), settings);
}

std::vector<std::string> some_sources() {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < 8; ++i) lines.push_back(small_corpus().held_out[i].pair.source);
  return lines;
}

template <class Error, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<Scalar> all_weights(const Translator& translator) {
  std::vector<Scalar> all;
  nn::for_each_parameter(translator.model, [&](const std::string&, const nn::Parameter& parameter) {
    for (const Scalar weight : parameter.value().values()) all.push_back(weight);
  });
  return all;
}

}  // namespace

// ---- files

TEST_CASE("translator: a saved one, loaded again, translates alike to the letter") {
  const Scratch scratch;
  for (const bool other_kind : {false, true}) {
    CAPTURE(other_kind);
    TrainingSettings settings = small_settings();
    if (other_kind) {
      settings.model.norm = nn::NormPlacement::post;
      settings.model.activation = nn::Activation::gelu;
      settings.model.source_view = nn::SourceView::mean;
      settings.model.decoder_layers = 2;
    }
    const Translator first = make_builtin_translator(small_corpus(), settings);
    first.save(scratch / "model", {{"corpus", "a test"}});
    const Translator second = Translator::load(scratch / "model");
    CHECK(second.translate(some_sources()) == first.translate(some_sources()));
    CHECK(all_weights(second) == all_weights(first));
    CHECK(second.model.settings.activation == first.model.settings.activation);
    CHECK(second.notes.at("corpus") == "a test");
  }
}

TEST_CASE("translator: a folder that is missing, half there or of two trainings is refused") {
  const Scratch scratch;
  const std::filesystem::path folder = scratch / "model";
  const auto error = [&] { return message_of<FileError>([&] { Translator::load(folder); }); };
  CHECK(contains(error(), "there is no trained translator here"));

  const Translator translator = small_translator();
  translator.save(folder, {});
  CHECK(error() == "no error");
  std::filesystem::remove(folder / "target.vocabulary");
  CHECK(contains(error(), "target.vocabulary"));

  // As many tokens, but in another order: every word would be taken for another.
  translator.save(folder, {});
  std::string tokens = io::read_file(folder / "source.vocabulary", 1 << 20);
  const std::size_t fifth = tokens.find("</s>\n") + 5;
  const std::size_t sixth = tokens.find('\n', fifth) + 1;
  const std::size_t seventh = tokens.find('\n', sixth) + 1;
  tokens = tokens.substr(0, fifth) + tokens.substr(sixth, seventh - sixth) +
           tokens.substr(fifth, sixth - fifth) + tokens.substr(seventh);
  io::write_atomically(folder / "source.vocabulary", tokens);
  CHECK(contains(error(), "this is not the vocabulary that weights.safetensors was trained with"));

  translator.save(folder, {});
  const std::string weights = io::read_file(folder / "weights.safetensors", 1 << 24);
  io::write_atomically(folder / "weights.safetensors", weights.substr(0, weights.size() / 2));
  CHECK(contains(error(), "weights.safetensors"));
}

namespace {

// Flips one bit in `step` of the files of a translator.
void flip_bits(std::size_t step) {
  const Scratch scratch;
  const std::filesystem::path folder = scratch / "model";
  small_translator().save(folder, {});
  int flips = 0, unseen = 0;
  for (const std::string name : {"source.vocabulary", "target.vocabulary", "weights.safetensors"}) {
    std::string bytes = io::read_file(folder / name, 1 << 24);
    const auto put = [&] { std::ofstream(folder / name, std::ios::binary) << bytes; };
    const std::size_t every =
        step * (name[0] == 'w' ? 101 : 1);  // weights are long, and tested by themselves
    for (std::size_t bit = step / 2; bit < 8 * bytes.size(); bit += every) {
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
      put();
      try {
        Translator::load(folder);
        ++unseen;
        FAIL_CHECK("bit " << bit << " of " << name << " was flipped unseen");
      } catch (const FileError& error) {
        if (!contains(error.what(), (folder / name).string())) FAIL_CHECK(std::string(error.what()));
      }
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
      ++flips;
    }
    put();
  }
  CHECK_NOTHROW(Translator::load(folder));
  measured("translator: %d single-bit flips in weights and vocabularies, %d of them not refused", flips,
           unseen);
}

}  // namespace

TEST_CASE("translator: a bit flipped in any of its files is refused, and the file is named") {
  flip_bits(97);
}

TEST_CASE("translator: the same for one in five of all bits of its vocabularies" * doctest::skip()) {
  flip_bits(5);
}

namespace {

/// Another corpus, so other vocabularies.
Translator other_translator() {
  static const Corpus made = make_corpus(2, 100, 10);
  TrainingSettings settings = small_settings();
  return make_builtin_translator(made, settings);
}

// Kills a process that keeps replacing one translator by another, and looks what can be loaded.
void kill_at_random_moments(int rounds) {
  const Scratch scratch;
  const std::filesystem::path folder = scratch / "model";
  const Translator first = small_translator(), second = other_translator();
  REQUIRE_FALSE(first.source.vocabulary == second.source.vocabulary);
  REQUIRE_FALSE(first.target.vocabulary == second.target.vocabulary);
  first.save(folder, {{"step", "0"}});
  std::mt19937 random(11);
  int acknowledged = 0, in_the_middle = 0, lost = 0, broken = 0;
  for (int round = 0; round < rounds; ++round) {
    int channel[2];
    REQUIRE(::pipe(channel) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (int step = acknowledged + 1;; ++step) {
        try {
          (step % 2 == 0 ? first : second).save(folder, {{"step", std::to_string(step)}});
        } catch (...) {
          ::_exit(1);
        }
        if (::write(channel[1], &step, sizeof step) != sizeof step) ::_exit(2);
      }
    }
    ::close(channel[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(1000 + random() % 150000));
    ::kill(child, SIGKILL);
    int status = 0, reported = 0;
    ::waitpid(child, &status, 0);
    while (::read(channel[0], &reported, sizeof reported) == sizeof reported) acknowledged = reported;
    ::close(channel[0]);
    in_the_middle += std::filesystem::exists(folder / "source.vocabulary.previous");
    try {
      const Translator found = Translator::load(folder);
      const int step = std::stoi(found.notes.at("step"));
      const Translator& expected = step % 2 == 0 ? first : second;
      CHECK(found.source.vocabulary == expected.source.vocabulary);
      CHECK(found.target.vocabulary == expected.target.vocabulary);
      lost += step < acknowledged;
      acknowledged = step;
    } catch (const std::exception& error) {
      ++broken;
      FAIL_CHECK(std::string(error.what()));
    }
  }
  CHECK(lost == 0);
  CHECK(broken == 0);
  CHECK(in_the_middle > 0);
  measured(
      "kill -9 at %d random moments of a process that replaces one translator by another: %d saved, %d kills "
      "between vocabulary and weights, %d lost, %d folders that do not load",
      rounds, acknowledged, in_the_middle, lost, broken);
}

}  // namespace

TEST_CASE(
    "translator: a process killed while it replaces one translator by another leaves one of them whole") {
  kill_at_random_moments(15);
}

TEST_CASE("translator: the same, killed 200 times" * doctest::skip()) {
  kill_at_random_moments(200);
}

TEST_CASE("translator: if the weights cannot be written, the old translator still loads") {
  const Scratch scratch;
  const std::filesystem::path folder = scratch / "model";
  const Translator first = small_translator(), second = other_translator();
  first.save(folder, {});
  for (int attempt = 0; attempt < 2;
       ++attempt) {  // the second time, the vocabularies are those of `second` already
    struct rlimit before {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    struct rlimit small = before;
    small.rlim_cur = 8000;  // room for vocabularies alone
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const std::string error = message_of<FileError>([&] { second.save(folder, {}); });
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(contains(error, "weights.safetensors"));
    CHECK(contains(error, "File too large"));
    const Translator found = Translator::load(folder);
    CHECK(found.source.vocabulary == first.source.vocabulary);
    CHECK(found.translate(some_sources()) == first.translate(some_sources()));
  }
  second.save(folder, {});
  CHECK(Translator::load(folder).source.vocabulary == second.source.vocabulary);
  CHECK_FALSE(std::filesystem::exists(folder / "source.vocabulary.previous"));
  CHECK_FALSE(std::filesystem::exists(folder / "target.vocabulary.previous"));
}

TEST_CASE("translator: settings that make no model are refused, before memory is taken for them") {
  const Scratch scratch;
  const std::filesystem::path folder = scratch / "model";
  const Translator translator = small_translator();
  struct Case {
    const char *name, *value, *error;
  };
  for (const Case& wrong : {Case{"width", "wide", "a whole number from 1 to 1048576"},
                            {"width", "nan", "a whole number"},
                            {"width", "-16", "a whole number"},
                            {"width", "16.0", "a whole number"},
                            {"width", "", "a whole number"},
                            {"width", "16 ", "a whole number"},
                            {"heads", "0", "a whole number"},
                            {"hidden", "1048577", "a whole number"},
                            {"hidden", "99999999999999999999", "a whole number"},
                            {"width", "32", "not in the model"},
                            {"width", "1048576", "larger model"},
                            {"decoder_layers", "1000000", "larger model"},
                            {"heads", "3", "does not split into 3 heads"},
                            {"dropout", "1", "a number from 0 to less than 1"},
                            {"dropout", "-0.1", "a number from 0"},
                            {"dropout", "nan", "a number from 0"},
                            {"dropout", "0.99999999999999999", "a number from 0"},
                            {"dropout", "1e400", "a number from 0"},
                            {"share_embeddings", "true", "expected is yes or no"},
                            {"norm", "middle", "expected is pre or post"},
                            {"activation", "step", "expected is relu, gelu or silu"},
                            {"source_tokens", "runes", "no tokeniser has this name"},
                            {"source_vocabulary_crc32c", "00000000", "this is not the vocabulary"}}) {
    CAPTURE(wrong.name);
    CAPTURE(wrong.value);
    translator.save(folder, {});
    io::SafetensorsFile file = io::read_safetensors(folder / "weights.safetensors");
    file.metadata[wrong.name] = wrong.value;
    io::write_safetensors(folder / "weights.safetensors", file);
    const std::string text = message_of<FileError>([&] { Translator::load(folder); });
    CHECK_MESSAGE((contains(text, wrong.error) || std::string(wrong.value) == "32"), text);
    CHECK(contains(text, folder.string()));

    file.metadata.erase(wrong.name);
    io::write_safetensors(folder / "weights.safetensors", file);
    CHECK(contains(message_of<FileError>([&] { Translator::load(folder); }), "is missing"));
  }
}

TEST_CASE("translator: a folder that cannot be written to is found out before training") {
  const Scratch scratch;
  std::ofstream(scratch / "file") << "not a folder";
  for (const char* place : {"file", "file/below"}) {
    const std::string text = message_of<FileError>([&] { make_writable_folder(scratch / place); });
    CHECK(contains(text, "cannot be written to"));
    CHECK(contains(text, "choose another with --out"));
  }
  make_writable_folder(scratch / "a" / "b");
  CHECK(std::filesystem::is_directory(scratch / "a" / "b"));
}

TEST_CASE("translator: the weights of a model are estimated from below, closely") {
  for (const bool shared : {false, true}) {
    nn::TransformerSettings settings;
    settings.source_vocabulary = settings.target_vocabulary = 100;
    settings.share_embeddings = shared;
    Rng rng(1);
    const auto count = static_cast<double>(nn::parameter_count(nn::Transformer(settings, rng)));
    CHECK(least_weights(settings) <= count);
    CHECK(least_weights(settings) > 0.98 * count);
  }
}

// ---- translating

TEST_CASE("translate: gives exactly one line for each line, whatever stands in it") {
  const Translator translator = small_translator();
  const std::vector<std::string> lines = {"", "   ", "the cat sleeps.", "\t", "qwertz", "。", "the\rcat", ""};
  const std::vector<std::string> translations = translator.translate(lines);
  REQUIRE(translations.size() == lines.size());
  for (const std::size_t i : {0u, 1u, 3u, 7u}) CHECK(translations[i].empty());
  for (const std::string& line : translations) CHECK(line.find('\n') == std::string::npos);
  CHECK(translator.translate({}).empty());
}

TEST_CASE("translate: whatever bytes come in, one line goes out for each line, and it is text") {
  const Translator translator = small_translator();
  const std::string_view special(
      "\n\n\n\n\t\r\0 \xEF\xBB\xBF\xE2\x80\xA8\xC3\xA9\xF0\x9F\x98\x80\xFF\xFE'.<s></s>", 31);
  std::mt19937 random(5);
  std::int64_t inputs = 0, lines = 0, wrong = 0;
  for (int i = 0; i < 40; ++i) {
    std::string input(random() % 400, '\0');
    for (char& c : input) {
      const auto drawn = random();
      c = drawn % 3 == 0   ? static_cast<char>(drawn >> 8 & 0xFF)
          : drawn % 3 == 1 ? static_cast<char>('a' + (drawn >> 8) % 26)
                           : special[(drawn >> 8) % special.size()];
    }
    if (i == 7) input += "\n" + std::string(1 << 20, 'x') + "\n" + std::string(20000, '.');
    if (i % 3 == 0) input += "\nthe cat sleeps.\r\n";
    const auto ends = std::count(input.begin(), input.end(), '\n');
    const std::int64_t expected = ends + (!input.empty() && input.back() != '\n' ? 1 : 0);

    std::istringstream in(input);
    text::LineReader reader(in);
    std::vector<std::string> waiting;
    for (std::string line; reader.next(line);) waiting.push_back(line);
    Translator::Report report;
    const std::vector<std::string> translations = translator.translate(waiting, &report);
    wrong += static_cast<std::int64_t>(translations.size()) != expected;
    for (const std::string& line : translations)
      wrong += text::find_invalid_utf8(line).has_value() ||
               line.find_first_of("\n\r"s + '\0') != std::string::npos;
    for (const auto& [word, count] : report.unknown_words) wrong += word.empty() || count < 1;
    ++inputs;
    lines += expected;
  }
  CHECK(wrong == 0);
  measured("translate: %lld random inputs with %lld lines: one line of text for each, %lld exceptions",
           static_cast<long long>(inputs), static_cast<long long>(lines), static_cast<long long>(wrong));
}

TEST_CASE("translate: words that the model does not know are counted, capitals are not") {
  const Translator translator = small_translator();
  Translator::Report report;
  translator.translate({"The qwertz.", "the qwertz the Azerty."}, &report);
  CHECK(report.unknown_words == std::map<std::string, int>{{"Azerty", 1}, {"qwertz", 2}});
  CHECK(report.cut_lines == 0);
}

TEST_CASE("translate: a line of 401 tokens is cut to 400 and counted, one of 400 is not") {
  const Translator translator = small_translator();
  std::string line = "the";
  for (int i = 1; i < 400; ++i) line += " the";
  Translator::Report report;
  translator.translate({line}, &report);
  CHECK(report.cut_lines == 0);
  const std::vector<std::string> translations = translator.translate({line + " cat", line}, &report);
  CHECK(report.cut_lines == 1);
  CHECK(translations[0] == translations[1]);
}

// ---- scores

TEST_CASE("score: a translator's own translations are all right, others are not") {
  const Translator translator = small_translator();
  const std::vector<std::string> sources = some_sources();
  const std::vector<std::string> own = translator.translate(sources);
  const Score perfect = score_pairs(translator, sources, own);
  CHECK(perfect.exact == 1);
  CHECK(perfect.translations == own);
  CHECK(perfect.bleu.brevity_penalty == 1);
  CHECK(contains(perfect.bleu.signature, "tok:word"));

  std::vector<std::string> one_wrong = own;
  one_wrong[3] += " encore";
  CHECK(score_pairs(translator, sources, one_wrong).exact == doctest::Approx(7.0 / 8));
}

TEST_CASE("score: pieces of words are joined before they are counted") {
  text::TokenCounts counts;
  text::count_tokens({"un@@", "e"}, counts);
  Side source{text::make_tokenizer("bpe"), text::Vocabulary(counts)};
  Side target{text::make_tokenizer("bpe"), text::Vocabulary(counts)};
  nn::TransformerSettings settings = small_settings().model;
  settings.source_vocabulary = source.vocabulary.size();
  settings.target_vocabulary = target.vocabulary.size();
  Rng rng(1);
  const Translator translator{std::move(source), std::move(target), nn::Transformer(settings, rng)};
  const Score score = score_pairs(translator, {"une"}, {"un@@ e un@@ e un@@ e"});
  CHECK(score.bleu.reference_length == 3);
  CHECK(contains(score.bleu.signature, "tok:none"));
}

TEST_CASE("dictionary: word by word, under 5 % of held-out sentences come out right") {
  CHECK(dictionary_score(small_corpus()) < 0.05);
}

// ---- languages

namespace {

const Corpus& small_chinese_corpus() {
  static const Corpus made = make_corpus(1, 400, 40, chinese());
  return made;
}

}  // namespace

TEST_CASE("languages: a translator to Chinese has characters as tokens, trains and scores like any other") {
  TrainingSettings settings = small_settings();
  Translator translator = make_builtin_translator(small_chinese_corpus(), settings);
  CHECK(translator.source.tokenizer->name() == "word");
  CHECK(translator.target.tokenizer->name() == "character");
  const TrainingData data = encode_builtin(translator, small_chinese_corpus());
  const double before = validation_loss(translator.model, data.validation);
  train(translator, data, settings, [](const EpochFigures&) {});
  CHECK(validation_loss(translator.model, data.validation) < before - 0.2);
  const Score score = score_held_out(translator, small_chinese_corpus());
  CHECK(contains(score.bleu.signature, "tok:character"));
  CHECK(dictionary_score(small_chinese_corpus()) < 0.05);

  const SentencePair& pair = small_chinese_corpus().held_out[0].pair;
  const AttentionMaps maps = attention_maps(translator, pair.source, pair.target);
  CHECK(maps.target_tokens.size() == chinese().split(pair.target).size() + 1);
  const AttentionScore attention = score_attention(translator, small_chinese_corpus());
  std::size_t crossings = 0;
  for (const Example& example : small_chinese_corpus().held_out) crossings += example.crossings.size();
  CHECK(static_cast<std::size_t>(attention.pairs) == crossings);
  CHECK(attention.pairs > 0);
}

TEST_CASE("languages: a translator knows which one it writes, and another is refused in a sentence") {
  const Scratch scratch;
  TrainingSettings settings = small_settings();
  make_builtin_translator(small_chinese_corpus(), settings).save(scratch / "zh", builtin_notes(chinese(), 1));
  const Translator loaded = Translator::load(scratch / "zh");
  CHECK(language_of(loaded) == &chinese());
  CHECK_NOTHROW(require_language(loaded, "zh", "zh"));
  CHECK(message_of<ValueError>([&] { require_language(loaded, "fr", "F"); }) ==
        "--to fr asks for French, and the translator in F writes Chinese: give --to zh, or the folder of "
        "another "
        "translator");

  Translator old = small_translator();  // saved when there was French only
  old.notes = {{"corpus", builtin_corpus}};
  CHECK(language_of(old) == &french());
  old.notes = {{"corpus", "pairs.tsv"}};
  CHECK(language_of(old) == nullptr);
  CHECK(contains(message_of<ValueError>([&] { require_language(old, "fr", "F"); }), "leave --to out"));
  old.notes = {{"corpus", builtin_corpus}, {"target_language", "xx"}};
  CHECK(language_of(old) == nullptr);
}

// ---- attention

TEST_CASE("attention maps: a matrix (H, T, S) for each layer, with its labels, whose rows sum to one") {
  const Translator translator = small_translator();
  const SentencePair& pair = small_corpus().held_out[0].pair;
  const AttentionMaps maps = attention_maps(translator, pair.source, pair.target);
  REQUIRE(maps.layers.size() == 1);
  const Tensor& heads = maps.layers[0];
  REQUIRE(heads.rank() == 3);
  CHECK(heads.size(0) == 2);
  CHECK(heads.size(1) == static_cast<Index>(maps.target_tokens.size()));
  CHECK(heads.size(2) == static_cast<Index>(maps.source_tokens.size()));
  CHECK(maps.source_tokens.back() == "</s>");
  CHECK(maps.target_tokens.back() == "</s>");
  for (const Scalar total : sum(heads, -1).values()) CHECK(total == doctest::Approx(1).epsilon(1e-5));
}

TEST_CASE(
    "attention maps: those of the model's own translation are those of the sentence and that translation") {
  TrainingSettings settings = small_settings();
  settings.epochs = 4;
  Translator translator = make_builtin_translator(small_corpus(), settings);
  train(translator, encode_builtin(translator, small_corpus()), settings, [](const EpochFigures&) {});
  int ended = 0;
  for (const std::string& source : some_sources()) {
    const Attended own = translate_and_look(translator, source);
    CHECK(own.translation == translator.translate({source}).front());
    const AttentionMaps given = attention_maps(translator, source, own.translation);
    CHECK(own.maps.source_tokens == given.source_tokens);
    CHECK(own.maps.layers[0].shape() == given.layers[0].shape());
    CHECK(own.maps.layers[0].values() == given.layers[0].values());
    // 2 S + 10 tokens are the most that the search writes, S with </s>.
    if (own.maps.target_tokens.size() - 1 == 2 * own.maps.source_tokens.size() + 10) continue;
    CHECK(own.maps.target_tokens.back() == "</s>");
    ++ended;
  }
  CHECK(ended > 0);
}

TEST_CASE(
    "attention maps: a translation that never ends is labelled so, and unknown words stay as they are") {
  Translator translator = small_translator();
  // The decoder always puts out ones, and the output layer is the target's embedding: </s> scores -16, least.
  nn::LayerNorm& norm = *translator.model.decoder.norm;
  norm.scale.set_value(zeros(norm.scale.shape()));
  norm.shift.set_value(full(norm.shift.shape(), 1));
  nn::for_each_parameter(translator.model, [](const std::string& name, nn::Parameter& parameter) {
    if (name != "target_embedding.weight") return;
    Tensor values = copy(parameter.value());  // (V, 16)
    std::fill_n(values.writable() + 16 * text::Vocabulary::end, 16, Scalar(-1));
    parameter.set_value(values);
  });
  Translator::Report report;
  const Attended own = translate_and_look(translator, "The qwertz sleeps.", &report);
  CHECK(own.maps.source_tokens == std::vector<std::string>{"The", "qwertz", "sleeps", ".", "</s>"});
  CHECK(own.maps.target_tokens.size() == 2 * 5 + 10 + 1);
  CHECK(own.maps.target_tokens.back() == "…");
  CHECK(report.unknown_words.count("qwertz") == 1);
}

TEST_CASE("attention maps: a baseline without attention has none, which is said in a sentence") {
  TrainingSettings settings = small_settings();
  CHECK_NOTHROW(
      require_attention(make_builtin_translator(small_corpus(), settings), "F", "attend", "--model"));
  settings.model.source_view = nn::SourceView::mean;
  const Translator mean = make_builtin_translator(small_corpus(), settings);
  CHECK(
      message_of<ValueError>([&] { require_attention(mean, "F", "attend", "--model"); }) ==
      "attend: F holds the baseline that sees only the mean of the source, so there is no attention to show: "
      "name another folder with --model");
}

TEST_CASE("attention score: one share per layer, over the pairs whose order differs") {
  const AttentionScore score = score_attention(small_translator(), small_corpus());
  REQUIRE(score.layers.size() == 1);
  CHECK(score.pairs > 0);
  CHECK(score.layers[0] >= 0);
  CHECK(score.layers[0] <= 1);
  CHECK(AttentionScore{{0.25, 0.75, 0.5}, 4}.clearest() == 1);
}

// ---- training

TEST_CASE("training: a few steps bring the loss down, and the same seed gives the same bits") {
  TrainingSettings settings = small_settings();
  settings.epochs = 3;
  const auto trained = [&](std::uint64_t seed, TrainingResult& result, std::vector<EpochFigures>& figures) {
    settings.seed = seed;
    Translator translator = make_builtin_translator(small_corpus(), settings);
    const TrainingData data = encode_builtin(translator, small_corpus());
    const double before = validation_loss(translator.model, data.validation);
    figures.clear();
    result = train(translator, data, settings, [&](const EpochFigures& epoch) { figures.push_back(epoch); });
    CHECK(result.validation_loss < before - 0.5);
    CHECK(validation_loss(translator.model, data.validation) == result.validation_loss);
    return all_weights(translator);
  };
  TrainingResult first_result, second_result, third_result;
  std::vector<EpochFigures> first_figures, figures;
  const std::vector<Scalar> first = trained(1, first_result, first_figures);
  const std::vector<Scalar> second = trained(1, second_result, figures);
  CHECK(first == second);
  CHECK(first_result.validation_loss == second_result.validation_loss);
  CHECK(first != trained(2, third_result, figures));

  REQUIRE(first_figures.size() == 3);
  CHECK(first_figures[0].best);
  CHECK(first_figures[2].epoch == 3);
  CHECK(first_figures[2].steps == first_result.steps);
  CHECK_FALSE(first_result.interrupted);
}

TEST_CASE("training: what is saved is the best epoch, with its figures beside it") {
  const Scratch scratch;
  TrainingSettings settings = small_settings();
  settings.epochs = 2;
  Translator translator = make_builtin_translator(small_corpus(), settings);
  const TrainingResult result =
      train_into(scratch / "out", translator, encode_builtin(translator, small_corpus()), settings,
                 {{"corpus", "a test"}});
  const Translator saved = Translator::load(scratch / "out");
  CHECK(all_weights(saved) == all_weights(translator));
  CHECK(saved.notes.at("corpus") == "a test");

  std::istringstream lines(io::read_file(scratch / "out" / "training.csv", 1 << 20));
  std::string line;
  std::getline(lines, line);
  CHECK(line ==
        "epoch,step,seconds,learning_rate,training_loss,validation_loss,validation_perplexity,"
        "validation_bleu,validation_bleu_text,tokens_per_second,gradient_norm,best");
  int epochs = 0;
  while (std::getline(lines, line)) ++epochs;
  CHECK(epochs == result.epochs);
}

TEST_CASE("training: a rate that is too high ends in an error, and nothing broken is saved") {
  const Scratch scratch;
  TrainingSettings settings = small_settings();
  settings.rate = sizeof(Scalar) == 8 ? 1e200 : 1e30;  // its square is beyond what Scalar holds
  settings.warmup = 0;
  Translator translator = make_builtin_translator(small_corpus(), settings);
  const TrainingData data = encode_builtin(translator, small_corpus());
  const std::string text =
      message_of<Error>([&] { train_into(scratch / "out", translator, data, settings, {}); });
  CHECK(contains(text, "train: step 2: the loss is nan, "));
  CHECK(contains(text, ": it began here: "));
  CHECK(contains(text, "lower the rate"));
  CHECK(contains(text, "; the largest weight is "));
  CHECK_FALSE(holds_translator(scratch / "out"));
}

TEST_CASE("training: a spoiled weight is named in the first step, with its operation and its layer") {
  const auto error_with = [](const std::function<void(nn::Transformer&)>& spoil) {
    TrainingSettings settings = small_settings();
    settings.model.dropout = Scalar(0.1);
    Translator translator = make_builtin_translator(small_corpus(), settings);
    const TrainingData data = encode_builtin(translator, small_corpus());
    spoil(translator.model);
    const std::vector<Scalar> before = all_weights(translator);
    const std::string text =
        message_of<ValueError>([&] { train(translator, data, settings, [](const EpochFigures&) {}); });
    const std::vector<Scalar> after = all_weights(translator);
    CHECK(std::memcmp(before.data(), after.data(), before.size() * sizeof(Scalar)) == 0);
    return text;
  };
  // A NaN among the weights.
  const std::string spoiled = error_with([](nn::Transformer& model) {
    nn::Parameter& weight = model.decoder.layers[0].cross_attention.value.weight;
    Tensor values = copy(weight.value());
    values.writable()[3] = static_cast<Scalar>(NAN);
    weight.set_value(values);
  });
  CHECK(contains(spoiled,
                 "train: step 1: the loss is nan, 46 of 48 gradients are not finite, the first that of "
                 "source_embedding.weight: it began here: linear: nan in its result ("));
  CHECK(contains(spoiled,
                 ", 16) at [0, 0, 0], in the forward pass, in decoder.layers.0.cross_attention.value: "
                 "operand 1, the parameter decoder.layers.0.cross_attention.value.weight (16, 16), "
                 "holds nan already at [0, 3]: it was spoiled before this operation: look at how those "
                 "weights, or that input, came about; this step has changed no weight"));
  // One weight so large that the loss is infinite, while the gradients are finite.
  const Scalar huge = sizeof(Scalar) == 8 ? Scalar(1e307) : Scalar(1e37);
  const std::string text = error_with([&](nn::Transformer& model) {
    model.decoder.norm->scale.set_value(full(model.decoder.norm->scale.shape(), huge));
  });
  CHECK(contains(text,
                 "train: step 1: the loss is infinite: it began here: cross_entropy: infinity in its "
                 "result (), in the forward pass, right after target_embedding: "));
  CHECK(contains(text, ", in decoder.norm.scale; this step has changed no weight"));
}

TEST_CASE("progress: numbers as people write them") {
  CHECK(with_thousands(0) == "0");
  CHECK(with_thousands(999.6) == "1,000");
  CHECK(with_thousands(-1234567) == "-1,234,567");
  CHECK(minutes_and_seconds(95) == "1:35");
  CHECK(minutes_and_seconds(-1) == "0:00");
  CHECK(minutes_and_seconds(3695) == "1:01:35");
}

// ---- the command line

namespace {

Options options_of(const std::string& line) {
  std::istringstream words("translator " + line);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word == "''" ? "" : word);
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  return read_command_line(static_cast<int>(pointers.size()), pointers.data()).value();
}

}  // namespace

TEST_CASE("flags: what they leave open is as in the tour on the built-in corpus, and else as in the struct") {
  const Options tour_options = options_of("");
  CHECK(tour_options.command == nullptr);
  CHECK(tour_options.training.epochs == tour_settings().epochs);
  CHECK(tour_options.training.model.dropout == 0);

  const Options own = options_of("train --pairs p.tsv --rate 0.5");
  CHECK(own.training.epochs == TrainingSettings{}.epochs);
  CHECK(own.training.model.dropout == TrainingSettings{}.model.dropout);
  CHECK(own.training.rate == 0.5);

  const Options mixed = options_of("train --epochs 7 --dropout 0.25 --seed 18446744073709551615");
  CHECK(mixed.training.epochs == 7);
  CHECK(mixed.training.model.dropout == Scalar(0.25));
  CHECK(mixed.training.warmup == tour_settings().warmup);
  CHECK(mixed.training.seed == 18446744073709551615u);
}

TEST_CASE("flags: each language has a folder of its own, unless one is named") {
  CHECK(options_of("").out == "out/translator");
  CHECK(options_of("").language().code() == "fr");
  CHECK(options_of("--to fr").out == "out/translator");
  CHECK(options_of("--to zh").out == "out/translator-zh");
  CHECK(options_of("train --to zh").out == "out/translator-zh");
  CHECK(options_of("translate --to zh").model == "out/translator-zh");
  CHECK(options_of("--to zh score").model == "out/translator-zh");
  CHECK(options_of("--to zh --out o").out == "o");
  CHECK(options_of("overfit --to zh").language().code() == "zh");
}

TEST_CASE("flags: overfit has a batch and a rate of its own, and takes the model's flags") {
  const Options plain = options_of("overfit");
  CHECK(plain.command == &overfit_command);
  CHECK(plain.training.batch_tokens == 512);
  CHECK(plain.training.rate == 0.002);
  const Options own = options_of("overfit --pairs p --rate 0.1 --steps 7 --width 64 --batch-tokens 99");
  CHECK(own.training.rate == 0.1);
  CHECK(own.training.batch_tokens == 99);
  CHECK(own.training.model.width == 64);
  CHECK(own.steps == 7);
}

TEST_CASE("flags: attend takes a sentence, in quotation marks or without, a layer, a head and a file") {
  const Options plain = options_of("attend the cat sleeps.");
  CHECK(plain.command == &attend_command);
  CHECK(plain.sentence == "the cat sleeps.");
  CHECK(plain.model == "out/translator");
  CHECK(plain.svg == "out/attend.svg");
  CHECK(plain.layer == 0);
  CHECK(plain.head == 0);
  const Options own = options_of("attend --layer 2 the cat --head 3 --svg s.svg --to zh");
  CHECK(own.sentence == "the cat");
  CHECK(own.layer == 2);
  CHECK(own.head == 3);
  CHECK(own.svg == "s.svg");
  CHECK(own.model == "out/translator-zh");
}

TEST_CASE("flags: the common ones may stand before or behind the command") {
  CHECK(options_of("--model m translate").model == "m");
  CHECK(options_of("translate --model m").model == "m");
  CHECK(options_of("--seed 010 train").training.seed == 10);  // not eight
  CHECK(options_of("--seed 3 train").training.seed == 3);
}

TEST_CASE("flags: with --minutes alone the epochs do not end training, and the rate needs no end in sight") {
  const Options alone = options_of("train --minutes 2");
  CHECK(alone.training.epochs == 1000000);
  CHECK_FALSE(alone.training.schedule == RateSchedule::cosine);
  CHECK(options_of("train --minutes 2 --epochs 5").training.epochs == 5);
}

TEST_CASE("flags: whatever does not fit gets a sentence that says what to do") {
  struct Case {
    const char *line, *error;
  };
  for (const Case& wrong : {
           Case{"--wrong", "there is no flag \"--wrong\": `translator --help` lists"},
           {"train --wrong=3", "there is no flag \"--wrong\": `translator train --help` lists"},
           {"fly", "there is no command \"fly\": the commands are train, resume, average, overfit, "},
           {"train more", "\"more\" belongs to no flag"},
           {"translate hello", "translate reads standard input"},
           {"--pairs p.tsv", "the tour has no flag --pairs, but train has: write `translator train --pairs"},
           {"translate --pairs p.tsv", "translate has no flag --pairs, but train has"},
           {"attend", "attend: no sentence was given: write translator attend 'the black cat"},
           {"attend ''", "attend: no sentence was given"},
           {"attend cat --layer 0", "--layer: \"0\" was given: give a whole number from 1 to 256"},
           {"attend cat --head -1", "--head: \"-1\" was given: give a whole number from 1 to 1024"},
           {"attend cat --wrong", "there is no flag \"--wrong\": `translator attend --help` lists"},
           {"attend cat --layers 2", "attend has no flag --layers, but train has"},
           {"translate --head 2", "translate has no flag --head, but attend has"},
           {"train --epochs", "--epochs needs a value"},
           {"train --epochs 1 --epochs 2", "--epochs was given more than once"},
           {"train --epochs -1", "--epochs: \"-1\" was given: give a whole number from 1 to 1000000"},
           {"train --epochs 1.5", "give a whole number"},
           {"train --epochs 99999999999999999999", "give a whole number"},
           {"--threads 0", "--threads: \"0\" was given: give a whole number from 1 to 1024"},
           {"--seed -1", "--seed: \"-1\" was given: give a whole number that is not negative"},
           {"train --minutes -1", "--minutes: \"-1\" was given: give a number from 0.001 to 1000000"},
           {"train --minutes nan", "--minutes: \"nan\" was given"},
           {"train --minutes inf", "--minutes: \"inf\" was given"},
           {"train --rate -1", "--rate: \"-1\" was given"},
           {"train --rate nan", "--rate: \"nan\" was given"},
           {"train --rate 0", "--rate: \"0\" was given"},
           {"train --label-smoothing nan", "--label-smoothing: \"nan\" was given"},
           {"train --dropout 1", "--dropout: \"1\" was given: give a number from 0 to 0.99"},
           {"train --heads 5 --width 128", "--width 128 does not split into --heads 5"},
           {"train --norm middle", "--norm: \"middle\" was given: give one of pre, post"},
           {"train --pairs p --source-tokens rune", "give one of space, bpe, word, word-french, character"},
           {"train --pairs p --source s", "give one or the other"},
           {"train --source s", "--source and --target go together"},
           {"train --target t", "--source and --target go together"},
           {"train --pairs ''", "--pairs: nothing was given: give a file"},
           {"train --out ''", "--out: nothing was given: give a folder"},
           {"train --max-length 9", "--max-length has no effect on the built-in corpus"},
           {"train --pairs p --baseline dictionary", "--baseline dictionary needs the built-in corpus"},
           {"train --pairs p --validation 9 --validation-pairs q", "give one or the other"},
           {"train --pairs p --validation-source q", "--validation-source and --validation-target go"},
           {"train --pairs p --share-embeddings --source-tokens character", "both languages cut alike"},
           {"score --hypothesis h", "--hypothesis and --reference go together"},
           {"score --hypothesis h --reference r --pairs p", "are scored without a model"},
           {"overfit --dropout 0.1", "overfit has no flag --dropout, but train has"},
           {"overfit --steps 0", "--steps: \"0\" was given: give a whole number from 1"},
           {"overfit --max-length 9", "--max-length has no effect on the built-in corpus"},
           {"overfit --heads 5", "--width 128 does not split into --heads 5"},
           {"overfit --source s", "--source and --target go together"},
           {"--to de", "--to: \"de\" was given: give one of fr, zh"},
           {"translate --to Chinese", "--to: \"Chinese\" was given: give one of fr, zh"},
           {"train --to zh --pairs p",
            "--to chooses the language of the built-in corpus, and your files have"},
           {"overfit --to zh --pairs p", "--to chooses the language of the built-in corpus"},
           {"score --to zh --hypothesis h --reference r", "are scored without a model: leave out --to"},
           {"score --tokenized", "--tokenized is about --hypothesis and --reference"},
           {"score --hypothesis h --reference r --tokenized --tokenize 13a", "give one of them"},
           {"score --metric chrf --tokenize zh", "--tokenize is for BLEU, chrF counts characters"},
           {"score --metric meteor", "--metric: \"meteor\" was given: give one of bleu, chrf, chrf++"},
           {"score --tokenize intl", "give one of 13a, zh, char, none"},
           {"score --resamples 0", "--resamples: \"0\" was given: give a whole number from 1"},
       }) {
    CAPTURE(wrong.line);
    const std::string text = message_of<UsageError>([&] { options_of(wrong.line); });
    CHECK_MESSAGE(contains(text, wrong.error), text);
    CHECK(text.find('\n') == std::string::npos);
  }
}
