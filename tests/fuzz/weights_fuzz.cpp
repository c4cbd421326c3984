// Weights: any bytes end in arrays or in a FileError, never in another exception; what is accepted is as the
// format demands, and can be written and read again to the same bits.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>

#include "io/safetensors.h"
#include "io/unicode.h"
#include "tensor/error.h"
#include "tests/fuzz/support.h"

using namespace attune;
using namespace attune::io;
using fuzz::expect;

namespace {

constexpr std::size_t length_bytes = 8;

std::string with_length(std::string_view header, std::string_view data) {
  std::string bytes;
  for (std::size_t i = 0; i < length_bytes; ++i)
    bytes += static_cast<char>(static_cast<std::uint8_t>(header.size() >> (8 * i)));
  return bytes.append(header).append(data);
}

std::string one_of_ours() {
  SafetensorsFile file;
  file.arrays.push_back({"layers.0.weight", {2, 3}, {1, -2, Scalar(0.5), Scalar(-0.0), Scalar(1e-30), 3}});
  file.arrays.push_back({"scalar", {}, {Scalar(2.5)}});
  file.arrays.push_back({"empty", {0, 4}, {}});
  file.arrays.push_back({"编码器", {1}, {7}});
  file.metadata = {{"format", "pt"}, {"note", "a \"quoted\" one\n"}};
  return to_safetensors(file);
}

bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const std::string two =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]},)"
      R"("a":{"shape":[1,2],"data_offsets":[0,8],"dtype":"F32"}}   )";
  const std::string halves =
      R"({"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"y":{"dtype":"BF16","shape":[1,1],"data_offsets":[4,6]}})";
  const std::string doubles =
      R"({"z":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"e":{"dtype":"F64","shape":[0],"data_offsets":[0,0]}})";
  fuzz::plant_seeds(
      *argc, *argv,
      {one_of_ours(), to_safetensors({}), with_length("{}", ""), with_length(two, std::string(12, '\x3f')),
       with_length(halves, std::string(6, '\x3c')), with_length(doubles, std::string(8, '\x01')),
       with_length(R"({"i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", std::string(8, '\0'))});
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

// Changes header and data each by itself and then makes the length right again, which chance would hardly do.
// The header's own checksum is made right as well, so that what lies behind it gets its share.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  if (size < length_bytes || random() % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::uint64_t claimed = 0;
  std::memcpy(&claimed, data, length_bytes);
  const std::size_t header_size = std::min<std::uint64_t>(claimed, size - length_bytes);
  std::string header(bytes.substr(length_bytes, header_size)), rest(bytes.substr(length_bytes + header_size));

  std::string& part = random() % 4 == 0 ? rest : header;
  const std::size_t before = part.size();
  part.resize(before + 64);
  part.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(part.data()), before, part.size()));
  std::string result = with_length(header, rest);

  const std::string_view prefix = R"({"__metadata__":{"attune.crc32c.header":")";
  if (header.size() > prefix.size() + 8 && header.compare(0, prefix.size(), prefix) == 0) {
    const std::size_t digits = length_bytes + prefix.size();
    result.replace(digits, 8, 8, '0');
    char sum[9];
    std::snprintf(
        sum, sizeof sum, "%08x",
        static_cast<unsigned>(crc32c(std::string_view(result).substr(0, length_bytes + header.size()))));
    result.replace(digits, 8, sum, 8);
  }
  const std::size_t length = std::min(result.size(), max_size);
  std::memcpy(data, result.data(), length);
  return length;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  SafetensorsFile file;
  try {
    file = from_safetensors(bytes, "input");
  } catch (const FileError& error) {
    expect(std::string_view(error.what()).substr(0, 18) == "read_safetensors: ", "errors name the operation");
    expect(std::strlen(error.what()) < 1000, "errors are short");
    expect(find_invalid_utf8(error.what()) == std::string_view::npos, "errors are UTF-8");
    return 0;
  }

  // What was accepted is what the format's rules say.
  std::set<std::string> names;
  std::size_t values = 0;
  bool finite = true;
  for (const NamedArray& array : file.arrays) {
    expect(names.insert(array.name).second, "names differ");
    expect(find_invalid_utf8(array.name) == std::string_view::npos, "names are UTF-8");
    std::uint64_t product = 1;
    for (const std::int64_t extent : array.shape) {
      expect(extent >= 0, "extents are not negative");
      product *= static_cast<std::uint64_t>(extent);
    }
    expect(product == array.values.size(), "shape and values agree");
    values += array.values.size();
    for (const Scalar value : array.values) finite = finite && std::isfinite(value);
  }
  expect(2 * values <= size, "no number comes out of nothing");
  for (const std::string& other : {std::string(bytes.substr(0, size - 1)), std::string(bytes) + '\0'}) {
    try {
      from_safetensors(other, "another length");
      expect(false, "a byte more or less is refused");
    } catch (const FileError&) {
    }
  }

  // It can be written and read again, unless it holds what is never written.
  try {
    const std::string written = to_safetensors(file);
    expect(finite, "numbers that are not finite are not written");
    const SafetensorsFile again = from_safetensors(written, "written");
    expect(again.metadata == file.metadata, "the metadata comes back");
    expect(again.arrays.size() == file.arrays.size(), "all arrays come back");
    for (std::size_t i = 0; i < file.arrays.size(); ++i) {
      const NamedArray &a = file.arrays[i], &b = again.arrays[i];
      expect(a.name == b.name && a.shape == b.shape && same_bits(a.values, b.values), "arrays come back");
    }
    expect(to_safetensors(again) == written, "the same content gives the same bytes");
  } catch (const ValueError&) {
    expect(!finite, "finite numbers are written");
  }
  return 0;
}
