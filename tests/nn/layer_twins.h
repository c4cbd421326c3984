#pragma once

#include <numbers>

#include "nn/transformer.h"
#include "tests/autograd/operation_rows.h"

// Naive twins of the layers: doubles and loops, nothing of the library. A twin takes its parameters from a
// list, in the order in which the layer's visit names them.

namespace attune::testing {

/// Hands out arrays one after the other.
class Taker {
 public:
  explicit Taker(const std::vector<Array>& arrays, std::size_t first) : arrays_(arrays), next_(first) {}
  Array operator()() { return arrays_.at(next_++); }
  bool empty() const { return next_ == arrays_.size(); }

 private:
  const std::vector<Array>& arrays_;
  std::size_t next_;
};

inline Array plus(const Array& a, const Array& b) {
  return zip(a, b, [](double x, double y) { return x + y; });
}

struct LinearTwin {
  Array weight, bias;
  explicit LinearTwin(Taker& take, bool with_bias = true)
      : weight(take()), bias(with_bias ? take() : Array(Sizes{1})) {}
  Array operator()(const Array& x) const { return plus(product_of(x, exchanged(weight, 0, 1)), bias); }
};

struct LayerNormTwin {
  Array scale, shift;
  explicit LayerNormTwin(Taker& take) : scale(take()), shift(take()) {}
  Array operator()(const Array& x) const {
    const Array normed = each_row(x, [](const std::vector<double>& row) {
      const double n = static_cast<double>(row.size());
      double mean = 0;
      for (const double value : row) mean += value / n;
      double variance = 0;
      for (const double value : row) variance += (value - mean) * (value - mean) / n;
      std::vector<double> result;
      for (const double value : row) result.push_back((value - mean) / std::sqrt(variance + 1e-5));
      return result;
    });
    return plus(zip(normed, scale, [](double a, double b) { return a * b; }), shift);
  }
};

inline double gelu_of(double x) {
  return x * 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

struct FeedForwardTwin {
  LinearTwin inner, outer;
  std::function<double(double)> f;
  explicit FeedForwardTwin(Taker& take, std::function<double(double)> activation = gelu_of)
      : inner(take), outer(take), f(std::move(activation)) {}
  Array operator()(const Array& x) const { return outer(map(inner(x), f)); }
};

struct MultiHeadTwin {
  Index heads;
  LinearTwin query, key, value, output;
  MultiHeadTwin(Taker& take, Index head_count)
      : heads(head_count), query(take), key(take), value(take), output(take) {}

  Array operator()(const Array& from, const Array& to, const Mask& mask) const {
    const auto split = [&](const Array& x) {
      return permuted(reshaped(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), {0, 2, 1, 3});
    };
    const Array read = attention_of(split(query(from)), split(key(to)), split(value(to)), mask, Array());
    return output(reshaped(permuted(read, {0, 2, 1, 3}), from.sizes));
  }
};

using SublayerTwin = std::function<Array(const Array&)>;
inline Array residual_twin(const LayerNormTwin& norm, nn::NormPlacement placement, const Array& x,
                           const SublayerTwin& f) {
  return placement == nn::NormPlacement::pre ? plus(x, f(norm(x))) : norm(plus(x, f(x)));
}

struct EncoderLayerTwin {
  nn::NormPlacement placement;
  MultiHeadTwin self_attention;
  FeedForwardTwin feed_forward;
  LayerNormTwin attention_norm, feed_forward_norm;
  EncoderLayerTwin(Taker& take, const nn::TransformerSettings& settings)
      : placement(settings.norm),
        self_attention(take, settings.heads),
        feed_forward(take),
        attention_norm(take),
        feed_forward_norm(take) {}
  Array operator()(const Array& x, const Mask& mask) const {
    const Array seen = residual_twin(attention_norm, placement, x,
                                     [&](const Array& y) { return self_attention(y, y, mask); });
    return residual_twin(feed_forward_norm, placement, seen, [&](const Array& y) { return feed_forward(y); });
  }
};

struct DecoderLayerTwin {
  nn::NormPlacement placement;
  MultiHeadTwin self_attention, cross_attention;
  FeedForwardTwin feed_forward;
  LayerNormTwin self_norm, cross_norm, feed_forward_norm;
  DecoderLayerTwin(Taker& take, const nn::TransformerSettings& settings)
      : placement(settings.norm),
        self_attention(take, settings.heads),
        cross_attention(take, settings.heads),
        feed_forward(take),
        self_norm(take),
        cross_norm(take),
        feed_forward_norm(take) {}
  Array operator()(const Array& x, const Array& source, const Mask& self_mask,
                   const Mask& source_mask) const {
    const Array own = residual_twin(self_norm, placement, x,
                                    [&](const Array& y) { return self_attention(y, y, self_mask); });
    const Array read = residual_twin(cross_norm, placement, own,
                                     [&](const Array& y) { return cross_attention(y, source, source_mask); });
    return residual_twin(feed_forward_norm, placement, read, [&](const Array& y) { return feed_forward(y); });
  }
};

/// The rows of a table scaled by √C, plus sinusoidal positions.
inline Array embedded_twin(const Array& table, const Indices& tokens) {
  const Index width = table.size(1);
  Array y(Sizes{tokens.size(0), tokens.size(1), width});
  for (Index i = 0; i < y.elements(); ++i) {
    const Sizes at = y.position(i);
    const double exponent = static_cast<double>(at[2] / 2 * 2) / static_cast<double>(width);
    const double angle = static_cast<double>(at[1]) / std::pow(10000.0, exponent);
    y[i] = table[tokens.at(at[0], at[1]) * width + at[2]] * std::sqrt(static_cast<double>(width)) +
           (at[2] % 2 == 0 ? std::sin(angle) : std::cos(angle));
  }
  return y;
}

struct TransformerTwin {
  const nn::TransformerSettings& settings;
  Array source_table, target_table;
  std::vector<EncoderLayerTwin> encoder;
  std::vector<LayerNormTwin> encoder_norm;
  std::vector<DecoderLayerTwin> decoder;
  std::vector<LayerNormTwin> decoder_norm;

  TransformerTwin(Taker& take, const nn::TransformerSettings& s) : settings(s) {
    source_table = take();
    target_table = s.share_embeddings ? source_table : take();
    for (Index i = 0; i < s.encoder_layers; ++i) encoder.emplace_back(take, s);
    if (s.norm == nn::NormPlacement::pre) encoder_norm.emplace_back(take);
    for (Index i = 0; i < s.decoder_layers; ++i) decoder.emplace_back(take, s);
    if (s.norm == nn::NormPlacement::pre) decoder_norm.emplace_back(take);
  }

  Array operator()(const Indices& source, const std::vector<int>& lengths, const Indices& target_in) const {
    Array memory = embedded_twin(source_table, source);
    for (const EncoderLayerTwin& layer : encoder) memory = layer(memory, Mask::padding(lengths));
    if (!encoder_norm.empty()) memory = encoder_norm[0](memory);
    Mask source_mask = Mask::padding(lengths);
    if (settings.source_view == nn::SourceView::mean) {
      Array mean(Sizes{memory.size(0), 1, memory.size(2)});
      for (Index b = 0; b < memory.size(0); ++b)
        for (Index s = 0; s < lengths[static_cast<std::size_t>(b)]; ++s)
          for (Index c = 0; c < memory.size(2); ++c)
            mean[b * memory.size(2) + c] +=
                memory[(b * memory.size(1) + s) * memory.size(2) + c] / lengths[static_cast<std::size_t>(b)];
      memory = mean;
      source_mask = {};
    }
    Array x = embedded_twin(target_table, target_in);
    for (const DecoderLayerTwin& layer : decoder) x = layer(x, memory, Mask::causal(), source_mask);
    if (!decoder_norm.empty()) x = decoder_norm[0](x);
    return product_of(x, exchanged(target_table, 0, 1));
  }
};

}  // namespace attune::testing
