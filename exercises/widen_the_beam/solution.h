// A logarithm of a probability is never above 0, so extending never makes a candidate better. Once the best
// one is finished, nothing that is still unfinished can overtake it: to stop there would give the same result
// sooner.

#include <algorithm>
#include <cmath>
#include <functional>

#include "exercises/exercise.h"

using Said = std::vector<int>;  // tokens, without the end
using Next = std::function<std::vector<double>(const Said&)>;

struct Candidate {
  Said said = {};
  double log_probability = 0;
  bool finished = false;
};

inline Candidate beam_search(const Next& next, std::size_t width) {
  std::vector<Candidate> beam(1);
  const auto is_finished = [](const Candidate& candidate) { return candidate.finished; };
  while (!std::all_of(beam.begin(), beam.end(), is_finished)) {
    std::vector<Candidate> wider;
    for (const Candidate& candidate : beam) {
      if (candidate.finished) {
        wider.push_back(candidate);
        continue;
      }
      const std::vector<double> probabilities = next(candidate.said);
      for (std::size_t token = 0; token < probabilities.size(); ++token) {
        if (!(probabilities[token] > 0)) continue;
        Candidate extended = candidate;
        extended.log_probability += std::log(probabilities[token]);
        extended.finished = token == 0;
        if (token != 0) extended.said.push_back(static_cast<int>(token));
        wider.push_back(extended);
      }
    }
    std::sort(wider.begin(), wider.end(),
              [](const Candidate& a, const Candidate& b) { return a.log_probability > b.log_probability; });
    if (wider.size() > width) wider.resize(width);
    beam = wider;
  }
  return beam.front();
}
