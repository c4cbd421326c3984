#include "io/safetensors.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"
#include "tensor/error.h"
#include "tests/io/child.h"
#include "tests/io/scratch.h"
#include "tests/support/measured.h"

using namespace attune;
using namespace attune::io;
using attune::testing::measured;

namespace {

// A file as the format's page describes it, by hand: length, header, data.
std::string by_hand(std::string_view header, std::string_view data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes += static_cast<char>(static_cast<std::uint64_t>(header.size()) >> (8 * i) & 0xFF);
  return bytes.append(header).append(data);
}

std::string zeros_of(std::size_t bytes) {
  return std::string(bytes, '\0');
}

// The text of the FileError that reading ends in; empty if the bytes are accepted. Any other exception is a
// failure.
std::string rejection(std::string_view bytes) {
  try {
    from_safetensors(bytes, "bytes");
  } catch (const FileError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The data of one tensor "x" read from bytes of a type.
std::vector<Scalar> decoded(const std::string& dtype, std::string_view data, std::size_t count) {
  const std::string header = R"({"x":{"dtype":")" + dtype + R"(","shape":[)" + std::to_string(count) +
                             R"(],"data_offsets":[0,)" + std::to_string(data.size()) + "]}}";
  return from_safetensors(by_hand(header, data), "bytes").arrays.at(0).values;
}

// One of everything: several ranks, an empty tensor, names with quotes and Chinese, metadata.
SafetensorsFile example() {
  SafetensorsFile file;
  file.arrays.push_back(
      {"encoder.layers.0.weight", {2, 3}, {1, -2, Scalar(0.5), Scalar(-0.0), Scalar(1e-30), 3}});
  file.arrays.push_back({"scalar", {}, {Scalar(2.5)}});
  file.arrays.push_back({"empty", {0, 4}, {}});
  file.arrays.push_back({"a \"quoted\" \\ name\n", {1}, {7}});
  file.arrays.push_back({"编码器", {1, 2, 1}, {8, 9}});
  file.metadata = {{"format", "pt"}, {"vocabulary", "猫\tchat\n"}};
  return file;
}

using Bits = std::conditional_t<sizeof(Scalar) == 4, std::uint32_t, std::uint64_t>;

void check_same(const SafetensorsFile& a, const SafetensorsFile& b) {
  CHECK(a.metadata == b.metadata);
  REQUIRE(a.arrays.size() == b.arrays.size());
  for (std::size_t i = 0; i < a.arrays.size(); ++i) {
    CHECK(a.arrays[i].name == b.arrays[i].name);
    CHECK(a.arrays[i].shape == b.arrays[i].shape);
    REQUIRE(a.arrays[i].values.size() == b.arrays[i].values.size());
    for (std::size_t k = 0; k < a.arrays[i].values.size(); ++k) {
      CHECK(std::bit_cast<Bits>(a.arrays[i].values[k]) == std::bit_cast<Bits>(b.arrays[i].values[k]));
    }
  }
}

}  // namespace

TEST_CASE("safetensors: what is written is read back to the last bit, through memory and through a file") {
  const SafetensorsFile file = example();
  check_same(from_safetensors(to_safetensors(file), "bytes"), file);
  const Scratch scratch;
  write_safetensors(scratch / "model.safetensors", file);
  check_same(read_safetensors(scratch / "model.safetensors"), file);
  CHECK(read_file(scratch / "model.safetensors", 1 << 20) == to_safetensors(file));
}

TEST_CASE("safetensors: a file without tensors or metadata is a file all the same") {
  check_same(from_safetensors(to_safetensors({}), "bytes"), {});
  CHECK(from_safetensors(by_hand("{}", ""), "bytes").arrays.empty());
}

TEST_CASE("safetensors: extreme numbers survive, the smallest subnormal and the sign of zero included") {
  using limits = std::numeric_limits<Scalar>;
  SafetensorsFile file;
  file.arrays.push_back({"x",
                         {6},
                         {limits::max(), limits::lowest(), limits::min(), limits::denorm_min(),
                          -limits::denorm_min(), Scalar(-0.0)}});
  check_same(from_safetensors(to_safetensors(file), "bytes"), file);
}

TEST_CASE("safetensors: a file laid out by hand as the format's rules say opens, whoever wrote it") {
  // Two tensors whose order in the header is not that of their data, metadata from PyTorch, spaces at the
  // end.
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"second":{"dtype":"F32","shape":[],"data_offsets":[8,12]},)"
      R"("first":{"shape":[1,2],"data_offsets":[0,8],"dtype":"F32"}}   )";
  const char data[] = "\x00\x00\x80\x3f\x00\x00\x20\xc0\x00\x00\x00\x3f";  // 1, -2.5, 0.5
  const SafetensorsFile file = from_safetensors(by_hand(header, std::string_view(data, 12)), "bytes");
  REQUIRE(file.arrays.size() == 2);
  CHECK(file.arrays[0].name == "first");
  CHECK(file.arrays[0].shape == std::vector<std::int64_t>{1, 2});
  CHECK(file.arrays[0].values == std::vector<Scalar>{1, Scalar(-2.5)});
  CHECK(file.arrays[1].name == "second");
  CHECK(file.arrays[1].shape.empty());
  CHECK(file.arrays[1].values == std::vector<Scalar>{Scalar(0.5)});
  CHECK(file.metadata == std::map<std::string, std::string>{{"format", "pt"}});
}

TEST_CASE("safetensors: a written file keeps to the format's rules: aligned, tiled, little-endian") {
  SafetensorsFile file;
  file.arrays.push_back({"x", {2}, {1, -2}});
  const std::string bytes = to_safetensors(file);
  const auto header_bytes = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0]) +
                                                     256 * static_cast<unsigned char>(bytes[1]));
  CHECK(bytes.substr(2, 6) == zeros_of(6));
  CHECK(header_bytes % 8 == 0);
  CHECK(bytes[8] == '{');
  const std::string header = bytes.substr(8, header_bytes), data = bytes.substr(8 + header_bytes);
  if constexpr (sizeof(Scalar) == 4) {
    CHECK(contains(header, R"(,"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"));
    CHECK(data == std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8));
  } else {
    CHECK(contains(header, R"(,"x":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}})"));
    CHECK(data == std::string("\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\x00\xc0", 16));
  }
  CHECK(to_safetensors(file) == bytes);  // the same content, the same bytes
}

TEST_CASE("safetensors: every truncation of a file is refused") {
  int truncations = 0;
  for (const SafetensorsFile& file : {example(), SafetensorsFile{}}) {
    const std::string bytes = to_safetensors(file);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      CAPTURE(length);
      CHECK(rejection(std::string_view(bytes).substr(0, length)) != "");
      ++truncations;
    }
    CHECK(rejection(bytes + '\0') != "");
    CHECK(rejection(bytes + bytes) != "");
  }
  measured("safetensors: all %d truncations of two small files refused", truncations);
}

TEST_CASE("safetensors: every truncation of a file on the disk is refused, with its path") {
  const Scratch scratch;
  const std::string bytes = to_safetensors(example());
  const std::filesystem::path path = scratch / "cut";
  std::ofstream(path, std::ios::binary) << bytes;
  for (std::size_t length = bytes.size(); length-- > 0;) {
    CAPTURE(length);
    std::filesystem::resize_file(path, length);
    std::string error;
    try {
      read_safetensors(path);
    } catch (const FileError& refused) {
      error = refused.what();
    }
    CHECK(error.find("read_safetensors: ") == 0);
    CHECK(contains(error, path.string()));
  }
}

TEST_CASE("safetensors: every single-bit flip in a file is refused, whatever it hits") {
  int flips = 0;
  SafetensorsFile deceptive;  // its names hold the very words that announce checksums
  deceptive.arrays.push_back({"attune.crc32c.header", {1}, {1}});
  deceptive.metadata = {{"note", R"({"__metadata__":{"attune.crc32c.header":"00000000")"}};
  for (const SafetensorsFile& file : {example(), SafetensorsFile{}, deceptive}) {
    std::string bytes = to_safetensors(file);
    check_same(from_safetensors(bytes, "bytes"), file);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      CAPTURE(bit);
      char& byte = bytes[bit / 8];
      byte = static_cast<char>(byte ^ (1 << (bit % 8)));
      CHECK(rejection(bytes) != "");
      byte = static_cast<char>(byte ^ (1 << (bit % 8)));
      ++flips;
    }
  }
  measured("safetensors: all %d single-bit flips of three small files refused", flips);
}

TEST_CASE("safetensors: any byte of a file replaced by any other is refused" * doctest::skip()) {
  std::string bytes = to_safetensors(example());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int change = 1; change < 256; ++change) {
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      if (rejection(bytes).empty()) FAIL_CHECK("byte " << at << " changed by " << change << " was not seen");
      bytes[at] = static_cast<char>(bytes[at] ^ change);
    }
  }
}

TEST_CASE("safetensors: a damaged file says what was damaged and what to do") {
  std::string bytes = to_safetensors(example());
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  CHECK(rejection(bytes) ==
        "read_safetensors: the checksum does not match: bytes: that of tensor \"编码器\": the file was "
        "damaged, or "
        "changed by another program (which must then remove the metadata that begins with attune.crc32c); "
        "copy it "
        "again or take an older one");
}

TEST_CASE("safetensors: a file that another program changed and that kept our checksums is refused") {
  // The same JSON in another order, as a program that knows nothing of checksums would write it.
  const std::string header =
      R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("__metadata__":{"attune.crc32c.header":"00000000","attune.crc32c.tensors":"1"}})";
  CHECK(contains(rejection(by_hand(header, zeros_of(4))), "changed by another program"));
}

namespace {

struct Case {
  std::string what;
  std::string bytes;
  const char* says;
};

// The header of a file with one tensor.
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"x":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

// A file with the entry of one good tensor "x" of 4 bytes, and what is put between the braces beside it.
std::string beside(const std::string& more, std::size_t data_bytes = 4) {
  return by_hand(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)" + more + "}",
                 zeros_of(data_bytes));
}

std::string tensor(const std::string& name, const std::string& shape, const std::string& offsets) {
  return '"' + name + R"(":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::vector<Case> crafted_cases() {
  const std::string good = one("\"F32\"", "[1]", "[0,4]");
  const std::string entry = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const std::string deep = std::string(100000, '[');

  std::vector<Case> cases = {
      {"nothing", "", "too short"},
      {"seven bytes", "1234567", "too short"},
      {"a length and no header", zeros_of(8), "not one JSON object"},
      {"a length beyond the file", "\x09" + zeros_of(7) + "{}", "longer than the file"},
      {"the largest length", std::string(8, '\xff') + "{}", "longer than the file"},
      {"a length of 2^63", zeros_of(7) + "\x80{}", "longer than the file"},
      {"a text file", "Dear Sir or Madam,\nthis is no model.\n", "longer than the file"},
      {"no JSON", by_hand("{nonsense}", ""), "not JSON"},
      {"an array", by_hand("[]", ""), "not one JSON object"},
      {"a number", by_hand("17", ""), "not one JSON object"},
      {"an unfinished object", by_hand("{\"x\":{}", ""), "lacks some"},
      {"a byte order mark", by_hand("\xef\xbb\xbf{}", ""), "not one JSON object"},
      {"a space in front", by_hand(" {}", ""), "not one JSON object"},
      {"a line break behind", by_hand("{}\n", ""), "not one JSON object"},
      {"a NUL behind", by_hand(std::string("{}\0", 3), ""), "not one JSON object"},
      {"something behind a NUL", by_hand(std::string("{}\0{}", 5), ""), "not one JSON object"},
      {"two objects", by_hand("{}{}", ""), "not JSON"},
      {"a comment", by_hand("{/**/}", ""), "not JSON"},
      {"a comma too many", by_hand(R"({"x":)" + entry + ",}", zeros_of(4)), "not JSON"},
      {"Latin-1 in a name", by_hand("{\"\xe9t\xe9\":" + entry + "}", zeros_of(4)), "not UTF-8"},
      {"an overlong form in a name", by_hand("{\"\xc0\x80\":" + entry + "}", zeros_of(4)), "not UTF-8"},
      {"a surrogate in a name", by_hand("{\"\xed\xa0\x80\":" + entry + "}", zeros_of(4)), "not UTF-8"},
      {"half a surrogate pair, escaped", by_hand(R"({"\ud800":)" + entry + "}", zeros_of(4)), "not JSON"},
      {"a name twice", by_hand(R"({"x":)" + entry + R"(,"x":)" + entry + "}", zeros_of(4)), "repeats"},
      {"a name twice, once escaped", by_hand(R"({"x":)" + entry + R"(,"\u0078":)" + entry + "}", zeros_of(4)),
       "repeats"},
      {"metadata twice", by_hand(R"({"__metadata__":{},"__metadata__":{}})", ""), "repeats"},
      {"a metadata key twice", by_hand(R"({"__metadata__":{"a":"1","a":"2"}})", ""), "repeats"},
      {"a field twice",
       by_hand(R"({"x":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", zeros_of(4)),
       "repeats"},
      {"a number as metadata", by_hand(R"({"__metadata__":{"epoch":3}})", ""),
       R"(metadata "epoch": found a number)"},
      {"an object in metadata", by_hand(R"({"__metadata__":{"a":{}}})", ""), "found an object"},
      {"null as metadata", by_hand(R"({"__metadata__":null})", ""), "found null"},
      {"a tensor that is a number", by_hand(R"({"x":3})", ""), R"(entry "x": found a number)"},
      {"a tensor that is an array", by_hand(R"({"x":[]})", ""), "found an array"},
      {"no dtype", by_hand(R"({"x":{"shape":[1],"data_offsets":[0,4]}})", zeros_of(4)), "lacks some"},
      {"no shape", by_hand(R"({"x":{"dtype":"F32","data_offsets":[0,4]}})", zeros_of(4)), "lacks some"},
      {"no data_offsets", by_hand(R"({"x":{"dtype":"F32","shape":[1]}})", zeros_of(4)), "lacks some"},
      {"an empty entry", by_hand(R"({"x":{}})", ""), "lacks some"},
      {"an unknown field",
       by_hand(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"strides":[1]}})", zeros_of(4)),
       "unknown field"},
      {"a dtype that is a number", by_hand(one("32", "[1]", "[0,4]"), zeros_of(4)),
       R"(field "dtype": found a number)"},
      {"integers", by_hand(one("\"I64\"", "[1]", "[0,8]"), zeros_of(8)),
       R"(tensor "x" has "I64", known are)"},
      {"an unheard-of dtype", by_hand(one("\"F33\"", "[1]", "[0,4]"), zeros_of(4)), R"("F33")"},
      {"a dtype in small letters", by_hand(one("\"f32\"", "[1]", "[0,4]"), zeros_of(4)), R"("f32")"},
      {"a shape that is a number", by_hand(one("\"F32\"", "1", "[0,4]"), zeros_of(4)),
       R"(field "shape": found a number)"},
      {"a shape that is text", by_hand(one("\"F32\"", "\"1\"", "[0,4]"), zeros_of(4)), "found text"},
      {"a negative extent", by_hand(one("\"F32\"", "[-1]", "[0,4]"), zeros_of(4)), "a negative number"},
      {"minus zero", by_hand(one("\"F32\"", "[-0]", "[0,0]"), ""), "a negative number"},
      {"a fraction as extent", by_hand(one("\"F32\"", "[1.0]", "[0,4]"), zeros_of(4)), "a fraction"},
      {"an extent of 2^64", by_hand(one("\"F32\"", "[18446744073709551616]", "[0,4]"), zeros_of(4)),
       "a fraction or too"},
      {"a nested shape", by_hand(one("\"F32\"", "[[1]]", "[0,4]"), zeros_of(4)), "found an array"},
      {"true as extent", by_hand(one("\"F32\"", "[true]", "[0,4]"), zeros_of(4)), "true or false"},
      {"a shape whose product overflows", by_hand(one("\"F32\"", "[4294967296,4294967296]", "[0,0]"), ""),
       "too large"},
      {"a product that overflows to the right value",
       by_hand(one("\"F32\"", "[4294967296,4294967296,4294967296,4294967296,1]", "[0,0]"), ""), "too large"},
      {"a product that overflows before a zero",
       by_hand(one("\"F32\"", "[9223372036854775807,9,0]", "[0,0]"), ""), "too large"},
      {"a product that overflows after a zero",
       by_hand(one("\"F32\"", "[0,9223372036854775807,9]", "[0,0]"), ""), "too large"},
      {"a shape larger than its bytes", by_hand(one("\"F32\"", "[2]", "[0,4]"), zeros_of(4)),
       "2 values of F32 in 4 bytes"},
      {"a shape smaller than its bytes", by_hand(one("\"F32\"", "[1]", "[0,8]"), zeros_of(8)), "disagree"},
      {"a shape whose bytes overflow", by_hand(one("\"F32\"", "[4611686018427387905]", "[0,4]"), zeros_of(4)),
       "disagree"},
      {"bytes that are no multiple of the type", by_hand(one("\"F32\"", "[1]", "[0,6]"), zeros_of(6)),
       "disagree"},
      {"one offset", by_hand(one("\"F32\"", "[1]", "[4]"), zeros_of(4)), "begin and end"},
      {"three offsets", by_hand(one("\"F32\"", "[1]", "[0,2,4]"), zeros_of(4)), "begin and end"},
      {"offsets the wrong way round", by_hand(one("\"F32\"", "[1]", "[4,0]"), zeros_of(4)),
       "outside the data"},
      {"offsets beyond the data", by_hand(one("\"F32\"", "[2]", "[0,8]"), zeros_of(4)), "0 to 8 of 4 bytes"},
      {"an offset of 2^64 - 1", by_hand(one("\"F32\"", "[1]", "[0,18446744073709551615]"), zeros_of(4)),
       "outside the data"},
      {"a hole in front", by_hand(one("\"F32\"", "[1]", "[4,8]"), zeros_of(8)), "gap or overlap"},
      {"a hole behind", by_hand(good, zeros_of(8)), "they take 4 of 8 bytes"},
      {"a hole between",
       by_hand(R"({"x":)" + entry + R"(,"y":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
               zeros_of(12)),
       "gap or overlap"},
      {"an overlap",
       by_hand(R"({"x":)" + entry + R"(,"y":{"dtype":"F16","shape":[2],"data_offsets":[2,6]}})", zeros_of(6)),
       "gap or overlap"},
      {"two names for the same bytes", by_hand(R"({"x":)" + entry + R"(,"y":)" + entry + "}", zeros_of(4)),
       "gap or overlap"},
      {"data and no tensors", by_hand("{}", zeros_of(4)), "they take 0 of 4 bytes"},
      {"a hundred thousand brackets", by_hand("{\"x\":" + deep + "}", ""), "found an array"},
      {"a number of a megabyte", by_hand("{\"x\":" + std::string(1000000, '9') + "}", ""), "not JSON"},
      {"control characters in a name", by_hand("{\"\x1b[2J\":3}", ""), "not JSON"},
      // The length of the header.
      {"a length of 2^32", std::string("\0\0\0\0\1\0\0\0{}", 10), "longer than the file"},
      {"a length of one byte too many", std::string("\3\0\0\0\0\0\0\0{}", 10), "longer than the file"},
      {"a length that cuts the header", std::string("\1\0\0\0\0\0\0\0{}", 10), "not one JSON object"},
      {"a length that takes data for header", std::string("\3\0\0\0\0\0\0\0{}\0\0", 12),
       "not one JSON object"},
      {"a big-endian length", std::string("\0\0\0\0\0\0\0\2{}", 10), "longer than the file"},
      {"a zip, as PyTorch saves", "PK\x03\x04" + zeros_of(100), "longer than the file"},
      {"a GGUF file", "GGUF\x03" + zeros_of(3) + std::string(100, '\x01'), "longer than the file"},
      {"an HDF5 file", "\x89HDF\r\n\x1a\n" + zeros_of(100), "longer than the file"},
      {"a gzip", "\x1f\x8b\x08" + zeros_of(100), "longer than the file or the limit"},
      {"nothing but zeros", zeros_of(4096), "not one JSON object"},
      {"nothing but 0xFF", std::string(4096, '\xff'), "longer than the file"},
      // What surrounds the object.
      {"a tab in front", by_hand("\t{}", ""), "not one JSON object"},
      {"a line break in front", by_hand("\n{}", ""), "not one JSON object"},
      {"a tab behind", by_hand("{}\t", ""), "not one JSON object"},
      {"NULs to fill up", by_hand("{}" + zeros_of(6), ""), "not one JSON object"},
      {"letters behind", by_hand("{}x", ""), "not one JSON object"},
      {"a brace too many", by_hand("{}}", ""), "not JSON"},
      {"UTF-16", by_hand(std::string("{\0}\0", 4), ""), "not one JSON object"},
      {"UTF-16 with its mark", by_hand(std::string("\xff\xfe{\0}\0", 6), ""), "not UTF-8"},
      // What is no JSON.
      {"single quotes", by_hand("{'x':3}", ""), "not JSON"},
      {"a key without quotes", by_hand("{x:3}", ""), "not JSON"},
      {"no colon", by_hand("{\"x\" 3}", ""), "not JSON"},
      {"a text without end", by_hand("{\"x}", ""), "not JSON"},
      {"an unknown escape", by_hand(R"({"\q":3})", ""), "not JSON"},
      {"a short escape", by_hand(R"({"\u12":3})", ""), "not JSON"},
      {"a lone low surrogate, escaped", by_hand(R"({"\udc00":)" + entry + "}", zeros_of(4)), "not JSON"},
      {"a raw line break in a name", by_hand("{\"a\nb\":" + entry + "}", zeros_of(4)), "not JSON"},
      {"a comma too many in a shape", by_hand(one("\"F32\"", "[1,]", "[0,4]"), zeros_of(4)), "not JSON"},
      {"NaN as extent", by_hand(one("\"F32\"", "[NaN]", "[0,4]"), zeros_of(4)), "not JSON"},
      {"Infinity as extent", by_hand(one("\"F32\"", "[Infinity]", "[0,4]"), zeros_of(4)), "not JSON"},
      {"a leading zero", by_hand(one("\"F32\"", "[01]", "[0,4]"), zeros_of(4)), "not JSON"},
      {"a plus sign", by_hand(one("\"F32\"", "[+1]", "[0,4]"), zeros_of(4)), "not JSON"},
      {"a hexadecimal extent", by_hand(one("\"F32\"", "[0x1]", "[0,4]"), zeros_of(4)), "not JSON"},
      {"a code point above U+10FFFF", by_hand("{\"\xf4\x90\x80\x80\":" + entry + "}", zeros_of(4)),
       "not UTF-8"},
      {"a character cut short", by_hand("{\"\xe7\x8c\":" + entry + "}", zeros_of(4)), "not UTF-8"},
      {"bytes that are not UTF-8 in metadata", by_hand("{\"__metadata__\":{\"a\":\"\xff\"}}", ""),
       "not UTF-8"},
      {"objects in objects", by_hand(R"({"x":{"x":{"x":{"x":{}}}}})", ""), "unknown field"},
      {"brackets in a shape", by_hand(one("\"F32\"", deep, "[0,4]"), zeros_of(4)), "found an array"},
      {"brackets in metadata", by_hand(R"({"__metadata__":{"a":)" + deep + "}}", ""), "found an array"},
      // Metadata.
      {"metadata that is text", by_hand(R"({"__metadata__":"pt"})", ""), "found text"},
      {"metadata that is an array", by_hand(R"({"__metadata__":["pt"]})", ""), "found an array"},
      {"metadata that describes a tensor", by_hand(R"({"__metadata__":)" + entry + "}", zeros_of(4)),
       "found an array"},
      {"an array in metadata", by_hand(R"({"__metadata__":{"a":["b"]}})", ""), "found an array"},
      {"true in metadata", by_hand(R"({"__metadata__":{"a":true}})", ""), "true or false"},
      {"null in metadata", by_hand(R"({"__metadata__":{"a":null}})", ""), "found null"},
      {"a fraction in metadata", by_hand(R"({"__metadata__":{"a":0.5}})", ""), "a fraction"},
      {"metadata twice, once escaped", by_hand(R"({"__metadata__":{},"\u005f_metadata__":{}})", ""),
       "repeats"},
      {"a metadata key twice, once escaped", by_hand(R"({"__metadata__":{"a":"1","\u0061":"2"}})", ""),
       "repeats"},
      // Fields of a tensor.
      {"a tensor that is text", by_hand(R"({"x":"F32"})", ""), "found text"},
      {"a tensor that is null", by_hand(R"({"x":null})", ""), "found null"},
      {"fields in capitals",
       by_hand(R"({"x":{"Dtype":"F32","shape":[1],"data_offsets":[0,4]}})", zeros_of(4)), "unknown field"},
      {"a misspelt field", by_hand(R"({"x":{"dtype":"F32","shape":[1],"data_offset":[0,4]}})", zeros_of(4)),
       "unknown field"},
      {"a dtype of null", by_hand(one("null", "[1]", "[0,4]"), zeros_of(4)), "found null"},
      {"a dtype in an array", by_hand(one("[\"F32\"]", "[1]", "[0,4]"), zeros_of(4)), "found an array"},
      {"a dtype with a space", by_hand(one("\"F32 \"", "[1]", "[0,4]"), zeros_of(4)), "\"F32 \""},
      {"no dtype at all", by_hand(one("\"\"", "[1]", "[0,4]"), zeros_of(4)), "has \"\", known are"},
      {"a shape of null", by_hand(one("\"F32\"", "null", "[0,4]"), zeros_of(4)), "found null"},
      {"a shape that is an object", by_hand(one("\"F32\"", "{}", "[0,4]"), zeros_of(4)), "found an object"},
      {"null as extent", by_hand(one("\"F32\"", "[null]", "[0,4]"), zeros_of(4)), "found null"},
      {"an extent in quotes", by_hand(one("\"F32\"", "[\"1\"]", "[0,4]"), zeros_of(4)), "found text"},
      {"an extent of 1e0", by_hand(one("\"F32\"", "[1e0]", "[0,4]"), zeros_of(4)), "a fraction"},
      {"an extent of 2^63", by_hand(one("\"F32\"", "[9223372036854775808]", "[0,4]"), zeros_of(4)),
       "too large"},
      {"an extent of 2^64 - 1", by_hand(one("\"F32\"", "[18446744073709551615]", "[0,4]"), zeros_of(4)),
       "too large"},
      {"an extent of 2^63 beside a zero", by_hand(one("\"F32\"", "[0,9223372036854775808]", "[0,0]"), ""),
       "too large"},
      {"three extents of 2, far apart",
       by_hand(one("\"F32\"", "[2" + std::string(200000, ' ') + ",2,2]", "[0,4]"), zeros_of(4)),
       "8 values of F32 in 4 bytes"},
      {"64 extents of 2",
       by_hand(one("\"F32\"",
                   "[2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,"
                   "2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2]",
                   "[0,4]"),
               zeros_of(4)),
       "too large"},
      // Offsets.
      {"fractions as offsets", by_hand(one("\"F32\"", "[1]", "[0.0,4.0]"), zeros_of(4)), "a fraction"},
      {"an offset of 4e0", by_hand(one("\"F32\"", "[1]", "[0,4e0]"), zeros_of(4)), "a fraction"},
      {"negative offsets", by_hand(one("\"F32\"", "[1]", "[-4,0]"), zeros_of(4)), "a negative number"},
      {"offsets in quotes", by_hand(one("\"F32\"", "[1]", "[\"0\",\"4\"]"), zeros_of(4)), "found text"},
      {"offsets that are a number", by_hand(one("\"F32\"", "[1]", "4"), zeros_of(4)), "found a number"},
      {"offsets that are an object", by_hand(one("\"F32\"", "[1]", "{\"0\":4}"), zeros_of(4)),
       "found an object"},
      {"nested offsets", by_hand(one("\"F32\"", "[1]", "[[0,4]]"), zeros_of(4)), "found an array"},
      {"no offsets", by_hand(one("\"F32\"", "[1]", "[]"), zeros_of(4)), "begin and end"},
      {"an offset of 2^64", by_hand(one("\"F32\"", "[1]", "[0,18446744073709551616]"), zeros_of(4)),
       "a fraction or too"},
      {"offsets from 2^64 - 4 on", by_hand(one("\"F32\"", "[1]", "[18446744073709551612,0]"), zeros_of(4)),
       "outside the data"},
      {"an offset that is right modulo 2^32",
       by_hand(one("\"F32\"", "[1]", "[4294967296,4294967300]"), zeros_of(4)), "outside the data"},
      {"a tensor inside another", beside(tensor("y", "[1]", "[4,8]") + "," + tensor("z", "[0]", "[6,6]"), 8),
       "gap or overlap"},
      {"a tensor that begins in another",
       beside(tensor("y", "[2]", "[4,12]") + "," + tensor("z", "[1]", "[8,12]"), 12), "gap or overlap"},
      {"a tensor that repeats the first bytes", beside(tensor("y", "[2]", "[0,8]"), 8), "gap or overlap"},
      {"an empty tensor inside another", beside(tensor("y", "[0]", "[2,2]")), "gap or overlap"},
      {"an empty tensor behind the data", beside(tensor("y", "[0]", "[8,8]")), "outside the data"},
      {"an empty tensor with bytes", beside(tensor("y", "[0]", "[4,8]"), 8), "0 values of F32 in 4 bytes"},
      {"a number without bytes", beside(tensor("y", "[]", "[4,4]")), "1 values of F32 in 0 bytes"},
      {"unsorted tensors with a hole",
       beside(tensor("b", "[1]", "[12,16]") + "," + tensor("a", "[1]", "[4,8]"), 16), "gap or overlap"},
      {"a byte behind the data", by_hand(good, zeros_of(5)), "they take 4 of 5 bytes"},
      {"a line break behind the data", by_hand(good, zeros_of(4) + "\n"), "they take 4 of 5 bytes"},
      {"the file twice", by_hand(good, zeros_of(4)) + by_hand(good, zeros_of(4)), "they take 4 of"},
      {"no data", by_hand(good, ""), "0 to 4 of 0 bytes"},
  };
  // What the format knows and this library does not read.
  for (const std::string dtype : {"BOOL", "I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "F8_E4M3",
                                  "F8_E5M2", "F8_E8M0", "F6_E2M3", "F6_E3M2", "F4", "C64"}) {
    cases.push_back({dtype, by_hand(one('"' + dtype + '"', "[1]", "[0,8]"), zeros_of(8)),
                     "a dtype that is not read here"});
  }
  return cases;
}

}  // namespace

TEST_CASE("safetensors: crafted files end in an error that names the fault") {
  REQUIRE(rejection(by_hand(one("\"F32\"", "[1]", "[0,4]"), zeros_of(4))) == "");
  REQUIRE(rejection(beside(tensor("y", "[0]", "[4,4]") + "," + tensor("z", "[1]", "[4,8]"), 8)) == "");
  const std::vector<Case> cases = crafted_cases();
  for (const Case& bad : cases) {
    CAPTURE(bad.what);
    const std::string error = rejection(bad.bytes);
    CAPTURE(error);
    CHECK(contains(error, bad.says));
    CHECK(error.find("read_safetensors: ") == 0);
    CHECK(error.size() < 1000);
  }
  measured("safetensors: %zu crafted files, each refused with an error that names its fault", cases.size());
}

TEST_CASE("safetensors: a file is refused from its header alone, before its data is read") {
  const Scratch scratch;
  // Each time a terabyte less one page, as far as the file system is concerned: to read it would take a
  // while.
  const auto pretend = [&](const std::string& bytes) {
    const std::filesystem::path path = scratch / "large";
    std::filesystem::remove(path);
    write_atomically(path, bytes);
    std::error_code refused;
    std::filesystem::resize_file(path, (std::uintmax_t{1} << 40) - 4096, refused);
    if (refused) {
      MESSAGE("this file system has no files of a terabyte: " << refused.message());
      std::filesystem::resize_file(path, std::uintmax_t{1} << 30);
    }
    try {
      read_safetensors(path);
    } catch (const FileError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK(contains(pretend("no safetensors file"), "the header would be longer than the file or the limit"));
  CHECK(contains(pretend(by_hand(one("\"F32\"", "[1]", "[0,4]"), zeros_of(4))),
                 "the tensors do not fill the file"));
  CHECK(contains(pretend(by_hand(one("\"I64\"", "[1]", "[0,8]"), zeros_of(8))),
                 "a dtype that is not read here"));
  CHECK(contains(pretend(to_safetensors(example())), "the tensors do not fill the file"));
}

// Sanitizers take memory of their own, by the terabyte.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ATTUNE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define ATTUNE_SANITIZED 1
#endif
#endif
#if defined(__linux__) && !defined(ATTUNE_SANITIZED)
TEST_CASE("safetensors: what a crafted file claims takes no memory") {
  std::vector<Case> cases = crafted_cases();
  // Claims of terabytes that are consistent in themselves.
  for (const char* bytes : {"1099511627776", "4611686018427387900", "1073741824"}) {
    const std::string values = std::to_string(std::stoull(bytes) / 4);
    cases.push_back(
        {bytes, by_hand(one("\"F32\"", "[" + values + "]", std::string("[0,") + bytes + "]"), zeros_of(4)),
         "outside the data"});
  }
  const std::string outcome = in_child([&] {
    // What the process has, and 32 MiB more. (The largest of the files is a megabyte.)
    long pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const auto limit = static_cast<rlim_t>(pages * ::sysconf(_SC_PAGESIZE)) + (rlim_t{32} << 20);
    const struct rlimit small { limit, limit };
    if (pages == 0 || ::setrlimit(RLIMIT_AS, &small) != 0) return std::string("no limit could be set");
    for (const Case& bad : cases) {
      if (rejection(bad.bytes).empty()) return "accepted: " + bad.what;
    }
    return std::string("all refused");
  });
  CHECK(outcome == "all refused");
}
#endif

TEST_CASE("safetensors: a header over 100 MB is refused though the file is as long") {
  std::string bytes = by_hand("{}" + std::string(100'000'001, ' '), "");
  CHECK(contains(rejection(bytes), "longer than the file or the limit"));
}

TEST_CASE("safetensors: names that would disturb a terminal are shown tamed and cut in errors") {
  const std::string error = rejection(by_hand("{\"" + std::string(5000, 'n') + "\":3}", ""));
  CHECK(contains(error, "nnn…\": found a number"));
  CHECK(contains(rejection(by_hand(R"({"\u001b[2J":3})", "")), "\"�[2J\": found a number"));
}

TEST_CASE("safetensors: a half is read exactly, for every pattern of bits") {
  CHECK(half_to_float(0x3C00) == 1.0f);
  CHECK(half_to_float(0xC000) == -2.0f);
  CHECK(half_to_float(0x7BFF) == 65504.0f);
  CHECK(half_to_float(0x0400) == std::ldexp(1.0f, -14));     // the smallest normal number
  CHECK(half_to_float(0x03FF) == std::ldexp(1023.0f, -24));  // the largest subnormal one
  CHECK(half_to_float(0x0001) == std::ldexp(1.0f, -24));     // the smallest
  CHECK(half_to_float(0x3555) == 0.333251953125f);
  CHECK(half_to_float(0x7C00) == std::numeric_limits<float>::infinity());
  CHECK(half_to_float(0xFC00) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(half_to_float(0x7C01)));
  CHECK(std::isnan(half_to_float(0xFFFF)));
  CHECK(half_to_float(0x0000) == 0.0f);
  CHECK(std::signbit(half_to_float(0x8000)));

  // The finite ones rise with their bits, and the step is the unit in the last place.
  for (std::uint16_t bits = 0; bits < 0x7BFF; ++bits) {
    const double step = std::ldexp(1.0, std::max(bits >> 10, 1) - 25);
    REQUIRE(double{half_to_float(static_cast<std::uint16_t>(bits + 1))} - double{half_to_float(bits)} ==
            step);
    REQUIRE(half_to_float(static_cast<std::uint16_t>(bits | 0x8000)) == -half_to_float(bits));
  }
}

TEST_CASE("safetensors: a bfloat16 is the upper half of a float") {
  CHECK(bfloat16_to_float(0x3F80) == 1.0f);
  CHECK(bfloat16_to_float(0xC020) == -2.5f);
  CHECK(bfloat16_to_float(0x7F80) == std::numeric_limits<float>::infinity());
  CHECK(bfloat16_to_float(0xFF80) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(bfloat16_to_float(0x7FC0)));
  CHECK(bfloat16_to_float(0x0001) == std::ldexp(1.0f, -133));  // subnormal
  CHECK(std::signbit(bfloat16_to_float(0x8000)));
}

TEST_CASE("safetensors: F16, BF16, F32 and F64 all become Scalar") {
  CHECK(decoded("F16", std::string_view("\x00\x3c\x00\xc0\x01\x00\x00\x7c", 8), 4) ==
        std::vector<Scalar>{1, -2, Scalar(std::ldexp(1.0, -24)), std::numeric_limits<Scalar>::infinity()});
  CHECK(decoded("BF16", std::string_view("\x80\x3f\x20\xc0\x80\xff", 6), 3) ==
        std::vector<Scalar>{1, Scalar(-2.5), -std::numeric_limits<Scalar>::infinity()});
  CHECK(decoded("F32", std::string_view("\x00\x00\x80\x3f\x01\x00\x00\x00", 8), 2) ==
        std::vector<Scalar>{1, Scalar(std::ldexp(1.0, -149))});
  // 1/3 as a double: rounded to the nearest Scalar.
  CHECK(decoded("F64", std::string_view("\x55\x55\x55\x55\x55\x55\xd5\x3f", 8), 1) ==
        std::vector<Scalar>{static_cast<Scalar>(1.0 / 3.0)});
  CHECK(std::isnan(decoded("F16", std::string_view("\x01\x7e", 2), 1)[0]));
}

TEST_CASE("safetensors: a finite F64 beyond the range of float is refused, not turned into infinity") {
  const std::string_view huge("\x00\x00\x00\x00\x00\x00\xf0\x7e", 8);  // 2^1008
  if constexpr (sizeof(Scalar) == 4) {
    const std::string header = R"({"x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})";
    CHECK(contains(rejection(by_hand(header, huge)), "too large for F32: bytes: tensor \"x\""));
  } else {
    CHECK(decoded("F64", huge, 1)[0] == std::ldexp(Scalar(1), 1008));
  }
}

TEST_CASE("safetensors: numbers that are not finite are never written, and the error names the place") {
  const Scratch scratch;
  for (const Scalar bad : {std::numeric_limits<Scalar>::infinity(), -std::numeric_limits<Scalar>::infinity(),
                           std::numeric_limits<Scalar>::quiet_NaN()}) {
    SafetensorsFile file = example();
    file.arrays[0].values[4] = bad;
    std::string text;
    try {
      write_safetensors(scratch / "model", file);
    } catch (const ValueError& error) {
      text = error.what();
    }
    CHECK(contains(text, "only finite numbers are written: \"encoder.layers.0.weight\" has "));
    CHECK(contains(text, " at index 4: "));
    CHECK(!std::filesystem::exists(scratch / "model"));
  }
}

TEST_CASE("safetensors: what the format cannot hold is refused before anything is written") {
  const auto value_error = [](const SafetensorsFile& file) {
    try {
      to_safetensors(file);
    } catch (const ValueError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const auto named = [](const std::string& name) {
    SafetensorsFile file;
    file.arrays.push_back({name, {1}, {1}});
    return file;
  };
  SafetensorsFile twice = named("x");
  twice.arrays.push_back({"x", {1}, {2}});
  CHECK(contains(value_error(twice), "\"x\" comes twice"));
  CHECK(contains(value_error(named("__metadata__")), "belongs to the format"));
  CHECK(contains(value_error(named("\xff")), "must be UTF-8"));
  SafetensorsFile key;
  key.metadata = {{"attune.crc32c.header", "00000000"}};
  CHECK(contains(value_error(key), "is written by the library"));
  key.metadata = {{"note", "\xc3("}};
  CHECK(contains(value_error(key), "must be UTF-8"));

  const auto shaped = [](std::vector<std::int64_t> shape) {
    SafetensorsFile file;
    file.arrays.push_back({"x", std::move(shape), {1, 2}});
    return file;
  };
  CHECK_THROWS_WITH_AS(
      to_safetensors(shaped({3})),
      "write_safetensors: shape and values disagree: \"x\" has 2 values, its shape asks for 3: correct "
      "the shape",
      ShapeError);
  CHECK_THROWS_AS(to_safetensors(shaped({-1, -2})), ShapeError);
  CHECK_THROWS_AS(to_safetensors(shaped({std::int64_t{1} << 62, 8, 2})), ShapeError);
  CHECK_THROWS_AS(to_safetensors(shaped({})), ShapeError);
}

TEST_CASE("safetensors: a missing file, a folder and an empty file say so with their path") {
  const Scratch scratch;
  CHECK_THROWS_AS(read_safetensors(scratch / "none"), FileError);
  CHECK_THROWS_AS(read_safetensors(scratch.folder), FileError);
  write_atomically(scratch / "empty.safetensors", "");
  try {
    read_safetensors(scratch / "empty.safetensors");
    FAIL_CHECK("an empty file was accepted");
  } catch (const FileError& error) {
    CHECK(contains(error.what(), "empty.safetensors\": 0 bytes"));
  }
}

TEST_CASE("crc32c: gives the values of RFC 3720, and continues") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c(zeros_of(32)) == 0x8a9136aa);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
  std::string rising, falling;
  for (int i = 0; i < 32; ++i)
    rising += static_cast<char>(i), falling.insert(falling.begin(), static_cast<char>(i));
  CHECK(crc32c(rising) == 0x46dd794e);
  CHECK(crc32c(falling) == 0x113fdb5c);
  CHECK(crc32c("6789", crc32c("12345")) == crc32c("123456789"));
}
