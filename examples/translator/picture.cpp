#include "examples/translator/picture.h"

namespace attune::examples {

io::HeatMap heat_map(const AttentionMaps& maps, const Tensor& weights, const std::string& title) {
  return {.weights = weights.values(),
          .row_labels = maps.target_tokens,
          .column_labels = maps.source_tokens,
          .title = title};
}

void write_attention_picture(const std::filesystem::path& file, const Translator& translator,
                             const AttentionMaps& maps, std::size_t layer) {
  const Tensor& heads = maps.layers[layer];  // (H, T, S)
  std::vector<io::HeatMap> panels{heat_map(maps, mean(heads, 0), "mean of the heads")};
  for (Index head = 0; head < heads.size(0); ++head)
    panels.push_back(heat_map(maps, select(heads, 0, head), "head " + std::to_string(head + 1)));
  const TargetLanguage* language = language_of(translator);  // null for a corpus of one's own
  const bool in_characters = translator.target.tokenizer->name() == "character";
  io::write_heat_map(file, panels,
                     {.title = "Cross-attention, decoder layer " + std::to_string(layer + 1),
                      .row_axis = (language ? language->name() : "target") + ", as it is written",
                      .column_axis = language ? "English" : "source",
                      .cell = in_characters ? 22.0 : 0,  // characters need room
                      .panels_per_row = in_characters ? 3 : 0});
}

}  // namespace attune::examples
