#include "io/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>

#include "io/file.h"
#include "io/unicode.h"
#include "tensor/error.h"

namespace attune::io {

namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::size_t largest_header = 100'000'000;  // the format's own limit
constexpr std::uint64_t largest_file = std::uint64_t{1} << 40;

constexpr std::string_view checksum_mark = "attune.crc32c";
constexpr std::string_view count_key = "attune.crc32c.tensors";
constexpr std::string_view tensor_key = "attune.crc32c.tensor.";
// Every header written here begins with this, then eight digits: the one place where its checksum stands.
constexpr std::string_view checksum_prefix = R"({"__metadata__":{"attune.crc32c.header":")";
constexpr std::size_t checksum_digits = 8;

// Bytes as little-endian numbers, whatever the machine's own order is.
template <class Unsigned>
Unsigned from_little_endian(const char* bytes) {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    value = static_cast<Unsigned>(
        value | static_cast<Unsigned>(Unsigned{static_cast<std::uint8_t>(bytes[i])} << (8 * i)));
  }
  return value;
}

template <class Unsigned>
void put_little_endian(Unsigned value, char* bytes) {
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    bytes[i] = static_cast<char>(static_cast<std::uint8_t>(value >> (8 * i)));
  }
}

std::string hexadecimal(std::uint32_t value) {
  std::string digits(checksum_digits, '0');
  for (std::size_t i = 0; i < checksum_digits; ++i)
    digits[i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 0xF];
  return digits;
}

// The checksum of the length and the header, the digits of the checksum itself taken as zeros.
std::string header_checksum(std::string_view length_and_header) {
  const std::size_t digits = length_bytes + checksum_prefix.size();
  std::uint32_t sum = crc32c(length_and_header.substr(0, digits));
  sum = crc32c(std::string(checksum_digits, '0'), sum);
  return hexadecimal(crc32c(length_and_header.substr(digits + checksum_digits), sum));
}

// What numbers are stored as.
struct Dtype {
  std::string_view name;
  std::size_t bytes;
  double (*decode)(const char* bytes);  // exact: a double holds every value of them all
};

constexpr std::array dtypes = {
    Dtype{"F16", 2,
          [](const char* p) { return double{half_to_float(from_little_endian<std::uint16_t>(p))}; }},
    Dtype{"BF16", 2,
          [](const char* p) { return double{bfloat16_to_float(from_little_endian<std::uint16_t>(p))}; }},
    Dtype{"F32", 4,
          [](const char* p) { return double{std::bit_cast<float>(from_little_endian<std::uint32_t>(p))}; }},
    Dtype{"F64", 8,
          [](const char* p) { return std::bit_cast<double>(from_little_endian<std::uint64_t>(p)); }},
};

// The one that is written, and read without passing through another type, which keeps the bits even of a NaN.
using ScalarBits = std::conditional_t<sizeof(Scalar) == 4, std::uint32_t, std::uint64_t>;
constexpr std::string_view scalar_dtype = sizeof(Scalar) == 4 ? "F32" : "F64";

const Dtype* find_dtype(std::string_view name) {
  const auto found =
      std::find_if(dtypes.begin(), dtypes.end(), [&](const Dtype& d) { return d.name == name; });
  return found == dtypes.end() ? nullptr : &*found;
}

// One tensor as the header describes it.
struct Entry {
  std::string name, dtype;
  std::vector<std::uint64_t> shape, offsets;
  std::set<std::string> fields = {};  // those seen
};

struct Header {
  std::vector<Entry> tensors = {};
  std::map<std::string, std::string> metadata = {};
};

// Follows the JSON of a header event by event and accepts what the format allows and nothing else: so a key
// that repeats is seen (a parsed document would keep the last one in silence), and nesting cannot grow.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& origin) : origin_(origin) {}

  Header take() { return std::move(header_); }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("true or false"); }
  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    unexpected("a fraction or too large a number");
  }
  bool binary(binary_t&) override { unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t number) override {
    if (place_ == Place::shape) {
      tensor().shape.push_back(number);
    } else if (place_ == Place::offsets) {
      tensor().offsets.push_back(number);
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == Place::metadata) {
      header_.metadata.emplace(key_, std::move(text));
    } else if (place_ == Place::tensor && key_ == "dtype") {
      tensor().dtype = std::move(text);
    } else {
      unexpected("text");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::start) {
      place_ = Place::names;
    } else if (place_ == Place::names && key_ == "__metadata__") {
      place_ = Place::metadata;
    } else if (place_ == Place::names) {
      place_ = Place::tensor;
      header_.tensors.push_back({key_, {}, {}, {}});
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(string_t& key) override {
    key_ = std::move(key);
    bool fresh = true;
    if (place_ == Place::names) {
      fresh = names_.insert(key_).second;
    } else if (place_ == Place::metadata) {
      fresh = header_.metadata.count(key_) == 0;
    } else {
      if (key_ != "dtype" && key_ != "shape" && key_ != "data_offsets") unexpected("an unknown field");
      fresh = tensor().fields.insert(key_).second;
    }
    if (!fresh) {
      fail<FileError>("read_safetensors: a name repeats in the header: ", origin_, ": ", where(),
                      ": which of the two is meant is unknown; write the file again");
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor && tensor().fields.size() != 3) {
      fail<FileError>("read_safetensors: a tensor needs dtype, shape and data_offsets: ", origin_,
                      ": tensor ", show_name(tensor().name), " lacks some: write the file again");
    }
    place_ = place_ == Place::names ? Place::end : Place::names;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::tensor && key_ == "shape") {
      place_ = Place::shape;
    } else if (place_ == Place::tensor && key_ == "data_offsets") {
      place_ = Place::offsets;
    } else {
      unexpected("an array");
    }
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && tensor().offsets.size() != 2) {
      fail<FileError>("read_safetensors: data_offsets are two numbers, begin and end: ", origin_, ": tensor ",
                      show_name(tensor().name), " has ", tensor().offsets.size(), ": write the file again");
    }
    place_ = Place::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    fail<FileError>("read_safetensors: the header is not JSON: ", origin_, ": from byte ", position,
                    " of the header on: the file is damaged, or not a safetensors file");
  }

 private:
  enum class Place { start, names, metadata, tensor, shape, offsets, end };

  Entry& tensor() { return header_.tensors.back(); }

  std::string where() {
    switch (place_) {
      case Place::names:
        return "entry " + show_name(key_);
      case Place::metadata:
        return "metadata " + show_name(key_);
      case Place::tensor:
      case Place::shape:
      case Place::offsets:
        return "tensor " + show_name(tensor().name) + ", field " + show_name(key_);
      default:
        return "the outermost level";
    }
  }

  [[noreturn]] void unexpected(const char* what) {
    fail<FileError>("read_safetensors: the header breaks the format: ", origin_, ": ", where(), ": found ",
                    what, ": write the file again with a program that keeps to safetensors");
  }

  const std::string& origin_;
  Header header_;
  Place place_ = Place::start;
  std::string key_;
  std::set<std::string> names_;
};

Header parse_header(std::string_view json, const std::string& origin) {
  const std::size_t invalid = find_invalid_utf8(json);
  if (invalid != std::string_view::npos) {
    fail<FileError>("read_safetensors: the header is not UTF-8: ", origin, ": at byte ", invalid,
                    " of the header: the file is damaged, or not a safetensors file");
  }
  // The parser would take a byte order mark in front and a NUL behind for nothing.
  if (json.empty() || json.front() != '{' || json.find('\0') != std::string_view::npos ||
      json[json.find_last_not_of(' ')] != '}') {
    fail<FileError>("read_safetensors: the header is not one JSON object, filled up with spaces: ", origin,
                    ": the file is damaged, or not a safetensors file");
  }
  HeaderReader reader(origin);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  return reader.take();
}

// The number of values that a shape describes. Refused if any product on the way is too large, a zero
// notwithstanding, so that nobody who computes with this shape later meets an overflow.
std::uint64_t count_values(const Entry& tensor, const std::string& origin) {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t product = 1;
  bool empty = false;
  for (const std::uint64_t extent : tensor.shape) {
    empty = empty || extent == 0;
    const std::uint64_t factor = std::max<std::uint64_t>(extent, 1);
    if (factor > largest / product) {
      fail<FileError>("read_safetensors: a shape is too large for any memory: ", origin, ": tensor ",
                      show_name(tensor.name),
                      ": the file is damaged or made to harm; get it from a source you trust");
    }
    product *= factor;
  }
  return empty ? 0 : product;
}

// Everything that the header says about the data is held against the size of the data that is there.
void check_layout(const std::vector<Entry>& tensors, std::uint64_t data_bytes, const std::string& origin) {
  std::uint64_t end = 0;
  for (const Entry& tensor : tensors) {
    const Dtype* dtype = find_dtype(tensor.dtype);
    if (dtype == nullptr) {
      fail<FileError>("read_safetensors: a dtype that is not read here: ", origin, ": tensor ",
                      show_name(tensor.name), " has ", show_name(tensor.dtype),
                      ", known are F16, BF16, F32 and F64",
                      ": convert or remove this tensor where the file was made");
    }
    const std::uint64_t begins = tensor.offsets[0], ends = tensor.offsets[1];
    if (ends < begins || ends > data_bytes) {
      fail<FileError>("read_safetensors: data_offsets lie outside the data: ", origin, ": tensor ",
                      show_name(tensor.name), " has ", begins, " to ", ends, " of ", data_bytes,
                      " bytes: the file is cut off or damaged; copy it again");
    }
    if (begins != end) {
      fail<FileError>("read_safetensors: the tensors must follow one another without gap or overlap: ",
                      origin, ": tensor ", show_name(tensor.name), " begins at byte ", begins,
                      " of the data, the one before ends at ", end, ": the file is damaged; write it again");
    }
    const std::uint64_t values = count_values(tensor, origin);
    if (values != (ends - begins) / dtype->bytes || (ends - begins) % dtype->bytes != 0) {
      fail<FileError>("read_safetensors: shape and data_offsets disagree: ", origin, ": tensor ",
                      show_name(tensor.name), " has ", values, " values of ", tensor.dtype, " in ",
                      ends - begins, " bytes: the file is damaged; write it again");
    }
    end = ends;
  }
  if (end != data_bytes) {
    fail<FileError>("read_safetensors: the tensors do not fill the file: ", origin, ": they take ", end,
                    " of ", data_bytes,
                    " bytes of data: the file is damaged, or two were joined; copy it again");
  }
}

[[noreturn]] void fail_checksum(const std::string& origin, const std::string& what) {
  fail<FileError>("read_safetensors: the checksum does not match: ", origin, ": ", what,
                  ": the file was damaged, or changed by another program (which must then remove the "
                  "metadata that begins "
                  "with ",
                  checksum_mark, "); copy it again or take an older one");
}

// Whether the file has checksums; refused where its header is not what was written.
bool check_header(std::string_view length_and_header, const std::string& origin) {
  const std::string_view header = length_and_header.substr(length_bytes);
  if (header.substr(0, checksum_prefix.size()) != checksum_prefix) {
    if (header.find(checksum_mark) == std::string_view::npos) return false;
    fail_checksum(origin, "the header's own is missing");
  }
  if (header.size() < checksum_prefix.size() + checksum_digits ||
      header.substr(checksum_prefix.size(), checksum_digits) != header_checksum(length_and_header)) {
    fail_checksum(origin, "the header's");
  }
  return true;
}

// Where the header ends and the data begin. `start` has the first bytes of a file of `size`.
std::size_t header_end_of(std::string_view start, std::uint64_t size, const std::string& origin) {
  if (size < length_bytes || start.size() < length_bytes) {
    fail<FileError>("read_safetensors: too short for a safetensors file: ", origin, ": ", size,
                    " bytes, the length of the header alone takes 8: the file is cut off; copy it again");
  }
  const auto header_bytes = from_little_endian<std::uint64_t>(start.data());
  if (header_bytes > largest_header || header_bytes > size - length_bytes) {
    fail<FileError>("read_safetensors: the header would be longer than the file or the limit: ", origin, ": ",
                    header_bytes, " of ", size - length_bytes, " bytes, at most ", largest_header,
                    ": the file is cut off, or not a safetensors file");
  }
  return length_bytes + static_cast<std::size_t>(header_bytes);
}

// What a file holds, known to be possible in a file with so many bytes of data.
struct Layout {
  std::vector<Entry> tensors;  // in the order of their data
  std::map<std::string, std::string> metadata;
  bool has_checksums;
};

Layout read_layout(std::string_view length_and_header, std::uint64_t data_bytes, const std::string& origin) {
  const bool has_checksums = check_header(length_and_header, origin);
  Header header = parse_header(length_and_header.substr(length_bytes), origin);
  // An empty tensor begins where the next one does: it goes first.
  std::stable_sort(header.tensors.begin(), header.tensors.end(),
                   [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; });
  check_layout(header.tensors, data_bytes, origin);
  return {std::move(header.tensors), std::move(header.metadata), has_checksums};
}

std::vector<Scalar> decode(const Entry& tensor, std::string_view data, const std::string& origin) {
  const Dtype& dtype = *find_dtype(tensor.dtype);
  std::vector<Scalar> values(data.size() / dtype.bytes);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const char* bytes = data.data() + i * dtype.bytes;
    if (dtype.name == scalar_dtype) {
      values[i] = std::bit_cast<Scalar>(from_little_endian<ScalarBits>(bytes));
      continue;
    }
    const double value = dtype.decode(bytes);
    if (std::isfinite(value) && std::abs(value) > double{std::numeric_limits<Scalar>::max()}) {
      fail<FileError>("read_safetensors: a number is too large for ", scalar_dtype, ": ", origin, ": tensor ",
                      show_name(tensor.name), " has ", value, " at index ", i,
                      ": scale it down where the file was made");
    }
    values[i] = static_cast<Scalar>(value);
  }
  return values;
}

void check_to_write(const SafetensorsFile& file) {
  std::set<std::string_view> names;
  const auto check_text = [](std::string_view text) {
    if (find_invalid_utf8(text) != std::string_view::npos) {
      fail<ValueError>("write_safetensors: names and metadata must be UTF-8: ", show_name(text),
                       ": encode it");
    }
  };
  for (const NamedArray& array : file.arrays) {
    check_text(array.name);
    if (array.name == "__metadata__") {
      fail<ValueError>("write_safetensors: the name __metadata__ belongs to the format: choose another");
    }
    if (!names.insert(array.name).second) {
      fail<ValueError>("write_safetensors: names must differ: ", show_name(array.name),
                       " comes twice: rename one");
    }
    std::uint64_t count = 1;
    bool known = true;
    for (const std::int64_t extent : array.shape) {
      const auto factor = static_cast<std::uint64_t>(std::max<std::int64_t>(extent, 0));
      known = known && extent >= 0 &&
              (factor == 0 || count <= std::numeric_limits<std::uint64_t>::max() / factor);
      if (known) count *= factor;
    }
    if (!known || count != array.values.size()) {
      fail<ShapeError>("write_safetensors: shape and values disagree: ", show_name(array.name), " has ",
                       array.values.size(), " values, its shape ",
                       known ? "asks for " + std::to_string(count) : std::string("is impossible"),
                       ": correct the shape");
    }
    const auto bad =
        std::find_if(array.values.begin(), array.values.end(), [](Scalar v) { return !std::isfinite(v); });
    if (bad != array.values.end()) {
      fail<ValueError>("write_safetensors: only finite numbers are written: ", show_name(array.name), " has ",
                       *bad, " at index ", bad - array.values.begin(),
                       ": go back to the last good weights; lower the learning rate or clip gradients");
    }
  }
  for (const auto& [key, text] : file.metadata) {
    check_text(key);
    check_text(text);
    if (std::string_view(key).substr(0, checksum_mark.size()) == checksum_mark) {
      fail<ValueError>("write_safetensors: metadata that begins with ", checksum_mark,
                       " is written by the library: ", show_name(key), ": choose another key");
    }
  }
}

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump();
}

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0x82F63B78u : 0);
    table[byte] = remainder;
  }
  return table;
}

}  // namespace

// The remainder of the message, read as a polynomial over {0, 1}, divided by Castagnoli's x^32 + x^28 + x^27
// + … + 1, lowest bit first; a byte at a time, from a table of the remainders of all bytes.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
  static constexpr std::array<std::uint32_t, 256> table = make_crc_table();
  std::uint32_t remainder = ~before;
  for (const char c : bytes)
    remainder = (remainder >> 8) ^ table[(remainder ^ static_cast<std::uint8_t>(c)) & 0xFF];
  return ~remainder;
}

// value = (-1)^sign * 2^(exponent - 15) * (1 + fraction / 1024), or for exponent 0: 2^-14 * fraction / 1024.
float half_to_float(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1F, fraction = bits & 0x3FF;
  float value;
  if (exponent == 0x1F) {
    value = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    value = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

std::string to_safetensors(const SafetensorsFile& file) {
  check_to_write(file);

  // The data, one array after the other.
  std::size_t data_bytes = 0;
  for (const NamedArray& array : file.arrays) data_bytes += array.values.size() * sizeof(Scalar);
  std::string data(data_bytes, '\0');
  std::string tensors, checksums;
  std::size_t begin = 0;
  for (const NamedArray& array : file.arrays) {
    std::size_t end = begin;
    for (const Scalar value : array.values) {
      put_little_endian(std::bit_cast<ScalarBits>(value), data.data() + end);
      end += sizeof(Scalar);
    }
    std::string shape;
    for (const std::int64_t extent : array.shape)
      shape += (shape.empty() ? "" : ",") + std::to_string(extent);
    tensors += "," + json_text(array.name) + R"(:{"dtype":")" + std::string(scalar_dtype) + R"(","shape":[)" +
               shape + R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}";
    const std::string checksum = hexadecimal(crc32c(std::string_view(data).substr(begin, end - begin)));
    checksums += "," + json_text(std::string(tensor_key) + array.name) + ":\"" + checksum + '"';
    begin = end;
  }

  // The header, its checksum still open, up to a multiple of 8 bytes so that the numbers are aligned in the
  // file.
  std::string header = std::string(checksum_prefix) + std::string(checksum_digits, '0') + R"(",")" +
                       std::string(count_key) + R"(":")" + std::to_string(file.arrays.size()) + '"' +
                       checksums;
  for (const auto& [key, text] : file.metadata) header += "," + json_text(key) + ":" + json_text(text);
  header += "}" + tensors + "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  if (header.size() > largest_header) {
    fail<ValueError>("write_safetensors: the header is too long: ", header.size(),
                     " bytes, the format allows ", largest_header, ": shorten names and metadata");
  }

  std::string bytes(length_bytes, '\0');
  put_little_endian(std::uint64_t{header.size()}, bytes.data());
  bytes += header;
  bytes.replace(length_bytes + checksum_prefix.size(), checksum_digits, header_checksum(bytes));
  return bytes + data;
}

SafetensorsFile from_safetensors(std::string_view bytes, const std::string& origin) {
  const std::size_t header_end = header_end_of(bytes, bytes.size(), origin);
  const std::string_view data = bytes.substr(header_end);
  const Layout layout = read_layout(bytes.substr(0, header_end), data.size(), origin);

  SafetensorsFile file;
  for (const Entry& tensor : layout.tensors) {
    const auto begin = static_cast<std::size_t>(tensor.offsets[0]),
               end = static_cast<std::size_t>(tensor.offsets[1]);
    const std::string_view part = data.substr(begin, end - begin);
    if (layout.has_checksums) {
      const auto found = layout.metadata.find(std::string(tensor_key) + tensor.name);
      if (found == layout.metadata.end() || found->second != hexadecimal(crc32c(part))) {
        fail_checksum(origin, "that of tensor " + show_name(tensor.name));
      }
    }
    file.arrays.push_back(
        {tensor.name, {tensor.shape.begin(), tensor.shape.end()}, decode(tensor, part, origin)});
  }
  for (const auto& [key, text] : layout.metadata) {
    if (std::string_view(key).substr(0, checksum_mark.size()) != checksum_mark)
      file.metadata.emplace(key, text);
  }
  return file;
}

void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file) {
  write_atomically(path, to_safetensors(file));
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  // The start tells whether the rest is worth reading: by mistake this may be a film.
  const std::string origin = '"' + path.string() + '"';
  FileStart start = read_file_start(path, length_bytes, largest_file);
  const std::size_t header_end = header_end_of(start.bytes, start.size, origin);
  start = read_file_start(path, header_end, largest_file);
  if (start.bytes.size() == header_end) read_layout(start.bytes, start.size - header_end, origin);
  return from_safetensors(read_file(path, largest_file), origin);
}

}  // namespace attune::io
