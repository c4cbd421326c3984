#include "examples/translator/commands/corpora.h"

#include <unistd.h>

#include <cmath>
#include <iostream>

#include "examples/translator/flags.h"
#include "examples/translator/progress.h"
#include "examples/translator/settings.h"
#include "io/unicode.h"

namespace attune::examples {
namespace {

using Lines = std::vector<std::string_view>;

// Cuts text into pieces that are learnt from it; all of them are in the vocabulary.
Side learn_side(text::SubwordOptions pieces, const Lines& lines, const Options& options) {
  pieces.character_coverage = options.character_coverage;
  const auto tokenizer = text::SentencePieceTokenizer::train(lines, pieces);
  return {std::make_unique<text::SentencePieceTokenizer>(tokenizer), tokenizer.vocabulary()};
}

Side make_side(const std::string& tokens, const Lines& lines, const Options& options) {
  if (const auto pieces = learnt_pieces(tokens)) return learn_side(*pieces, lines, options);
  Side side{text::make_tokenizer(tokens), {}};
  text::TokenCounts counts;
  for (const std::string_view line : lines) text::count_tokens(side.tokenizer->split(line), counts);
  side.vocabulary =
      text::Vocabulary(counts, {.min_count = options.min_count, .max_size = options.max_vocabulary});
  if (side.vocabulary.size() == text::Vocabulary::special_count)
    fail<ValueError>("train: no token is seen ", options.min_count,
                     " times, so every one would be unknown: lower --min-count");
  return side;
}

// What make_side would make again from the same lines, which takes seconds where pieces are learnt.
Side same_side(const Side& side) {
  if (const auto* learnt = dynamic_cast<const text::SentencePieceTokenizer*>(side.tokenizer.get()))
    return {std::make_unique<text::SentencePieceTokenizer>(*learnt), side.vocabulary};
  return {text::make_tokenizer(side.tokenizer->name()), side.vocabulary};
}

}  // namespace

void check_not_overwritten(const std::string& command, const std::vector<std::string>& read,
                           const std::vector<std::filesystem::path>& written) {
  std::error_code not_there;
  for (const std::string& input : read)
    for (const std::filesystem::path& output : written)
      if (!input.empty() && std::filesystem::equivalent(input, output, not_there))
        fail<UsageError>(command, ": ", input, " would be overwritten: name another folder with --out");
}

text::Corpus read_corpus(const std::string& pairs, const std::string& source, const std::string& target) {
  text::Corpus corpus = pairs.empty() ? text::read_parallel(source, target) : text::read_pairs(pairs);
  std::cout << corpus.report.summary() << '\n';
  return corpus;
}

void check_memory(const nn::TransformerSettings& settings) {
  const double needed = 4 * least_weights(settings) * static_cast<double>(sizeof(Scalar));
  const double there =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (needed > there)
    fail<ValueError>("train: this model needs ", std::ceil(needed / 1e9), " GB and the machine has ",
                     std::floor(there / 1e9), ": lower --width, --hidden, --layers or --max-vocabulary");
}

void describe(const Translator& translator) {
  const nn::TransformerSettings& settings = translator.model.settings;
  std::cout << "Vocabularies of " << with_thousands(static_cast<double>(settings.source_vocabulary))
            << " and " << with_thousands(static_cast<double>(settings.target_vocabulary)) << " tokens, "
            << with_thousands(static_cast<double>(nn::parameter_count(translator.model))) << " parameters, "
            << kernels().name << " kernels, " << thread_count()
            << (thread_count() == 1 ? " thread\n" : " threads\n") << std::flush;
}

Translator make_translator(const std::vector<text::SentencePair>& training, Options& options) {
  nn::TransformerSettings& settings = options.training.model;
  Lines source_lines, target_lines;
  for (const text::SentencePair& pair : training) {
    source_lines.push_back(pair.source);
    target_lines.push_back(pair.target);
  }
  const bool one_vocabulary = settings.share_embeddings || options.joint;
  if (one_vocabulary) source_lines.insert(source_lines.end(), target_lines.begin(), target_lines.end());
  Side source = make_side(options.source_tokens, source_lines, options);
  Side target = one_vocabulary ? same_side(source) : make_side(options.target_tokens, target_lines, options);
  settings.source_vocabulary = source.vocabulary.size();
  settings.target_vocabulary = target.vocabulary.size();
  check_memory(settings);
  Rng rng(options.training.seed);
  return {std::move(source), std::move(target), nn::Transformer(settings, rng)};
}

void report_repairs(const std::string& what, const text::LineReport& lines) {
  if (lines.byte_order_marks + lines.carriage_returns + lines.invalid_utf8 + lines.with_nul + lines.cut > 0)
    std::cerr << what << ": " << lines.summary() << '\n';
}

void report_unknown(const std::string& what, const std::map<std::string, int>& words) {
  if (words.empty()) return;
  std::cerr << what << ": words the model does not know:";
  int shown = 0;
  for (const auto& [word, count] : words) {
    if (++shown > 10) break;
    std::cerr << (shown == 1 ? " " : ", ") << io::show_name(word);
  }
  if (words.size() > 10) std::cerr << " and " << words.size() - 10 << " more";
  std::cerr << '\n';
}

}  // namespace attune::examples
