#include "nn/transformer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "optim/adam.h"
#include "optim/gradients.h"
#include "tensor/error.h"
#include "tensor/indexing.h"
#include "tensor/thread_pool.h"
#include "text/batch.h"
#include "text/search.h"
#include "text/vocabulary.h"

using namespace attune;

namespace {

nn::TransformerSettings small(nn::NormPlacement norm = nn::NormPlacement::pre) {
  nn::TransformerSettings settings;
  settings.source_vocabulary = 17;
  settings.target_vocabulary = 19;
  settings.width = 16;
  settings.heads = 4;
  settings.hidden = 24;
  settings.dropout = 0;
  settings.norm = norm;
  return settings;
}

Indices random_tokens(Index rows, Index columns, std::uint64_t vocabulary, Rng& rng) {
  Indices tokens = Indices::full({rows, columns}, 0);
  for (std::int32_t& token : tokens.values) token = static_cast<std::int32_t>(4 + rng.below(vocabulary - 4));
  return tokens;
}

// Every bit of a number, so that 0 and -0 differ too.
bool same_bits(const Tensor& a, const Tensor& b) {
  const std::vector<Scalar> left = a.values();
  const std::vector<Scalar> right = b.values();
  if (!(a.shape() == b.shape())) return false;
  return left.empty() || std::memcmp(left.data(), right.data(), left.size() * sizeof(Scalar)) == 0;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  return static_cast<double>(max(abs(a - b)).item());
}

constexpr nn::NormPlacement placements[] = {nn::NormPlacement::pre, nn::NormPlacement::post};

}  // namespace

TEST_CASE("transformer: changing a target token changes no logit before it, to the last bit") {
  for (const nn::NormPlacement norm : placements) {
    Rng rng(1);
    const nn::Transformer model(small(norm), rng);
    const Indices source = random_tokens(2, 5, 17, rng);
    const Indices target = random_tokens(2, 7, 19, rng);
    nn::Pass pass;
    const Tensor logits = model(source, {5, 3}, target, pass).value();
    for (Index t = 0; t < 7; ++t) {
      Indices changed = target;
      changed.at(0, t) = changed.at(0, t) == 4 ? 5 : 4;
      const Tensor now = model(source, {5, 3}, changed, pass).value();
      CHECK(same_bits(slice(now, 1, 0, t), slice(logits, 1, 0, t)));
      CHECK(!same_bits(select(select(now, 0, 0), 0, t),
                       select(select(logits, 0, 0), 0, t)));      // it does see itself
      CHECK(same_bits(select(now, 0, 1), select(logits, 0, 1)));  // nor another sentence
    }
  }
}

TEST_CASE("transformer: what stands in the padding changes nothing, to the bit, nor any gradient") {
  for (const auto view : {nn::SourceView::attention, nn::SourceView::mean}) {
    nn::TransformerSettings settings = small();
    settings.source_view = view;
    Rng rng(2);
    const nn::Transformer model(settings, rng);
    const Indices source = random_tokens(2, 6, 17, rng);
    const Indices target = random_tokens(2, 4, 19, rng);
    const Indices wanted({2, 4}, {4, 5, 6, 7, 8, 9, 0, 0});  // the second sentence has two tokens
    const std::vector<int> lengths{6, 3};
    const auto run = [&](const Indices& from, const Indices& to) {
      nn::Pass pass;
      const Variable loss = cross_entropy(model(from, lengths, to, pass), wanted, {.ignored = 0});
      std::vector<Tensor> results{loss.value()};
      backward(loss);
      for (const nn::NamedParameter& parameter : nn::named_parameters(model)) {
        results.push_back(parameter.cell->leaf->gradient);
        parameter.cell->leaf->gradient = Tensor();
      }
      return results;
    };
    const std::vector<Tensor> before = run(source, target);
    Indices other_source = source;
    for (Index s = 3; s < 6; ++s) other_source.at(1, s) = static_cast<std::int32_t>(10 + s);
    Indices other_target = target;
    for (Index t = 2; t < 4; ++t) other_target.at(1, t) = static_cast<std::int32_t>(10 + t);
    const std::vector<Tensor> after = run(other_source, other_target);
    REQUIRE(before.size() == after.size());
    for (std::size_t i = 0; i < before.size(); ++i)
      CHECK_MESSAGE(same_values(before[i], after[i]), "result ", i);
  }
}

TEST_CASE("transformer: more padding changes the real tokens by less than 1e-6") {
  for (const nn::NormPlacement norm : placements) {
    Rng rng(3);
    const nn::Transformer model(small(norm), rng);
    const Indices source = random_tokens(2, 5, 17, rng);
    Indices padded = Indices::full({2, 9}, 0);
    for (Index b = 0; b < 2; ++b)
      for (Index s = 0; s < 5; ++s) padded.at(b, s) = source.at(b, s);
    const Indices target = random_tokens(2, 4, 19, rng);
    nn::Pass pass;
    const double change = largest_difference(model(source, {5, 4}, target, pass).value(),
                                             model(padded, {5, 4}, target, pass).value());
    MESSAGE("four more columns of padding change a logit by ", change);
    CHECK(change < 1e-6);
  }
}

TEST_CASE("transformer: recording attention changes no bit, and the weights of each row sum to one") {
  Rng rng(4);
  const nn::Transformer model(small(), rng);
  const Indices source = random_tokens(2, 5, 17, rng);
  const Indices target = random_tokens(2, 3, 19, rng);
  nn::Pass plain;
  nn::AttentionRecord record;
  nn::Pass recorded{.record = &record};
  CHECK(same_bits(model(source, {5, 2}, target, plain).value(),
                  model(source, {5, 2}, target, recorded).value()));
  const Tensor& weights = record.of(model.decoder.layers[1].cross_attention);
  CHECK(weights.shape() == Shape{2, 4, 3, 5});
  CHECK(largest_difference(sum(weights, -1), ones({2, 4, 3})) < 1e-6);
  CHECK(max(slice(select(weights, 0, 1), -1, 2, 5)).item() == 0);  // the padding of the second sentence
  CHECK(record.of(model.encoder.layers[0].self_attention).shape() == Shape{2, 4, 5, 5});
  const nn::DotProductAttention never_called;
  CHECK_THROWS_WITH_AS(
      static_cast<void>(record.of(never_called)),
      "attention record: that layer left no weights: run the model with pass.record pointing to this "
      "record",
      ValueError);
}

TEST_CASE("transformer: decoding one token at a time gives the logits of decoding all at once") {
  for (const nn::NormPlacement norm : placements) {
    Rng rng(5);
    const nn::Transformer model(small(norm), rng);
    const Indices source = random_tokens(3, 5, 17, rng);
    const Indices target = random_tokens(3, 8, 19, rng);
    nn::Pass pass;
    const NoGradient no_gradient;
    const nn::Transformer::Memory memory = model.encode(source, {5, 2, 4}, pass);
    const Tensor whole = model.decode(target, memory, pass).value();
    nn::Transformer::DecodingState state = model.begin_decoding(memory);
    double worst = 0;
    for (Index t = 0; t < 8; ++t) {
      Indices latest = Indices::full({3}, 0);
      for (Index b = 0; b < 3; ++b) latest.values[static_cast<std::size_t>(b)] = target.at(b, t);
      worst = std::max(
          worst, largest_difference(model.decode_step(latest, state, pass).value(), select(whole, 1, t)));
    }
    MESSAGE("step by step differs by ", worst);
    CHECK(worst < 1e-5);
  }
}

TEST_CASE("transformer: sentences that leave the batch change no bit of those that stay, in any order") {
  Rng rng(7);
  const nn::Transformer model(small(nn::NormPlacement::post), rng);
  const Indices source = random_tokens(4, 5, 17, rng);
  const Indices target = random_tokens(4, 40, 19, rng);
  nn::Pass pass;
  const NoGradient no_gradient;
  nn::Transformer::DecodingState all = model.begin_decoding(model.encode(source, {5, 2, 4, 3}, pass));
  nn::Transformer::DecodingState some = all;
  std::vector<std::int32_t> sentences{0, 1, 2, 3};
  const auto step = [&](nn::Transformer::DecodingState& state, const std::vector<std::int32_t>& rows,
                        Index t) {
    Indices latest({static_cast<Index>(rows.size())}, rows);
    for (std::int32_t& token : latest.values) token = target.at(token, t);
    return model.decode_step(latest, state, pass).value();
  };
  for (Index t = 0; t < 40; ++t) {  // more steps than there is room for at first
    const Tensor expected = step(all, {0, 1, 2, 3}, t);
    const nn::KeyValues held = some.layers[0].self;
    const Tensor before = held.key.defined() ? copy(held.key.value()) : Tensor();
    const Tensor found = step(some, sentences, t);
    if (before.defined()) CHECK(same_values(held.key.value(), before));  // what one holds does not change
    for (std::size_t row = 0; row < sentences.size(); ++row)
      CHECK(same_values(select(found, 0, static_cast<Index>(row)), select(expected, 0, sentences[row])));
    if (t == 2) {
      some.keep(Indices({3}, {3, 0, 2}));
      sentences = {3, 0, 2};
    }
    if (t == 20) {
      some.keep(Indices({1}, {2}));
      sentences = {2};
    }
  }
}

TEST_CASE("transformer: before training the loss is near ln V, and one batch can be learnt by heart") {
  Rng rng(6);
  nn::TransformerSettings settings = small();
  settings.width = 32;
  nn::Transformer model(settings, rng);
  const std::vector<text::EncodedPair> pairs{{{4, 5, 6}, {7, 8}}, {{6, 5, 4}, {8, 7, 9, 10}}, {{9, 9}, {11}}};
  const text::Batch batch = text::make_batch(pairs, {0, 1, 2});
  optim::Adam adam(model);
  double first = 0;
  double last = 0;
  for (int step = 1; step <= 120; ++step) {
    nn::Pass pass{.training = true, .rng = rng.at(static_cast<std::uint64_t>(step))};
    const Variable loss = cross_entropy(model(batch.source, batch.source_lengths, batch.target_in, pass),
                                        batch.target_out, {.ignored = text::Vocabulary::pad});
    if (step == 1) nn::check_visited(loss, model);
    backward(loss);
    optim::clip_gradient_norm(model, 1);
    adam.step(3e-3);
    last = static_cast<double>(loss.item());
    if (step == 1) first = last;
  }
  MESSAGE("loss ", first, " before, ", last, " after 120 steps; ln V is ", std::log(19.0));
  // A little above: with one table for input and output, an untrained model first favours the token it has
  // just read.
  CHECK(first > std::log(19.0) - 0.5);
  CHECK(first < std::log(19.0) + 1.5);
  CHECK(last < 0.01);
  const std::vector<std::vector<std::int32_t>> found =
      text::greedy_search(model, {pairs[0].source, pairs[1].source, pairs[2].source}, 100);
  for (std::size_t i = 0; i < pairs.size(); ++i) CHECK(found[i] == pairs[i].target);
}

TEST_CASE("training: the same weights, to the bit, on 1, 2, 3, 4 and 7 threads and in repeated runs") {
  const auto weights_after_training = [] {
    Rng rng(7);
    nn::TransformerSettings settings = small();
    settings.dropout = Scalar(0.1);
    settings.width = 32;
    settings.hidden = 64;
    nn::Transformer model(settings, rng);
    std::vector<text::EncodedPair> pairs;
    Rng dice(8);
    for (int i = 0; i < 120; ++i) {
      text::EncodedPair pair;
      const std::uint64_t length = 3 + dice.below(12);
      for (std::uint64_t t = 0; t < length; ++t) {
        pair.source.push_back(static_cast<std::int32_t>(4 + dice.below(13)));
        pair.target.insert(pair.target.begin(), pair.source.back());
      }
      pairs.push_back(pair);
    }
    optim::Adam adam(model, {.beta2 = 0.98});
    std::uint64_t step = 0;
    for (std::uint64_t epoch = 1; epoch <= 4; ++epoch) {
      for (const text::Batch& batch :
           text::make_batches(pairs, {.max_tokens = 600, .seed = 1, .epoch = epoch})) {
        nn::Pass pass{.training = true, .rng = rng.at(++step)};
        const Variable logits = model(batch.source, batch.source_lengths, batch.target_in, pass);
        backward(cross_entropy(logits, batch.target_out,
                               {.label_smoothing = Scalar(0.1), .ignored = text::Vocabulary::pad}));
        optim::clip_gradient_norm(model, 1);
        adam.step(1e-3);
      }
    }
    std::vector<Tensor> weights;
    for (const nn::NamedParameter& parameter : nn::named_parameters(model))
      weights.push_back(parameter.cell->value);
    return weights;
  };
  const int before = thread_count();
  set_thread_count(1);
  const std::vector<Tensor> expected = weights_after_training();
  for (const int threads : {1, 2, 3, 4, 7}) {
    set_thread_count(threads);
    const std::vector<Tensor> weights = weights_after_training();
    for (std::size_t i = 0; i < weights.size(); ++i)
      CHECK_MESSAGE(same_bits(weights[i], expected[i]), "parameter ", i, " on ", threads, " threads");
  }
  set_thread_count(before);
}

TEST_CASE("dropout: masks differ from step to step and from layer to layer, and not by the order of calls") {
  Rng rng(9);
  const nn::Dropout first(Scalar(0.5), rng);
  const nn::Dropout second(Scalar(0.5), rng);
  const Variable x = ones({10, 20});
  const nn::Pass step1{.training = true, .rng = rng.at(1)};
  const nn::Pass step2{.training = true, .rng = rng.at(2)};
  const Tensor a = first(x, step1).value();
  const Tensor b = second(x, step1).value();
  CHECK(!same_values(a, b));
  CHECK(!same_values(a, first(x, step2).value()));
  CHECK(same_values(b, second(x, step1).value()));
  CHECK(same_values(a, first(x, step1).value()));
  CHECK(same_values(first(x, nn::Pass{}).value(), x.value()));  // nothing is dropped outside training
}

TEST_CASE("search: gives what the likeliest token at each step is, and never padding or a start") {
  for (const nn::NormPlacement norm : placements) {
    Rng rng(10);
    const nn::Transformer model(small(norm), rng);
    const std::vector<std::vector<std::int32_t>> sentences{
        {4, 5, 6, 7}, {}, {8}, {9, 10, 11}, {4, 4, 4, 4, 4, 4}};
    const auto found = text::greedy_search(model, sentences, 20);
    REQUIRE(found.size() == sentences.size());
    CHECK(found[1].empty());
    const NoGradient no_gradient;
    for (std::size_t i = 0; i < sentences.size(); ++i) {
      if (sentences[i].empty()) continue;
      // The same by decoding everything anew at every step, one sentence at a time.
      const text::SourceBatch batch = text::make_source_batch({sentences[i]});
      std::vector<std::int32_t> so_far{text::Vocabulary::start};
      const std::size_t longest = 2 * (sentences[i].size() + 1) + 10;
      while (so_far.size() <= longest) {
        nn::Pass pass;
        const Indices target({1, static_cast<Index>(so_far.size())}, so_far);
        const Tensor logits = model(batch.source, batch.lengths, target, pass).value();
        Tensor last = copy(select(select(logits, 0, 0), 0, -1));
        last.writable()[text::Vocabulary::pad] = last.writable()[text::Vocabulary::start] =
            -std::numeric_limits<Scalar>::infinity();
        const std::int32_t next = argmax(last).values[0];
        if (next == text::Vocabulary::end) break;
        so_far.push_back(next);
      }
      so_far.erase(so_far.begin());
      // Batches of several lengths allow the longest of them its length: compare what both have.
      const std::size_t both = std::min(so_far.size(), found[i].size());
      CHECK(
          std::vector<std::int32_t>(found[i].begin(), found[i].begin() + static_cast<std::ptrdiff_t>(both)) ==
          std::vector<std::int32_t>(so_far.begin(), so_far.begin() + static_cast<std::ptrdiff_t>(both)));
      for (const std::int32_t token : found[i]) CHECK((token == text::Vocabulary::unknown || token >= 4));
    }
  }
  Rng rng(1);
  CHECK_THROWS_WITH_AS(static_cast<void>(text::greedy_search(nn::Transformer(small(), rng), {{4}}, 0)),
                       "greedy_search: batches of 0 tokens: give 1 or more", ValueError);
}

TEST_CASE("search: four threads may share one model") {
  Rng rng(11);
  const nn::Transformer model(small(), rng);
  std::vector<std::vector<std::int32_t>> sentences;
  for (int i = 0; i < 12; ++i) sentences.push_back({4 + i % 7, 5 + i % 5, 6 + i});
  for (auto& sentence : sentences)
    for (std::int32_t& token : sentence) token = std::min(token, 16);
  const auto expected = text::greedy_search(model, sentences, 64);
  std::vector<std::vector<std::vector<std::int32_t>>> found(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < found.size(); ++i)
    threads.emplace_back([&, i] { found[i] = text::greedy_search(model, sentences, 64); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : found) CHECK(result == expected);
}
