#pragma once

#include <filesystem>
#include <string>

#include "examples/translator/builtin.h"

// What a translator looked at, as pictures.

namespace attune::examples {

/// One panel: weights (T, S), one head's or a mean, with the tokens of `maps`.
io::HeatMap heat_map(const AttentionMaps& maps, const Tensor& weights, const std::string& title = {});

/// Writes what the heads of one layer (counted from 0) attend to, and their mean, as one SVG page.
void write_attention_picture(const std::filesystem::path& file, const Translator& translator,
                             const AttentionMaps& maps, std::size_t layer);

}  // namespace attune::examples
