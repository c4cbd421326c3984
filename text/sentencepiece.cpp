#include "text/sentencepiece.h"

#ifdef ATTUNE_SENTENCEPIECE
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>
#endif

#include <algorithm>
#include <cstdio>
#include <limits>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "io/file.h"
#include "io/safetensors.h"
#include "tensor/error.h"
#include "text/utf8.h"

namespace attune::text {
namespace {

constexpr std::string_view visible_space = CharacterTokenizer::visible_space;
constexpr std::uint64_t largest_file = std::uint64_t{1} << 30;

std::string name_of(SubwordKind kind) {
  return kind == SubwordKind::unigram ? "unigram" : "bpe";
}

std::string with_replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string result;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what)) {
    result.append(text.substr(0, at)).append(by);
    text.remove_prefix(at + what.size());
  }
  return result.append(text);
}

}  // namespace

#ifdef ATTUNE_SENTENCEPIECE

struct SentencePieceTokenizer::Model {
  SubwordKind kind = {};
  std::string bytes;  // of the file: SentencePiece's model and the seal
  sentencepiece::SentencePieceProcessor processor;
};

namespace {

// The line as the header describes it: valid UTF-8, single spaces.
std::string prepare(std::string_view line) {
  const std::string text = with_replaced(repair_utf8(line), visible_space, " ");
  std::string result;
  for (const std::string_view word : split_at_white_space(text)) {
    if (!result.empty()) result += ' ';
    result += word;
  }
  return result;
}

// ---- the file: a model as SentencePiece writes it, and behind it the seal
//
// SentencePiece takes many a damaged model for a good one. So it is handed a model only when the checksum is
// right. The seal is one more field of the message (Protocol Buffers, "Encoding": a tag, a length, the
// bytes), with a number that SentencePiece leaves to others and skips.

constexpr std::string_view seal_tag = "\xC2\x3E";  // field 1000, a string: 1000 · 8 + 2 as a varint

std::string seal(SubwordKind kind, std::string_view model) {
  char sum[16];
  std::snprintf(sum, sizeof sum, "%08x", static_cast<unsigned>(io::crc32c(model)));
  const std::string words = "attune subwords 1: " + name_of(kind) + ", crc32c " + sum;
  return std::string(seal_tag) + static_cast<char>(words.size()) + words;
}

// ---- training

// Lines for the trainer, which asks for one after the other.
class Lines : public sentencepiece::SentenceIterator {
 public:
  explicit Lines(const std::vector<std::string>& lines) : lines_(lines) {}
  bool done() const override { return next_ == lines_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return lines_[next_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& lines_;
  std::size_t next_ = 0;
};

constexpr std::size_t longest_line = 8192;  // bytes: the trainer of BPE ends the process at 65536 characters

// The lines as `prepare` leaves them, without what SentencePiece cannot learn from, long ones in parts.
std::vector<std::string> training_lines(const std::vector<std::string_view>& lines) {
  constexpr std::string_view reserved = "▅";
  std::vector<std::string> result;
  for (const std::string_view line : lines) {
    std::string text = with_replaced(line, reserved, " ");
    std::replace(text.begin(), text.end(), '\0', ' ');
    text = prepare(text);
    std::string_view rest = text;
    while (rest.size() > longest_line) {
      std::size_t end = longest_line;
      while ((static_cast<unsigned char>(rest[end]) & 0xC0) == 0x80) --end;  // not inside a character
      result.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end);
    }
    if (!rest.empty()) result.emplace_back(rest);
  }
  return result;
}

// The number behind `words` in a message of SentencePiece.
std::optional<std::int32_t> number_after(std::string_view message, std::string_view words) {
  const std::size_t at = message.find(words);
  if (at == std::string_view::npos) return std::nullopt;
  std::int32_t number = 0;
  for (const char c : message.substr(at + words.size())) {
    if (c < '0' || c > '9') break;
    number = 10 * number + (c - '0');
  }
  return number;
}

// SentencePiece counts its one symbol for unknown characters; our vocabulary has four specials.
constexpr std::int32_t more_specials = Vocabulary::special_count - 1;

// One attempt: the model, or SentencePiece's message.
struct Attempt {
  std::string model, message;
};

Attempt train_once(const std::vector<std::string>& lines, const SubwordOptions& options, std::int32_t size) {
  static std::mutex one_at_a_time;  // its settings of what to print are global
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  Lines iterator(lines);
  Attempt attempt;
  const sentencepiece::util::Status status = sentencepiece::SentencePieceTrainer::Train(
      {
          {"model_type", name_of(options.kind)},
          {"vocab_size", std::to_string(size - more_specials)},
          {"character_coverage", std::to_string(options.character_coverage)},
          {"normalization_rule_name", "identity"},
          {"max_sentence_length", std::to_string(2 * longest_line)},
          {"num_threads", "1"},     // another number, another order of additions, another model
          {"unk_piece", "<unk> "},  // with a space, so that no piece can be spelled like it
          {"bos_id", "-1"},         // the vocabulary has its own
          {"eos_id", "-1"},
          {"minloglevel", "3"},  // nothing on the terminal
      },
      &iterator, &attempt.model);
  if (!status.ok()) attempt.message = status.message();
  return attempt;
}

}  // namespace

SentencePieceTokenizer SentencePieceTokenizer::train(const std::vector<std::string_view>& lines,
                                                     const SubwordOptions& options) {
  const char* op = "SentencePieceTokenizer::train: ";
  if (options.size <= Vocabulary::special_count)
    fail<ValueError>(op, "a vocabulary of ", options.size, " has no room for pieces beside its ",
                     Vocabulary::special_count, " specials: ask for more, such as 8000");
  if (!(options.character_coverage >= 0.98 && options.character_coverage <= 1))
    fail<ValueError>(op, "character_coverage is out of range: ", options.character_coverage,
                     ": give a share from 0.98 to 1, such as 0.9995");
  const std::vector<std::string> text = training_lines(lines);
  if (text.empty()) fail<ValueError>(op, "there is no text in ", lines.size(), " lines to learn from");

  Attempt attempt = train_once(text, options, options.size);
  if (const auto needed = number_after(attempt.message, " vs "))
    fail<ValueError>(op, "a vocabulary of ", options.size,
                     " has no room for all characters of the text: ", "it needs at least ",
                     *needed + more_specials, ": ask for more, or lower character_coverage");
  if (number_after(attempt.message, "value <= ")) {
    // How many there are at most, the unigram trainer tells for a larger vocabulary; asked for just that
    // many, it may come out with fewer.
    std::int32_t size = options.size;
    Attempt smaller = attempt;
    while (const auto most = number_after(smaller.message, "value <= ")) {
      if (*most + more_specials >= size) break;  // it would not end
      size = *most + more_specials;
      smaller = train_once(text, options, size);
    }
    fail<ValueError>(op, "this text does not give a vocabulary of ", options.size, ": ask for at most ", size,
                     ", or give more text");
  }
  if (!attempt.message.empty()) fail<ValueError>(op, "SentencePiece has failed: ", attempt.message);
  return parse(attempt.model + seal(options.kind, attempt.model), "a model that was just trained");
}

SentencePieceTokenizer SentencePieceTokenizer::parse(std::string_view bytes, const std::string& name) {
  std::string problem =
      "its checksum is missing or wrong, so it is damaged, cut off, or not a model that attune has trained";
  for (const SubwordKind kind : {SubwordKind::unigram, SubwordKind::bpe}) {
    const std::string_view model =
        bytes.substr(0, bytes.size() - std::min(bytes.size(), seal(kind, "").size()));
    if (bytes.substr(model.size()) != seal(kind, model)) continue;
    const auto result = std::make_shared<Model>();
    result->kind = kind;
    result->bytes = bytes;
    const sentencepiece::util::Status status = result->processor.LoadFromSerializedProto(result->bytes);
    if (status.ok()) return SentencePieceTokenizer(result);
    problem = std::string("SentencePiece cannot read this model: ") + status.message();
  }
  fail<FileError>("SentencePieceTokenizer::load: ", name, ": ", problem,
                  ": restore the file, or train again");
}

Vocabulary SentencePieceTokenizer::vocabulary() const {
  const sentencepiece::SentencePieceProcessor& processor = model_->processor;
  TokenCounts order;  // which counts down, as the vocabulary sorts by it
  for (int id = 0; id < processor.GetPieceSize(); ++id)
    if (!processor.IsUnknown(id)) order[processor.IdToPiece(id)] = processor.GetPieceSize() - id;
  return Vocabulary(order);
}

Tokens SentencePieceTokenizer::split(std::string_view line) const {
  Tokens tokens;
  const sentencepiece::util::Status status = model_->processor.Encode(prepare(line), &tokens);
  if (!status.ok())
    fail<ValueError>("SentencePieceTokenizer::split: SentencePiece has failed: ", status.message());
  return tokens;
}

bool SentencePieceTokenizer::available() {
  return true;
}

#else  // without SentencePiece no tokeniser is ever made

struct SentencePieceTokenizer::Model {
  SubwordKind kind;
  std::string bytes;
};

namespace {
[[noreturn]] void refuse(const char* what) {
  fail<Error>("SentencePieceTokenizer::", what,
              ": attune was built without SentencePiece: configure it with ",
              "-DATTUNE_SENTENCEPIECE=ON, or cut text by words or characters");
}
}  // namespace

SentencePieceTokenizer SentencePieceTokenizer::train(const std::vector<std::string_view>&,
                                                     const SubwordOptions&) {
  refuse("train");
}
SentencePieceTokenizer SentencePieceTokenizer::parse(std::string_view, const std::string&) {
  refuse("load");
}
Vocabulary SentencePieceTokenizer::vocabulary() const {
  refuse("vocabulary");
}
Tokens SentencePieceTokenizer::split(std::string_view) const {
  refuse("split");
}
bool SentencePieceTokenizer::available() {
  return false;
}

#endif

SentencePieceTokenizer::SentencePieceTokenizer(std::shared_ptr<const Model> model)
    : model_(std::move(model)) {}

SentencePieceTokenizer SentencePieceTokenizer::load(const std::filesystem::path& path) {
  return parse(io::read_file(path, largest_file), path.string());
}

void SentencePieceTokenizer::save(const std::filesystem::path& path) const {
  io::write_atomically(path, to_bytes());
}

const std::string& SentencePieceTokenizer::to_bytes() const {
  return model_->bytes;
}

SubwordKind SentencePieceTokenizer::kind() const {
  return model_->kind;
}

std::string SentencePieceTokenizer::name() const {
  return "sentencepiece-" + name_of(kind());
}

std::string SentencePieceTokenizer::join(const Tokens& tokens) const {
  std::string line;
  for (const std::string& token : tokens) line += token;
  line = with_replaced(line, visible_space, " ");
  if (!line.empty() && line.front() == ' ') line.erase(0, 1);  // of the first word
  return line;
}

}  // namespace attune::text
