#pragma once

#include <csignal>
#include <cstdio>

/// Prints a hint if the program crashes while this lives. doctest then says in which case, and nothing else.
class CrashHint {
 public:
  explicit CrashHint(const char* hint) {
    text = hint;
    segv_before = std::signal(SIGSEGV, print);
    fpe_before = std::signal(SIGFPE, print);
  }
  ~CrashHint() { restore(); }
  CrashHint(const CrashHint&) = delete;
  CrashHint& operator=(const CrashHint&) = delete;

 private:
  using Handler = void (*)(int);
  static inline const char* text = "";
  static inline Handler segv_before = SIG_DFL, fpe_before = SIG_DFL;

  // On return the instruction is tried again and crashes again, into the handlers that were there before.
  static void print(int) {
    std::puts(text);
    std::fflush(stdout);
    restore();
  }
  static void restore() {
    std::signal(SIGSEGV, segv_before);
    std::signal(SIGFPE, fpe_before);
  }
};
