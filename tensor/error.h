#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

// Errors are typed, thrown in every build, and read
//
//   op: what rule was broken: the shapes or values: what to do
//
// so that a stranger knows from the text alone what to change.

namespace attune {

/// Base of everything that the library throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes, axes or sizes that do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An index (a token id, a row, a position) outside its range.
class IndexError : public Error {
 public:
  using Error::Error;
};

/// A value that is not allowed: a probability of 1.5, a negative rate, NaN where a number is needed.
class ValueError : public Error {
 public:
  using Error::Error;
};

/// Misuse of the record of operations: backward twice, a root without history, a pullback that breaks its
/// contract.
class GraphError : public Error {
 public:
  using Error::Error;
};

/// A file that cannot be read, written or believed.
class FileError : public Error {
 public:
  using Error::Error;
};

/// Throws `Kind` with the printed parts joined: `fail<ShapeError>("matmul: inner sizes differ: ", a, " and ",
/// b)`.
template <class Kind, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Kind(text.str());
}

}  // namespace attune
