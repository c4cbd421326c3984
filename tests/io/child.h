#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <stdexcept>
#include <string>

/// Runs `action`, which returns a text, in a process of its own, whose limits and user it may change; gives
/// its text, or "threw: …", or "died".
template <class Action>
std::string in_child(const Action& action) {
  int channel[2];
  if (::pipe(channel) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no child process");
  if (child == 0) {
    std::string text;
    try {
      text = action();
    } catch (const std::exception& error) {
      text = std::string("threw: ") + error.what();
    }
    text += '\n';
    const bool sent = ::write(channel[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(sent ? 0 : 1);  // without the tests' own farewell
  }
  ::close(channel[1]);
  std::string text;
  char part[4096];
  for (ssize_t got = 0; (got = ::read(channel[0], part, sizeof part)) > 0;)
    text.append(part, static_cast<std::size_t>(got));
  ::close(channel[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || text.empty()) return "died";
  text.pop_back();
  return text;
}

/// Permissions mean nothing to root: from here on, this process is somebody to whom they do.
inline void give_up_root() {
  if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0))
    throw std::runtime_error("still root");
}
