#include "examples/translator/report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <optional>
#include <tuple>

#include "examples/translator/progress.h"
#include "io/file.h"
#include "io/markup.h"

namespace attune::examples {
namespace {

namespace fs = std::filesystem;

constexpr const char* page_name = "report.html";
constexpr const char* records_name = "report";
constexpr std::uint64_t largest_record = std::uint64_t{1} << 28, largest_csv = std::uint64_t{1} << 30;
constexpr std::size_t most_moments = 40;        // of the slider
constexpr std::size_t page_budget = 8'000'000;  // bytes of recorded weights in the page
constexpr std::size_t most_points = 400;        // of a curve of single steps

// ---- the model's view of a sentence

text::Tokens with_end(text::Tokens tokens) {
  tokens.push_back("</s>");
  return tokens;
}

text::Tokens with_start(text::Tokens tokens) {
  tokens.insert(tokens.begin(), "<s>");
  return tokens;
}

// The weights of all layers, (1, H, T, S) each, as bytes (L, H, T, S).
template <class Layers, class Part>
std::string bytes_of(const nn::AttentionRecord& record, const Layers& layers, Part part) {
  std::string bytes;
  for (const auto& layer : layers)
    for (const Scalar weight : record.of(layer.*part).values())
      bytes += io::to_byte(static_cast<double>(weight));
  return bytes;
}

// A line without the marks of a text that was cut into pieces beforehand.
std::string plain(const Side& side, const std::string& line) {
  return side.tokenizer->join(side.tokenizer->split(line));
}

io::WatchedSentence look(const Translator& translator, const text::SentencePair& pair) {
  const nn::Transformer& model = translator.model;
  const auto heads = static_cast<std::size_t>(model.settings.heads);
  const text::EncodedPair ids{translator.source.encode(pair.source), translator.target.encode(pair.target)};
  const text::Batch batch = text::make_batch({ids}, {0});
  nn::AttentionRecord record;
  nn::Pass pass{.record = &record};
  model(batch.source, batch.source_lengths, batch.target_in, pass);

  io::WatchedSentence sentence{.source = plain(translator.source, pair.source),
                               .reference = plain(translator.target, pair.target)};
  sentence.translations.push_back(
      translator.target.decode(text::greedy_search(model, {ids.source}, 4096).front()));

  const text::Tokens source = with_end(translator.source.tokenizer->split(pair.source));
  const text::Tokens target = translator.target.tokenizer->split(pair.target);
  if (model.settings.encoder_layers > 0)
    sentence.kinds.push_back(
        {.name = "encoder self-attention",
         .note = "While the source is read, every word may look at every other.",
         .row_axis = "source words, which look",
         .column_axis = "source words, which are looked at",
         .rows = source,
         .columns = source,
         .layers = model.encoder.layers.size(),
         .heads = heads,
         .weights = {bytes_of(record, model.encoder.layers, &nn::EncoderLayer::self_attention)}});
  if (model.settings.decoder_layers > 0) {
    sentence.kinds.push_back(
        {.name = "decoder self-attention",
         .note = "While a word of the translation is about to be written, it may look at those before it.",
         .row_axis = "words of the reference, each about to be written",
         .column_axis = "what has been written by then",
         .rows = with_end(target),
         .columns = with_start(target),
         .layers = model.decoder.layers.size(),
         .heads = heads,
         .weights = {bytes_of(record, model.decoder.layers, &nn::DecoderLayer::self_attention)}});
    const bool only_mean = model.settings.source_view == nn::SourceView::mean;
    sentence.kinds.push_back(
        {.name = "cross-attention",
         .note = "While a word of the translation is about to be written, it looks at the source.",
         .row_axis = "words of the reference, each about to be written",
         .column_axis = "source words, which are looked at",
         .rows = with_end(target),
         .columns = only_mean ? text::Tokens{"mean of the source"} : source,
         .layers = model.decoder.layers.size(),
         .heads = heads,
         .weights = {bytes_of(record, model.decoder.layers, &nn::DecoderLayer::cross_attention)}});
  }
  return sentence;
}

// ---- files

fs::path record_path(const fs::path& folder, int epoch) {
  std::string digits = std::to_string(epoch);
  if (digits.size() < 4) digits.insert(0, 4 - digits.size(), '0');
  return folder / records_name / ("epoch-" + digits + ".json");
}

// The epochs that there are records of, rising.
std::vector<int> recorded_epochs(const fs::path& folder) {
  std::vector<int> epochs;
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / records_name, problem)) {
    // Any other name is not one that this epoch's record has.
    const std::string digits = entry.path().stem().string().substr(
        std::min<std::size_t>(std::string("epoch-").size(), entry.path().stem().string().size()));
    int epoch = -1;
    std::from_chars(digits.data(), digits.data() + digits.size(), epoch);
    if (epoch >= 0 && entry.path() == record_path(folder, epoch)) epochs.push_back(epoch);
  }
  std::sort(epochs.begin(), epochs.end());
  return epochs;
}

EpochRecord read_record(const fs::path& folder, int epoch) {
  const fs::path path = record_path(folder, epoch);
  EpochRecord record = from_json(io::read_file(path, largest_record), path.string());
  if (record.epoch != epoch)
    fail<FileError>(path.string(), ": this is the record of epoch ", record.epoch,
                    ": give it its name again, or delete it");
  return record;
}

NumberTable read_table(const fs::path& file) {
  std::error_code problem;
  if (!fs::exists(file, problem)) return {};
  return read_csv(io::read_file(file, largest_csv), file.string());
}

// ---- the page

// Two records of one training have the same sentences and the same layers and heads.
bool same_sentences(const EpochRecord& one, const EpochRecord& other) {
  return std::equal(one.sentences.begin(), one.sentences.end(), other.sentences.begin(),
                    other.sentences.end(), [](const io::WatchedSentence& a, const io::WatchedSentence& b) {
                      return a.source == b.source && a.reference == b.reference &&
                             std::equal(a.kinds.begin(), a.kinds.end(), b.kinds.begin(), b.kinds.end(),
                                        [](const io::AttentionKind& k, const io::AttentionKind& l) {
                                          return k.name == l.name && k.rows == l.rows &&
                                                 k.columns == l.columns && k.layers == l.layers &&
                                                 k.heads == l.heads;
                                        });
                    });
}

// The records of the slider's moments, at most as many as the page has room for.
std::vector<EpochRecord> chosen_records(const fs::path& folder) {
  const std::vector<int> epochs = recorded_epochs(folder);
  std::vector<EpochRecord> records;
  if (epochs.empty()) return records;
  EpochRecord last = read_record(folder, epochs.back());
  const std::size_t size = std::max<std::size_t>(1, to_json(last).size());
  for (const int epoch : thinned(epochs, std::clamp<std::size_t>(page_budget / size, 2, most_moments))) {
    if (epoch == last.epoch) break;
    EpochRecord record = read_record(folder, epoch);
    if (same_sentences(record, last)) records.push_back(std::move(record));  // else of another training
  }
  records.push_back(std::move(last));
  return records;
}

std::string number(double value, int places) {
  return std::isfinite(value) ? io::short_decimal(value, places) : "unknown";
}

// The row with the lowest finite value (or the highest, of −value); nothing when there is none.
std::optional<std::size_t> lowest(const std::vector<double>& values, double sign = 1) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i]) && (!best || sign * values[i] < sign * values[*best])) best = i;
  return best;
}

void add_facts(io::ReportPage& page, const NumberTable& epochs, const EpochRecord* record) {
  const auto epoch = epochs.column("epoch"), loss = epochs.column("validation_loss"),
             perplexity = epochs.column("validation_perplexity"), bleu = epochs.column("validation_bleu"),
             seconds = epochs.column("seconds"), speed = epochs.column("tokens_per_second");
  const auto at_epoch = [&](std::size_t row) { return ", epoch " + number(epoch[row], 0); };
  if (const auto best = lowest(loss))
    page.facts.push_back({"lowest validation loss" + at_epoch(*best), number(loss[*best], 3)});
  if (const auto best = lowest(perplexity))
    page.facts.push_back({"validation perplexity" + at_epoch(*best), number(perplexity[*best], 2)});
  if (const auto best = lowest(bleu, -1))
    page.facts.push_back({"highest validation BLEU" + at_epoch(*best), number(bleu[*best], 2)});
  if (epochs.rows() > 0) {
    page.facts.push_back({"epochs", number(epoch.back(), 0)});
    if (std::isfinite(epochs.column("step").back()))
      page.facts.push_back({"steps", with_thousands(epochs.column("step").back())});
    if (std::isfinite(seconds.back())) page.facts.push_back({"time", minutes_and_seconds(seconds.back())});
    if (std::isfinite(speed.back()))
      page.facts.push_back({"tokens per second", with_thousands(speed.back())});
  }
  if (record) page.facts.insert(page.facts.end(), record->facts.begin(), record->facts.end());
}

void add_chart(io::ReportPage& page, double last_step, io::LineChart chart) {
  const auto has_points = [](const io::Curve& curve) {
    for (std::size_t i = 0; i < curve.x.size(); ++i)
      if (std::isfinite(curve.x[i]) && std::isfinite(curve.y[i])) return true;
    return false;
  };
  std::vector<io::Curve> curves;
  for (io::Curve& curve : chart.curves)
    if (has_points(curve)) curves.push_back(std::move(curve));
  chart.curves = std::move(curves);
  chart.x_shown = {0, last_step};
  if (!chart.curves.empty()) page.charts.push_back(std::move(chart));
}

void add_charts(io::ReportPage& page, const NumberTable& epochs, const NumberTable& steps) {
  // From the beginning to the last step, in all of them.
  double last = 0;
  for (const NumberTable* table : {&epochs, &steps})
    for (const double step : table->column("step")) last = std::max(last, std::isfinite(step) ? step : 0);
  const auto by_epoch = [&](const char* name, const char* column) {
    return io::Curve{.name = name, .x = epochs.column("step"), .y = epochs.column(column)};
  };
  const auto by_step = [&](const char* name, const char* column, bool faint) {
    return io::thin_curve(
        {.name = name, .x = steps.column("step"), .y = steps.column(column), .faint = faint}, most_points);
  };
  add_chart(page, last,
            {.title = "Loss",
             .x_axis = "step",
             .y_axis = "nats per token",
             .curves = {by_epoch("training", "training_loss"), by_epoch("validation", "validation_loss"),
                        by_step("single steps", "loss", true)},
             .note = "Training is measured with dropout and label smoothing, so it may stand higher. Where "
                     "validation rises again, the model learns by heart.",
             .places = 3});
  add_chart(page, last,
            {.title = "Validation perplexity",
             .x_axis = "step",
             .y_axis = "perplexity",
             .curves = {by_epoch("validation", "validation_perplexity")},
             .note = "Between how many words the model is torn, on average; on a scale of powers of ten.",
             .logarithmic = true});
  add_chart(page, last,
            {.title = "Validation BLEU",
             .x_axis = "step",
             .y_axis = "BLEU",
             .curves = {by_epoch("validation", "validation_bleu")},
             .note = "How much of the translations stands in the references: 0 to 100."});
  const bool with_steps = steps.rows() > 0;
  add_chart(page, last,
            {.title = "Learning rate",
             .x_axis = "step",
             .y_axis = "rate",
             .curves = {with_steps ? by_step("learning rate", "learning_rate", false)
                                   : by_epoch("learning rate", "learning_rate")},
             .note = "Up during the warm-up, then down.",
             .places = 7});
  add_chart(page, last,
            {.title = "Gradient norm",
             .x_axis = "step",
             .y_axis = "norm",
             .curves = {with_steps ? by_step("gradient norm, before clipping", "gradient_norm", false)
                                   : by_epoch("gradient norm", "gradient_norm")},
             .note = "Before clipping. Peaks late in training mean that the rate is too high.",
             .places = 3});
  add_chart(page, last,
            {.title = "Speed",
             .x_axis = "step",
             .y_axis = "target tokens per second",
             .curves = {by_epoch("target tokens per second", "tokens_per_second")},
             .note = "How fast it learns on this machine.",
             .places = 0});
}

// The step at the end of an epoch: what the marks in the curves stand at.
double step_of(const NumberTable& epochs, int epoch) {
  const std::vector<double> numbers = epochs.column("epoch"), steps = epochs.column("step");
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i] == epoch && std::isfinite(steps[i])) return steps[i];
  return epoch == 0 ? 0 : -1;  // outside of every chart
}

// The folder's name, also of "model/" and ".".
std::string name_of(const fs::path& folder) {
  std::error_code problem;
  const fs::path whole = fs::absolute(folder, problem).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

}  // namespace

// ---- recording

ReportWriter::ReportWriter(fs::path folder, const Translator& translator,
                           const std::vector<text::SentencePair>& validation)
    : folder_(std::move(folder)) {
  const auto length = [](const Side& side, const std::string& line) {
    return side.tokenizer->split(line).size() + 1;
  };
  struct Candidate {
    std::size_t length;
    const text::SentencePair* pair;
  };
  std::vector<Candidate> candidates;
  for (const text::SentencePair& pair : validation) {
    const std::size_t source = length(translator.source, pair.source),
                      target = length(translator.target, pair.target);
    if (std::min(source, target) > 1 && std::max(source, target) <= longest_watched)
      candidates.push_back({source, &pair});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.length, a.pair->source, a.pair->target) <
           std::tie(b.length, b.pair->source, b.pair->target);
  });
  candidates.erase(
      std::unique(candidates.begin(), candidates.end(),
                  [](const Candidate& a, const Candidate& b) { return a.pair->source == b.pair->source; }),
      candidates.end());
  const std::size_t count = std::min(watched_count, candidates.size());
  for (std::size_t i = 0; i < count; ++i)  // the middle of the i-th of `count` parts
    watched_.push_back(*candidates[(2 * i + 1) * candidates.size() / (2 * count)].pair);
}

void ReportWriter::after_epoch(const Translator& translator, int epoch) const {
  try {
    std::error_code problem;
    fs::create_directories(folder_ / records_name,
                           problem);  // if it fails, so does what follows, with its reason
    for (const int later : recorded_epochs(folder_))
      if (later > epoch) fs::remove(record_path(folder_, later), problem);
    io::write_atomically(record_path(folder_, epoch), to_json(record_epoch(translator, watched_, epoch)));
    write_report(folder_);
  } catch (const std::exception& error) {  // a spoilt model, a full disk: training has its own word on these
    std::cerr << "report: " << error.what() << "; training goes on without it\n";
  }
}

EpochRecord record_epoch(const Translator& translator, const std::vector<text::SentencePair>& watched,
                         int epoch) {
  const NoGradient no_gradient;
  EpochRecord record{.epoch = epoch};
  const nn::TransformerSettings& settings = translator.model.settings;
  record.facts = {
      {"parameters", with_thousands(static_cast<double>(nn::parameter_count(translator.model)))},
      {"layers", std::to_string(settings.encoder_layers) + " + " + std::to_string(settings.decoder_layers)},
      {"heads", std::to_string(settings.heads)},
      {"width", std::to_string(settings.width)}};
  for (const text::SentencePair& pair : watched) record.sentences.push_back(look(translator, pair));
  return record;
}

// ---- writing it

void write_report(const fs::path& folder) {
  const NumberTable epochs = read_table(folder / "training.csv"), steps = read_table(folder / "steps.csv");
  std::vector<EpochRecord> records = chosen_records(folder);
  if (epochs.rows() == 0 && steps.rows() == 0 && records.empty())
    fail<FileError>(folder.string(),
                    ": there is nothing to report on here, neither training.csv nor report/epoch-….json: ",
                    "name the folder of a training with --model");

  io::ReportPage page;
  page.title = "Training report: " + name_of(folder);
  page.summary =
      "How this translator was trained, how well it does, and what it looks at. The sentences below are of "
      "the "
      "validation set, which training does not learn from.";
  add_facts(page, epochs, records.empty() ? nullptr : &records.back());
  add_charts(page, epochs, steps);
  for (EpochRecord& record : records) {
    page.moments.push_back(record.epoch);
    page.moment_steps.push_back(step_of(epochs, record.epoch));
    if (page.sentences.empty()) {
      page.sentences = std::move(record.sentences);
      continue;
    }
    for (std::size_t s = 0; s < page.sentences.size(); ++s) {
      io::WatchedSentence &all = page.sentences[s], &now = record.sentences[s];
      all.translations.push_back(std::move(now.translations[0]));
      for (std::size_t k = 0; k < all.kinds.size(); ++k)
        all.kinds[k].weights.push_back(std::move(now.kinds[k].weights[0]));
    }
  }
  io::write_atomically(folder / page_name, io::report_html(page));
}

}  // namespace attune::examples
