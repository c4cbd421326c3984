#include "examples/translator/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

namespace attune::examples {

namespace {

int terminal_columns() {
  winsize window = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
}

}  // namespace

ProgressBar::ProgressBar() : terminal_(isatty(STDERR_FILENO) != 0) {}

void ProgressBar::show(double fraction, double loss, double tokens_per_second, double seconds_left) {
  const bool first = last_shown_ < 0;
  const bool due = terminal_ ? since_shown_.seconds() > 0.1 : fraction - last_shown_ >= 0.1;
  if (!first && !due && fraction < 1) return;
  last_shown_ = terminal_ ? fraction : std::floor(fraction * 10) / 10;
  since_shown_ = {};

  char text[128];
  std::snprintf(text, sizeof text, "%4.0f %%   loss %.3f   %s tokens/s   %s left", 100 * fraction, loss,
                with_thousands(tokens_per_second).c_str(), minutes_and_seconds(seconds_left).c_str());
  std::string rest = text;

  // The last column stays free: some terminals wrap as soon as it is filled.
  const int columns = terminal_ ? terminal_columns() : 80;
  const int room = columns - 3 - static_cast<int>(rest.size());
  const int width = std::clamp(room, 0, 24);
  if (room < 0) rest.resize(static_cast<std::size_t>(std::max(0, columns - 3)));
  const int full = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * width);
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < full ? "█" : "░";
  std::cerr << (terminal_ ? "\r\033[K  " : "  ") << bar << rest << (terminal_ ? "" : "\n") << std::flush;
  drawn_ = true;
}

void ProgressBar::finish() {
  if (terminal_ && drawn_) std::cerr << '\n';
  drawn_ = false;
}

std::string with_thousands(double number) {
  std::string digits = std::to_string(std::llround(number));
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (digits[0] == '-' ? 1 : 0);
       at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string minutes_and_seconds(double seconds) {
  const long total = std::max(0L, std::lround(seconds));
  char text[32];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", total / 60, total % 60);
  }
  return text;
}

}  // namespace attune::examples
