#include "examples/translator/tour.h"

#include <cstdio>
#include <iostream>

#include "examples/translator/picture.h"
#include "examples/translator/progress.h"

namespace attune::examples {
namespace {

std::string percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

// A held-out sentence that shows attention crossing: words that change places, and not too long.
const Example& example_to_show(const Corpus& corpus, const std::vector<std::string>& translations) {
  const std::size_t longest = corpus.language->in_characters() ? 17 : 11;
  const Example* best = &corpus.held_out.front();
  int most = -1;
  for (std::size_t i = 0; i < corpus.held_out.size(); ++i) {
    const Example& example = corpus.held_out[i];
    if (translations[i] != example.pair.target ||
        corpus.language->split(example.pair.target).size() > longest)
      continue;
    int distance = 0;  // that attention must cross, in English words
    for (const Crossing& crossing : example.crossings)
      distance += crossing.source_second - crossing.source_first;
    if (distance <= most) continue;
    most = distance;
    best = &example;
  }
  return *best;
}

void show_translations(const Corpus& corpus, const std::vector<std::string>& translations,
                       std::size_t count) {
  for (std::size_t i = 0; i < count && i < translations.size(); ++i) {
    const SentencePair& pair = corpus.held_out[i].pair;
    std::cout << "  " << pair.source << "\n    " << translations[i] << '\n';
    if (translations[i] != pair.target) std::cout << "    (expected: " << pair.target << ")\n";
  }
}

}  // namespace

int tour(const std::filesystem::path& folder, TrainingSettings settings, const TargetLanguage& language) {
  make_writable_folder(folder);
  std::cout << "attune: " << kernels().name << " kernels, " << thread_count()
            << (thread_count() == 1 ? " thread" : " threads") << "\n\n";
  const Corpus corpus = make_corpus(corpus_seed, training_pairs, held_out_pairs, language);
  const bool trained = holds_translator(folder);

  if (trained) {
    std::cout << "A trained model is in " << folder.string()
              << ": no training this time (delete the folder to train again).\n";
  } else {
    std::cout << "The built-in corpus: " << with_thousands(training_pairs) << " English-" << language.name()
              << " pairs from a small grammar, and " << with_thousands(held_out_pairs)
              << " held out with words combined as training never shows them, such as\n  "
              << corpus.held_out[0].pair.source << "\n  " << corpus.held_out[0].pair.target << "\n\n";
    Translator fresh = make_builtin_translator(corpus, settings);
    std::cout << "Training a Transformer of "
              << with_thousands(static_cast<double>(nn::parameter_count(fresh.model))) << " parameters:\n"
              << std::flush;
    const TrainingResult result =
        train(fresh, encode_builtin(fresh, corpus), settings, [](const EpochFigures&) {});
    if (result.interrupted) {
      std::cout << "Interrupted after " << result.steps
                << " steps: nothing is kept of a half-trained tour.\n"
                   "Run it again to train from the start. `translator train` keeps what it has when\n"
                   "it is interrupted.\n";
      return 130;
    }
    std::cout << "Trained " << result.steps << " steps in " << minutes_and_seconds(result.seconds)
              << ", loss on held-out sentences " << result.validation_loss << " nats per token.\n";
    fresh.save(folder, builtin_notes(language, settings.seed));
  }

  // From the file, even right after training: what is scored is what others will load.
  const Translator translator = Translator::load(folder);
  const auto trained_on = translator.notes.find("corpus");
  if (trained_on == translator.notes.end() || trained_on->second != builtin_corpus)
    fail<ValueError>("tour: ", folder.string(),
                     " holds a translator of another corpus: name another folder with --out");
  require_language(translator, language.code(), folder.string());
  require_attention(translator, folder.string(), "tour", "--out");
  const Score score = score_held_out(translator, corpus);
  const AttentionScore attention = score_attention(translator, corpus);
  std::cout << "\nHeld-out sentences: " << percent(score.exact) << " of " << corpus.held_out.size()
            << " exactly right, BLEU " << percent(score.bleu.score / 100) << " (" << score.bleu.signature
            << ")"
            << "\nA word-by-word dictionary: " << percent(dictionary_score(corpus)) << " exactly right\n"
            << "Attention of decoder layer " << attention.clearest() + 1 << " points at the right word for "
            << percent(attention.layers[attention.clearest()]) << " of " << attention.pairs << " "
            << language.crossing() << "\n\nSome held-out sentences:\n";
  show_translations(corpus, score.translations, 5);

  const Example& shown = example_to_show(corpus, score.translations);
  const AttentionMaps maps = attention_maps(translator, shown.pair.source, shown.pair.target);
  const std::size_t layer = attention.clearest();
  std::cout << "\nWhat it looks at while writing (mean of the heads of decoder layer " << layer + 1
            << "):\n\n";
  io::print_heat_map(std::cout, heat_map(maps, mean(maps.layers[layer], 0)));
  write_attention_picture(folder / "attention.svg", translator, maps, layer);

  std::cout << "\nWritten to " << folder.string() << ":\n"
            << "  weights.safetensors, source.vocabulary, target.vocabulary: the model\n"
            << "  attention.svg: the picture above, head by head\n\n"
            << "Translate your own:  echo 'the black cat sees the small dog.' | ./run translator translate"
            << (&language == target_languages().front() ? "" : " --to " + language.code()) << '\n';
  return 0;
}

}  // namespace attune::examples
