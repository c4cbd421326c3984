// Saving under the worst of circumstances: killed processes, full disks, system calls that fail.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "io/file.h"
#include "io/safetensors.h"
#include "tensor/error.h"
#include "tests/io/child.h"
#include "tests/io/scratch.h"
#include "tests/support/measured.h"

using namespace attune;
using namespace attune::io;
using attune::testing::measured;
namespace fs = std::filesystem;

namespace {

// A checkpoint whose every number tells which one it is.
SafetensorsFile checkpoint(std::uint32_t number, std::size_t size = 20000) {
  SafetensorsFile file;
  file.arrays.push_back(
      {"weight", {static_cast<std::int64_t>(size)}, std::vector<Scalar>(size, static_cast<Scalar>(number))});
  file.metadata = {{"step", std::to_string(number)}};
  return file;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

template <class Action>
std::string file_error(const Action& action) {
  try {
    action();
  } catch (const FileError& error) {
    return error.what();
  }
  return "no error";
}

// Kills a process that saves checkpoints one after the other, as often as `rounds` says.
void kill_at_random_moments(int rounds) {
  const Scratch scratch;
  const fs::path path = scratch / "checkpoint.safetensors";
  std::mt19937 random(20);
  std::uint32_t acknowledged = 0, saves = 0;
  int in_the_middle = 0, ahead = 0, lost = 0, torn = 0;
  for (int round = 0; round < rounds; ++round) {
    int channel[2];
    REQUIRE(::pipe(channel) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {  // saves, and reports what is saved, until it is killed
      for (std::uint32_t n = acknowledged + 1;; ++n) {
        try {
          write_safetensors(path, checkpoint(n));
        } catch (...) {
          ::_exit(1);
        }
        if (::write(channel[1], &n, sizeof n) != sizeof n) ::_exit(2);
      }
    }
    ::close(channel[1]);
    // From the first report on, so that slow machines and sanitizers get to save as well.
    std::uint32_t reported = 0;
    while (::read(channel[0], &reported, sizeof reported) != sizeof reported && errno == EINTR) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 40000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    const std::uint32_t before = acknowledged;
    do acknowledged = std::max(acknowledged, reported);
    while (::read(channel[0], &reported, sizeof reported) == sizeof reported);
    ::close(channel[0]);
    saves += acknowledged - before;

    for (const std::string& name : names_in(scratch.folder)) {
      if (name == "checkpoint.safetensors") continue;
      ++in_the_middle;  // what was being written
      CHECK(name.find("checkpoint.safetensors.") == 0);
      CHECK(name.substr(name.size() - 8) == ".partial");
      fs::remove(scratch / name);
    }
    try {
      const SafetensorsFile found = read_safetensors(path);
      const auto number = static_cast<std::uint32_t>(std::stoul(found.metadata.at("step")));
      CHECK(found.arrays.at(0).values == checkpoint(number).arrays[0].values);
      CHECK(number <= acknowledged + 1);
      lost += number < acknowledged;
      ahead += number > acknowledged;  // renamed, but not yet reported
      acknowledged = number;
    } catch (const std::exception& error) {
      ++torn;
      FAIL_CHECK(std::string(error.what()));
    }
  }
  CHECK(lost == 0);
  CHECK(torn == 0);
  measured(
      "kill -9 at %d random moments of a process that saves: %u checkpoints acknowledged, %d kills between "
      "creating and renaming, %d between renaming and reporting, %d checkpoints lost, %d files torn",
      rounds, saves, in_the_middle, ahead, lost, torn);
}

}  // namespace

TEST_CASE("saving: kill -9 at 20 random moments loses no acknowledged checkpoint and tears no file") {
  kill_at_random_moments(20);
}

TEST_CASE("saving: kill -9 at 200 random moments loses no acknowledged checkpoint and tears no file" *
          doctest::skip()) {
  kill_at_random_moments(200);
}

#ifdef __linux__

TEST_CASE("saving: a full disk is an error that says so, the old file is whole and no litter is left") {
  const Scratch scratch;
  const std::string report = in_child([&]() -> std::string {
    // A disk of 256 KiB that only this process sees.
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", scratch.folder.c_str(), "tmpfs", 0, "size=256k") != 0)
      return "SKIPPED: a small disk cannot be made here, which takes root";
    const fs::path path = scratch / "model";
    write_safetensors(path, checkpoint(1, 5000));
    const std::string error = file_error([&] { write_safetensors(path, checkpoint(2, 200000)); });
    const bool whole = read_safetensors(path).metadata.at("step") == "1";
    const bool clean = names_in(scratch.folder) == std::vector<std::string>{"model"};
    // Room for one of them only while both are there, so the old one has to stay.
    const std::string tight =
        file_error([&] { write_safetensors(path, checkpoint(3, 200 * 1024 / sizeof(Scalar) - 1000)); });
    const bool still =
        read_safetensors(path).metadata.at("step") == "1" && names_in(scratch.folder).size() == 1;
    return error.substr(error.find("\": ") + 3) + "|" + (whole ? "whole" : "torn") + "|" +
           (clean ? "clean" : "litter") + "|" + (still || tight == "no error" ? "safe" : "lost");
  });
  if (report.find("SKIPPED") == 0) {
    MESSAGE(report);
    return;
  }
  CHECK(report == "No space left on device: free some space and try again|whole|clean|safe");
}

namespace {

struct Fault {
  std::string what;
  std::vector<long> calls;
  std::uint32_t argument;  // the fault strikes only where this argument, ANDed with `bits`, is not zero
  std::uint32_t bits;      // 0: always
  const char* says;
  bool new_content;
};

// From here on, in this process, the system calls of `fault` fail with EIO.
bool inject(const Fault& fault) {
  std::vector<sock_filter> program;
  const auto load = [&](std::size_t offset) {
    program.push_back({BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)});
  };
  for (const long call : fault.calls) {
    load(offsetof(seccomp_data, nr));
    const std::uint8_t past = fault.bits == 0 ? 1 : 3;
    program.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, past, static_cast<std::uint32_t>(call)});
    if (fault.bits != 0) {
      load(offsetof(seccomp_data, args) + fault.argument * sizeof(std::uint64_t));
      program.push_back({BPF_JMP | BPF_JSET | BPF_K, 0, 1, fault.bits});
    }
    program.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EIO});
  }
  program.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace

TEST_CASE("saving: whichever system call fails, the error names it, and the file is the old or the new one") {
  std::vector<long> renames = {SYS_renameat, SYS_renameat2};
#ifdef SYS_rename
  renames.push_back(SYS_rename);
#endif
  const std::vector<Fault> faults = {
      {"creating", {SYS_openat}, 2, O_CREAT, "cannot create", false},
      {"writing", {SYS_write}, 2, ~std::uint32_t{0xFFF}, "cannot write", false},  // a page or more: not the
                                                                                  // report
      {"forcing the file to the disk", {SYS_fsync}, 0, 0, "cannot force to the disk", false},
      {"renaming", renames, 0, 0, "cannot replace", false},
      {"opening the folder", {SYS_openat}, 2, O_DIRECTORY, "written, but cannot open the folder", true},
  };
  int injected = 0;
  for (const Fault& fault : faults) {
    CAPTURE(fault.what);
    const Scratch scratch;
    const fs::path path = scratch / "model";
    write_safetensors(path, checkpoint(1));
    const std::string error = in_child([&]() -> std::string {
      if (!inject(fault)) return "SKIPPED: system calls cannot be made to fail here";
      return file_error([&] { write_safetensors(path, checkpoint(2)); });
    });
    if (error.find("SKIPPED") == 0) {
      MESSAGE(error);
      return;
    }
    ++injected;
    CAPTURE(error);
    CHECK(error.find(std::string("write_atomically: ") + fault.says) == 0);
    CHECK(error.find("Input/output error: the disk reports a fault; save elsewhere and check it") !=
          std::string::npos);
    CHECK(names_in(scratch.folder) == std::vector<std::string>{"model"});
    CHECK(read_safetensors(path).metadata.at("step") == (fault.new_content ? "2" : "1"));
  }
  measured(
      "saving with failing system calls: %d of %zu refused with the old or the new file whole and no litter",
      injected, faults.size());
}

#endif
