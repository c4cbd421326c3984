#pragma once

#include <array>

#include "tensor/shape.h"
#include "tensor/thread_pool.h"

namespace attune::inline ATTUNE_PRECISION {

/// Walks N strided operands of one shape together, as few and as long runs as their strides allow.
///
/// Neighbouring axes that are evenly spaced in every operand are merged into one, so contiguous operands of
/// any rank become a single run; what is left of the last axis is the run, the axes before it are the outer
/// loop. The first element of run r stands at position r * run_length() of a contiguous result.
template <int N>
class Loop {
 public:
  /// Work of about this many elements is handed to one thread at a time.
  static constexpr Index chunk = 16384;

  Loop(const Shape& shape, const std::array<const Index*, N>& strides) {
    // Build the axes from the last to the first; merge an axis into its inner neighbour where every operand
    // allows it.
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const Index size = shape[axis];
      if (size == 1) continue;
      bool merges = axes_ > 0;
      for (int i = 0; merges && i < N; ++i)
        merges = strides[static_cast<std::size_t>(i)][axis] == strides_[i][axes_ - 1] * sizes_[axes_ - 1];
      if (merges) {
        sizes_[axes_ - 1] *= size;
      } else {
        sizes_[axes_] = size;
        for (int i = 0; i < N; ++i) strides_[i][axes_] = strides[static_cast<std::size_t>(i)][axis];
        ++axes_;
      }
    }
    if (axes_ == 0) {
      sizes_[0] = 1;  // a single element: a run of one, contiguous by definition
      for (int i = 0; i < N; ++i) strides_[i][0] = 1;
      axes_ = 1;
    }
    runs_ = sizes_[0] == 0 ? 0 : shape.elements() / sizes_[0];
  }

  Index runs() const { return runs_; }
  Index run_length() const { return sizes_[0]; }
  Index inner_stride(int operand) const { return strides_[operand][0]; }

  /// Calls body(position, n, offsets) for the runs [first, last): the run's place in the contiguous result,
  /// its length, and where each operand's run starts.
  template <class Body>
  void for_each_run(Index first, Index last, Body&& body) const {
    if (first >= last) return;
    Index position[Shape::max_rank + 1] = {};
    Index offsets[N] = {};
    Index rest = first;
    for (int axis = 1; axis < axes_; ++axis) {
      position[axis] = rest % sizes_[axis];
      rest /= sizes_[axis];
      for (int i = 0; i < N; ++i) offsets[i] += position[axis] * strides_[i][axis];
    }
    for (Index run = first;;) {
      body(run * sizes_[0], sizes_[0], static_cast<const Index*>(offsets));
      if (++run == last) return;
      for (int axis = 1; axis < axes_; ++axis) {  // count up, carrying into the next axis
        for (int i = 0; i < N; ++i) offsets[i] += strides_[i][axis];
        if (++position[axis] < sizes_[axis]) break;
        for (int i = 0; i < N; ++i) offsets[i] -= position[axis] * strides_[i][axis];
        position[axis] = 0;
      }
    }
  }

  /// The same, shared out to the threads. A long single run is cut into pieces.
  template <class Body>
  void parallel_for_each_run(Body&& body) const {
    if (runs_ == 1) {
      parallel_for(sizes_[0], chunk, [&](Index begin, Index end) {
        Index offsets[N];
        for (int i = 0; i < N; ++i) offsets[i] = begin * strides_[i][0];
        body(begin, end - begin, static_cast<const Index*>(offsets));
      });
      return;
    }
    const Index runs_per_chunk = sizes_[0] >= chunk ? 1 : chunk / (sizes_[0] + (sizes_[0] == 0));
    parallel_for(runs_, runs_per_chunk, [&](Index begin, Index end) { for_each_run(begin, end, body); });
  }

 private:
  int axes_ = 0;  // axis 0 is the innermost here
  Index runs_ = 0;
  Index sizes_[Shape::max_rank + 1] = {};
  Index strides_[N][Shape::max_rank + 1] = {};
};

}  // namespace attune::inline ATTUNE_PRECISION
