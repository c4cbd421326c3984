#pragma once

namespace attune::examples {

/// While it lives, Ctrl-C (or `kill`) sets a flag instead of ending the program; the second one ends it.
class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  explicit operator bool() const;

 private:
  static void note(int signal);
  void (*before_int_)(int);
  void (*before_term_)(int);
};

}  // namespace attune::examples
