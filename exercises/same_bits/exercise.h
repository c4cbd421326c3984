// 8.3 Find why a sum changes with the number of threads, and mend it.
//
// Two mistakes make this sum of n numbers differ in its last bits: one depends on the number of threads, the
// other on which thread is done first. It must be the same to the last bit for any number of threads and in
// every run.
//
// add_up(begin, end) returns the sum of the numbers from begin to end − 1, added in their order. It may be
// called from several threads at once, and knows no threads itself. Keep the work shareable: for n = 100,000
// there should be at least four calls of it, and each number must be in exactly one of them.
//
// Where to look: tensor/thread_pool.h.

#include <algorithm>
#include <functional>
#include <mutex>

#include "exercises/exercise.h"
#include "tensor/thread_pool.h"

using namespace attune;

inline Scalar sum_in_parallel(Index n, const std::function<Scalar(Index begin, Index end)>& add_up) {
  const Index chunk = std::max<Index>(1, (n + thread_count() - 1) / thread_count());  // a fair share each
  Scalar total = 0;
  std::mutex one_at_a_time;
  parallel_for(n, chunk, [&](Index begin, Index end) {
    const Scalar part = add_up(begin, end);
    const std::lock_guard lock(one_at_a_time);
    total += part;
  });
  return total;
}
