#include "examples/translator/overfit.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>
#include <ostream>
#include <set>

#include "examples/translator/progress.h"

namespace attune::examples {
namespace {

constexpr Index warmup = 10;  // Adam's moments mean little before

// The entropy of the tokens, </s> included.
double entropy_of_frequencies(const std::vector<text::EncodedPair>& batch) {
  std::map<std::int32_t, double> counts;
  for (const text::EncodedPair& pair : batch) {
    for (const std::int32_t token : pair.target) ++counts[token];
    ++counts[text::Vocabulary::end];
  }
  double total = 0, entropy = 0;
  for (const auto& [token, count] : counts) total += count;
  for (const auto& [token, count] : counts) entropy -= count / total * std::log(count / total);
  return entropy;
}

int count_contradictions(const std::vector<text::EncodedPair>& batch) {
  std::map<std::vector<std::int32_t>, std::set<std::vector<std::int32_t>>> targets;
  for (const text::EncodedPair& pair : batch) targets[pair.source].insert(pair.target);
  return static_cast<int>(std::count_if(batch.begin(), batch.end(), [&](const text::EncodedPair& pair) {
    return targets[pair.source].size() > 1;
  }));
}

int count_reproduced(const nn::Transformer& model, const std::vector<text::EncodedPair>& batch) {
  std::vector<std::vector<std::int32_t>> sources;
  std::size_t longest = 0;
  for (const text::EncodedPair& pair : batch) {
    sources.push_back(pair.source);
    longest = std::max(longest, pair.target.size());
  }
  const auto found =
      text::greedy_search(model, sources, 4096, {.length_extra = static_cast<Index>(longest) + 10});
  int right = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) right += found[i] == batch[i].target;
  return right;
}

// 1, 2, 5, 10, 20, 50, …: a curve that falls fast at first and slowly later.
bool is_round(Index step) {
  while (step % 10 == 0 && step > 0) step /= 10;
  return step == 1 || step == 2 || step == 5;
}

}  // namespace

std::vector<text::EncodedPair> one_batch(const std::vector<text::EncodedPair>& pairs,
                                         const TrainingSettings& settings) {
  const auto planned =
      text::plan_batches(pairs, {.max_tokens = settings.batch_tokens, .seed = settings.seed, .epoch = 1});
  std::vector<text::EncodedPair> batch;
  for (const std::size_t i : planned.at(0)) batch.push_back(pairs[i]);
  return batch;
}

OverfitResult overfit(Translator& translator, const std::vector<text::EncodedPair>& pairs,
                      const TrainingSettings& settings, Index steps, std::ostream& out) {
  std::vector<std::size_t> all(pairs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const text::Batch batch = text::make_batch(pairs, all);
  nn::Transformer& model = translator.model;
  optim::Adam adam(model, {.beta2 = 0.98});

  OverfitResult result;
  result.guessing = std::log(static_cast<double>(translator.target.vocabulary.size()));
  result.frequencies = entropy_of_frequencies(pairs);
  result.sentences = static_cast<int>(pairs.size());
  result.contradictions = count_contradictions(pairs);
  const Stopwatch clock;
  const auto show = [&](Index step, double loss, const std::string& remark) {
    char line[64];
    std::snprintf(line, sizeof line, "  %6lld   %8.4f", static_cast<long long>(step), loss);
    out << line << remark << '\n' << std::flush;
  };
  char expected[96];
  std::snprintf(expected, sizeof expected, "   expected: ln V = %.4f, or up to 1 more", result.guessing);
  out << "   steps       loss   nats per token\n";

  while (true) {
    nn::Pass pass;                                                                             // no dropout
    const Variable logits = model(batch.source, batch.source_lengths, batch.target_in, pass);  // (B, T, V)
    const Variable loss = cross_entropy(logits, batch.target_out, {.ignored = text::Vocabulary::pad});
    result.loss = static_cast<double>(loss.item());
    if (result.steps == 0) result.start = result.loss;
    if (result.steps <= steps / 2) result.half = result.loss;
    const bool done = result.loss < overfit_bar || result.steps == steps || !std::isfinite(result.loss);
    if (done || result.steps == 0 || is_round(result.steps))
      show(result.steps, result.loss, result.steps == 0 ? expected : "");
    if (!std::isfinite(result.loss)) result.problem = "the loss is not finite";
    if (done) break;
    try {
      backward(loss);
      optim::clip_gradient_norm(model, settings.clip);
    } catch (const ValueError& error) {
      result.problem = error.what();
      break;
    }
    ++result.steps;
    const double share = std::min(1.0, static_cast<double>(result.steps) / static_cast<double>(warmup));
    adam.step(settings.rate * share);
  }
  if (result.problem.empty()) result.reproduced = count_reproduced(model, pairs);
  result.seconds = clock.seconds();
  return result;
}

std::string verdict(const OverfitResult& result) {
  const auto number = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4f", value);
    return std::string(text);
  };
  const std::string steps = std::to_string(result.steps) + (result.steps == 1 ? " step" : " steps");
  const std::string loss = number(result.loss);
  const std::string reproduced = std::to_string(result.reproduced) + " of " +
                                 std::to_string(result.sentences) +
                                 (result.sentences == 1 ? " sentence" : " sentences");
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.1f", result.seconds);
  const std::string no = "It does not learn: ";

  if (result.learnt())
    return "It learns: the loss fell to " + loss + " after " + steps + ", and greedy decoding reproduces " +
           reproduced + " exactly (" + std::string(seconds) + " s).";
  if (!result.problem.empty())
    return no + "after " + steps + " " + result.problem +
           ": lower --rate; if that does not help, look for a logarithm, a root or a division of zero.";
  if (result.loss < overfit_bar)
    return no + "the loss fell to " + loss + " after " + steps + ", but greedy decoding reproduces only " +
           reproduced +
           ": training sees what translating does not: look for a mask that shows the future, or a target "
           "that is not shifted by one.";
  if (result.contradictions > 0)
    return no + "the loss stands at " + loss + " after " + steps + ", and " +
           std::to_string(result.contradictions) +
           " sentences of this batch have a source that stands there with another target too: no model can "
           "give both: take such pairs out of the corpus, or another batch with --seed.";
  if (result.loss > 1.2 * result.start)
    return no + "the loss was " + number(result.start) + " at the start and is " + loss + " after " + steps +
           ": the steps are too long: lower --rate; if that does not help, look for a gradient with the "
           "wrong sign.";
  if (result.loss > 0.9 * result.start)
    return no + "after " + steps + " the loss is " + loss + " and was " + number(result.start) +
           " at the start: the weights hardly move: raise --rate; if that does not help, look whether every "
           "parameter is visited and gets a gradient.";
  if (result.loss < 0.7 * result.half)
    return no + "after " + steps + " the loss is " + loss +
           " and still falls: it needs longer: raise --steps, or --rate.";
  if (std::abs(result.loss - result.frequencies) < 0.1 * result.frequencies)
    return no + "the loss stands at " + loss + " after " + steps + ", near the " +
           number(result.frequencies) +
           " of a model that knows only how often each token occurs: what it reads does not reach the "
           "output: look at the masks, and for a layer whose result is not used.";
  return no + "the loss stands at " + loss + " after " + steps +
         ": the model is too small for this batch (raise --width or --layers), the rate so high that it "
         "jumps about (lower --rate), or a mask hides what it needs.";
}

}  // namespace attune::examples
