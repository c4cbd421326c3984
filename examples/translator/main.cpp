// Trains a small Transformer to translate, scores it, and shows what it attends to.
//
// Command:  ./run translator                      the tour: English to French on the built-in corpus
//           ./run translator --to zh              the same to Chinese
//           ./run translator overfit              one batch to zero loss: does it learn at all?
//           ./run translator attend 'you see me.' what it looks at in a sentence of yours
//           ./run translator train --help         your own corpus
// Data:     the built-in corpus (corpus.h), or any parallel text
// Time:     the tour trains about a minute on two cores; a second run finds the trained model
// Ends with the line:
//   Translate your own:  echo 'the black cat sees the small dog.' | ./run translator translate

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <new>
#include <sstream>

#include "examples/translator/flags.h"
#include "examples/translator/overfit.h"
#include "examples/translator/picture.h"
#include "examples/translator/progress.h"
#include "examples/translator/settings.h"
#include "examples/translator/tour.h"
#include "io/unicode.h"

namespace attune::examples {
namespace {

namespace fs = std::filesystem;

constexpr int overfit_pairs = 20'000;  // of the built-in corpus: enough for all of its words

// ---- reading corpora

text::Corpus read_corpus(const std::string& pairs, const std::string& source, const std::string& target) {
  text::Corpus corpus = pairs.empty() ? text::read_parallel(source, target) : text::read_pairs(pairs);
  std::cout << corpus.report.summary() << '\n';
  return corpus;
}

Side make_side(const std::string& tokens, const std::vector<const std::string*>& lines,
               const Options& options) {
  Side side{text::make_tokenizer(tokens), {}};
  text::TokenCounts counts;
  for (const std::string* line : lines) text::count_tokens(side.tokenizer->split(*line), counts);
  side.vocabulary =
      text::Vocabulary(counts, {.min_count = options.min_count, .max_size = options.max_vocabulary});
  if (side.vocabulary.size() == text::Vocabulary::special_count)
    fail<ValueError>("train: no token is seen ", options.min_count,
                     " times, so every one would be unknown: lower --min-count");
  return side;
}

// ---- train

// Weights, gradients, and the two moments that Adam keeps of each.
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

// Trains, keeps the best weights in --out, and says what came of it.
int run_training(Translator& translator, const TrainingData& data, const Options& options,
                 const std::map<std::string, std::string>& notes) {
  const fs::path folder = options.out;
  if (holds_translator(folder))
    std::cerr << "train: " << options.out
              << " holds a translator, which is replaced when the first epoch is done.\n";
  const TrainingResult result = train_into(folder, translator, data, options.training, notes);
  std::cout << (result.interrupted ? "Interrupted after " : "Trained ") << result.steps
            << (result.steps == 1 ? " step" : " steps") << " in " << minutes_and_seconds(result.seconds)
            << ", in epoch " << result.epochs << "; the lowest validation loss is " << result.validation_loss
            << " nats per token.\n"
            << "Written to " << options.out
            << ": the weights with that loss, the vocabularies, and training.tsv.\n"
            << "Translate with:  ./run translator translate --model " << options.out << '\n'
            << std::flush;
  return result.interrupted ? 130 : 0;
}

int train_builtin(Options& options) {
  const Corpus corpus = make_corpus(corpus_seed, training_pairs, held_out_pairs, options.language());
  if (options.baseline == "dictionary") {
    std::cout << "A word-by-word dictionary translates " << 100 * dictionary_score(corpus) << " % of "
              << corpus.held_out.size() << " held-out sentences exactly.\n";
    return 0;
  }
  check_memory(options.training.model);
  Translator translator = make_builtin_translator(corpus, options.training);
  describe(translator);
  const int status = run_training(translator, encode_builtin(translator, corpus), options,
                                  builtin_notes(*corpus.language, options.training.seed));
  if (status != 0) return status;
  const Score score = score_held_out(translator, corpus);
  std::cout << "Held-out sentences: " << 100 * score.exact << " % of " << corpus.held_out.size()
            << " exactly right\n"
            << score.bleu.to_string() << '\n';
  return 0;
}

// An untrained translator with the vocabularies of these pairs.
Translator make_translator(const std::vector<text::SentencePair>& training, Options& options) {
  nn::TransformerSettings& settings = options.training.model;
  std::vector<const std::string*> source_lines;
  std::vector<const std::string*> target_lines;
  for (const text::SentencePair& pair : training) {
    source_lines.push_back(&pair.source);
    target_lines.push_back(&pair.target);
  }
  if (settings.share_embeddings) {  // one vocabulary of both languages
    source_lines.insert(source_lines.end(), target_lines.begin(), target_lines.end());
    target_lines = source_lines;
  }
  Side source = make_side(options.source_tokens, source_lines, options);
  Side target = make_side(options.target_tokens, target_lines, options);
  settings.source_vocabulary = source.vocabulary.size();
  settings.target_vocabulary = target.vocabulary.size();
  check_memory(settings);
  Rng rng(options.training.seed);
  return {std::move(source), std::move(target), nn::Transformer(settings, rng)};
}

int train_on_files(Options& options) {
  std::vector<text::SentencePair> training =
      std::move(read_corpus(options.pairs, options.source, options.target).pairs);
  std::vector<text::SentencePair> validation;
  if (options.names_validation()) {
    validation = std::move(
        read_corpus(options.validation_pairs, options.validation_source, options.validation_target).pairs);
  } else {
    const auto total = static_cast<std::int64_t>(training.size());
    const std::int64_t count =
        options.validation_count.value_or(std::clamp<std::int64_t>(total / 10, 1, 1000));
    if (count >= total)
      fail<ValueError>("train: of ", total, total == 1 ? " pair, " : " pairs, ", count,
                       " cannot be held out for validation: give more pairs, or a smaller --validation");
    text::Split split = text::hold_out(training, count, options.training.seed);
    training = std::move(split.training);
    validation = std::move(split.validation);
    std::cout << with_thousands(static_cast<double>(validation.size()))
              << " pairs are held out for validation.\n";
  }

  Translator translator = make_translator(training, options);
  const text::EncodedCorpus encoded = text::encode_pairs(training, translator.source.language(),
                                                         translator.target.language(), options.max_length);
  const text::EncodedCorpus encoded_validation = text::encode_pairs(
      validation, translator.source.language(), translator.target.language(), options.max_length);
  std::cout << "Training: " << encoded.summary() << "\nValidation: " << encoded_validation.summary() << '\n';
  if (encoded.pairs.empty() || encoded_validation.pairs.empty())
    fail<ValueError>("train: no pairs are left to ", encoded.pairs.empty() ? "train" : "validate",
                     " on: raise --max-length");
  describe(translator);
  return run_training(
      translator, {encoded.pairs, encoded_validation.pairs}, options,
      {{"corpus", options.pairs.empty() ? options.source + " " + options.target : options.pairs},
       {"seed", std::to_string(options.training.seed)}});
}

int run_train(Options& options) {
  if (options.baseline == "mean") options.training.model.source_view = nn::SourceView::mean;
  // An unwritable folder is better known before training than after.
  if (options.baseline != "dictionary") make_writable_folder(options.out);
  return options.names_corpus() ? train_on_files(options) : train_builtin(options);
}

// ---- overfit

int report_overfit(Translator& translator, const std::vector<text::EncodedPair>& pairs,
                   const Options& options) {
  describe(translator);
  const std::vector<text::EncodedPair> batch = one_batch(pairs, options.training);
  std::cout << "One batch of " << batch.size() << (batch.size() == 1 ? " sentence" : " sentences")
            << ", without dropout and label smoothing, such as\n  "
            << translator.source.decode(batch[0].source) << "\n  "
            << translator.target.decode(batch[0].target) << "\n\n";
  const OverfitResult result = overfit(translator, batch, options.training, options.steps, std::cout);
  std::cout << '\n' << verdict(result) << '\n';
  return result.learnt() ? 0 : 1;
}

int run_overfit(Options& options) {
  options.training.model.dropout = 0;
  if (!options.names_corpus()) {
    check_memory(options.training.model);
    const Corpus corpus = make_corpus(corpus_seed, overfit_pairs, 0, options.language());
    Translator translator = make_builtin_translator(corpus, options.training);
    return report_overfit(translator, encode_builtin(translator, corpus).training, options);
  }
  const std::vector<text::SentencePair> pairs =
      std::move(read_corpus(options.pairs, options.source, options.target).pairs);
  Translator translator = make_translator(pairs, options);
  const text::EncodedCorpus encoded = text::encode_pairs(pairs, translator.source.language(),
                                                         translator.target.language(), options.max_length);
  if (encoded.pairs.empty()) fail<ValueError>("overfit: no pairs are left to train on: raise --max-length");
  return report_overfit(translator, encoded.pairs, options);
}

// ---- translate

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

int run_translate(const Options& options) {
  const Translator translator = Translator::load(options.model);
  if (!options.to.empty()) require_language(translator, options.to, options.model);
  Translator::Report report;
  std::ios::sync_with_stdio(false);  // std::cin then tells an error from an end, and is faster
  const bool terminal = isatty(STDIN_FILENO) != 0;
  if (terminal) std::cerr << "Type a sentence and press Enter; end with Ctrl-D.\n";
  text::LineReader reader(std::cin);
  std::vector<std::string> waiting;
  const std::size_t together =
      terminal ? 1 : 256;  // a person gets each answer at once, a file goes faster in batches
  const auto answer = [&] {
    for (const std::string& line : translator.translate(waiting, &report)) std::cout << line << '\n';
    std::cout << std::flush;
    if (!std::cout) fail<FileError>("translate: the translations cannot be written: is the disk full?");
    waiting.clear();
  };
  std::string line;
  while (reader.next(line)) {
    waiting.push_back(line);
    if (waiting.size() == together) answer();
  }
  answer();
  if (std::cin.bad())
    fail<FileError>("translate: standard input cannot be read: give it a file of text: translate < FILE");

  report_repairs("translate", reader.report());
  if (report.cut_lines > 0)
    std::cerr << "translate: " << report.cut_lines << (report.cut_lines == 1 ? " line was" : " lines were")
              << " longer than " << Translator::longest << " tokens; what came after was not read.\n";
  report_unknown("translate", report.unknown_words);
  return 0;
}

// ---- attend

// The sentence as translate would read it: one line, repaired.
std::string read_sentence(const std::string& text) {
  std::istringstream in(text);
  text::LineReader reader(in);
  std::string sentence, more;
  reader.next(sentence);
  while (reader.next(more))
    if (!more.empty()) fail<ValueError>("attend: it draws one sentence: give a single line");
  report_repairs("attend", reader.report());
  return sentence;
}

// The number that was given, counted from 0; `otherwise` where none was.
std::size_t chosen(const char* what, std::size_t given, std::size_t count, std::size_t otherwise) {
  if (given > count)
    fail<ValueError>("attend: there is no ", what, " ", given, ": the decoder of this model has ", what,
                     count == 1 ? " 1 only" : "s 1 to " + std::to_string(count), ": give --", what,
                     " one that is there, or leave it out");
  return given == 0 ? otherwise : given - 1;
}

int run_attend(const Options& options) {
  constexpr std::size_t most = 100;  // tokens that a picture has room for
  const Translator translator = Translator::load(options.model);
  if (!options.to.empty()) require_language(translator, options.to, options.model);
  require_attention(translator, options.model, "attend", "--model");
  const nn::TransformerSettings& settings = translator.model.settings;
  const auto layers = static_cast<std::size_t>(settings.decoder_layers);
  const auto heads = static_cast<std::size_t>(settings.heads);
  const std::size_t layer = chosen("layer", options.layer, layers, layers - 1);
  const std::size_t head = chosen("head", options.head, heads, heads);

  const std::string sentence = read_sentence(options.sentence);
  const std::size_t count = translator.source.tokenizer->split(sentence).size();
  if (count == 0) fail<ValueError>("attend: there is no word in this sentence: give one with words");
  if (count > most)
    fail<ValueError>("attend: a sentence of ", count, " tokens is too long to draw: give one of at most ",
                     most);
  Translator::Report report;
  const Attended attended = translate_and_look(translator, sentence, &report);
  const Tensor& weights = attended.maps.layers[layer];  // (H, T, S)
  std::cout << sentence << "\n  " << attended.translation << "\n\nWhat it looked at while writing ("
            << (head < heads ? "head " + std::to_string(head + 1) + " of " + std::to_string(heads)
                             : "mean of the " + std::to_string(heads) + " heads")
            << ", decoder layer " << layer + 1 << " of " << layers << "):\n\n";
  io::print_heat_map(
      std::cout, heat_map(attended.maps,
                          head < heads ? select(weights, 0, static_cast<Index>(head)) : mean(weights, 0)));
  const fs::path svg = options.svg;
  std::error_code problem;  // if there is one, so has the writing, with its reason
  if (svg.has_parent_path()) fs::create_directories(svg.parent_path(), problem);
  write_attention_picture(svg, translator, attended.maps, layer);
  std::cout << "\nAll heads of this layer: " << options.svg << '\n' << std::flush;
  if (!std::cout) fail<FileError>("attend: the output cannot be written: is the disk full?");
  report_unknown("attend", report.unknown_words);
  return 0;
}

// ---- score

int score_files(const Options& options) {
  const text::Lines hypotheses = text::read_lines(options.hypothesis);
  const text::Lines references = text::read_lines(options.reference);
  report_repairs(options.hypothesis, hypotheses.report);
  report_repairs(options.reference, references.report);
  if (hypotheses.lines.size() != references.lines.size())
    fail<FileError>("score: each line needs its reference: ", options.hypothesis, " has ",
                    hypotheses.lines.size(), " lines, ", options.reference, " has ", references.lines.size(),
                    ": give files with the same number of lines");
  if (hypotheses.lines.empty())
    fail<FileError>("score: ", options.hypothesis, " and ", options.reference,
                    " are empty: give files with one sentence a line");
  const auto tokenizer = text::make_tokenizer(options.tokenized ? "space" : "word");
  const auto tokens = [&](const text::Lines& file) {
    std::vector<text::Tokens> result;
    for (const std::string& line : file.lines) result.push_back(tokenizer->split(line));
    return result;
  };
  const text::Bleu bleu = text::corpus_bleu(tokens(hypotheses), tokens(references),
                                            {.tokenizer = options.tokenized ? "none" : tokenizer->name()});
  std::cout << bleu.to_string() << '\n' << bleu.signature << '\n';
  return 0;
}

int run_score(const Options& options) {
  if (!options.hypothesis.empty()) return score_files(options);

  const Translator translator = Translator::load(options.model);
  if (!options.to.empty()) require_language(translator, options.to, options.model);
  std::vector<std::string> sources;
  std::vector<std::string> references;
  if (options.names_corpus()) {
    for (text::SentencePair& pair : read_corpus(options.pairs, options.source, options.target).pairs) {
      sources.push_back(std::move(pair.source));
      references.push_back(std::move(pair.target));
    }
  } else {
    const auto corpus = translator.notes.find("corpus");
    const TargetLanguage* language = language_of(translator);
    if (!language)
      fail<ValueError>("score: this model was trained on ",
                       corpus == translator.notes.end() ? "an unknown corpus" : corpus->second,
                       ": give it sentences of that kind with --pairs, or --source and --target");
    std::cout << "The built-in held-out sentences, English to " << language->name() << ":\n";
    for (Example& example : make_corpus(corpus_seed, training_pairs, held_out_pairs, *language).held_out) {
      sources.push_back(std::move(example.pair.source));
      references.push_back(std::move(example.pair.target));
    }
  }
  const Score score = score_pairs(translator, sources, references);
  std::cout << score.bleu.to_string() << '\n'
            << score.bleu.signature << '\n'
            << 100 * score.exact << " % of " << sources.size() << " exactly right\n";
  return 0;
}

int run(int argc, char** argv) {
  std::optional<Options> options = read_flags(argc, argv);
  if (!options) return 0;
  if (options->threads > 0) set_thread_count(options->threads);
  switch (options->command) {
    case Command::train:
      return run_train(*options);
    case Command::overfit:
      return run_overfit(*options);
    case Command::translate:
      return run_translate(*options);
    case Command::attend:
      return run_attend(*options);
    case Command::score:
      return run_score(*options);
    case Command::tour:
      break;
  }
  return tour(options->out, options->training, options->language());
}

}  // namespace
}  // namespace attune::examples

int main(int argc, char** argv) {
  // A standard stream that the caller has closed would lend its number to the next file that is opened.
  for (int stream = 0; stream <= 2; ++stream)
    if (fcntl(stream, F_GETFD) == -1) open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
  try {
    return attune::examples::run(argc, argv);
  } catch (const attune::examples::UsageError& error) {
    std::cerr << "translator: " << error.what() << '\n';
    return 2;
  } catch (const std::bad_alloc&) {
    std::cerr << "translator: there is not enough memory: lower --width, --layers, --batch-tokens or "
                 "--max-vocabulary\n";
  } catch (const std::exception& error) {
    std::cerr << "translator: " << error.what() << '\n';
  }
  return 1;
}
