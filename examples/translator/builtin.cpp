#include "examples/translator/builtin.h"

#include <algorithm>

namespace attune::examples {

std::map<std::string, std::string> builtin_notes(const TargetLanguage& language, std::uint64_t seed) {
  return {{"corpus", builtin_corpus}, {"target_language", language.code()}, {"seed", std::to_string(seed)}};
}

const TargetLanguage* language_of(const Translator& translator) {
  const auto corpus = translator.notes.find("corpus");
  if (corpus == translator.notes.end() || corpus->second != builtin_corpus) return nullptr;
  const auto code = translator.notes.find("target_language");
  if (code == translator.notes.end()) return &french();  // from before there was a choice
  for (const TargetLanguage* language : target_languages())
    if (language->code() == code->second) return language;
  return nullptr;
}

void require_language(const Translator& translator, const std::string& code, const std::string& folder) {
  const TargetLanguage* language = language_of(translator);
  if (!language)
    fail<ValueError>("--to ", code, " is about the built-in corpus, and the translator in ", folder,
                     " learnt another: leave --to out");
  if (language->code() != code)
    fail<ValueError>("--to ", code, " asks for ", target_language(code).name(), ", and the translator in ",
                     folder, " writes ", language->name(), ": give --to ", language->code(),
                     ", or the folder of another translator");
}

void require_attention(const Translator& translator, const std::string& folder, const std::string& command,
                       const std::string& flag) {
  if (translator.model.settings.source_view != nn::SourceView::attention)
    fail<ValueError>(
        command, ": ", folder,
        " holds the baseline that sees only the mean of the source, so there is no attention to ",
        "show: name another folder with ", flag);
}

TrainingSettings tour_settings() {
  TrainingSettings settings;
  settings.model.width = 128;
  settings.model.hidden = 256;
  settings.model.heads = 4;
  settings.model.encoder_layers = 2;
  settings.model.decoder_layers = 2;
  settings.model.dropout = 0;
  settings.epochs = 1;
  settings.batch_tokens = 1024;
  settings.rate = 4e-3;
  settings.warmup = 100;
  settings.label_smoothing = 0;
  return settings;
}

Translator make_builtin_translator(const Corpus& corpus, TrainingSettings& settings) {
  Side source{text::make_tokenizer("word"), {}};
  Side target{text::make_tokenizer(corpus.language->tokenizer()), {}};
  text::TokenCounts source_counts;
  text::TokenCounts target_counts;
  for (const Example& example : corpus.train) {
    text::count_tokens(source.tokenizer->split(example.pair.source), source_counts);
    text::count_tokens(target.tokenizer->split(example.pair.target), target_counts);
  }
  source.vocabulary = text::Vocabulary(source_counts);
  target.vocabulary = text::Vocabulary(target_counts);
  settings.model.source_vocabulary = source.vocabulary.size();
  settings.model.target_vocabulary = target.vocabulary.size();
  Rng rng(settings.seed);
  return {std::move(source), std::move(target), nn::Transformer(settings.model, rng)};
}

TrainingData encode_builtin(const Translator& translator, const Corpus& corpus) {
  const auto encoded = [&](const std::vector<Example>& examples) {
    std::vector<text::EncodedPair> pairs;
    for (const Example& example : examples)
      pairs.push_back(
          {translator.source.encode(example.pair.source), translator.target.encode(example.pair.target)});
    return pairs;
  };
  return {encoded(corpus.train), encoded(corpus.held_out)};
}

Score score_pairs(const Translator& translator, const std::vector<std::string>& sources,
                  const std::vector<std::string>& references) {
  Score score;
  score.translations = translator.translate(sources);
  score.wanted = scored_text(*translator.target.tokenizer, references);
  score.output = scored_text(*translator.target.tokenizer, score.translations, score.wanted.cut_by);
  // What is cut as for BLEU of text is smoothed as well, so that it is that number.
  const bool as_text = score.wanted.cut_by == "13a" || score.wanted.cut_by == "zh";
  score.bleu = text::corpus_bleu(
      score.output.tokens, score.wanted.tokens,
      {.tokenizer = score.wanted.cut_by,
       .smoothing = as_text ? text::BleuSmoothing::exponential : text::BleuSmoothing::none});
  score.exact = text::exact_match_rate(score.output.tokens, score.wanted.tokens);
  return score;
}

Score score_held_out(const Translator& translator, const Corpus& corpus) {
  std::vector<std::string> sources;
  std::vector<std::string> references;
  for (const Example& example : corpus.held_out) {
    sources.push_back(example.pair.source);
    references.push_back(example.pair.target);
  }
  return score_pairs(translator, sources, references);
}

double dictionary_score(const Corpus& corpus) {
  const Dictionary dictionary = make_dictionary(corpus);
  const auto right =
      std::count_if(corpus.held_out.begin(), corpus.held_out.end(), [&](const Example& example) {
        return translate_word_by_word(dictionary, example.pair.source) == example.pair.target;
      });
  return static_cast<double>(right) / static_cast<double>(corpus.held_out.size());
}

// ---- attention

namespace {

// What the decoder looks at while it reads this pair, whose tokens are the labels; `last` is the likeliest
// token after the target.
AttentionMaps look(const Translator& translator, const text::EncodedPair& pair, text::Tokens source_tokens,
                   text::Tokens target_tokens, std::int32_t* last = nullptr) {
  const NoGradient no_gradient;
  const text::Batch batch = text::make_batch({pair}, {0});
  nn::AttentionRecord record;
  nn::Pass pass{.record = &record};
  const Variable logits = translator.model(batch.source, batch.source_lengths, batch.target_in, pass);
  if (last) *last = argmax(logits.value()).values.back();  // (1, T, V)

  AttentionMaps maps{std::move(source_tokens), std::move(target_tokens), {}};
  maps.source_tokens.push_back("</s>");
  maps.target_tokens.push_back("</s>");
  for (const nn::DecoderLayer& layer : translator.model.decoder.layers)
    maps.layers.push_back(select(record.of(layer.cross_attention), 0, 0));  // (H, T, S)
  return maps;
}

}  // namespace

AttentionMaps attention_maps(const Translator& translator, const std::string& source,
                             const std::string& target) {
  return look(translator, {translator.source.encode(source), translator.target.encode(target)},
              translator.source.tokenizer->split(source), translator.target.tokenizer->split(target));
}

Attended translate_and_look(const Translator& translator, const std::string& source,
                            Translator::Report* report, const Decoding& decoding) {
  text::EncodedPair pair;
  pair.source = translator.read(source, report);
  const std::vector<text::Hypothesis> found = find_translations(translator, {pair.source}, decoding).front();
  pair.target = found.front().tokens;
  text::Tokens source_tokens = translator.source.tokenizer->split(source);
  source_tokens.resize(pair.source.size());
  // From the ids, not from the joined text: that may be cut into other tokens than the model wrote.
  text::Tokens target_tokens = translator.target.vocabulary.decode(pair.target);
  std::int32_t last = text::Vocabulary::end;
  Attended result{translator.target.tokenizer->join(target_tokens), {}};
  for (const text::Hypothesis& hypothesis : found)
    result.answers.push_back(
        {translator.target.decode(hypothesis.tokens), hypothesis.log_probability, hypothesis.score});
  result.maps = look(translator, pair, std::move(source_tokens), std::move(target_tokens), &last);
  // A beam holds what has ended with </s>, also where that was not the likeliest.
  if (last != text::Vocabulary::end && decoding.way != Decoding::Way::beam)
    result.maps.target_tokens.back() = "…";
  return result;
}

std::size_t AttentionScore::clearest() const {
  return static_cast<std::size_t>(std::max_element(layers.begin(), layers.end()) - layers.begin());
}

AttentionScore score_attention(const Translator& translator, const Corpus& corpus) {
  AttentionScore score;
  std::vector<int> right(translator.model.decoder.layers.size());
  for (const Example& example : corpus.held_out) {
    if (example.crossings.empty()) continue;
    const AttentionMaps maps = attention_maps(translator, example.pair.source, example.pair.target);
    std::vector<Indices> looked_at;  // for each layer, the source position that each target token looks at
    for (const Tensor& layer : maps.layers) looked_at.push_back(argmax(mean(layer, 0)));
    for (const Crossing& pair : example.crossings) {
      ++score.pairs;
      for (std::size_t layer = 0; layer < right.size(); ++layer) {
        const auto& at = looked_at[layer].values;
        right[layer] += at[static_cast<std::size_t>(pair.target_first)] == pair.source_first &&
                        at[static_cast<std::size_t>(pair.target_second)] == pair.source_second;
      }
    }
  }
  for (const int count : right)
    score.layers.push_back(score.pairs ? static_cast<double>(count) / score.pairs : 0);
  return score;
}

}  // namespace attune::examples
