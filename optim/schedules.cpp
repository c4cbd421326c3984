#include "optim/schedules.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensor/error.h"

namespace attune::optim {
namespace {

double as_number(Index n) {
  return static_cast<double>(n);
}

void check_step(const char* name, Index step) {
  if (step < 1) fail<ValueError>(name, ": steps count from 1: ", step, ": raise the step before asking");
}

void check_rate(const char* name, const char* setting, double value) {
  if (!(value >= 0 && std::isfinite(value)))
    fail<ValueError>(name, ": ", setting, " must be finite and not negative: ", value);
}

void check_count(const char* name, const char* setting, Index value, Index least) {
  if (value < least) fail<ValueError>(name, ": ", setting, " must be at least ", least, ": ", value);
}

}  // namespace

double Constant::operator()(Index step) const {
  check_step("constant", step);
  check_rate("constant", "rate", rate);
  return rate;
}

double InverseSquareRoot::operator()(Index step) const {
  check_step("inverse square root", step);
  check_rate("inverse square root", "peak", peak);
  check_count("inverse square root", "warmup", warmup, 1);
  return peak * std::min(as_number(step) / as_number(warmup), std::sqrt(as_number(warmup) / as_number(step)));
}

double Noam::operator()(Index step) const {
  check_step("noam", step);
  check_rate("noam", "factor", factor);
  check_count("noam", "width", width, 1);
  check_count("noam", "warmup", warmup, 1);
  return factor / std::sqrt(as_number(width)) *
         std::min(1 / std::sqrt(as_number(step)), as_number(step) * std::pow(as_number(warmup), -1.5));
}

double Cosine::operator()(Index step) const {
  check_step("cosine", step);
  check_rate("cosine", "peak", peak);
  check_rate("cosine", "floor", floor);
  check_count("cosine", "warmup", warmup, 0);
  if (floor > peak) fail<ValueError>("cosine: floor must not be above peak: ", floor, " and ", peak);
  if (total <= warmup)
    fail<ValueError>("cosine: total must be above warmup: ", total, " and ", warmup,
                     ": set total to the number of steps of the whole training");
  if (step < warmup) return peak * as_number(step) / as_number(warmup);
  if (step >= total) return floor;
  const double progress = as_number(step - warmup) / as_number(total - warmup);
  return floor + (peak - floor) * (1 + std::cos(std::numbers::pi * progress)) / 2;
}

}  // namespace attune::optim
