#include "tensor/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

#include "tensor/error.h"

namespace attune::inline ATTUNE_PRECISION {
namespace {

constexpr int most_threads = 1024;

// True while this thread runs a body on behalf of the pool: what it calls then must not enter the pool again.
thread_local bool inside_pool = false;

int checked_thread_count(const char* op, int count) {
  if (count < 1 || count > most_threads) {
    fail<ValueError>(op, ": the number of threads must be from 1 to ", most_threads, ": got ", count,
                     ": choose a number in that range");
  }
  return count;
}

int hardware_threads() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, most_threads);
}

int first_thread_count() {
  const char* text = std::getenv("ATTUNE_THREADS");
  if (text == nullptr || *text == '\0') return hardware_threads();
  const std::string value = text;
  if (value.size() > 8 || value.find_first_not_of("0123456789") != std::string::npos) {
    fail<ValueError>("ATTUNE_THREADS: must be a whole number from 1 to ", most_threads, ": got \"", value,
                     "\": set it to the number of threads, or unset it for one per processor");
  }
  return checked_thread_count("ATTUNE_THREADS", std::stoi(value));
}

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `value` is no longer `old`. First awake, because the next piece of work tends to follow within
// microseconds and waking a sleeping thread takes longer than that; then asleep, leaving the processor to
// others.
template <class T>
void wait_for_change(const std::atomic<T>& value, T old, bool spin) {
  using Clock = std::chrono::steady_clock;
  if (spin) {
    const Clock::time_point give_up = Clock::now() + std::chrono::microseconds(200);
    do {
      for (int i = 0; i < 16; ++i) {
        if (value.load() != old) return;
        pause_briefly();
      }
    } while (Clock::now() < give_up);
  }
  value.wait(old);
}

// One piece of work at a time. The caller opens it, takes part in it, closes it, and waits for the workers
// that joined it in between. A worker that wakes up late finds it closed and goes back to sleep: on a busy
// machine nobody waits for a thread that the system has not even started.
class Pool {
 public:
  explicit Pool(int threads) : threads_(threads) {}

  int threads() const { return threads_; }

  void resize(int threads) {
    const std::lock_guard lock(in_use_);
    stop_workers();
    threads_ = threads;
  }

  // At the end of the program; later work runs on its caller. If a body called std::exit, its own work never
  // ends and cannot be waited for.
  void shut_down() {
    if (inside_pool) {
      for (std::thread& worker : workers_) worker.detach();
      workers_.clear();
    } else {
      resize(1);
    }
  }

  // False, and nothing done, if the pool cannot be entered now.
  bool run(std::int64_t count, std::int64_t chunk, detail::ChunkBody body) {
    if (inside_pool || threads_ == 1) return false;
    const std::unique_lock lock(in_use_, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    start_workers();

    work_ = {count, chunk, &body};
    failed_chunk_ = std::numeric_limits<std::int64_t>::max();
    // Every thread begins with a share of its own, neighbouring chunks in its own cache, and then helps the
    // others.
    const std::int64_t chunks = (count - 1) / chunk + 1;
    const auto share_count = static_cast<std::int64_t>(share_count_);
    std::int64_t next = 0;
    for (std::int64_t share = 0; share < share_count; ++share) {
      Share& mine = shares_[static_cast<std::size_t>(share)];
      mine.next = next;
      next += chunks / share_count + (share < chunks % share_count);
      mine.end = next;
    }

    inside_pool = true;
    members_ = 0;
    ++calls_;
    if (chunks >= share_count) {
      calls_.notify_all();
    } else {
      for (std::int64_t helper = 1; helper < chunks; ++helper) calls_.notify_one();
    }
    take_chunks(0);

    int members = members_.fetch_add(closed) + closed;
    while (members != closed) {
      wait_for_change(members_, members, spin_);
      members = members_;
    }
    inside_pool = false;
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    return true;
  }

 private:
  static constexpr int closed = std::numeric_limits<int>::min();

  struct Work {
    std::int64_t count = 0;
    std::int64_t chunk = 0;
    const detail::ChunkBody* body = nullptr;
  };

  struct alignas(64) Share {  // a cache line each
    std::atomic<std::int64_t> next = 0;
    std::int64_t end = 0;
  };

  void start_workers() {
    if (static_cast<int>(workers_.size()) + 1 == threads_) return;
    share_count_ = static_cast<std::size_t>(threads_);
    shares_ = std::make_unique<Share[]>(share_count_);
    spin_ = threads_ <= hardware_threads();  // else it would take the processor from a thread with work to do
    stopping_ = false;
    for (std::size_t share = workers_.size() + 1; share < share_count_; ++share) {
      try {
        workers_.emplace_back([this, share, seen = calls_.load()] { serve(share, seen); });
      } catch (const std::system_error&) {
        // The system gives no more threads: those there are do all the work.
        threads_ = static_cast<int>(share);
        break;
      }
    }
  }

  void stop_workers() {
    stopping_ = true;
    ++calls_;
    calls_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  void serve(std::size_t share, unsigned seen) {
    inside_pool = true;
    while (true) {
      wait_for_change(calls_, seen, spin_);
      seen = calls_;
      if (stopping_) return;
      int members = members_;
      while (members >= 0 && !members_.compare_exchange_weak(members, members + 1)) {
      }
      if (members < 0) continue;  // too late
      take_chunks(share);
      if (members_.fetch_sub(1) - 1 == closed) members_.notify_one();
    }
  }

  void take_chunks(std::size_t share) {
    for (std::size_t turn = 0; turn < share_count_; ++turn) {
      Share& from = shares_[(share + turn) % share_count_];
      while (true) {
        const std::int64_t index = from.next.fetch_add(1, std::memory_order_relaxed);
        if (index >= from.end) break;
        run_chunk(index);
      }
    }
  }

  // Chunks before a failed one still run, so that the first failure in order is the one reported.
  void run_chunk(std::int64_t index) {
    if (index > failed_chunk_) return;
    const std::int64_t begin = index * work_.chunk;
    try {
      (*work_.body)(begin, begin + std::min(work_.chunk, work_.count - begin));
    } catch (...) {
      const std::lock_guard lock(failure_mutex_);
      if (index < failed_chunk_) {
        failed_chunk_ = index;
        failure_ = std::current_exception();
      }
    }
  }

  std::mutex in_use_;  // held by the caller whose work this is
  std::atomic<int> threads_;
  std::vector<std::thread> workers_;  // threads_ - 1 of them, once started
  bool spin_ = true;
  std::atomic<bool> stopping_ = false;

  std::atomic<unsigned> calls_ = 0;  // goes up with every piece of work: what sleeping workers watch
  // Workers inside the work; `closed` is added when nobody may join any more.
  std::atomic<int> members_ = closed;

  Work work_;
  std::unique_ptr<Share[]> shares_;
  std::size_t share_count_ = 0;

  std::atomic<std::int64_t> failed_chunk_ = 0;
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

// Never destroyed, since destructors of other globals may still compute; its threads end with the program.
Pool& pool() {
  struct EndOfProgram {
    Pool& pool;
    ~EndOfProgram() { pool.shut_down(); }
  };
  static Pool& pool = *new Pool(first_thread_count());
  static EndOfProgram end{pool};
  return pool;
}

}  // namespace

int thread_count() {
  return pool().threads();
}

void set_thread_count(int count) {
  checked_thread_count("set_thread_count", count);
  if (inside_pool) {
    fail<Error>("set_thread_count: called while this thread runs a parallel_for body: wanted ", count,
                " threads: call it before or after the parallel work");
  }
  pool().resize(count);
}

void detail::parallel_chunks(std::int64_t count, std::int64_t chunk, ChunkBody body) {
  if (chunk < 1)
    fail<ValueError>("parallel_for: the chunk must be at least 1: got ", chunk, " for ", count, " items");
  if (pool().run(count, chunk, body)) return;
  for (std::int64_t begin = 0; begin < count;) {
    const std::int64_t end = begin + std::min(chunk, count - begin);
    body(begin, end);
    begin = end;
  }
}

}  // namespace attune::inline ATTUNE_PRECISION
