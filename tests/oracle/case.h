#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "autograd/views.h"
#include "io/safetensors.h"
#include "tensor/error.h"

// Recorded cases: see case_format.py, which writes the files that are read here.

namespace attune::oracle {

using Json = nlohmann::json;
using Variables = std::vector<Variable>;

/// A tensor that a case is given, and what PyTorch says its gradient is.
struct Leaf {
  std::string name;
  Tensor value;
  bool wants_gradient = true;
  Tensor gradient = {};
};

/// What a case's operation sees of a leaf.
struct Operand {
  std::size_t leaf;
  Json views;
};

struct Case {
  std::string name;
  std::string operation;
  std::vector<Leaf> leaves;
  std::vector<Operand> operands;
  Json attributes;
  std::string refused;  // the type of Error that must be thrown, or empty
  std::string note;     // where PyTorch is wrong, or how it refuses
  Tensor cotangent;
  Tensor result;
};

inline Shape shape_of(const Json& sizes) {
  return Shape(std::span<const Index>(sizes.get<std::vector<Index>>()));
}

/// A case in a sentence: `add.07: add of (3, 2) transpose[0,1] and (2)`.
inline std::string describe(const Case& c) {
  std::ostringstream text;
  text << c.name << ": " << c.operation << " of";
  const char* between = " ";
  for (const Operand& operand : c.operands) {
    text << between << c.leaves[operand.leaf].name << " " << c.leaves[operand.leaf].value.shape();
    for (const Json& view : operand.views) text << " " << view.dump();
    between = ", ";
  }
  if (!c.attributes.empty()) text << " with " << c.attributes.dump().substr(0, 300);
  if (!c.note.empty()) text << " (" << c.note << ")";
  return text.str();
}

/// Hands out tensors from a run of numbers.
class Numbers {
 public:
  explicit Numbers(std::vector<Scalar> numbers) : numbers_(std::move(numbers)) {}
  Tensor take(const Shape& shape) {
    const auto count = static_cast<std::size_t>(shape.elements());
    REQUIRE(next_ + count <= numbers_.size());
    const Tensor result = tensor(shape, std::span<const Scalar>(numbers_).subspan(next_, count));
    next_ += count;
    return result;
  }
  bool all_taken() const { return next_ == numbers_.size(); }

 private:
  std::vector<Scalar> numbers_;
  std::size_t next_ = 0;
};

inline Case case_from(const std::string& name, const Json& text, Numbers inputs, Numbers results) {
  Case c{.name = name,
         .operation = text.at("operation"),
         .leaves = {},
         .operands = {},
         .attributes = text.value("attributes", Json::object()),
         .refused = text.value("refused", ""),
         .note = text.value("reference", text.value("note", "")),
         .cotangent = {},
         .result = {}};
  const auto constants = text.value("constants", std::vector<std::string>());
  for (const Json& leaf : text.at("leaves")) {
    const std::string leaf_name = leaf.at(0);
    const bool constant = std::count(constants.begin(), constants.end(), leaf_name) > 0;
    c.leaves.push_back({leaf_name, inputs.take(shape_of(leaf.at(1))), !constant});
  }
  const auto index_of = [&](const std::string& leaf_name) {
    const auto at = std::find_if(c.leaves.begin(), c.leaves.end(),
                                 [&](const Leaf& leaf) { return leaf.name == leaf_name; });
    return static_cast<std::size_t>(at - c.leaves.begin());
  };
  if (text.contains("operands")) {
    for (const Json& operand : text.at("operands"))
      c.operands.push_back({index_of(operand.at(0)), operand.at(1)});
  } else {
    for (std::size_t i = 0; i < c.leaves.size() && c.leaves[i].name == "x" + std::to_string(i); ++i)
      c.operands.push_back({i, Json::array()});
  }
  if (c.refused.empty()) {
    c.cotangent = inputs.take(shape_of(text.at("result")));
    c.result = results.take(c.cotangent.shape());
    for (Leaf& leaf : c.leaves)
      if (leaf.wants_gradient) leaf.gradient = results.take(leaf.value.shape());
  }
  REQUIRE(inputs.all_taken());
  REQUIRE(results.all_taken());
  return c;
}

inline std::vector<Case> read_cases(const std::filesystem::path& path) {
  const io::SafetensorsFile file = io::read_safetensors(path);
  std::map<std::string, std::vector<Scalar>> numbers;
  for (const io::NamedArray& array : file.arrays) numbers[array.name] = array.values;
  std::vector<Case> cases;
  for (const auto& entry : file.metadata) {
    const std::string& name = entry.first;
    INFO(path.string(), ": ", name);
    cases.push_back(case_from(name, Json::parse(entry.second), Numbers(numbers[name + ".inputs"]),
                              Numbers(numbers[name + ".results"])));
  }
  return cases;
}

/// An operand, seen through the case's views of its leaf.
inline Variable seen(Variable x, const Json& views) {
  for (const Json& view : views) {
    const std::string kind = view.at(0);
    if (kind == "transpose") {
      x = transpose(x, view.at(1).get<int>(), view.at(2).get<int>());
    } else if (kind == "permute") {
      x = permute(x, view.at(1).get<std::vector<int>>());
    } else if (kind == "slice") {
      x = slice(x, view.at(1).get<int>(), view.at(2).get<Index>(), view.at(3).get<Index>(),
                view.at(4).get<Index>());
    } else if (kind == "broadcast") {
      x = broadcast_to(x, shape_of(view.at(1)));
    } else {
      fail<ValueError>("oracle: an unknown view: ", kind);
    }
  }
  return x;
}

}  // namespace attune::oracle
