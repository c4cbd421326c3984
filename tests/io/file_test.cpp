#include "io/file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tensor/error.h"
#include "tests/io/scratch.h"

using namespace attune;
using attune::io::read_file;
using attune::io::write_atomically;
namespace fs = std::filesystem;

namespace {

std::size_t files_in(const fs::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++count;
  return count;
}

// The text of the FileError that `action` ends in; empty if it ends without one.
template <class Action>
std::string file_error(const Action& action) {
  try {
    action();
  } catch (const FileError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("file: what is written is what is read, NUL bytes and line ends included") {
  const Scratch scratch;
  std::string bytes("a\0b\r\nc\xff\x1a", 8);
  for (int i = 0; i < 300000; ++i) bytes += static_cast<char>(i * 7 % 256);
  for (const std::string& content : {std::string(), std::string("x"), bytes}) {
    write_atomically(scratch / "file", content);
    CHECK(read_file(scratch / "file", 1 << 20) == content);
  }
  CHECK(files_in(scratch.folder) == 1);
}

TEST_CASE("file: a path without a folder means the current one") {
  const Scratch scratch;
  const fs::path before = fs::current_path();
  fs::current_path(scratch.folder);
  write_atomically("bare", "content");
  fs::current_path(before);
  CHECK(read_file(scratch / "bare", 100) == "content");
}

TEST_CASE("file: a symbolic link keeps pointing at its file, whose content is replaced") {
  const Scratch scratch;
  write_atomically(scratch / "epoch-1", "old");
  fs::create_symlink("epoch-1", scratch / "latest");
  write_atomically(scratch / "latest", "new");
  CHECK(fs::is_symlink(scratch / "latest"));
  CHECK(read_file(scratch / "epoch-1", 100) == "new");

  fs::create_symlink("gone", scratch / "dangling");
  const std::string error = file_error([&] { write_atomically(scratch / "dangling", "new"); });
  CHECK(error.find("its target is missing") != std::string::npos);
}

TEST_CASE("file: errors name the path, the system's reason and what to do") {
  const Scratch scratch;
  const std::string no_folder = file_error([&] { write_atomically(scratch / "none/file", "x"); });
  CHECK(no_folder.find("none/file") != std::string::npos);
  CHECK(no_folder.find("No such file or directory: check the path") != std::string::npos);
  const std::string no_file = file_error([&] { read_file(scratch / "none", 10); });
  CHECK(no_file.find("read_file: cannot open: \"") == 0);
  CHECK(no_file.find("No such file or directory: check the path") != std::string::npos);
  write_atomically(scratch / "file", "0123456789");
  CHECK(file_error([&] { write_atomically(scratch / "file/below", "x"); }).find("Not a directory") !=
        std::string::npos);
  CHECK(file_error([&] { read_file(scratch / "file", 9); }).find("has 10 bytes, the limit is 9") !=
        std::string::npos);
  CHECK(read_file(scratch / "file", 10).size() == 10);
}

TEST_CASE("file: folders, devices and pipes are neither read nor replaced") {
  const Scratch scratch;
  CHECK(file_error([&] { read_file(scratch.folder, 10); }).find("is a folder") != std::string::npos);
  CHECK(file_error([&] { write_atomically(scratch.folder, "x"); }).find("is a folder") != std::string::npos);
  CHECK(fs::is_directory(scratch.folder));
  CHECK(file_error([&] { read_file("/dev/zero", 10); }).find("is a device") != std::string::npos);
  REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);  // opening it must not wait for a writer either
  CHECK(file_error([&] { read_file(scratch / "pipe", 10); }).find("is a device, pipe") != std::string::npos);
  CHECK(file_error([&] { write_atomically(scratch / "pipe", "x"); }).find("is a device, pipe") !=
        std::string::npos);
  CHECK(fs::is_fifo(scratch / "pipe"));
}

TEST_CASE("file: a failing write leaves the old content and nothing else behind") {
  const Scratch scratch;
  write_atomically(scratch / "file", "the old content");

  // A limit on the size of files stands in for a full disk: the write fails half-way.
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  struct rlimit small = before;
  small.rlim_cur = 10000;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string error = file_error([&] { write_atomically(scratch / "file", std::string(50000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  CHECK(error.find("write_atomically: cannot write") == 0);
  CHECK(error.find("File too large: raise the limit") != std::string::npos);
  CHECK(read_file(scratch / "file", 1000) == "the old content");
  CHECK(files_in(scratch.folder) == 1);
}

TEST_CASE("file: a process killed at any moment loses no acknowledged content and leaves no torn one") {
  const Scratch scratch;
  const fs::path path = scratch / "checkpoint";
  // The content number n is 20,000 times the digit of n, after n itself.
  const auto content = [](std::uint32_t n) {
    return std::to_string(n) + "\n" + std::string(20000, static_cast<char>('0' + n % 10));
  };
  std::uint32_t acknowledged = 0;
  for (int round = 0; round < 40; ++round) {
    int channel[2];
    REQUIRE(::pipe(channel) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {  // writes and reports what it has written, until it is killed
      for (std::uint32_t n = acknowledged + 1;; ++n) {
        try {
          write_atomically(path, content(n));
        } catch (...) {
          ::_exit(1);
        }
        if (::write(channel[1], &n, sizeof n) != sizeof n) ::_exit(2);
      }
    }
    ::close(channel[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(500 + 7919 * round % 20000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    std::uint32_t reported = 0;
    while (::read(channel[0], &reported, sizeof reported) == sizeof reported) acknowledged = reported;
    ::close(channel[0]);

    if (!fs::exists(path)) {
      CHECK(acknowledged == 0);
      continue;
    }
    const std::string found = read_file(path, 1 << 20);
    const auto number = static_cast<std::uint32_t>(std::stoul(found));
    CHECK(found == content(number));
    CHECK(number >= acknowledged);
    acknowledged = number;
  }
  CHECK(acknowledged > 0);
}

TEST_CASE("file: writers at the same time never mix their contents") {
  const Scratch scratch;
  std::vector<std::thread> writers;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    writers.emplace_back([&scratch, letter] {
      for (int i = 0; i < 10; ++i) write_atomically(scratch / "file", std::string(50000, letter));
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string found = read_file(scratch / "file", 1 << 20);
  CHECK(found == std::string(50000, found[0]));
  CHECK(files_in(scratch.folder) == 1);
}
