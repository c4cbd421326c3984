#include "io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <new>
#include <system_error>
#include <utility>

#include "tensor/error.h"

namespace attune::io {

namespace {

namespace fs = std::filesystem;

// What a person can do about it.
const char* remedy(int error) {
  switch (error) {
    case ENOENT:
      return "check the path; folders are not made on the way";
    case EACCES:
    case EPERM:
      return "check who may read and write there";
    case ENOSPC:
    case EDQUOT:
      return "free some space and try again";
    case EFBIG:
      return "raise the limit on the size of files (ulimit -f), or save less";
    case EROFS:
      return "choose a folder that can be written";
    case ENOTDIR:
      return "a part of the path is a file, not a folder; check the path";
    case EISDIR:
      return "this is a folder; name a file";
    case EMFILE:
    case ENFILE:
      return "too many files are open; close some or raise ulimit -n";
    case ENAMETOOLONG:
      return "choose a shorter name";
    case ELOOP:
      return "symbolic links lead in a circle here; name the file itself";
    case EIO:
      return "the disk reports a fault; save elsewhere and check it";
    default:
      return "check the path and the disk";
  }
}

[[noreturn]] void fail_with(int error, const char* op, const char* rule, const fs::path& path) {
  fail<FileError>(op, ": ", rule, ": \"", path.string(), "\": ", std::generic_category().message(error), ": ",
                  remedy(error));
}

// Forces what was written to the disk.
bool sync_file(int number) {
  int result = 0;
  do result = ::fsync(number);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

// An open file, closed when it goes out of sight.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

  // Closing can be the moment at which a network file system reports a failed write. (An interrupted one is
  // closed all the same.)
  bool close() {
    const int closing = number_;
    number_ = -1;
    return ::close(closing) == 0 || errno == EINTR;
  }

  bool sync() const { return sync_file(number_); }

 private:
  int number_;
};

// The system moves at most about 2^31 bytes at a time; some systems refuse to be asked for more.
constexpr std::size_t largest_transfer = std::size_t{1} << 30;

void write_all(const char* op, int file, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), std::min(bytes.size(), largest_transfer));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with(errno, op, "cannot write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// The file to replace: where a symbolic link leads, and nothing but a regular file or a new one. Renaming
// over a device such as /dev/null would take it away from the whole machine.
fs::path resolve(const fs::path& path) {
  std::error_code error;
  const fs::path target = fs::is_symlink(fs::symlink_status(path, error)) ? fs::canonical(path, error) : path;
  if (error && error != std::errc::no_such_file_or_directory) {
    fail_with(error.value(), "write_atomically", "cannot find", path);
  }
  if (target.empty()) {
    fail<FileError>("write_atomically: the path leads nowhere: \"", path.string(),
                    "\": name a file; if this is a symbolic link, its target is missing: remove the link");
  }
  const fs::file_status status = fs::status(target, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fail<FileError>("write_atomically: only a regular file can be replaced: \"", path.string(), "\" is ",
                    fs::is_directory(status) ? "a folder" : "a device, pipe or socket", ": name a file");
  }
  return target;
}

// A new name beside the target, on the same disk, so that renaming is one step. No two writers share it.
fs::path name_aside(const fs::path& target) {
  static std::atomic<unsigned> count{0};
  fs::path aside = target;
  aside += "." + std::to_string(::getpid()) + "." + std::to_string(count++) + ".partial";
  return aside;
}

// Who may do what with a file: with the one that is replaced, or with any new one.
struct Permissions {
  bool replaced = false;
  mode_t mode = 0666;
};

// A file that its owner has write-protected is not replaced, although renaming would.
Permissions permissions_of(const fs::path& target) {
  struct stat status {};
  if (::stat(target.c_str(), &status) != 0) return {};  // a new file, or an error that creating it will name
  if (::faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) {
    fail_with(errno, "write_atomically", "the file may not be changed", target);
  }
  return {true, status.st_mode & 0777};
}

void write_and_sync(const fs::path& aside, std::string_view bytes, const Permissions& permissions) {
  // What others may not read they cannot read on the way either.
  const mode_t mode = permissions.replaced ? 0600 : permissions.mode;
  Descriptor file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file.is_open()) fail_with(errno, "write_atomically", "cannot create", aside);
  // Some file systems have no permissions and refuse to set them.
  if (permissions.replaced && ::fchmod(file.number(), permissions.mode) != 0) errno = 0;
  write_all("write_atomically", file.number(), bytes, aside);
  if (!file.sync()) fail_with(errno, "write_atomically", "cannot force to the disk", aside);
  if (!file.close()) fail_with(errno, "write_atomically", "cannot close", aside);
}

// Makes the rename itself last: it is a change of the folder.
void sync_folder(const fs::path& target) {
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open()) fail_with(errno, "write_atomically", "written, but cannot open the folder", folder);
  // Some file systems cannot do this for a folder and say so with EINVAL; there is nothing better to be had
  // from them.
  if (!opened.sync() && errno != EINVAL) {
    fail_with(errno, "write_atomically", "written, but cannot force the folder to the disk", folder);
  }
}

}  // namespace

void write_atomically(const fs::path& path, std::string_view bytes) {
  const fs::path target = resolve(path);
  const Permissions permissions = permissions_of(target);
  const fs::path aside = name_aside(target);
  try {
    write_and_sync(aside, bytes, permissions);
    if (::rename(aside.c_str(), target.c_str()) != 0)
      fail_with(errno, "write_atomically", "cannot replace", target);
  } catch (...) {
    ::unlink(aside.c_str());
    throw;
  }
  sync_folder(target);
}

namespace {

// A regular file, open for reading, and its size.
struct Source {
  Descriptor file;
  std::uint64_t size;
};

Source open_to_read(const fs::path& path, std::uint64_t limit) {
  // Not blocking: opening a pipe would otherwise wait for somebody to write into it, before we could refuse
  // it.
  Source source{Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), 0};
  if (!source.file.is_open()) fail_with(errno, "read_file", "cannot open", path);
  struct stat status {};
  if (::fstat(source.file.number(), &status) != 0) fail_with(errno, "read_file", "cannot examine", path);
  if (!S_ISREG(status.st_mode)) {
    fail<FileError>("read_file: only regular files are read: \"", path.string(), "\" is ",
                    S_ISDIR(status.st_mode) ? "a folder" : "a device, pipe or socket", ": name a file");
  }
  source.size = static_cast<std::uint64_t>(status.st_size);
  if (source.size > limit || source.size > std::numeric_limits<std::size_t>::max() / 2) {
    fail<FileError>("read_file: the file is too large: \"", path.string(), "\" has ", source.size,
                    " bytes, the limit is ", limit, ": is this the right file?");
  }
  return source;
}

std::string read_first(const Source& source, std::uint64_t size, const fs::path& path) {
  std::string bytes;
  try {
    bytes.resize(static_cast<std::size_t>(size));
  } catch (const std::bad_alloc&) {
    fail<FileError>("read_file: not enough memory: \"", path.string(), "\" has ", size,
                    " bytes: close other programs");
  }
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const std::size_t wanted = std::min(bytes.size() - filled, largest_transfer);
    const ssize_t got = ::read(source.file.number(), bytes.data() + filled, wanted);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_with(errno, "read_file", "cannot read", path);
    if (got == 0) {
      fail<FileError>("read_file: the file became shorter while it was read: \"", path.string(),
                      "\": wait until its writer has finished");
    }
    filled += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace

std::string read_file(const fs::path& path, std::uint64_t limit) {
  const Source source = open_to_read(path, limit);
  return read_first(source, source.size, path);
}

FileStart read_file_start(const fs::path& path, std::uint64_t most, std::uint64_t limit) {
  const Source source = open_to_read(path, limit);
  return {read_first(source, std::min(most, source.size), path), source.size};
}

Journal::Journal(fs::path path)
    : path_(std::move(path)), file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (file_ < 0) fail_with(errno, "journal", "cannot open", path_);
}

Journal::~Journal() {
  ::close(file_);
}

void Journal::append(std::string_view bytes) {
  write_all("journal", file_, bytes, path_);
}

void Journal::sync() {
  // A device that keeps nothing has nothing to force.
  if (!sync_file(file_) && errno != EINVAL && errno != EROFS)
    fail_with(errno, "journal", "cannot force to the disk", path_);
}

}  // namespace attune::io
