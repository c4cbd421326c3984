#include "examples/translator/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <iostream>
#include <sstream>

#include "examples/translator/report.h"
#include "io/unicode.h"

namespace attune::examples {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_table = std::uint64_t{1} << 32;
constexpr const char* epochs_header =
    "epoch,step,seconds,learning_rate,training_loss,validation_loss,validation_perplexity,validation_bleu,"
    "validation_bleu_text,"
    "tokens_per_second,gradient_norm,best\n";
constexpr const char* steps_header = "step,epoch,seconds,learning_rate,loss,gradient_norm,target_tokens\n";

std::string line_of(const EpochFigures& f) {
  char bleu[32] = "", bleu_text[32] = "";  // empty where there was no text to translate
  if (f.validation.bleu) std::snprintf(bleu, sizeof bleu, "%.2f", *f.validation.bleu);
  if (f.validation.bleu_text) std::snprintf(bleu_text, sizeof bleu_text, "%.2f", *f.validation.bleu_text);
  char line[400];
  std::snprintf(line, sizeof line, "%d,%lld,%.1f,%.6g,%.4f,%.4f,%.4f,%s,%s,%.0f,%.4g,%d\n", f.epoch,
                static_cast<long long>(f.steps), f.seconds, f.rate, f.loss, f.validation.loss,
                f.validation.perplexity(), bleu, bleu_text, f.tokens_per_second, f.gradient_norm,
                f.best ? 1 : 0);
  return line;
}

std::string line_of(const StepFigures& f) {
  char line[200];
  std::snprintf(line, sizeof line, "%lld,%d,%.2f,%.6g,%.5f,%.5g,%lld\n", static_cast<long long>(f.step),
                f.epoch, f.seconds, f.rate, f.gradient.loss, f.gradient.norm,
                static_cast<long long>(f.gradient.target_tokens));
  return line;
}

// The header and the first `rows` lines below it, as far as they are there. What was being written when the
// process died comes behind them.
std::string kept_lines(const fs::path& file, const std::string& header, Index rows) {
  std::error_code problem;
  const std::string text = fs::exists(file, problem) ? io::read_file(file, largest_table) : header;
  std::size_t end = header.size();
  Index found = 0;
  const bool ours = text.starts_with(header);
  while (ours && found < rows) {
    const std::size_t line_end = text.find('\n', end);
    if (line_end == std::string::npos) break;
    end = line_end + 1;
    ++found;
  }
  if (found < rows)
    std::cerr << "resume: " << file.string() << " has lost lines: " << found << " of " << rows
              << " are there; training goes on all the same.\n";
  return ours ? text.substr(0, end) : header;
}

std::string checksum_of(const TrainingData& data) {
  std::uint32_t sum = 0;
  const auto add = [&](const std::vector<std::int32_t>& ids) {
    const auto size = static_cast<std::uint32_t>(ids.size());
    sum = io::crc32c({reinterpret_cast<const char*>(&size), sizeof size}, sum);
    sum = io::crc32c({reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof ids[0]}, sum);
  };
  for (const auto* pairs : {&data.training, &data.validation})
    for (const text::EncodedPair& pair : *pairs) add(pair.source), add(pair.target);
  for (const text::SentencePair& pair : data.validation_text)
    sum = io::crc32c(pair.source + '\t' + pair.target + '\n', sum);
  char text[16];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(sum));
  return text;
}

std::string describe(const TrainingData& data) {
  return std::to_string(data.training.size()) + " pairs to train on, " +
         std::to_string(data.validation.size()) + " to validate on, checksum " + checksum_of(data);
}

io::Notes figures_of(const std::string& weights, const Evaluation& validation) {
  io::Notes notes{{"weights", weights}, {"validation_loss", io::exact_text(validation.loss)}};
  if (validation.bleu) notes["validation_bleu"] = io::exact_text(*validation.bleu);
  return notes;
}

// What a killed process was writing; nothing reads it. Only files of ours: the folder may hold others.
void remove_partial_files(const fs::path& folder) {
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, problem)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.find(".safetensors.") != std::string::npos ||
                      name.find(".vocabulary") != std::string::npos || name.starts_with("training.csv.") ||
                      name.starts_with("steps.csv.") || name.starts_with("settings.ini.") ||
                      name.starts_with("report.html.") || name.find(".json.") != std::string::npos;
    if (ours && name.ends_with(".partial")) fs::remove(entry.path(), problem);
  }
}

std::string command_to_go_on(const fs::path& folder) {
  return "./run translator resume --model " + folder.string();
}

}  // namespace

RunFolder::RunFolder(fs::path folder) : folder_(std::move(folder)) {}

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);  // which gives the lock back
}

fs::path RunFolder::epoch_file(int epoch) const {
  char name[48];
  std::snprintf(name, sizeof name, "epoch-%04d.safetensors", epoch);
  return checkpoints() / name;
}

std::vector<RunFolder::Epoch> RunFolder::epochs() const {
  std::vector<Epoch> found;
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoints(), problem)) {
    int number = 0;
    if (std::sscanf(entry.path().filename().c_str(), "epoch-%d.safetensors", &number) == 1 &&
        entry.path() == epoch_file(number))
      found.push_back({number, entry.path()});
  }
  std::sort(found.begin(), found.end(), [](const Epoch& a, const Epoch& b) { return a.number < b.number; });
  return found;
}

std::vector<RunFolder::Epoch> RunFolder::last_epochs(int count) const {
  std::vector<Epoch> all = epochs();
  if (all.empty())
    fail<FileError>(folder_.string(),
                    ": no weights of epochs are kept here: name the folder of a training with --model");
  // Not by their number: the best one is kept, too, however long ago it was.
  const int last = all.back().number;
  std::erase_if(all, [&](const Epoch& epoch) { return epoch.number <= last - count; });
  return all;
}

bool RunFolder::begun() const {
  std::error_code problem;
  return fs::exists(latest(), problem) || fs::exists(previous(), problem);
}

bool RunFolder::finished() const {
  return checkpoint_notes()["run.over"] == "yes";
}

// The notes of the latest checkpoint that is whole.
io::Notes RunFolder::checkpoint_notes() const {
  if (!begun())
    fail<FileError>(folder_.string(),
                    ": no training has begun here: name the folder of one with --model, or begin one with "
                    "`translator train`");
  try {
    return io::read_safetensors(latest()).metadata;
  } catch (const FileError&) {
    if (std::error_code problem; !fs::exists(previous(), problem)) throw;
    return io::read_safetensors(previous()).metadata;
  }
}

void RunFolder::lock() {
  make_writable_folder(folder_);
  std::error_code problem;
  fs::create_directories(checkpoints(), problem);
  const fs::path file = checkpoints() / "lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0)
    fail<FileError>(file.string(), ": cannot be made: check who may write there, and that the disk has room");
  // The lock goes with the process, however it ends. Where a file system has no locks, there are none.
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    fail<FileError>(folder_.string(),
                    ": another process trains here: wait for it, or choose another folder with --out");
  for (const fs::path& folder : {folder_, folder_ / "report", checkpoints(), checkpoints() / "start"})
    remove_partial_files(folder);
}

void RunFolder::begin(const Training& training, const std::string& settings, const io::Notes& notes) {
  lock();
  for (const fs::path& file : {latest(), previous()}) fs::remove(file);
  for (const Epoch& epoch : epochs()) fs::remove(epoch.file);
  for (const char* table : {"training.csv", "steps.csv"}) fs::remove(folder_ / table);
  notes_ = notes;
  run_ = {
      {"run.settings", settings}, {"run.corpus", describe(training.data())}, {"run.kernels", kernels().name}};
  training.translator().save(checkpoints() / "start", notes_);
  if (!settings.empty()) io::write_atomically(folder_ / "settings.ini", settings);
  open_tables(0, 0);
  save(training);
}

std::string RunFolder::settings() const {
  const std::string known = checkpoint_notes()["run.settings"];
  const fs::path file = folder_ / "settings.ini";
  std::error_code problem;
  if (!fs::exists(file, problem)) return known;
  std::istringstream now_lines(io::read_file(file, largest_table)), known_lines(known);
  std::string now, then;
  for (int line = 1;; ++line) {
    const bool more = static_cast<bool>(std::getline(now_lines, now));
    const bool expected = static_cast<bool>(std::getline(known_lines, then));
    if (!more && !expected) return known;
    if (more == expected && now == then) continue;
    fail<FileError>(file.string(), ":", line, ": this line has been changed since the training began, from ",
                    io::show_name(expected ? then : ""), " to ", io::show_name(more ? now : ""),
                    ": change it back to go on, or begin anew with `translator train --settings ",
                    file.string(), " --out` and another folder");
  }
}

Translator RunFolder::start() const {
  return Translator::load(checkpoints() / "start");
}

void RunFolder::resume(Training& training) {
  lock();
  fs::path file = latest();
  io::Notes notes;
  nn::Transformer& model = training.translator().model;
  try {
    notes = io::load_checkpoint(file, model, training.optimiser);
  } catch (const FileError& damage) {
    file = previous();
    try {
      notes = io::load_checkpoint(file, model, training.optimiser);
    } catch (const FileError&) {
      fail<FileError>("resume: ", damage.what(), "; and there is no older checkpoint that is whole: restore ",
                      latest().string(), ", or begin anew with `translator train`");
    }
    std::cerr << "resume: " << damage.what() << "\nresume: going on from the checkpoint before it, "
              << file.string() << ".\n";
    // It is the latest now. Otherwise the next save would put the damaged one in its place.
    std::error_code problem;
    fs::rename(latest(), checkpoints() / "damaged.safetensors", problem);
    fs::rename(previous(), latest(), problem);
  }
  training.state = state_from(notes, file);
  notes_ = training.translator().notes;
  for (const auto& [name, text] : notes)
    if (name.starts_with("run.")) run_[name] = text;
  if (const std::string now = describe(training.data()); now != run_["run.corpus"])
    fail<FileError>("resume: the corpus is not the one that this training began with (then ",
                    run_["run.corpus"], "; now ", now,
                    "): restore the files, or begin anew with `translator ", "train`");
  if (run_["run.kernels"] != kernels().name)
    std::cerr << "resume: this training began with " << run_["run.kernels"] << " kernels and goes on with "
              << kernels().name << ": the last digits will differ.\n";
  const TrainingState& state = training.state;
  for (const Epoch& epoch : epochs())
    if (epoch.number >= state.epoch) fs::remove(epoch.file);  // comes again
  if (!run_["run.settings"].empty()) io::write_atomically(folder_ / "settings.ini", run_["run.settings"]);
  open_tables(state.epoch - 1, state.steps);
}

void RunFolder::open_tables(Index epochs, Index steps) {
  table_ = kept_lines(folder_ / "training.csv", epochs_header, epochs);
  io::write_atomically(folder_ / "training.csv", table_);
  io::write_atomically(folder_ / "steps.csv", kept_lines(folder_ / "steps.csv", steps_header, steps));
  steps_ = std::make_unique<io::Journal>(folder_ / "steps.csv");
}

void RunFolder::save(const Training& training) {
  steps_->sync();  // the lines of all steps up to here, before the checkpoint that counts on them
  std::error_code problem;
  fs::remove(previous(), problem);
  fs::create_hard_link(latest(), previous(), problem);  // where there are no links, there is one checkpoint
  io::Notes notes = to_notes(training.state);
  notes.insert(run_.begin(), run_.end());
  notes["run.over"] = training.is_over() ? "yes" : "no";
  io::save_checkpoint(latest(), training.translator().model, training.optimiser, notes);

  // What no one needs any more, now that the checkpoint is there.
  const TrainingState& state = training.state;
  for (const Epoch& epoch : epochs())
    if (epoch.number < state.epoch - training.settings().keep && epoch.number != state.best.epoch)
      fs::remove(epoch.file, problem);
}

void RunFolder::add(const StepFigures& figures) {
  steps_->append(line_of(figures));
}

void RunFolder::add(const Training& training, const EpochFigures& figures) {
  const io::Notes notes = figures_of("epoch " + std::to_string(figures.epoch), figures.validation);
  io::save_weights(epoch_file(figures.epoch), training.translator().model, notes);
  if (figures.best) keep_model(training, notes);
  table_ += line_of(figures);
  io::write_atomically(folder_ / "training.csv", table_);
}

void RunFolder::keep_model(const Training& training, const io::Notes& notes) {
  io::Notes all = notes;
  all.insert(notes_.begin(), notes_.end());
  training.translator().save(folder_, all);
}

TrainingResult RunFolder::finish(Training& training) {
  const TrainingState::Best& best = training.state.best;
  if (best.epoch == 0)
    fail<ValueError>("train: the validation loss is not finite: nothing is saved: lower the rate");
  TrainingResult result = result_of(training.state, false);
  Translator& translator = training.translator();
  const std::vector<Epoch> last = last_epochs(training.settings().average);
  if (last.size() > 1) {
    std::vector<fs::path> files;
    for (const Epoch& epoch : last) files.push_back(epoch.file);
    io::average_weights(files, translator.model);
    const Evaluation mean = evaluate(translator, training.data().validation, training.data().validation_text);
    if (training.better(mean, best)) {
      result.weights = "the mean of epochs " + std::to_string(last.front().number) + " to " +
                       std::to_string(last.back().number);
      result.validation_loss = mean.loss;
      result.validation_bleu = mean.bleu;
      keep_model(training, figures_of(result.weights, mean));
      return result;
    }
  }
  io::load_weights(epoch_file(best.epoch), translator.model);
  keep_model(training,
             figures_of(result.weights, {.loss = result.validation_loss, .bleu = result.validation_bleu}));
  return result;
}

namespace {

// `enter` begins or resumes.
TrainingResult train_in(RunFolder& run, Training& training, const std::function<void()>& enter) {
  const InterruptFlag interrupt;
  std::optional<ReportWriter> report;
  TrainingHooks hooks;
  hooks.after_step = [&](const StepFigures& figures) { run.add(figures); };
  hooks.after_epoch = [&](const EpochFigures& figures, bool) {
    run.add(training, figures);
    if (report) report->after_epoch(training.translator(), figures.epoch);
  };
  hooks.save = [&] { run.save(training); };
  enter();
  if (!training.data().validation_text.empty()) {  // report.html: what it looks at, epoch by epoch
    report.emplace(run.folder(), training.translator(), training.data().validation_text);
    if (training.state.steps == 0) report->after_epoch(training.translator(), 0);
  }
  try {
    if (training.run(hooks, interrupt) == Training::Ending::finished) return run.finish(training);
    // So that there is something to translate with, whenever one stops.
    if (!holds_translator(run.folder()))
      run.keep_model(training, {{"weights", "step " + std::to_string(training.state.steps)}});
    return result_of(training.state, true);
  } catch (const FileError&) {
    std::cerr
        << "train: training has stopped; nothing that was saved is lost. When the cause is mended, go on "
           "with:  "
        << command_to_go_on(run.folder()) << '\n';
    throw;
  } catch (const ValueError&) {
    if (training.state.best.epoch > 0)
      std::cerr << "train: training has failed; " << run.folder().string() << " keeps the weights of epoch "
                << training.state.best.epoch << ".\n";
    throw;
  }
}

}  // namespace

TrainingResult train_into(const fs::path& folder, Translator& translator, const TrainingData& data,
                          const TrainingSettings& settings, const io::Notes& notes,
                          const std::string& settings_text) {
  RunFolder run(folder);
  Training training(translator, data, settings);
  return train_in(run, training, [&] { run.begin(training, settings_text, notes); });
}

TrainingResult resume_in(const fs::path& folder, Translator& translator, const TrainingData& data,
                         const TrainingSettings& settings) {
  RunFolder run(folder);
  Training training(translator, data, settings);
  return train_in(run, training, [&] { run.resume(training); });
}

}  // namespace attune::examples
