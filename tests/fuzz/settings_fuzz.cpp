// Settings: whatever notes stand in the metadata of a translator's weights, they end in settings or in a
// FileError; settings become the same settings again by way of a file; and those of a small model make one,
// or a ValueError.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "examples/translator/settings.h"
#include "io/safetensors.h"
#include "io/unicode.h"
#include "tensor/error.h"
#include "tests/fuzz/support.h"

using namespace attune;
using namespace attune::examples;
using fuzz::expect;

namespace {

// "name=value" on each line.
Notes to_map(std::string_view bytes) {
  Notes notes;
  while (!bytes.empty()) {
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
    const std::size_t sign = line.find('=');
    if (sign == std::string_view::npos) continue;
    notes.emplace(line.substr(0, sign), line.substr(sign + 1));
  }
  return notes;
}

std::string to_lines(const Notes& notes) {
  std::string text;
  for (const auto& [name, value] : notes) text += name + "=" + value + "\n";
  return text;
}

bool same(const nn::TransformerSettings& a, const nn::TransformerSettings& b) {
  return a.width == b.width && a.heads == b.heads && a.hidden == b.hidden &&
         a.encoder_layers == b.encoder_layers && a.decoder_layers == b.decoder_layers &&
         a.dropout == b.dropout && a.norm == b.norm && a.activation == b.activation &&
         a.source_view == b.source_view && a.share_embeddings == b.share_embeddings;
}

// Through the metadata of a file; where the notes are no text, they are not written.
void check_file(const Notes& notes) {
  io::SafetensorsFile file;
  file.metadata = notes;
  try {
    expect(io::from_safetensors(io::to_safetensors(file), "written").metadata == notes, "notes come back");
  } catch (const ValueError&) {
    bool refusable = false;
    for (const auto& [name, value] : notes) {
      refusable = refusable || io::find_invalid_utf8(name) != std::string_view::npos ||
                  io::find_invalid_utf8(value) != std::string_view::npos ||
                  name.compare(0, 13, "attune.crc32c") == 0;
    }
    expect(refusable, "notes that are text are written");
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  nn::TransformerSettings small;
  small.width = small.hidden = 4;
  small.heads = 2;
  small.encoder_layers = small.decoder_layers = 1;
  nn::TransformerSettings other = small;
  other.norm = nn::NormPlacement::post;
  other.activation = nn::Activation::gelu;
  other.source_view = nn::SourceView::mean;
  other.share_embeddings = true;
  other.dropout = 0;
  fuzz::plant_seeds(*argc, *argv,
                    {to_lines(to_notes({})), to_lines(to_notes(small)), to_lines(to_notes(other))});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Notes notes = to_map({reinterpret_cast<const char*>(data), size});
  check_file(notes);
  nn::TransformerSettings settings;
  try {
    settings = from_notes(notes, "input");
  } catch (const FileError& error) {
    expect(std::strlen(error.what()) < 1000, "errors are short");
    expect(io::find_invalid_utf8(error.what()) == std::string_view::npos, "errors are UTF-8");
    return 0;
  }
  const Notes written = to_notes(settings);
  expect(same(from_notes(written, "written"), settings), "settings come back");
  expect(to_notes(from_notes(written, "written")) == written, "and are written alike");
  for (const auto& [name, value] : written) expect(notes.count(name) == 1, "every setting was given");

  settings.source_vocabulary = settings.target_vocabulary = 5;
  if (least_weights(settings) > 2000) return 0;
  try {
    Rng rng(0);
    const nn::Transformer model(settings, rng);
    expect(static_cast<double>(nn::parameter_count(model)) >= least_weights(settings),
           "weights are not overestimated");
  } catch (const ValueError&) {  // heads that do not fit the width, say
  }
  return 0;
}
