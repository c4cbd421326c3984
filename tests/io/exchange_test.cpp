// Files that others write open here, and files written here keep to the format's rules: held against a second
// reader, which knows nothing of the library's, and against one in Python where there is one
// (exchange_safetensors.py).

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "io/file.h"
#include "io/safetensors.h"
#include "tests/io/scratch.h"
#include "tests/support/measured.h"

using namespace attune;
using namespace attune::io;
using attune::testing::measured;

namespace {

// What must hold of every file that others are to open; the rule that is broken, or nothing. The arrays are
// read along.
std::string broken_rule(const std::string& bytes, std::map<std::string, std::vector<Scalar>>& arrays,
                        std::map<std::string, std::string>& metadata) {
  std::uint64_t length = 0;
  if (bytes.size() < 8) return "a length of 8 bytes";
  for (int i = 7; i >= 0; --i)
    length = length << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  if (length > 100'000'000 || length > bytes.size() - 8) return "a header inside the file";
  if (length % 8 != 0) return "data at a multiple of 8 bytes";
  const std::string header = bytes.substr(8, length), data = bytes.substr(8 + length);
  if (header[0] != '{' || header.back() == '\0') return "an object from the first byte on";
  if (header.find_last_not_of(' ') != header.rfind('}')) return "nothing but spaces behind it";

  std::size_t end = 0;
  const auto parsed = nlohmann::ordered_json::parse(header);  // strict; throws
  for (const auto& [name, entry] : parsed.items()) {
    if (name == "__metadata__") {
      for (const auto& [key, text] : entry.items()) {
        if (!text.is_string()) return "metadata of texts";
        metadata[key] = text.get<std::string>();
      }
      continue;
    }
    if (entry.size() != 3 || !entry.contains("dtype") || !entry.contains("shape") ||
        !entry.contains("data_offsets"))
      return "dtype, shape and data_offsets";
    if (entry["dtype"] != (sizeof(Scalar) == 4 ? "F32" : "F64")) return "a known dtype";
    std::size_t count = 1;
    for (const auto& extent : entry["shape"]) {
      if (!extent.is_number_unsigned()) return "a shape of whole numbers";
      count *= extent.get<std::size_t>();
    }
    if (entry["data_offsets"].size() != 2 || entry["data_offsets"][0] != end)
      return "sorted data without hole";
    if (entry["data_offsets"][1] != end + count * sizeof(Scalar)) return "as many bytes as the shape says";
    if (data.size() < end + count * sizeof(Scalar)) return "data inside the file";
    std::vector<Scalar> values(count);
    if (count > 0)
      std::memcpy(values.data(), data.data() + end, count * sizeof(Scalar));  // on a little-endian machine
    arrays[name] = values;
    end += count * sizeof(Scalar);
  }
  return end == data.size() ? "" : "nothing behind the data";
}

std::vector<SafetensorsFile> assorted_files() {
  std::vector<SafetensorsFile> files(4);
  files[1].metadata = {{"format", "pt"}, {"", "an empty key"}, {"note", "\"quoted\" \\ \n\t 猫 😀 \u0001"}};
  files[2].arrays.push_back({"scalar", {}, {Scalar(2.5)}});
  for (std::size_t length = 0; length < 40; ++length) {  // headers of every length modulo 8
    SafetensorsFile& file = files.emplace_back();
    file.arrays.push_back({std::string(length, 'n'), {3}, {1, -2, Scalar(0.5)}});
  }
  SafetensorsFile& large = files.emplace_back();
  large.metadata = {{"format", "pt"}};
  for (int i = 0; i < 300; ++i) {
    const auto size = static_cast<std::size_t>(i % 7);
    std::vector<Scalar> values(size * 2);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = Scalar(i) + Scalar(k) / 16;
    large.arrays.push_back(
        {"层." + std::to_string(i) + ".\"weight\"\\", {static_cast<std::int64_t>(size), 2}, values});
  }
  return files;
}

bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0);
}

// The data of one tensor of all 65,536 patterns of two bytes.
std::vector<Scalar> all_patterns(const std::string& dtype) {
  std::string header = R"({"x":{"dtype":")" + dtype + R"(","shape":[65536],"data_offsets":[0,131072]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  bytes += header;
  for (int bits = 0; bits < 65536; ++bits) {
    bytes += static_cast<char>(static_cast<std::uint8_t>(bits & 0xFF));
    bytes += static_cast<char>(static_cast<std::uint8_t>(bits >> 8));
  }
  return from_safetensors(bytes, "all patterns").arrays.at(0).values;
}

// What a pattern of `exponent_bits` and `fraction_bits` below a sign stands for, by the definition in IEEE
// 754, section 3.4.
double value_of(int bits, int exponent_bits, int fraction_bits) {
  const int largest = (1 << exponent_bits) - 1, bias = largest / 2;
  const int exponent = bits >> fraction_bits & largest, fraction = bits & ((1 << fraction_bits) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == largest)
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  if (exponent == 0) return sign * fraction * std::pow(2.0, 1 - bias - fraction_bits);
  return sign * ((1 << fraction_bits) + fraction) * std::pow(2.0, exponent - bias - fraction_bits);
}

std::string in_quotes(const std::filesystem::path& path) {
  return "'" + path.string() + "'";
}

const std::string script = in_quotes(std::string(ATTUNE_SOURCE_DIR) + "/tests/io/exchange_safetensors.py");

bool python_is_there() {
  if (std::system("python3 -c 0 >/dev/null 2>&1") == 0) return true;
  MESSAGE("SKIPPED: there is no python3 to exchange files with");
  return false;
}

// The lines of exchange_safetensors.py for what was read: file, tensor, shape, numbers; the dtype is left
// out.
std::string line_of(const std::string& file, const NamedArray& array) {
  std::string line = file + " " + array.name + " ", shape;
  for (const std::int64_t extent : array.shape) shape += (shape.empty() ? "" : "x") + std::to_string(extent);
  line += shape.empty() ? "-" : shape;
  for (const Scalar value : array.values) {
    char text[24];
    std::snprintf(text, sizeof text, " %llx",
                  static_cast<unsigned long long>(std::bit_cast<std::uint64_t>(static_cast<double>(value))));
    line += std::isnan(value) ? " nan" : text;
  }
  return line;
}

std::vector<std::string> lines_without_dtype(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const std::size_t name = line.find(' '), dtype = line.find(' ', name + 1),
                      shape = line.find(' ', dtype + 1);
    lines.push_back(line.substr(0, dtype) + line.substr(shape));
  }
  return lines;
}

}  // namespace

TEST_CASE("exchange: every file written here keeps to the format's rules, as a second reader finds them") {
  int count = 0;
  for (const SafetensorsFile& file : assorted_files()) {
    std::map<std::string, std::vector<Scalar>> arrays;
    std::map<std::string, std::string> metadata;
    CHECK(broken_rule(to_safetensors(file), arrays, metadata) == "");
    REQUIRE(arrays.size() == file.arrays.size());
    for (const NamedArray& array : file.arrays) CHECK(same_bits(arrays.at(array.name), array.values));
    for (const auto& [key, text] : file.metadata) CHECK(metadata.at(key) == text);
    // What else there is, others pass over.
    for (const auto& [key, text] : metadata)
      CHECK((file.metadata.count(key) == 1 || key.find("attune.crc32c") == 0));
    ++count;
  }
  measured("safetensors: %d files written here keep to the format's rules", count);
}

TEST_CASE(
    "exchange: all 65,536 halves and all 65,536 bfloat16 become the numbers they stand for, to the bit") {
  struct Kind {
    std::string dtype;
    int exponent_bits, fraction_bits;
  };
  for (const Kind& kind : {Kind{"F16", 5, 10}, Kind{"BF16", 8, 7}}) {
    CAPTURE(kind.dtype);
    const std::vector<Scalar> values = all_patterns(kind.dtype);
    REQUIRE(values.size() == 65536);
    int wrong = 0, nan = 0, infinite = 0, subnormal = 0;
    for (int bits = 0; bits < 65536; ++bits) {
      const double expected = value_of(bits, kind.exponent_bits, kind.fraction_bits);
      const auto value = static_cast<double>(values[static_cast<std::size_t>(bits)]);
      const bool right = std::isnan(expected)
                             ? std::isnan(value)
                             : std::bit_cast<std::uint64_t>(value) == std::bit_cast<std::uint64_t>(expected);
      wrong += !right;
      nan += std::isnan(value);
      infinite += std::isinf(value);
      subnormal += (bits >> kind.fraction_bits & ((1 << kind.exponent_bits) - 1)) == 0;
    }
    CHECK(wrong == 0);
    CHECK(infinite == 2);
    CHECK(nan == 2 * ((1 << kind.fraction_bits) - 1));
    measured(
        "safetensors: %s: %d of 65,536 patterns wrong (%d zeros and subnormals, 2 infinities, %d NaN among "
        "them)",
        kind.dtype.c_str(), wrong, subnormal, nan);
  }
}

TEST_CASE(
    "exchange: what a program in Python wrote, with types and layouts of all sorts, opens with its numbers" *
    doctest::skip()) {
  if (!python_is_there()) return;
  const Scratch scratch;
  REQUIRE(std::system(("python3 " + script + " write " + in_quotes(scratch.folder)).c_str()) == 0);
  const std::vector<std::string> expected = lines_without_dtype(scratch / "expected");
  std::vector<std::string> found;
  int files = 0;
  for (const std::string name : {"f16", "bf16", "f32", "f64", "mixed", "unpadded", "empty"}) {
    CAPTURE(name);
    for (const NamedArray& array : read_safetensors(scratch / name).arrays)
      found.push_back(line_of(name, array));
    ++files;
  }
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] != expected[i])
      FAIL_CHECK("read: " << found[i].substr(0, 200) << "\nwritten: " << expected[i].substr(0, 200));
  }
  CHECK(read_safetensors(scratch / "f32").metadata ==
        std::map<std::string, std::string>{{"format", "np"}, {"猫", "chat"}});
  CHECK(read_safetensors(scratch / "mixed").metadata.empty());
  measured("safetensors: %d files with %zu arrays written by Python (F16, BF16, F32, F64) read to the bit",
           files, found.size());
}

TEST_CASE(
    "exchange: what is written here, a program in Python finds by the rules and reads with its numbers" *
    doctest::skip()) {
  if (!python_is_there()) return;
  const Scratch scratch;
  std::string command = "python3 " + script + " check";
  std::vector<std::string> written;
  int count = 0;
  for (const SafetensorsFile& file : assorted_files()) {
    const std::string name = std::to_string(count++);
    write_safetensors(scratch / name, file);
    command += " " + in_quotes(scratch / name);
    for (const NamedArray& array : file.arrays) written.push_back(line_of(name, array));
  }
  REQUIRE(std::system((command + " >" + in_quotes(scratch / "found")).c_str()) == 0);
  CHECK(lines_without_dtype(scratch / "found") == written);
  measured(
      "safetensors: %d files written here, with %zu arrays, found by the rules and read to the bit by Python",
      count, written.size());
}
