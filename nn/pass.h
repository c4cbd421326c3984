#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "tensor/random.h"
#include "tensor/tensor.h"

namespace attune::nn {

/// Attention weights recorded during a forward pass, by the layer they come from. Recording changes no bit of
/// any result.
class AttentionRecord {
 public:
  void add(const void* layer, Tensor weights) { entries_.emplace_back(layer, std::move(weights)); }
  /// The weights (B, H, T, S) of an attention layer's latest call:
  /// `record.of(model.decoder.layers[1].cross_attention)`. Throws ValueError when that layer has not been
  /// called.
  template <class AttentionLayer>
  const Tensor& of(const AttentionLayer& layer) const {
    return find(&layer);
  }
  void clear() { entries_.clear(); }

 private:
  const Tensor& find(const void* layer) const;
  std::vector<std::pair<const void*, Tensor>> entries_;
};

/// What one trip through a model needs to know beyond its input. Layers keep no such state themselves: there
/// is no train/eval switch to forget. Layers derive streams of their own from `rng` and leave it as it is.
struct Pass {
  bool training = false;        // dropout on or off
  std::optional<Rng> rng = {};  // the generator at this step, which training with dropout needs: rng.at(step)
  AttentionRecord* record = nullptr;  // where attention layers leave their weights, or null
};

}  // namespace attune::nn
