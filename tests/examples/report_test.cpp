// What a training leaves for people to look at: what is recorded, and that recording does nothing else.

#include "examples/translator/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "examples/translator/builtin.h"
#include "io/file.h"
#include "io/markup.h"
#include "tests/io/scratch.h"

using namespace attune;
using namespace attune::examples;

namespace {

namespace fs = std::filesystem;

struct Small {
  Corpus corpus = make_corpus(3, 200, 60);
  TrainingSettings settings = [] {
    TrainingSettings s = tour_settings();
    s.model.width = 16;
    s.model.hidden = 16;
    s.model.heads = 2;
    s.model.encoder_layers = 1;
    s.model.dropout = Scalar(0.1);
    return s;
  }();
  Translator translator = make_builtin_translator(corpus, settings);
  std::vector<text::SentencePair> validation;

  Small() {
    for (const Example& example : corpus.held_out)
      validation.push_back({example.pair.source, example.pair.target});
  }
};

std::string content(const fs::path& file) {
  return io::read_file(file, 1 << 28);
}

std::size_t length(const Small& small, const text::SentencePair& pair) {
  return small.translator.source.tokenizer->split(pair.source).size();
}

}  // namespace

TEST_CASE("report: the watched sentences are spread over lengths, the same in whatever order they come") {
  Small small;
  ReportWriter report("nowhere", small.translator, small.validation);
  REQUIRE(report.watched().size() == ReportWriter::watched_count);
  std::vector<std::size_t> all, watched;
  for (const auto& pair : small.validation) all.push_back(length(small, pair));
  for (const auto& pair : report.watched()) watched.push_back(length(small, pair));
  std::sort(all.begin(), all.end());
  CHECK(std::is_sorted(watched.begin(), watched.end()));
  CHECK(watched.front() <= all[all.size() / 6]);
  CHECK(watched.back() >= all[all.size() * 5 / 6]);
  std::reverse(small.validation.begin(), small.validation.end());
  CHECK(ReportWriter("nowhere", small.translator, small.validation).watched() == report.watched());

  const std::string too_long(3 * ReportWriter::longest_watched, 'a');
  std::string words;
  for (const char c : too_long) words += std::string(1, c) + " ";
  CHECK(ReportWriter("nowhere", small.translator, {{words, "a"}, {"a", words}, {"", "a"}, {"a", ""}})
            .watched()
            .empty());
  CHECK(ReportWriter("nowhere", small.translator, {{"a", "b"}, {"a", "c"}}).watched().size() == 1);
}

TEST_CASE("report: what is recorded is what the layers attended to, in a byte each") {
  Small small;
  const text::SentencePair pair = small.validation[0];
  const EpochRecord record = record_epoch(small.translator, {pair}, 7);
  REQUIRE(record.sentences.size() == 1);
  const io::WatchedSentence& sentence = record.sentences[0];
  CHECK(sentence.translations[0] == small.translator.translate({pair.source})[0]);
  REQUIRE(sentence.kinds.size() == 3);

  const NoGradient no_gradient;
  const text::Batch batch = text::make_batch(
      {{small.translator.source.encode(pair.source), small.translator.target.encode(pair.target)}}, {0});
  nn::AttentionRecord attention;
  nn::Pass pass{.record = &attention};
  const nn::Transformer& model = small.translator.model;
  model(batch.source, batch.source_lengths, batch.target_in, pass);
  const auto compare = [](const io::AttentionKind& kind, std::size_t layer, const Tensor& weights) {
    const std::vector<Scalar> values = weights.values();
    REQUIRE(values.size() * kind.layers == kind.weights[0].size());
    REQUIRE(values.size() == kind.heads * kind.rows.size() * kind.columns.size());
    double worst = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      worst = std::max(
          worst, std::abs(static_cast<unsigned char>(kind.weights[0][layer * values.size() + i]) / 255.0 -
                          static_cast<double>(values[i])));
    CHECK(worst <= 0.5 / 255 + 1e-6);
  };
  compare(sentence.kinds[0], 0, attention.of(model.encoder.layers[0].self_attention));
  for (std::size_t layer = 0; layer < 2; ++layer) {
    compare(sentence.kinds[1], layer, attention.of(model.decoder.layers[layer].self_attention));
    compare(sentence.kinds[2], layer, attention.of(model.decoder.layers[layer].cross_attention));
  }
  // The decoder reads <s> first and writes </s> last.
  CHECK(sentence.kinds[1].columns.front() == "<s>");
  CHECK(sentence.kinds[1].rows.back() == "</s>");
  CHECK(sentence.kinds[1].rows.front() == sentence.kinds[1].columns[1]);
}

TEST_CASE("report: recording changes no bit of a training") {
  const auto trained = [](bool recorded) {
    const Scratch scratch;
    Small small;
    const TrainingData data = encode_builtin(small.translator, small.corpus);
    const ReportWriter report(scratch.folder, small.translator, small.validation);
    small.settings.epochs = 2;
    train(small.translator, data, small.settings, [&](const EpochFigures& figures) {
      if (recorded) report.after_epoch(small.translator, figures.epoch);
    });
    std::vector<Scalar> weights;
    nn::for_each_parameter(small.translator.model, [&](const std::string&, const nn::Parameter& p) {
      const std::vector<Scalar> values = p.value().values();
      weights.insert(weights.end(), values.begin(), values.end());
    });
    return weights;
  };
  CHECK(trained(true) == trained(false));
}

TEST_CASE(
    "report: an epoch that is repeated leaves the same files, and the later ones of a training are gone") {
  const Scratch scratch;
  Small small;
  const ReportWriter report(scratch.folder, small.translator, small.validation);
  for (const int epoch : {0, 1, 2, 3}) report.after_epoch(small.translator, epoch);
  const std::string record = content(scratch.folder / "report" / "epoch-0002.json");
  CHECK(fs::exists(scratch.folder / "report" / "epoch-0003.json"));
  report.after_epoch(small.translator, 2);
  CHECK(content(scratch.folder / "report" / "epoch-0002.json") == record);
  CHECK(!fs::exists(scratch.folder / "report" / "epoch-0003.json"));
  const std::string page = content(scratch.folder / "report.html");
  write_report(scratch.folder);
  CHECK(content(scratch.folder / "report.html") == page);
  CHECK(page.find("\"moments\":[0,1,2]") != std::string::npos);
}

TEST_CASE("report: records of another training are left out of the page") {
  const Scratch scratch;
  Small small;
  ReportWriter(scratch.folder, small.translator, small.validation).after_epoch(small.translator, 0);
  small.validation.resize(30);
  ReportWriter(scratch.folder, small.translator, small.validation).after_epoch(small.translator, 1);
  CHECK(content(scratch.folder / "report.html").find("\"moments\":[1]") != std::string::npos);
}

TEST_CASE("report: a record reads back as it was, and every damaged one is refused in a sentence") {
  Small small;
  small.validation[0].source += " \xff<&";
  const EpochRecord record = record_epoch(small.translator, {small.validation[0]}, 12);
  const std::string text = to_json(record);
  const EpochRecord back = from_json(text, "epoch-0012.json");
  CHECK(to_json(back) == text);
  CHECK(back.epoch == 12);
  CHECK(back.sentences[0].kinds[2].weights == record.sentences[0].kinds[2].weights);
  for (std::size_t size = 0; size + 2 < text.size(); size += 1 + size / 20)
    CHECK_THROWS_AS(from_json(text.substr(0, size), "cut"), FileError);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    REQUIRE(other.find(from) != std::string::npos);
    return other.replace(other.find(from), from.size(), to);
  };
  CHECK_THROWS_WITH_AS(
      from_json(with("\"heads\":2", "\"heads\":3"), "f"),
      "f: the weights of \"encoder self-attention\" do not fit their layers, heads and words: delete this "
      "file",
      FileError);
  CHECK_THROWS_AS(from_json(with("\"heads\":2", "\"heads\":-2"), "f"), FileError);
  CHECK_THROWS_AS(from_json(with("\"heads\":2", "\"heads\":1e300"), "f"), FileError);
  CHECK_THROWS_AS(from_json(with("\"epoch\":12", "\"epoch\":\"x\""), "f"), FileError);
  CHECK_THROWS_WITH_AS(from_json("[]", "f"),
                       "f: this is no record of an epoch, or it has been damaged: delete it", FileError);
}

TEST_CASE("report: of many epochs the first, the last and ever sparser ones between are shown") {
  for (int count = 1; count <= 300; ++count) {
    std::vector<int> epochs;
    for (int i = 0; i < count; ++i) epochs.push_back(i);
    const std::vector<int> kept = thinned(epochs, 40);
    REQUIRE(kept.size() <= 40);
    REQUIRE(kept.front() == 0);
    REQUIRE(kept.back() == count - 1);
    REQUIRE(std::is_sorted(kept.begin(), kept.end()));
    if (count <= 40) REQUIRE(kept == epochs);
    if (count > 40) {
      REQUIRE(kept.size() >= 30);
      REQUIRE(kept[4] == 4);  // the first ones stay one by one
      for (std::size_t i = 2; i + 1 < kept.size(); ++i)
        REQUIRE(kept[i] - kept[i - 1] + 1 >= kept[i - 1] - kept[i - 2]);
    }
  }
  CHECK(thinned({5, 6, 9}, 2) == std::vector<int>{5, 9});
}

TEST_CASE("report: tables of numbers are read by name, and what is no number is none") {
  const NumberTable table = read_csv("epoch,loss,best\n1,2.5,1\n2,nan,\n3,x\n\n4,1e-3,0", "f");
  CHECK(table.rows() == 4);
  CHECK(table.column("epoch") == std::vector<double>{1, 2, 3, 4});
  CHECK(table.column("loss")[0] == 2.5);
  CHECK(std::isnan(table.column("loss")[1]));
  CHECK(std::isnan(table.column("loss")[2]));
  CHECK(table.column("loss")[3] == 1e-3);
  CHECK(std::isnan(table.column("best")[2]));
  CHECK(std::isnan(table.column("none")[3]));
  CHECK_THROWS_AS(read_csv("", "f"), FileError);
}

TEST_CASE("report: what stands in the way is said, and does not stop a training") {
  const Scratch scratch;
  CHECK_THROWS_AS(write_report(scratch.folder), FileError);
  io::write_atomically(scratch.folder / "training.csv", "epoch,step,validation_loss\n1,100,2.5\n");
  write_report(scratch.folder);
  CHECK(content(scratch.folder / "report.html").find("epoch 1</dt><dd>2.5<") != std::string::npos);
  Small small;
  ReportWriter(scratch.folder / "training.csv" / "below", small.translator, small.validation)
      .after_epoch(small.translator, 1);  // says so on standard error
  fs::create_directory(scratch.folder / "report");
  io::write_atomically(scratch.folder / "report" / "epoch-0001.json", "{}");
  CHECK_THROWS_AS(write_report(scratch.folder), FileError);
}
