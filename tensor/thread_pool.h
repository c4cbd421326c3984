#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "tensor/scalar.h"

// Work shared between threads, with results that are the same to the last bit for any number of threads.
//
// Work of `count` items is cut into chunks that depend only on `count` and `chunk`. Which thread runs a
// chunk, and when, is left open; what a chunk computes must not depend on it. Reductions are combined in the
// order of the chunks.

namespace attune::inline ATTUNE_PRECISION {

/// The number of threads that share the work, the calling one included. At first that is what the environment
/// variable ATTUNE_THREADS says, else one per processor. Throws ValueError if ATTUNE_THREADS is not a number
/// from 1 to 1024.
int thread_count();

/// Changes the number of threads (1 to 1024, else ValueError). Waits for work that other threads have in the
/// pool; throws Error inside a parallel_for body, where that wait would never end. No result depends on this
/// number.
void set_thread_count(int count);

namespace detail {

/// A reference to something callable as body(begin, end): two pointers, no allocation. The callee must
/// outlive it.
class ChunkBody {
 public:
  template <class Body>
  explicit ChunkBody(Body& body)
      : object_(const_cast<void*>(static_cast<const void*>(&body))),
        call_([](void* object, std::int64_t begin, std::int64_t end) {
          (*static_cast<Body*>(object))(begin, end);
        }) {}

  void operator()(std::int64_t begin, std::int64_t end) const { call_(object_, begin, end); }

 private:
  void* object_;
  void (*call_)(void*, std::int64_t, std::int64_t);
};

void parallel_chunks(std::int64_t count, std::int64_t chunk, ChunkBody body);

}  // namespace detail

/// Calls body(begin, end) once for each of [0, chunk), [chunk, 2 chunk), … up to count, on several threads at
/// once.
///
/// Requires chunk > 0 (else ValueError). Work of a single chunk is called directly. The whole work runs on
/// the calling thread, in order, if it is already inside a body or if another thread is using the pool. If
/// bodies throw, the exception of the first chunk in order reaches the caller, as it would from a plain loop;
/// chunks after it may not have run. A call costs about a microsecond while the threads are awake.
template <class Body>
void parallel_for(std::int64_t count, std::int64_t chunk, Body&& body) {
  if (count <= 0) return;
  if (count <= chunk) {
    body(std::int64_t{0}, count);
  } else {
    detail::parallel_chunks(count, chunk, detail::ChunkBody(body));
  }
}

/// combine(… combine(combine(body(chunk 0), body(chunk 1)), body(chunk 2)) …): the chunks as in parallel_for,
/// combined in their order. Returns `empty` if count is 0. The result depends on `chunk`, never on the number
/// of threads.
template <class Result, class Body, class Combine>
Result parallel_reduce(std::int64_t count, std::int64_t chunk, Result empty, Body&& body, Combine&& combine) {
  static_assert(!std::is_same_v<Result, bool>,
                "neighbours in a vector<bool> cannot be written at the same time");
  if (count <= 0) return empty;
  if (count <= chunk) return body(std::int64_t{0}, count);

  const std::int64_t safe_chunk = chunk > 0 ? chunk : 1;  // a bad chunk is refused by parallel_for below
  std::vector<Result> parts(static_cast<std::size_t>((count - 1) / safe_chunk + 1), empty);
  parallel_for(count, chunk, [&](std::int64_t begin, std::int64_t end) {
    parts[static_cast<std::size_t>(begin / chunk)] = body(begin, end);
  });

  Result result = std::move(parts[0]);
  for (std::size_t part = 1; part < parts.size(); ++part)
    result = combine(std::move(result), std::move(parts[part]));
  return result;
}

}  // namespace attune::inline ATTUNE_PRECISION
