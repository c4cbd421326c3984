#pragma once

#include <chrono>
#include <string>

namespace attune::examples {

/// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// How far training has come, on standard error: one line that is redrawn on a terminal, a line now and then
/// elsewhere. The line never wraps: in a narrow window the bar gets shorter.
///
///   ████████████░░░░░░░░  61 %   loss 0.412   38,200 tokens/s   0:27 left
class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar() { finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `fraction` of the work is done; the rest is shown as it is.
  void show(double fraction, double loss, double tokens_per_second, double seconds_left);
  /// Leaves what follows on a line of its own.
  void finish();

 private:
  bool terminal_;
  double last_shown_ = -1;  // the fraction, and when
  Stopwatch since_shown_;
  bool drawn_ = false;
};

/// 1234567 as 1,234,567.
std::string with_thousands(double number);
/// 95 as 1:35, an hour and more as 1:01:35.
std::string minutes_and_seconds(double seconds);

}  // namespace attune::examples
