#include "nn/pass.h"

#include "tensor/error.h"

namespace attune::nn {

const Tensor& AttentionRecord::find(const void* layer) const {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry)
    if (entry->first == layer) return entry->second;
  fail<ValueError>(
      "attention record: that layer left no weights: run the model with pass.record pointing to this record");
}

}  // namespace attune::nn
