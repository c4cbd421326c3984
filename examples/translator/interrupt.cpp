#include "examples/translator/interrupt.h"

#include <csignal>

namespace attune::examples {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

InterruptFlag::InterruptFlag() {
  interrupted = 0;
  before_int_ = std::signal(SIGINT, note);
  before_term_ = std::signal(SIGTERM, note);
  // A job in a shell's background is deaf to Ctrl-C, and stays so.
  if (before_int_ == SIG_IGN) std::signal(SIGINT, SIG_IGN);
}

InterruptFlag::~InterruptFlag() {
  std::signal(SIGINT, before_int_);
  std::signal(SIGTERM, before_term_);
}

InterruptFlag::operator bool() const {
  return interrupted != 0;
}

void InterruptFlag::note(int signal) {
  interrupted = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace attune::examples
