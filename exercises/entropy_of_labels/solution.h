// ln V if all are equally frequent: then knowing the frequencies is knowing nothing. 0 if there is only one:
// it is always right. A training that hangs at H has learned to count, and nothing about its input.

#include <map>

#include "exercises/exercise.h"

using namespace attune;

inline double entropy_of_labels(const Indices& targets, int ignored) {
  std::map<std::int32_t, double> counts;
  double total = 0;
  for (const std::int32_t target : targets.values) {
    if (target == ignored) continue;
    counts[target] += 1;
    total += 1;
  }
  double entropy = 0;
  for (const auto& [target, count] : counts) entropy -= count / total * std::log(count / total);
  return entropy;
}
