#pragma once

#include <cstddef>
#include <functional>
#include <streambuf>
#include <string>
#include <vector>

// Standard input and output for a program that answers line by line: lines that arrive slowly are answered
// one by one, a file in large pieces.

namespace attune::examples {

/// Standard input, which says when it would have to wait: `before_waiting` is called each time nothing is
/// there and the end has not come. So what has been read can be answered before more is waited for.
///
///     PolledInput input([&] { answer(); });
///     std::istream in(&input);
///     in.exceptions(std::ios::badbit);  // or what answer() throws is not heard
class PolledInput : public std::streambuf {
 public:
  explicit PolledInput(std::function<void()> before_waiting) : before_waiting_(std::move(before_waiting)) {}

  /// True when reading failed, which a std::istream takes for the end.
  bool failed() const { return failed_; }

 protected:
  int_type underflow() override;

 private:
  std::function<void()> before_waiting_;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{1} << 16);
  bool failed_ = false;
};

/// Writes all of it to standard output at once. FileError, which names `who`, when that is impossible: a full
/// disk, a reader that has gone (SIGPIPE must be ignored).
void write_out(const char* who, const std::string& text);

/// While it lives, Ctrl-C (SIGINT or SIGTERM) ends the program at once with status 130 and a sentence, but
/// never in the middle of write_out, so no line is cut. SIGPIPE is ignored.
class InterruptedInASentence {
 public:
  /// The sentence begins with `who`.
  explicit InterruptedInASentence(const char* who);
  ~InterruptedInASentence();
  InterruptedInASentence(const InterruptedInASentence&) = delete;
  InterruptedInASentence& operator=(const InterruptedInASentence&) = delete;

  /// So many lines have been answered so far.
  void answered(std::size_t lines);

 private:
  void (*before_[3])(int);
};

}  // namespace attune::examples
