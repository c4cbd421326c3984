#include "text/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/error.h"
#include "tensor/thread_pool.h"
#include "text/likeliest.h"
#include "text/vocabulary.h"

namespace attune::text {
namespace {

constexpr double impossible = -std::numeric_limits<double>::infinity();

void check(const BeamOptions& options, Index vocabulary) {
  check_vocabulary("beam_search", vocabulary);
  if (options.beam < 1) fail<ValueError>("beam_search: a beam of ", options.beam, ": give 1 or more");
  if (options.n_best < 1 || options.n_best > options.beam)
    fail<ValueError>("beam_search: the ", options.n_best, " best of a beam of ", options.beam,
                     ": give 1 to the width of the beam");
  if (!(options.length_penalty >= 0) || std::isinf(options.length_penalty))
    fail<ValueError>("beam_search: a length penalty of ", options.length_penalty,
                     ": give 0 for none, or more for longer translations");
  if (!(options.patience > 0))
    fail<ValueError>("beam_search: a patience of ", options.patience, ": give more than 0; 1 is usual");
}

// log P / |Y|^α; `length` counts </s>.
double penalised(double log_probability, Index length, double alpha) {
  return log_probability / std::pow(static_cast<double>(length), alpha);
}

// A beginning of a translation.
struct Live {
  TokenIds tokens;
  double log_probability = impossible;  // of a place in the beam that is not taken
};

// A live hypothesis and a token more.
struct Extension {
  double log_probability;
  std::size_t origin;  // which live hypothesis
  std::int32_t token;
};

bool likelier(const Extension& a, const Extension& b) {
  if (a.log_probability != b.log_probability) return a.log_probability > b.log_probability;
  return a.origin != b.origin ? a.origin < b.origin : a.token < b.token;
}

// The search for the translations of one sentence.
class Beam {
 public:
  Beam(std::size_t sentence, Index longest, const BeamOptions& options)
      : sentence_(sentence), longest_(longest), options_(&options), live_{{TokenIds(), 0}} {}

  std::size_t sentence() const { return sentence_; }
  bool done() const { return live_.empty(); }
  bool at_the_limit() const { return static_cast<Index>(live_[0].tokens.size()) >= longest_; }
  std::size_t size() const { return live_.size(); }
  double log_probability(std::size_t k) const { return live_[k].log_probability; }
  std::int32_t latest(std::size_t k) const {
    return live_[k].tokens.empty() ? Vocabulary::start : live_[k].tokens.back();
  }

  /// All extensions that may matter, in any order, become the next step's hypotheses. Returns which of the
  /// live ones each of the new ones continues.
  std::vector<std::size_t> extend(std::vector<Extension> extensions) {
    const auto width = static_cast<std::size_t>(options_->beam);  // K
    std::sort(extensions.begin(), extensions.end(), likelier);
    std::vector<Live> next;
    std::vector<std::size_t> origins;
    for (std::size_t rank = 0; rank < extensions.size() && next.size() < width; ++rank) {
      const Extension& extension = extensions[rank];
      const TokenIds& before = live_[extension.origin].tokens;
      if (extension.token == Vocabulary::end) {
        if (rank < width || at_the_limit()) finish(before, extension.log_probability);
        continue;
      }
      next.push_back({before, extension.log_probability});
      next.back().tokens.push_back(extension.token);
      origins.push_back(extension.origin);
    }
    live_ = std::move(next);
    if (nothing_better_can_come()) live_.clear();
    return origins;
  }

  /// The n best finished hypotheses.
  std::vector<Hypothesis> results() && {
    const std::size_t count = std::min(finished_.size(), static_cast<std::size_t>(options_->n_best));
    finished_.resize(count);
    return std::move(finished_);
  }

 private:
  // Finished hypotheses are kept in order, the best first.
  void finish(const TokenIds& tokens, double log_probability) {
    const auto length = static_cast<Index>(tokens.size()) + 1;
    const double score = penalised(log_probability, length, options_->length_penalty);
    const auto place = std::find_if(finished_.begin(), finished_.end(),
                                    [&](const Hypothesis& other) { return other.score < score; });
    finished_.insert(place, {tokens, log_probability, score});
  }

  // The stopping rule; it is explained in the header.
  bool nothing_better_can_come() const {
    if (live_.empty()) return true;
    const auto n = static_cast<std::size_t>(options_->n_best);
    if (finished_.size() < n) return false;
    if (static_cast<double>(finished_.size()) >= options_->patience * static_cast<double>(options_->beam))
      return true;
    const double most_hoped_for =  // the live ones are in order, too
        penalised(live_[0].log_probability, longest_ + 1, options_->length_penalty);
    return finished_[n - 1].score >= most_hoped_for;
  }

  std::size_t sentence_;
  Index longest_;
  const BeamOptions* options_;
  std::vector<Live> live_;
  std::vector<Hypothesis> finished_;
};

// The extensions of live hypothesis k that may be among the first K others of its sentence, or end it: its
// own K + 1 likeliest, since one of them may be </s>.
std::vector<Extension> extensions_of(const Beam& beam, std::size_t k, const Scalar* scores, Index vocabulary,
                                     const BeamOptions& options) {
  std::vector<ScoredToken> tokens;
  if (beam.at_the_limit())
    tokens = {{Vocabulary::end, scores[Vocabulary::end]}};
  else
    tokens =
        likeliest_tokens("beam_search", scores, vocabulary, options.beam + 1, options.limits.allow_unknown);
  const auto normaliser = static_cast<double>(log_normaliser(scores, vocabulary));
  if (!std::isfinite(normaliser))
    fail<ValueError>(
        "beam_search: the model's scores of the next token are not finite: its weights have been spoilt, "
        "take ",
        "those from before");
  std::vector<Extension> extensions;
  for (const ScoredToken& next : tokens)  // log p = score − log Σ e^score
    extensions.push_back(
        {beam.log_probability(k) + static_cast<double>(next.score) - normaliser, k, next.token});
  return extensions;
}

}  // namespace

std::vector<std::vector<Hypothesis>> beam_search(const nn::Transformer& model, const SourceBatch& batch,
                                                 const BeamOptions& options) {
  const Index vocabulary = model.settings.target_vocabulary;  // V
  check(options, vocabulary);
  const NoGradient no_gradient;
  nn::Pass pass;
  nn::Transformer::DecodingState state =
      model.begin_decoding(model.encode(batch.source, batch.lengths, pass));
  std::vector<std::vector<Hypothesis>> results(batch.lengths.size());
  std::vector<Beam> beams;  // of the sentences in the batch; each of the K rows of one is a hypothesis
  for (std::size_t b = 0; b < batch.lengths.size(); ++b)
    beams.emplace_back(b, options.limits.longest(batch.lengths[b]), options);

  Index width = 1;  // K; in the first step there is nothing but <s>
  while (!beams.empty()) {
    // Ask the model how each hypothesis goes on. Rows without one compute something that nobody reads.
    const auto sentences = static_cast<Index>(beams.size());  // B
    Indices latest = Indices::full({sentences, width}, Vocabulary::start);
    for (Index b = 0; b < sentences; ++b) {
      const Beam& beam = beams[static_cast<std::size_t>(b)];
      for (std::size_t k = 0; k < beam.size(); ++k) latest.at(b, static_cast<Index>(k)) = beam.latest(k);
    }
    const Tensor scores = model.decode_step(latest, state, pass).value();  // (B, K, V)

    // Find the likeliest extensions of each.
    std::vector<std::vector<Extension>> extensions(static_cast<std::size_t>(sentences * width));
    parallel_for(sentences * width, 1, [&](Index begin, Index end) {
      for (Index row = begin; row < end; ++row) {
        const Beam& beam = beams[static_cast<std::size_t>(row / width)];
        const auto k = static_cast<std::size_t>(row % width);
        if (k < beam.size())
          extensions[static_cast<std::size_t>(row)] =
              extensions_of(beam, k, scores.data() + row * vocabulary, vocabulary, options);
      }
    });

    // Choose for each sentence those that go on.
    Indices origins = Indices::full({sentences, options.beam}, 0);
    std::vector<std::int32_t> unfinished;
    for (Index b = 0; b < sentences; ++b) {
      Beam& beam = beams[static_cast<std::size_t>(b)];
      std::vector<Extension> all;
      for (Index k = 0; k < width; ++k) {
        const std::vector<Extension>& some = extensions[static_cast<std::size_t>(b * width + k)];
        all.insert(all.end(), some.begin(), some.end());
      }
      const std::vector<std::size_t> continued = beam.extend(std::move(all));
      for (std::size_t k = 0; k < continued.size(); ++k)
        origins.at(b, static_cast<Index>(k)) = static_cast<std::int32_t>(continued[k]);
      if (!beam.done()) {
        unfinished.push_back(static_cast<std::int32_t>(b));
        continue;
      }
      const std::size_t sentence = beam.sentence();
      results[sentence] = std::move(beam).results();
    }

    // The caches follow: finished sentences leave, and each hypothesis takes that of the one it continues.
    std::vector<Beam> remaining;
    std::vector<std::int32_t> rows;
    for (const std::int32_t b : unfinished) {
      remaining.push_back(std::move(beams[static_cast<std::size_t>(b)]));
      for (Index k = 0; k < options.beam; ++k) rows.push_back(origins.at(b, k));
    }
    beams = std::move(remaining);
    if (beams.empty()) break;
    const auto count = static_cast<Index>(beams.size());
    state.branch(Indices({count}, unfinished), Indices({count, options.beam}, rows));
    width = options.beam;
  }
  return results;
}

std::vector<std::vector<Hypothesis>> beam_search(const nn::Transformer& model,
                                                 const std::vector<TokenIds>& sentences, Index max_tokens,
                                                 const BeamOptions& options) {
  check(options, model.settings.target_vocabulary);
  return search_by_length(
      "beam_search", sentences, std::max<Index>(max_tokens > 0, max_tokens / options.beam),
      std::vector<Hypothesis>(1), [&](const SourceBatch& batch, const std::vector<std::size_t>&) {
        return beam_search(model, batch, options);
      });
}

}  // namespace attune::text
