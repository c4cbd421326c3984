#include <map>

#include "exercises/exercise.h"

using namespace attune;

using Parameters = std::map<std::string, Tensor>;

inline Parameters mean_of(const std::vector<Parameters>& checkpoints) {
  if (checkpoints.empty()) throw std::invalid_argument("mean_of: there is no checkpoint");
  Parameters means;
  for (const auto& [name, first] : checkpoints.front()) {
    std::vector<double> sum(static_cast<std::size_t>(first.elements()), 0.0);
    for (const Parameters& checkpoint : checkpoints) {
      const auto found = checkpoint.find(name);
      if (checkpoint.size() != checkpoints.front().size() || found == checkpoint.end() ||
          !(found->second.shape() == first.shape()))
        throw std::invalid_argument("mean_of: " + name + " is not the same in all checkpoints");
      const std::vector<Scalar> values = found->second.values();
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(values[i]);
    }
    std::vector<Scalar> mean;
    for (const double value : sum)
      mean.push_back(static_cast<Scalar>(value / static_cast<double>(checkpoints.size())));
    means.emplace(name, tensor(first.shape(), mean));
  }
  return means;
}
