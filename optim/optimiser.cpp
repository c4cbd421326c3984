#include "optim/optimiser.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "optim/gradients.h"
#include "tensor/error.h"
#include "tensor/reduce.h"
#include "tensor/simd/kernels.h"
#include "tensor/thread_pool.h"

namespace attune::optim {
namespace {

constexpr Index chunk = 8192;  // numbers: a parameter's share of the first-level cache, moments included

bool is_rate(double value) {
  return value >= 0 && std::isfinite(static_cast<Scalar>(value));
}

// A float holds whole numbers up to 2²⁴, so a count is saved as two digits of that base.
constexpr Index digit = Index{1} << 24;

Tensor from_count(Index n) {
  const Index high = n / digit, low = n % digit;
  return tensor({static_cast<Scalar>(high), static_cast<Scalar>(low)});
}

Index to_count(const NamedTensor& saved) {
  Index count = 0;
  for (const Scalar value : saved.value.values()) {
    if (!(value >= 0 && value < static_cast<Scalar>(digit) && value == std::floor(value)))
      fail<ValueError>("load_state: ", saved.name,
                       " must hold a count, two whole numbers from 0 to 2^24 - 1: ", value,
                       ": the state is damaged");
    count = count * digit + static_cast<Index>(value);
  }
  return count;
}

// Names and shapes, as far as a person wants to read them.
std::string listed(const std::vector<NamedTensor>& tensors) {
  constexpr std::size_t shown = 4;
  std::ostringstream text;
  for (std::size_t i = 0; i < tensors.size() && i < shown; ++i)
    text << (i ? ", " : "") << tensors[i].name << " " << tensors[i].value.shape();
  if (tensors.size() > shown) text << " and " << tensors.size() - shown << " more";
  return tensors.empty() ? "nothing" : text.str();
}

}  // namespace

GroupRule decay_matrices(double weight_decay) {
  return [weight_decay](const std::string&, const Tensor& value) {
    return Group{.weight_decay = value.rank() >= 2 ? weight_decay : 0};
  };
}

Optimiser::Optimiser(std::string name, std::vector<nn::NamedParameter> parameters, const GroupRule& rule,
                     std::vector<Moment> moments)
    : name_(std::move(name)), parameters_(std::move(parameters)), moment_kinds_(std::move(moments)) {
  if (parameters_.empty())
    fail<ValueError>(name_, ": there are no parameters: name them in the layer's visit");
  if (moment_kinds_.size() > max_moments)
    fail<ValueError>(name_, ": at most ", max_moments, " moments are possible: ", moment_kinds_.size(),
                     ": raise Optimiser::max_moments");
  for (const nn::NamedParameter& parameter : parameters_) {
    if (!parameter.cell)
      fail<ValueError>(name_, ": parameter ", parameter.name,
                       " is empty: take it from named_parameters(model)");
    const Tensor& value = parameter.cell->value;
    Slot slot;
    slot.group = rule(parameter.name, value);
    if (!is_rate(slot.group.rate_factor) || !is_rate(slot.group.weight_decay))
      fail<ValueError>(name_, ": rate_factor and weight_decay must be finite and not negative: ",
                       slot.group.rate_factor, " and ", slot.group.weight_decay, " for ", parameter.name);
    for (std::size_t k = 0; k < moment_kinds_.size(); ++k) slot.moments.push_back(zeros(value.shape()));
    slots_.push_back(std::move(slot));
  }
}

void Optimiser::step(double rate) {
  if (parameters_.empty())
    fail<ValueError>("optimiser: it has no parameters any more: it was moved: use the one it was moved to");
  if (!is_rate(rate))
    fail<ValueError>(name_, ": the rate must be finite and not negative: ", rate, ": look at the schedule");
  detail::check_finite(name_, parameters_);

  // Collect what the step touches. Memory for copies is taken here, and the parameters keep their values, so
  // that nothing can go wrong any more once the first number changes.
  struct Work {
    Slot& slot;
    Tensor gradient;  // contiguous
    Stretch whole;
  };
  std::vector<Work> work;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!detail::has_gradient(parameters_[i])) continue;
    nn::Parameter::Cell& cell = *parameters_[i].cell;
    Slot& slot = slots_[i];
    Work& item = work.emplace_back(Work{slot, contiguous(cell.leaf->gradient), {}});
    item.whole = {.parameter = cell.value.writable(),
                  .gradient = item.gradient.data(),
                  .moments = {},
                  .n = static_cast<std::size_t>(cell.value.elements()),
                  .rate = rate * slot.group.rate_factor,
                  .weight_decay = slot.group.weight_decay,
                  .update = slot.updates + 1};
    for (std::size_t k = 0; k < slot.moments.size(); ++k) item.whole.moments[k] = slot.moments[k].writable();
  }
  if (work.empty()) {
    const bool all_frozen = std::all_of(parameters_.begin(), parameters_.end(),
                                        [](const nn::NamedParameter& p) { return p.cell->frozen; });
    fail<ValueError>(name_, ": no gradient has reached any of the ", parameters_.size(), " parameters: ",
                     all_frozen ? "all are frozen: unfreeze what is to be trained"
                                : "call backward(loss) before each step, with a loss of this model");
  }

  for (const Work& item : work) {
    parallel_for(static_cast<Index>(item.whole.n), chunk, [&](Index begin, Index end) {
      Stretch stretch = item.whole;
      stretch.parameter += begin;
      stretch.gradient += begin;
      for (std::size_t k = 0; k < moment_kinds_.size(); ++k) stretch.moments[k] += begin;
      stretch.n = static_cast<std::size_t>(end - begin);
      update(stretch);
    });
    ++item.slot.updates;
  }
  for (const nn::NamedParameter& parameter : parameters_) parameter.cell->leaf->gradient = Tensor();
  ++steps_;
}

std::vector<NamedTensor> Optimiser::state() const {
  std::vector<NamedTensor> state;
  state.push_back({"steps", from_count(steps_)});
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    state.push_back({parameters_[i].name + ".updates", from_count(slots_[i].updates)});
    for (std::size_t k = 0; k < moment_kinds_.size(); ++k)
      state.push_back({parameters_[i].name + "." + moment_kinds_[k].name, slots_[i].moments[k]});
  }
  return state;
}

void Optimiser::load_state(const std::vector<NamedTensor>& state) {
  // Pair what is given with what is needed, by name and shape; what is left over on either side is the error.
  std::map<std::string, NamedTensor> given;
  std::vector<NamedTensor> only_there;
  for (const NamedTensor& tensor : state) {
    tensor.value.checked("load_state");
    if (!given.emplace(tensor.name, tensor).second) only_there.push_back(tensor);
  }
  std::vector<NamedTensor> only_here;
  std::map<std::string, NamedTensor> found;
  for (const NamedTensor& needed : this->state()) {
    const auto match = given.find(needed.name);
    if (match != given.end() && match->second.value.shape() == needed.value.shape())
      found.insert(given.extract(match));
    else
      only_here.push_back(needed);
  }
  for (const auto& [name, tensor] : given) only_there.push_back(tensor);
  if (!only_here.empty() || !only_there.empty())
    fail<ValueError>("load_state: the state belongs to another model or optimiser: only here: ",
                     listed(only_here), "; only in the state: ", listed(only_there),
                     ": make model and optimiser with the settings they were saved with");

  // Everything is read into a copy, so that a damaged number changes nothing either.
  const Index steps = to_count(found.at("steps"));
  std::vector<Slot> slots = slots_;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    slots[i].updates = to_count(found.at(parameters_[i].name + ".updates"));
    for (std::size_t k = 0; k < moment_kinds_.size(); ++k) {
      const NamedTensor& moment = found.at(parameters_[i].name + "." + moment_kinds_[k].name);
      const Tensor numbers = contiguous(moment.value);
      if (kernels().any_non_finite(numbers.data(), static_cast<std::size_t>(numbers.elements())))
        fail<ValueError>("load_state: ", moment.name, " ", numbers.shape(),
                         " holds NaN or infinity: the state is damaged");
      if (!moment_kinds_[k].negative && numbers.elements() > 0 && min(numbers).item() < 0)
        fail<ValueError>("load_state: ", moment.name, " ", numbers.shape(), " holds ", min(numbers).item(),
                         ", and a mean of squares is never negative: the state is damaged");
      slots[i].moments[k] = numbers;
    }
  }
  steps_ = steps;
  slots_ = std::move(slots);
}

}  // namespace attune::optim
