#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/scalar.h"

// The safetensors format: named arrays of numbers in one file, and nothing that could be executed.
// Source: https://huggingface.co/docs/safetensors, section "Format".
//
//   8 bytes     N, the length of the header, little-endian
//   N bytes     JSON: {"__metadata__": {text: text, …},
//                      name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …}
//               beginning with '{', filled up with spaces
//   the rest    the numbers, little-endian, row-major; data_offsets count from here
//               and tile it without gap or overlap
//
// Files written here carry checksums in their metadata, which other programs pass over:
//
//   attune.crc32c.header          of the length and the header, these eight digits themselves taken as zeros
//   attune.crc32c.tensors         the number of tensors
//   attune.crc32c.tensor.<name>   of the bytes of one tensor
//
// Why no flip of a single bit and no truncation of such a file goes unseen: the header's checksum always
// stands at the same place, so it is found without understanding anything. If that place is intact, the
// checksum covers the length, the whole header (all other checksums with it) and, as its digits must match to
// the letter, itself; a CRC sees every single-bit error. If that place is hit, the words "attune.crc32c"
// still occur elsewhere in the header, and a file that has them without a header checksum is refused. So
// damage cannot turn the file into a foreign one that is believed unchecked. Every byte after the header
// belongs to exactly one tensor, whose checksum covers it, and a file that is too short or too long no longer
// matches the offsets.

namespace attune::io {

/// An array with its name: what a file holds, with no tensor library attached.
struct NamedArray {
  std::string name;
  std::vector<std::int64_t> shape;  // empty for a single number
  std::vector<Scalar> values;       // row-major, as many as the shape says
};

/// The content of one file. Arrays are in the order of their data.
struct SafetensorsFile {
  std::vector<NamedArray> arrays = {};
  std::map<std::string, std::string> metadata = {};  // free text; the checksums are not shown here
};

/// Writes `file` to `path`, atomically, as F32 (F64 in the double build), with checksums.
/// ValueError for numbers that are not finite (with the array's name and the index), for names that repeat,
/// are not UTF-8 or belong to the format; ShapeError where shape and number of values differ; FileError if
/// the disk refuses.
void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file);

/// Reads a file, one of ours or anyone else's: F16, BF16, F32 and F64 become Scalar. Infinities and NaN pass;
/// a finite F64 too large for Scalar does not. Anything that breaks the format, or the checksums of a file
/// that has them, is a FileError that names the place. No memory is ever taken on the file's word: all it
/// claims is compared with its true size first.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

/// The same on bytes in memory. `origin` is what errors call them: a path, say.
std::string to_safetensors(const SafetensorsFile& file);
SafetensorsFile from_safetensors(std::string_view bytes, const std::string& origin);

/// CRC-32C (Castagnoli), the checksum of iSCSI: RFC 3720, section 12.1 and appendix B.4.
/// `crc32c("123456789")` is 0xe3069283. Pass an earlier result as `before` to continue it.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

/// IEEE 754 half precision (1 sign, 5 exponent and 10 fraction bits) to float: exact for every pattern.
float half_to_float(std::uint16_t bits);

/// bfloat16, the upper half of a float, to float: exact for every pattern.
float bfloat16_to_float(std::uint16_t bits);

}  // namespace attune::io
