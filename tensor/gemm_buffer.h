#pragma once

#include <memory>
#include <new>

#include "tensor/shape.h"

namespace attune::inline ATTUNE_PRECISION {

/// Aligned memory that only ever grows. One of each kind per thread: in the steady state nothing is
/// allocated.
class GemmBuffer {
 public:
  const Scalar* data() const { return data_.get(); }
  Scalar* reserve(Index elements) {
    if (size_ < elements) {
      data_.reset();
      size_ = 0;
      const auto bytes = static_cast<std::size_t>(elements) * sizeof(Scalar);
      data_.reset(static_cast<Scalar*>(::operator new(bytes, cache_line)));
      size_ = elements;
    }
    return data_.get();
  }

 private:
  static constexpr std::align_val_t cache_line{64};
  struct Free {
    void operator()(Scalar* data) const { ::operator delete(data, cache_line); }
  };
  std::unique_ptr<Scalar, Free> data_;
  Index size_ = 0;
};

}  // namespace attune::inline ATTUNE_PRECISION
