#include "examples/translator/training_state.h"

namespace attune::examples {
namespace {

// One list of all members for both directions: what is saved is what is loaded.
template <class State, class Count, class Number>
void for_each_member(State& s, const Count& count, const Number& number) {
  count("state.steps", s.steps);
  count("state.batches", s.batches);
  count("state.epoch", s.epoch);
  count("state.position", s.position);
  number("state.seconds", s.seconds);
  number("state.tokens", s.tokens);
  number("state.loss", s.loss);
  count("state.epoch.steps", s.sums.steps);
  number("state.epoch.tokens", s.sums.tokens);
  number("state.epoch.loss", s.sums.loss);
  number("state.epoch.gradient_norm", s.sums.gradient_norm);
  number("state.epoch.seconds", s.sums.seconds);
  count("state.best.epoch", s.best.epoch);
  count("state.best.steps", s.best.steps);
  number("state.best.loss", s.best.loss);
  number("state.best.bleu", s.best.bleu);
  count("state.epochs_without_better", s.epochs_without_better);
}

}  // namespace

io::Notes to_notes(const TrainingState& state) {
  io::Notes notes;
  for_each_member(
      state, [&](const char* name, auto count) { notes[name] = std::to_string(count); },
      [&](const char* name, double number) { notes[name] = io::exact_text(number); });
  return notes;
}

TrainingState state_from(const io::Notes& notes, const std::filesystem::path& file) {
  TrainingState state;
  for_each_member(
      state,
      [&](const char* name, auto& count) {
        count = static_cast<std::remove_reference_t<decltype(count)>>(io::count_of(notes, name, file));
      },
      [&](const char* name, double& number) { number = io::number_of(notes, name, file); });
  return state;
}

}  // namespace attune::examples
