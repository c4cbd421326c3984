#include "examples/translator/train.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace attune::examples {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

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

Index steps_of(std::size_t batches, Index accumulate) {
  return (static_cast<Index>(batches) + accumulate - 1) / accumulate;
}

optim::Schedule make_schedule(const TrainingSettings& settings, Index planned) {
  if (settings.schedule == RateSchedule::inverse_square_root)
    return optim::InverseSquareRoot{.peak = settings.rate, .warmup = std::max<Index>(settings.warmup, 1)};
  return optim::Cosine{
      .peak = settings.rate, .warmup = std::min(settings.warmup, planned / 2), .total = planned};
}

}  // namespace

Training::Training(Translator& translator, const TrainingData& data, const TrainingSettings& settings)
    : optimiser(translator.model, {.beta1 = settings.beta1, .beta2 = settings.beta2}),
      translator_(translator),
      data_(data),
      settings_(settings),
      rng_(settings.seed) {
  planned_ = settings.epochs * steps_of(plan(1).size(), settings.accumulate);
  if (settings.steps > 0) planned_ = std::min(planned_, settings.steps);
  schedule_ = make_schedule(settings, planned_);
}

Training::Ending Training::run(const TrainingHooks& hooks, const InterruptFlag& interrupt) {
  const auto save = [&] {
    state.seconds = seconds();
    if (hooks.save) hooks.save();
  };
  seconds_before_ = state.seconds;
  clock_ = {};
  double saved_seconds = seconds();
  ProgressBar bar;
  while (state.position > 0 || !is_over()) {
    const Plan batches = plan(state.epoch);
    const auto count = static_cast<Index>(batches.size());
    if (state.position == 0)
      state.sums.seconds = seconds();  // what came between the epochs is not of this one
    while (state.position < count && !budget_is_spent()) {
      const StepFigures figures = step(batches);
      if (hooks.after_step) hooks.after_step(figures);
      const double by_steps = static_cast<double>(state.steps) / static_cast<double>(planned_);
      const double done = std::max(by_steps, figures.seconds / seconds_limit());
      bar.show(done, state.loss, state.tokens / figures.seconds, figures.seconds / done - figures.seconds);
      const bool due = (settings_.save_every_steps > 0 && state.steps % settings_.save_every_steps == 0) ||
                       figures.seconds - saved_seconds >= 60 * settings_.save_every;
      if (interrupt || due) {
        save();
        saved_seconds = seconds();
      }
      if (interrupt) return Ending::interrupted;
    }
    if (state.position == 0) break;  // the limit has come between two epochs
    const bool whole = state.position == count;
    if (!whole) save();  // the rest can be done from here
    const EpochFigures figures = end_epoch();
    if (whole) {
      ++state.epoch;
      state.position = 0;
      state.sums = {};
    }
    if (hooks.after_epoch) hooks.after_epoch(figures, whole);
    if (!whole) break;
    save();
    saved_seconds = seconds();
    if (interrupt && !is_over()) return Ending::interrupted;
  }
  state.seconds = seconds();
  return Ending::finished;
}

// Batches of like lengths, in an order that depends on seed and epoch alone.
Training::Plan Training::plan(int epoch) const {
  return text::plan_batches(data_.training, {.max_tokens = settings_.batch_tokens,
                                             .seed = settings_.seed,
                                             .epoch = static_cast<std::uint64_t>(epoch)});
}

StepFigures Training::step(const Plan& plan) {
  const Index end = std::min(state.position + settings_.accumulate, static_cast<Index>(plan.size()));
  std::vector<text::Batch> batches;
  for (Index i = state.position; i < end; ++i)
    batches.push_back(text::make_batch(data_.training, plan[static_cast<std::size_t>(i)]));

  StepFigures figures{.step = state.steps + 1, .epoch = state.epoch};
  figures.gradient = compute_gradient(translator_.model, batches,
                                      {.label_smoothing = settings_.label_smoothing, .clip = settings_.clip},
                                      rng_, state.batches + 1, figures.step);
  figures.rate = schedule_(figures.step);
  optimiser.step(figures.rate);

  // From here on the step is made.
  const double loss = figures.gradient.loss, tokens = static_cast<double>(figures.gradient.target_tokens);
  state.steps = figures.step;
  state.batches += end - state.position;
  state.position = end;
  state.tokens += tokens;
  state.loss = state.steps == 1 ? loss : 0.98 * state.loss + 0.02 * loss;  // over about the last fifty steps
  ++state.sums.steps;
  state.sums.tokens += tokens;
  state.sums.loss += tokens * loss;
  state.sums.gradient_norm += figures.gradient.norm;
  figures.seconds = seconds();
  return figures;
}

EpochFigures Training::end_epoch() {
  const double trained_until = seconds();
  EpochFigures figures{.epoch = state.epoch, .steps = state.steps, .rate = schedule_(state.steps)};
  figures.loss = state.sums.loss / state.sums.tokens;
  figures.gradient_norm = state.sums.gradient_norm / static_cast<double>(state.sums.steps);
  figures.tokens_per_second = state.sums.tokens / (trained_until - state.sums.seconds);
  figures.validation = evaluate(translator_, data_.validation, data_.validation_text);
  figures.seconds = seconds();
  figures.best = better(figures.validation, state.best);
  ++state.epochs_without_better;
  if (figures.best) {
    state.best = {.epoch = state.epoch,
                  .steps = state.steps,
                  .loss = figures.validation.loss,
                  .bleu = figures.validation.bleu.value_or(-1)};
    state.epochs_without_better = 0;
  }
  return figures;
}

bool Training::better(const Evaluation& a, const TrainingState::Best& b) const {
  const double bleu = a.bleu.value_or(-1);
  if (settings_.keep_best_by == KeepBestBy::bleu && bleu != b.bleu && std::isfinite(a.loss))
    return bleu > b.bleu;
  return a.loss < b.loss;
}

double Training::seconds_limit() const {
  return settings_.minutes > 0 ? 60 * settings_.minutes : unlimited;
}

bool Training::budget_is_spent() const {
  // However short the time is, one step is made.
  return (settings_.steps > 0 && state.steps >= settings_.steps) ||
         (state.steps > 0 && seconds() >= seconds_limit());
}

bool Training::is_over() const {
  return state.epoch > settings_.epochs || budget_is_spent() ||
         (settings_.patience > 0 && state.epochs_without_better >= settings_.patience);
}

TrainingResult train(Translator& translator, const TrainingData& data, const TrainingSettings& settings,
                     const std::function<void(const EpochFigures&)>& after_epoch) {
  Training training(translator, data, settings);
  std::vector<Tensor> best;
  TrainingHooks hooks;
  hooks.after_epoch = [&](const EpochFigures& figures, bool) {
    if (figures.best) best = snapshot(translator.model);
    after_epoch(figures);
  };
  const InterruptFlag interrupt;
  const bool interrupted = training.run(hooks, interrupt) == Training::Ending::interrupted;
  if (!best.empty()) restore(translator.model, best);
  return result_of(training.state, interrupted);
}

TrainingResult result_of(const TrainingState& state, bool interrupted) {
  TrainingResult result{.steps = state.steps,
                        .epochs = state.position > 0 ? state.epoch : state.epoch - 1,
                        .seconds = state.seconds,
                        .validation_loss = state.best.loss,
                        .interrupted = interrupted};
  if (state.best.bleu >= 0) result.validation_bleu = state.best.bleu;
  if (state.best.epoch > 0) result.weights = "epoch " + std::to_string(state.best.epoch);
  return result;
}

}  // namespace attune::examples
