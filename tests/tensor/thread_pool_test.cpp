#include "tensor/thread_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tensor/error.h"

using namespace attune;

namespace {

// The number of threads as it was, whatever a test does to it.
struct KeepThreadCount {
  int before = thread_count();
  ~KeepThreadCount() { set_thread_count(before); }
};

std::vector<int> visits(std::int64_t count, std::int64_t chunk) {
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
  parallel_for(count, chunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
  });
  return std::vector<int>(seen.begin(), seen.end());
}

std::string error_text(void (*call)()) {
  try {
    call();
  } catch (const ValueError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("parallel_for: every index is visited exactly once, for any number of threads") {
  const KeepThreadCount keep;
  for (const int threads : {1, 2, 3, 4, 7}) {
    set_thread_count(threads);
    CHECK(thread_count() == threads);
    for (const std::int64_t count : {0, 1, 2, 3, 7, 64, 1000}) {
      for (const std::int64_t chunk : {1, 2, 3, 64, 999, 1000, 5000}) {
        CHECK(visits(count, chunk) == std::vector<int>(static_cast<std::size_t>(count), 1));
      }
    }
  }
}

TEST_CASE("parallel_for: chunks depend on the size of the work only, and the last one may be short") {
  const KeepThreadCount keep;
  for (const int threads : {1, 2, 7}) {
    set_thread_count(threads);
    std::vector<std::int64_t> ends(4, -1);
    parallel_for(31, 10, [&](std::int64_t begin, std::int64_t end) {
      REQUIRE(begin % 10 == 0);
      ends[static_cast<std::size_t>(begin / 10)] = end;
    });
    CHECK(ends == std::vector<std::int64_t>{10, 20, 30, 31});
  }
}

TEST_CASE("parallel_for: nothing happens for no work, and a chunk as large as the work is one call") {
  int calls = 0;
  parallel_for(0, 5, [&](std::int64_t, std::int64_t) { ++calls; });
  CHECK(calls == 0);
  parallel_for(std::int64_t{1} << 62, std::int64_t{1} << 62, [&](std::int64_t begin, std::int64_t end) {
    CHECK(begin == 0);
    CHECK(end == std::int64_t{1} << 62);
    ++calls;
  });
  CHECK(calls == 1);
}

TEST_CASE("parallel_for: chunks near the largest number do not overflow") {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  for (const int threads : {1, 3}) {
    const KeepThreadCount keep;
    set_thread_count(threads);
    std::atomic<int> calls = 0;
    std::atomic<bool> reached_end = false;
    parallel_for(most, most - 5, [&](std::int64_t begin, std::int64_t end) {
      ++calls;
      if (begin < end && end == most) reached_end = true;
    });
    CHECK(calls == 2);
    CHECK(reached_end);
  }
}

TEST_CASE("parallel_for: more than one thread really takes part") {
  const KeepThreadCount keep;
  set_thread_count(2);
  // The first chunk waits until the second has begun: with a single thread that would never happen.
  std::atomic<bool> second_begun = false;
  std::atomic<bool> seen = false;
  parallel_for(2, 1, [&](std::int64_t begin, std::int64_t) {
    if (begin == 1) second_begun = true;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (begin == 0 && !second_begun && std::chrono::steady_clock::now() < give_up)
      std::this_thread::yield();
    if (begin == 0) seen = second_begun.load();
  });
  CHECK(seen);
}

TEST_CASE("parallel_for: nested calls run inline and visit everything") {
  const KeepThreadCount keep;
  set_thread_count(4);
  std::vector<std::atomic<int>> seen(20 * 30);
  parallel_for(20, 1, [&](std::int64_t i, std::int64_t) {
    const std::thread::id outer = std::this_thread::get_id();
    parallel_for(30, 4, [&](std::int64_t begin, std::int64_t end) {
      if (std::this_thread::get_id() != outer) throw std::runtime_error("another thread ran a nested chunk");
      for (std::int64_t j = begin; j < end; ++j) ++seen[static_cast<std::size_t>(i * 30 + j)];
    });
  });
  for (const auto& count : seen) CHECK(count == 1);
}

TEST_CASE("parallel_for: the exception of the first failing chunk in order reaches the caller") {
  const KeepThreadCount keep;
  for (const int threads : {1, 2, 3, 7}) {
    set_thread_count(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::string caught;
      try {
        parallel_for(100, 1, [&](std::int64_t begin, std::int64_t) {
          if (begin == 23 || begin == 24 || begin == 60 || begin == 99)
            throw std::runtime_error(std::to_string(begin));
        });
      } catch (const std::runtime_error& error) {
        caught = error.what();
      }
      REQUIRE(caught == "23");
      REQUIRE(visits(100, 1) == std::vector<int>(100, 1));  // and the pool works as before
    }
  }
}

TEST_CASE("parallel_for: the first failing chunk counts, whichever of two threads fails first") {
  const KeepThreadCount keep;
  set_thread_count(2);
  for (const std::int64_t late : {0, 1}) {
    std::atomic<int> begun = 0;
    std::string caught;
    try {
      parallel_for(2, 1, [&](std::int64_t begin, std::int64_t) {
        ++begun;
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (begun < 2 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
        if (begin == late) std::this_thread::sleep_for(std::chrono::milliseconds(50));
        throw std::runtime_error(std::to_string(begin));
      });
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    CHECK(caught == "0");
  }
}

TEST_CASE("parallel_for: callers on several threads at once all get their work done") {
  const KeepThreadCount keep;
  set_thread_count(3);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 200; ++repeat) {
        if (visits(50, 3) != std::vector<int>(50, 1)) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("set_thread_count: may change between calls and while another thread computes") {
  const KeepThreadCount keep;
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::thread busy([&] {
    while (!stop) {
      if (visits(40, 1) != std::vector<int>(40, 1)) ++wrong;
    }
  });
  for (int repeat = 0; repeat < 50; ++repeat) {
    set_thread_count(1 + repeat % 5);
    if (visits(64, 2) != std::vector<int>(64, 1)) ++wrong;
  }
  stop = true;
  busy.join();
  CHECK(wrong == 0);
}

TEST_CASE("set_thread_count: a number that makes no sense is refused, and nothing changes") {
  const int before = thread_count();
  CHECK(
      error_text([] { set_thread_count(0); }) ==
      "set_thread_count: the number of threads must be from 1 to 1024: got 0: choose a number in that range");
  CHECK(error_text([] { set_thread_count(-3); }).find("got -3") != std::string::npos);
  CHECK(error_text([] { set_thread_count(1025); }).find("got 1025") != std::string::npos);
  CHECK(thread_count() == before);
}

TEST_CASE("set_thread_count: inside a body it is refused instead of waiting for ever") {
  const KeepThreadCount keep;
  set_thread_count(2);
  CHECK_THROWS_AS(parallel_for(8, 1, [](std::int64_t, std::int64_t) { set_thread_count(3); }), Error);
  CHECK(thread_count() == 2);
}

TEST_CASE("parallel_for: a chunk below one is refused") {
  CHECK(error_text([] { parallel_for(10, 0, [](std::int64_t, std::int64_t) {}); }) ==
        "parallel_for: the chunk must be at least 1: got 0 for 10 items");
  CHECK(error_text([] {
          parallel_reduce(
              10, -1, 0, [](std::int64_t, std::int64_t) { return 1; }, [](int a, int b) { return a + b; });
        }).find("got -1") != std::string::npos);
}

TEST_CASE("parallel_reduce: parts are combined in the order of the chunks, for any number of threads") {
  const KeepThreadCount keep;
  for (const int threads : {1, 2, 3, 4, 7}) {
    set_thread_count(threads);
    const std::string text = parallel_reduce(
        10, 3, std::string("nothing"),
        [](std::int64_t begin, std::int64_t end) {
          return std::to_string(begin) + "-" + std::to_string(end);
        },
        [](const std::string& a, const std::string& b) { return "(" + a + " " + b + ")"; });
    CHECK(text == "(((0-3 3-6) 6-9) 9-10)");
  }
  const auto one = [](std::int64_t, std::int64_t) { return 1; };
  CHECK(parallel_reduce(0, 3, 42, one, [](int a, int b) { return a + b; }) == 42);
  CHECK(parallel_reduce(2, 3, 42, one, [](int a, int b) { return a + b; }) == 1);
}

TEST_CASE("thread pool: thousands of tiny calls come through with more threads than processors") {
  const KeepThreadCount keep;
  set_thread_count(7);
  std::atomic<std::int64_t> sum = 0;
  for (int call = 0; call < 5000; ++call) {
    parallel_for(3, 1, [&](std::int64_t begin, std::int64_t) { sum += begin + 1; });
  }
  CHECK(sum == 5000 * 6);
}
