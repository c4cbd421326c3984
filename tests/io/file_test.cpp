#include "io/file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tensor/error.h"
#include "tests/io/child.h"
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

TEST_CASE("file: a file that is replaced keeps its permissions, a new one gets those of any new file") {
  const Scratch scratch;
  const auto mode_of = [](const fs::path& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return static_cast<unsigned>(status.st_mode & 07777);
  };
  const mode_t mask = ::umask(027);
  write_atomically(scratch / "new", "x");
  CHECK(mode_of(scratch / "new") == 0640u);
  for (const mode_t mode : {0600u, 0644u, 0664u, 0666u, 0755u}) {  // also where the mask would take some away
    CAPTURE(mode);
    REQUIRE(::chmod((scratch / "new").c_str(), mode) == 0);
    write_atomically(scratch / "new", "y");
    CHECK(mode_of(scratch / "new") == mode);
  }
  fs::create_symlink("new", scratch / "link");
  REQUIRE(::chmod((scratch / "new").c_str(), 0600) == 0);
  write_atomically(scratch / "link", "z");
  CHECK(mode_of(scratch / "new") == 0600u);
  CHECK(read_file(scratch / "new", 10) == "z");
  ::umask(mask);
}

TEST_CASE("file: a write-protected file is not replaced, and a folder that is read-only gets no litter") {
  const Scratch scratch;
  write_atomically(scratch / "file", "the old content");
  fs::create_directory(scratch / "closed");
  write_atomically(scratch / "closed/file", "the old content");
  REQUIRE(::chmod((scratch / "file").c_str(), 0444) == 0);
  REQUIRE(::chmod((scratch / "closed/file").c_str(), 0666) == 0);
  REQUIRE(::chmod((scratch / "closed").c_str(), 0555) == 0);
  REQUIRE(::chmod(scratch.folder.c_str(), 0777) == 0);
  const auto error_of = [](const fs::path& path) {
    return in_child([&] {
      give_up_root();
      return file_error([&] { write_atomically(path, "new"); });
    });
  };
  const std::string path = scratch.folder.string();
  CHECK(error_of(scratch / "file") == "write_atomically: the file may not be changed: \"" + path +
                                          "/file\": Permission denied: check who may read and write there");
  for (const char* name : {"closed/file", "closed/new"}) {
    const std::string error = error_of(scratch / name);
    CHECK(error.find("write_atomically: cannot create: \"" + path + "/" + name) == 0);
    CHECK(error.find("Permission denied: check who may read and write there") != std::string::npos);
  }
  REQUIRE(::chmod((scratch / "closed").c_str(), 0755) == 0);
  CHECK(read_file(scratch / "file", 100) == "the old content");
  CHECK(read_file(scratch / "closed/file", 100) == "the old content");
  CHECK(files_in(scratch.folder) == 2);
  CHECK(files_in(scratch / "closed") == 1);
}

TEST_CASE("file: a file that may not be read is an error that says so") {
  const Scratch scratch;
  write_atomically(scratch / "secret", "x");
  REQUIRE(::chmod((scratch / "secret").c_str(), 0000) == 0);
  REQUIRE(::chmod(scratch.folder.c_str(), 0755) == 0);
  CHECK(in_child([&] {
          give_up_root();
          return file_error([&] { read_file(scratch / "secret", 10); });
        }) == "read_file: cannot open: \"" + (scratch / "secret").string() +
                  "\": Permission denied: check who may read and write there");
}

TEST_CASE("file: the start of a file comes with the size of all of it") {
  const Scratch scratch;
  write_atomically(scratch / "file", "0123456789");
  CHECK(attune::io::read_file_start(scratch / "file", 4, 100).bytes == "0123");
  CHECK(attune::io::read_file_start(scratch / "file", 4, 100).size == 10);
  CHECK(attune::io::read_file_start(scratch / "file", 40, 100).bytes == "0123456789");
  CHECK(file_error([&] { attune::io::read_file_start(scratch / "file", 4, 9); }).find("the limit is 9") !=
        std::string::npos);
}
