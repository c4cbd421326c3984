// Compares two pictures: same_picture COMMITTED DRAWN TOLERANCE [COLOUR TOLERANCE]
//
// Their text must be the same, but for numbers, which may differ by the tolerance, and colours (#rrggbb),
// whose three parts (0 to 255) may differ by the other. What was trained, or laid out with other fonts, is
// not the same to the last digit on every machine.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

struct Piece {
  enum class Kind { text, number, colour } kind = Kind::text;
  std::string text;
  std::size_t line = 0;
};

std::vector<Piece> pieces_of(const std::string& picture) {
  std::vector<Piece> pieces;
  std::size_t line = 1;
  const auto take = [&](Piece::Kind kind, std::size_t begin, std::size_t end) {
    if (kind == Piece::Kind::text && !pieces.empty() && pieces.back().kind == kind) {
      pieces.back().text += picture.substr(begin, end - begin);
    } else {
      pieces.push_back({kind, picture.substr(begin, end - begin), line});
    }
    line += static_cast<std::size_t>(std::count(picture.begin() + static_cast<std::ptrdiff_t>(begin),
                                                picture.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
  };
  for (std::size_t i = 0; i < picture.size();) {
    std::size_t end = i + 1;
    if (picture[i] == '#') {
      while (end < picture.size() && is_hex(picture[end])) ++end;
      take(end - i == 7 ? Piece::Kind::colour : Piece::Kind::text, i, end);
    } else if (is_digit(picture[i]) ||
               (picture[i] == '-' && end < picture.size() && is_digit(picture[end]))) {
      while (end < picture.size() && (is_digit(picture[end]) || picture[end] == '.')) ++end;
      take(Piece::Kind::number, i, end);
    } else {
      take(Piece::Kind::text, i, end);
    }
    i = end;
  }
  return pieces;
}

bool same(const Piece& a, const Piece& b, double tolerance, int colour_tolerance) {
  if (a.kind != b.kind) return false;
  if (a.text == b.text) return true;
  switch (a.kind) {
    case Piece::Kind::number:
      return std::abs(std::strtod(a.text.c_str(), nullptr) - std::strtod(b.text.c_str(), nullptr)) <=
             tolerance;
    case Piece::Kind::colour:
      for (std::size_t part = 1; part < 7; part += 2)
        if (std::abs(std::stoi(a.text.substr(part, 2), nullptr, 16) -
                     std::stoi(b.text.substr(part, 2), nullptr, 16)) > colour_tolerance)
          return false;
      return true;
    case Piece::Kind::text:
      break;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4 || argc > 5)
    throw std::runtime_error("usage: same_picture COMMITTED DRAWN TOLERANCE [COLOUR TOLERANCE]");
  const std::vector<Piece> committed = pieces_of(read(argv[1]));
  const std::vector<Piece> drawn = pieces_of(read(argv[2]));
  for (std::size_t i = 0; i < std::max(committed.size(), drawn.size()); ++i) {
    if (i < committed.size() && i < drawn.size() &&
        same(committed[i], drawn[i], std::stod(argv[3]), argc == 5 ? std::stoi(argv[4]) : 0))
      continue;
    std::cerr << argv[1] << ":" << committed[std::min(i, committed.size() - 1)].line << ": the picture has '"
              << (i < committed.size() ? committed[i].text.substr(0, 60) : "its end")
              << "', drawn again it has '" << (i < drawn.size() ? drawn[i].text.substr(0, 60) : "its end")
              << "'\nIf the new one is right, draw them all with ./run pictures and commit them.\n";
    return 1;
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "same_picture: " << error.what() << "\n";
  return 2;
}
