#include "examples/translator/standard_streams.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "tensor/error.h"

namespace attune::examples {
namespace {

// ---- what the signal handler reads and writes

std::atomic<const char*> name{nullptr};  // of the command
std::atomic<unsigned long> lines_answered{0};
std::atomic<bool> writing{false};      // lines are being written: not now
std::atomic<bool> interrupted{false};  // it was asked for meanwhile

void say(const char* text) {
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, text, std::strlen(text));
}

// Only what a signal handler may call. The threads of the pool end with the process.
[[noreturn]] void end_in_a_sentence() {
  char digits[24];
  char* digit = digits + sizeof digits;
  *--digit = 0;
  unsigned long rest = lines_answered;
  do {
    *--digit = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  say(name);
  say(": interrupted; ");
  say(digit);
  say(lines_answered == 1 ? " line was answered.\n" : " lines were answered.\n");
  ::_exit(130);
}

void on_interrupt(int) {
  if (writing)
    interrupted = true;
  else
    end_in_a_sentence();
}

// A moment for whoever feeds a pipe to write on, so that its lines are answered together.
constexpr int patience = 5;  // milliseconds

}  // namespace

PolledInput::int_type PolledInput::underflow() {
  if (gptr() < egptr()) return traits_type::to_int_type(*gptr());
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (::poll(&input, 1, patience) <= 0) before_waiting_();
  ssize_t count = 0;
  for (;;) {
    count = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
    if (count >= 0 || (errno != EINTR && errno != EAGAIN)) break;
    if (errno == EAGAIN) ::poll(&input, 1, -1);  // a pipe that whoever made it does not want to be waited for
  }
  failed_ = count < 0;
  if (count <= 0) return traits_type::eof();
  setg(buffer_.data(), buffer_.data(), buffer_.data() + count);
  return traits_type::to_int_type(*gptr());
}

void write_out(const char* who, const std::string& text) {
  writing = true;
  const char* next = text.data();
  const char* const end = next + text.size();
  int problem = 0;
  while (next < end && problem == 0) {
    const ssize_t count = ::write(STDOUT_FILENO, next, static_cast<std::size_t>(end - next));
    if (count >= 0)
      next += count;
    else if (errno == EAGAIN) {  // a pipe that whoever made it does not want to be waited for
      pollfd output{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&output, 1, -1);
    } else if (errno != EINTR)
      problem = errno;
  }
  writing = false;
  if (interrupted) end_in_a_sentence();
  if (problem == EPIPE)
    fail<FileError>(who, ": nobody reads the output any more, so it ends here (broken pipe)");
  if (problem != 0)
    fail<FileError>(who, ": the output cannot be written: ", std::strerror(problem), ": is the disk full?");
}

InterruptedInASentence::InterruptedInASentence(const char* who) {
  name = who;
  lines_answered = 0;
  interrupted = false;
  before_[0] = std::signal(SIGPIPE, SIG_IGN);
  before_[1] = std::signal(SIGINT, on_interrupt);
  before_[2] = std::signal(SIGTERM, on_interrupt);
  if (before_[1] == SIG_IGN) std::signal(SIGINT, SIG_IGN);  // a shell's background job is deaf to it
}

InterruptedInASentence::~InterruptedInASentence() {
  std::signal(SIGPIPE, before_[0]);
  std::signal(SIGINT, before_[1]);
  std::signal(SIGTERM, before_[2]);
}

void InterruptedInASentence::answered(std::size_t lines) {
  lines_answered = static_cast<unsigned long>(lines);
}

}  // namespace attune::examples
