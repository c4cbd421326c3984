#include "examples/translator/train.h"

#include <cmath>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <limits>

#include "examples/translator/progress.h"
#include "io/file.h"
#include "nn/diagnostics.h"

namespace attune::examples {
namespace {

volatile std::sig_atomic_t interrupted = 0;

// While it lives, Ctrl-C (or `kill`) sets a flag instead of ending the program; the second one ends it.
class InterruptFlag {
 public:
  InterruptFlag() {
    interrupted = 0;
    before_int_ = std::signal(SIGINT, note);
    before_term_ = std::signal(SIGTERM, note);
  }
  ~InterruptFlag() {
    std::signal(SIGINT, before_int_);
    std::signal(SIGTERM, before_term_);
  }
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

 private:
  static void note(int signal) {
    interrupted = 1;
    std::signal(signal, SIG_DFL);
  }
  void (*before_int_)(int);
  void (*before_term_)(int);
};

constexpr const char* figures_header =
    "epoch\tstep\tseconds\ttraining_loss\tvalidation_loss\ttokens_per_second\n";

std::string to_line(const EpochFigures& figures) {
  char line[160];
  std::snprintf(line, sizeof line, "%d\t%lld\t%.1f\t%.4f\t%.4f\t%.0f\n", figures.epoch,
                static_cast<long long>(figures.steps), figures.seconds, figures.loss, figures.validation_loss,
                figures.tokens_per_second);
  return line;
}

// The values of all parameters at one moment. Training copies before it writes, so they stay what they were.
std::vector<Tensor> snapshot(const nn::Transformer& model) {
  std::vector<Tensor> values;
  nn::for_each_parameter(model,
                         [&](const std::string&, const nn::Parameter& p) { values.push_back(p.value()); });
  return values;
}

void restore(nn::Transformer& model, const std::vector<Tensor>& values) {
  std::size_t next = 0;
  nn::for_each_parameter(model, [&](const std::string&, nn::Parameter& p) { p.set_value(values[next++]); });
}

// Says where it began that a loss or gradients are not finite: the step is computed once more, from the same
// numbers to the same bits, and its operations are looked at one by one. ValueError, unless all are finite.
void explain(Index step, const nn::Transformer& model, double loss,
             const std::function<Variable()>& loss_of_step) {
  std::string what = std::isfinite(loss) ? "" : std::isnan(loss) ? "the loss is nan" : "the loss is infinite";
  int parameters = 0, bad = 0;
  std::string first_bad;
  nn::for_each_parameter(model, [&](const std::string& name, const nn::Parameter& parameter) {
    ++parameters;
    if (!parameter.gradient().defined() || !any_non_finite(parameter.gradient())) return;
    if (bad++ == 0) first_bad = name;
  });
  if (bad > 0)
    what += (what.empty() ? "" : ", ") + std::to_string(bad) + " of " + std::to_string(parameters) +
            " gradients are not finite, the first that of " + first_bad;
  const std::optional<nn::AnomalyReport> began = nn::find_anomaly(model, loss_of_step);
  if (began)
    fail<ValueError>("train: step ", step, ": ", what, ": it began here: ", began->sentence,
                     "; this step has changed no weight");
}

}  // namespace

double validation_loss(const nn::Transformer& model, const std::vector<text::EncodedPair>& pairs) {
  const NoGradient no_gradient;
  nn::Pass pass;
  double total = 0;
  double tokens = 0;
  for (const text::Batch& batch : text::make_batches(pairs, {.max_tokens = 4096})) {
    const Variable logits = model(batch.source, batch.source_lengths, batch.target_in, pass);
    const Variable loss = cross_entropy(logits, batch.target_out,
                                        {.ignored = text::Vocabulary::pad, .reduction = Reduction::sum});
    total += static_cast<double>(loss.item());
    tokens += static_cast<double>(batch.target_tokens);
  }
  return total / tokens;
}

TrainingResult train(Translator& translator, const TrainingData& data, const TrainingSettings& settings,
                     const std::function<void(const EpochFigures&)>& after_epoch) {
  nn::Transformer& model = translator.model;
  const Rng rng(settings.seed);
  optim::Adam adam(model, {.beta2 = 0.98});
  const auto batches_of = [&](int epoch) {
    return text::make_batches(data.training, {.max_tokens = settings.batch_tokens,
                                              .seed = settings.seed,
                                              .epoch = static_cast<std::uint64_t>(epoch)});
  };
  const Index planned = settings.epochs * static_cast<Index>(batches_of(1).size());
  const optim::Schedule schedule =
      settings.cosine
          ? optim::Schedule(optim::Cosine{
                .peak = settings.rate, .warmup = std::min(settings.warmup, planned / 2), .total = planned})
          : optim::Schedule(optim::InverseSquareRoot{.peak = settings.rate, .warmup = settings.warmup});

  TrainingResult result;
  result.validation_loss = std::numeric_limits<double>::infinity();
  std::vector<Tensor> best;
  const InterruptFlag interrupt;
  const double limit = settings.minutes > 0 ? 60 * settings.minutes : std::numeric_limits<double>::infinity();
  ProgressBar bar;
  Stopwatch clock;
  double tokens = 0;
  bool stop = false;

  for (int epoch = 1; epoch <= settings.epochs && !stop; ++epoch) {
    for (const text::Batch& batch : batches_of(epoch)) {
      ++result.steps;
      const auto loss_of_step = [&] {
        nn::Pass pass{.training = true, .rng = rng.at(static_cast<std::uint64_t>(result.steps))};
        // The decoder reads <s> y1 y2 … and must predict y1 y2 … </s>: the target shifted by one
        // (text::make_batch).
        const Variable logits =
            model(batch.source, batch.source_lengths, batch.target_in, pass);  // (B, T, V)
        return cross_entropy(logits, batch.target_out,
                             {.label_smoothing = settings.label_smoothing, .ignored = text::Vocabulary::pad});
      };
      const Variable loss = loss_of_step();
      const double latest = static_cast<double>(loss.item());
      if (result.steps == 1) nn::check_visited(loss, model);
      backward(loss);
      try {
        if (!std::isfinite(latest)) fail<ValueError>("train: the loss is not finite: ", latest);
        optim::clip_gradient_norm(model, settings.clip);
      } catch (const ValueError&) {
        explain(result.steps, model, latest, loss_of_step);
        throw;
      }
      adam.step(schedule(result.steps));

      // What the bar shows: a mean over about the last fifty steps.
      result.loss = result.steps == 1 ? latest : 0.98 * result.loss + 0.02 * latest;
      tokens += static_cast<double>(batch.target_tokens);
      const double seconds = clock.seconds();
      const double by_steps = static_cast<double>(result.steps) / static_cast<double>(planned);
      const double done = std::max(by_steps, seconds / limit);
      bar.show(done, result.loss, tokens / seconds, seconds / done - seconds);
      stop = interrupted || seconds >= limit;
      if (stop) break;
    }
    if (interrupted) {
      bar.finish();
      std::cerr << "Interrupted: measuring the validation loss. Once more ends at once.\n";
    }
    result.epochs = epoch;
    const double speed = tokens / clock.seconds();
    const double validation = validation_loss(model, data.validation);
    const bool is_best = validation < result.validation_loss;
    if (is_best) {
      result.validation_loss = validation;
      best = snapshot(model);
    }
    after_epoch({epoch, result.steps, clock.seconds(), result.loss, validation, speed, is_best});
  }
  bar.finish();
  if (!best.empty()) restore(model, best);
  result.seconds = clock.seconds();
  result.interrupted = interrupted != 0;
  return result;
}

TrainingResult train_into(const std::filesystem::path& folder, Translator& translator,
                          const TrainingData& data, const TrainingSettings& settings,
                          const std::map<std::string, std::string>& notes) {
  make_writable_folder(folder);
  std::string lines = figures_header;
  int saved = 0;  // the epoch
  try {
    const TrainingResult result = train(translator, data, settings, [&](const EpochFigures& figures) {
      if (figures.best) {
        translator.save(folder, notes);
        saved = figures.epoch;
      }
      lines += to_line(figures);
      io::write_atomically(folder / "training.tsv", lines);
    });
    if (!saved)
      fail<ValueError>("train: the validation loss is not finite: nothing is saved: lower the rate");
    return result;
  } catch (...) {
    if (saved)
      std::cerr << "train: training has failed; " << folder.string() << " keeps the weights of epoch "
                << saved << ".\n";
    throw;
  }
}

}  // namespace attune::examples
