#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

// Whole files in and out, and one that grows: everything that this library saves goes through here.

namespace attune::io {

/// Makes `bytes` the content of the file at `path`, all of it or nothing: they are written to a file beside
/// it, forced to the disk, and renamed over `path`; then the folder is forced to the disk as well. Whatever
/// happens on the way, a full disk or a killed process, `path` holds the old content or the new one, and the
/// new one once this returns.
///
/// A symbolic link is followed: the file it points to is replaced. The permissions of a file that is replaced
/// stay; a new one has those of any new file. A file that may not be written to is not replaced. A killed
/// process may leave its `<path>.<process>.<number>.partial` behind, which nothing reads and anyone may
/// delete; an error leaves nothing.
///
/// Throws FileError with the system's reason and what to do about it. Safe to call from several threads and
/// processes at once, even for one path: the last to finish wins.
void write_atomically(const std::filesystem::path& path, std::string_view bytes);

/// The whole content of a file. FileError if it cannot be read, is not a regular file (a folder, a pipe, a
/// device) or has more than `limit` bytes, which is found out before any memory is taken.
std::string read_file(const std::filesystem::path& path, std::uint64_t limit);

/// The first `most` bytes of a file, or all if there are fewer, and the size of all of it. FileError as
/// above.
struct FileStart {
  std::string bytes;
  std::uint64_t size;
};
FileStart read_file_start(const std::filesystem::path& path, std::uint64_t most, std::uint64_t limit);

/// A file that grows at its end: a journal of something that goes on. What is appended can be read by others
/// at once and survives the death of this process; once `sync` returns it survives a power cut as well.
/// FileError as above.
class Journal {
 public:
  /// Goes on behind what is there, or begins a new file.
  explicit Journal(std::filesystem::path path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void append(std::string_view bytes);
  void sync();

 private:
  std::filesystem::path path_;
  int file_;
};

}  // namespace attune::io
