#pragma once

#include <functional>

#include "tensor/shape.h"

// Schedules: the learning rate at step 1, 2, … They are plain values; `Noam{.width = 256}(step)` is a rate.
// Settings that make no sense, and steps below 1, are a ValueError when the schedule is called.

namespace attune::optim {

/// Any of these, or a lambda.
using Schedule = std::function<double(Index step)>;

/// rate
struct Constant {
  double rate = 1e-3;

  double operator()(Index step) const;
};

/// Linear warm-up to `peak` at step `warmup`, then down with the root of the step:
///   peak · min( step / warmup, √(warmup / step) )
struct InverseSquareRoot {
  double peak = 1e-3;
  Index warmup = 4000;  // steps, at least 1

  double operator()(Index step) const;
};

/// "Attention Is All You Need", section 5.3, equation 3, times a factor:
///   factor · width^−½ · min( step^−½, step · warmup^−3/2 )
/// The inverse-square-root schedule whose peak is factor / √(width · warmup).
struct Noam {
  Index width = 512;  // of the model
  Index warmup = 4000;
  double factor = 1;

  double operator()(Index step) const;
};

/// Linear warm-up to `peak` at step `warmup`, then half a cosine down to `floor` at step `total` (Loshchilov
/// & Hutter 2017, equation 5, without restarts), and `floor` from there on:
///   floor + (peak − floor) · (1 + cos(π (step − warmup) / (total − warmup))) / 2
struct Cosine {
  double peak = 1e-3;
  Index warmup = 0;  // steps; 0 begins right below the peak
  Index total = 0;   // steps, warm-up included: must be set
  double floor = 0;

  double operator()(Index step) const;
};

}  // namespace attune::optim
