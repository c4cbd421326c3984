#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/measured.h"
#include "text/utf8.h"

// Python's decoder is the oracle: tests/text/record_utf8.py explains the blocks of strings and their
// checksums, and recorded tests/text/utf8_digests.txt.

using namespace attune::text;
using attune::testing::measured;

namespace {

const std::string folder = std::string(ATTUNE_SOURCE_DIR) + "/tests/text/";

// CRC-32 as in zlib, one byte after the other.
class Crc32 {
 public:
  void add(std::uint32_t byte) { rest_ = (rest_ >> 8) ^ table()[(rest_ ^ byte) & 0xFF]; }
  std::uint32_t value() const { return ~rest_; }

 private:
  static const std::array<std::uint32_t, 256>& table() {
    static const std::array<std::uint32_t, 256> made = [] {
      std::array<std::uint32_t, 256> all{};
      for (std::uint32_t byte = 0; byte < 256; ++byte) {
        all[byte] = byte;
        for (int bit = 0; bit < 8; ++bit)
          all[byte] = (all[byte] >> 1) ^ ((all[byte] & 1) != 0 ? 0xEDB88320u : 0);
      }
      return all;
    }();
    return made;
  }
  std::uint32_t rest_ = 0xFFFFFFFF;
};

struct Block {
  std::string name;
  std::int64_t strings;
  std::string digests;  // as they stand in the file

  bool is_long() const { return name.compare(0, 5, "long-") == 0; }
  int number() const { return std::stoi(name.substr(name.find('-') + 1), nullptr, is_long() ? 10 : 16); }
};

std::vector<Block> recorded_blocks() {
  std::ifstream file(folder + "utf8_digests.txt");
  std::vector<Block> blocks;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Block block;
    words >> block.name >> block.strings;
    std::getline(words >> std::ws, block.digests);
    blocks.push_back(block);
  }
  return blocks;
}

using Visit = std::function<void(std::string_view)>;

void visit_long(int block, std::int64_t strings, const Visit& visit) {
  static constexpr unsigned char borders[] = {
      0x00, 0x41, 0x7f, 0x80, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xdf,
      0xe0, 0xe0, 0xe1, 0xec, 0xed, 0xed, 0xee, 0xef, 0xf0, 0xf0, 0xf1, 0xf3, 0xf4, 0xf4, 0xf5, 0xff};
  std::mt19937 random(static_cast<std::uint32_t>(block));
  std::uint64_t word = 0;
  int left = 0;  // bytes of it
  std::string text;
  for (std::int64_t i = 0; i < strings; ++i) {
    text.resize(static_cast<std::size_t>(4 + i % 13));
    for (char& c : text) {
      if (left == 0) word = random(), left = 4;
      const auto byte = static_cast<unsigned char>(word & 0xFF);
      word >>= 8, --left;
      c = static_cast<char>(block % 2 == 1 ? borders[byte % sizeof borders] : byte);
    }
    visit(text);
  }
}

void visit_strings(const Block& block, const Visit& visit) {
  if (block.is_long()) return visit_long(block.number(), block.strings, visit);
  const std::size_t length = block.name == "empty" ? 0
                             : block.name == "one" ? 1
                             : block.name == "two" ? 2
                                                   : 3;
  const int first = length == 3 ? block.number() << 16 : 0;
  std::string text(length, '\0');
  for (int i = 0; i < (length == 0 ? 1 : 1 << (8 * std::min<std::size_t>(length, 2))); ++i) {
    for (std::size_t at = 0; at < length; ++at)
      text[at] =
          static_cast<char>(static_cast<unsigned char>(((first | i) >> (8 * (length - 1 - at))) & 0xFF));
    visit(text);
  }
}

std::string digests_of(const Block& block) {
  Crc32 points, lengths;
  std::int64_t count = 0;
  visit_strings(block, [&](std::string_view text) {
    const std::u32string decoded = decode_utf8(text);
    for (const char32_t c : decoded) {
      for (int shift = 0; shift < 32; shift += 8) points.add(static_cast<std::uint32_t>(c) >> shift & 0xFF);
    }
    lengths.add(static_cast<std::uint32_t>(decoded.size()));
    ++count;
  });
  char text[32];
  std::snprintf(text, sizeof text, "%08x %08x", points.value(), lengths.value());
  return count == block.strings ? text : "another number of strings";
}

// Compares the blocks that `wanted` takes, and says how many strings they held.
void compare_with_python(const std::function<bool(const Block&)>& wanted) {
  const std::vector<Block> blocks = recorded_blocks();
  REQUIRE(blocks.size() == 3 + 256 + 500);
  std::int64_t short_strings = 0, long_strings = 0, different = 0;
  for (const Block& block : blocks) {
    if (!wanted(block)) continue;
    CAPTURE(block.name);
    const std::string digests = digests_of(block);
    CHECK(digests == block.digests);
    different += digests != block.digests;
    (block.is_long() ? long_strings : short_strings) += block.strings;
  }
  measured(
      "UTF-8 against Python's errors='replace': %lld of 16,843,009 strings of up to 3 bytes and %lld of "
      "10,000,000 "
      "random ones of 4 to 16 bytes, %lld blocks differ",
      static_cast<long long>(short_strings), static_cast<long long>(long_strings),
      static_cast<long long>(different));
}

}  // namespace

TEST_CASE("utf8: strings of up to two bytes, and one in sixteen of the longer ones, decode as in Python") {
  compare_with_python([](const Block& block) {
    if (block.is_long()) return block.number() % 16 <= 1 && block.number() < 256;  // of both kinds
    return block.name.compare(0, 6, "three-") != 0 || block.number() % 16 == 0 || block.number() == 0xED ||
           block.number() == 0xF4;
  });
}

TEST_CASE("utf8: all strings of up to three bytes and ten million longer ones decode as in Python" *
          doctest::skip()) {
  compare_with_python([](const Block&) { return true; });
}

TEST_CASE("utf8: all that reads text agrees with the decoder on what is a character and what is not") {
  std::int64_t strings = 0, disagreements = 0;
  for (const Block& block : recorded_blocks()) {
    const bool chosen = block.name == "two" || block.name == "three-e0" || block.name == "three-f4" ||
                        block.name == "long-0" || block.name == "long-1";
    if (!chosen) continue;
    visit_strings(block, [&](std::string_view text) {
      const std::u32string decoded = decode_utf8(text);
      const std::string repaired = repair_utf8(text);
      const bool valid = !find_invalid_utf8(text);
      const bool agree = repaired == attune::io::encode_utf8(decoded) && valid == (repaired == text) &&
                         characters(text).size() == decoded.size() && !find_invalid_utf8(repaired);
      ++strings;
      disagreements += !agree;
    });
  }
  CHECK(disagreements == 0);
  CHECK(strings == 3 * 65536 + 2 * 20000);
}

TEST_CASE("utf8: Python, asked again, still decodes as recorded" * doctest::skip()) {
  if (std::system("python3 -c 0 >/dev/null 2>&1") != 0) {
    MESSAGE("SKIPPED: there is no python3 to ask");
    return;
  }
  const std::string command =
      "python3 '" + folder + "record_utf8.py' | cmp - '" + folder + "utf8_digests.txt'";
  CHECK(std::system(command.c_str()) == 0);
}
