#include "nn/layers.h"

#include <cmath>

#include "nn/init.h"
#include "tensor/error.h"

namespace attune::nn {
namespace {

Index checked_size(const char* layer, const char* what, Index size) {
  if (size < 1) fail<ValueError>(layer, ": ", what, " is ", size, ": give 1 or more");
  return size;
}

}  // namespace

// ---- linear

Linear::Linear(Index inputs, Index outputs, Rng& rng, Bias with_bias)
    : weight(xavier_uniform({checked_size("linear", "the output size", outputs),
                             checked_size("linear", "the input size", inputs)},
                            rng)) {
  if (with_bias == Bias::yes) bias = Parameter(zeros({outputs}));
}

Variable Linear::operator()(const Variable& x) const {
  return linear(x, weight, bias.defined() ? Variable(bias) : Variable());
}

void Linear::visit(Visitor& v) {
  v("weight", weight);
  if (bias.defined()) v("bias", bias);
}

// ---- embedding

Embedding::Embedding(Index vocabulary, Index width, Rng& rng)
    : weight(normal({checked_size("embedding", "the vocabulary", vocabulary),
                     checked_size("embedding", "the width", width)},
                    0, 1 / std::sqrt(static_cast<Scalar>(width)), rng)) {}

Variable Embedding::operator()(const Indices& tokens) const {
  return gather_rows(weight, tokens);
}
Variable Embedding::scores(const Variable& x) const {
  return linear(x, weight);
}

// ---- norms

LayerNorm::LayerNorm(Index width)
    : scale(ones({checked_size("layer norm", "the width", width)})), shift(zeros({width})) {}
RmsNorm::RmsNorm(Index width) : scale(ones({checked_size("rms norm", "the width", width)})) {}

// ---- dropout

Dropout::Dropout(Scalar dropout_rate, Rng& rng) : rate(dropout_rate), stream(rng.next_stream()) {
  if (!(rate >= 0 && rate < 1))
    fail<ValueError>("dropout: the rate is ", rate, ": it must be at least 0 and below 1");
}

Variable Dropout::operator()(const Variable& x, const Pass& pass) const {
  if (!pass.training || rate == 0) return x;
  // A default generator would drop the same elements at every step, and nobody would notice.
  if (!pass.rng)
    fail<ValueError>(
        "dropout: the pass has no generator: training needs one that differs at each step: make it with "
        "Pass{.training = true, .rng = rng.at(step)}");
  return dropout(x, rate, pass.rng->at(stream));
}

// ---- positions

Tensor sinusoidal_positions(Index length, Index width) {
  Tensor table = Tensor::uninitialised({length, width});
  Scalar* out = table.writable();
  for (Index t = 0; t < length; ++t) {
    for (Index channel = 0; channel < width; ++channel) {
      const Index even = channel - channel % 2;  // 2i, for the sine and the cosine beside it
      const double exponent = static_cast<double>(even) / static_cast<double>(width);
      const double angle = static_cast<double>(t) / std::pow(10000.0, exponent);
      out[t * width + channel] = static_cast<Scalar>(channel % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
  return table;
}

SinusoidalPositions::SinusoidalPositions(Index width, Index longest)
    : table(sinusoidal_positions(longest, checked_size("positions", "the width", width))) {}

namespace {

// x must be (B, T, C), or (T, C), of the table's width: a width of 1 would broadcast without a word.
void check_positions(const Variable& x, Index width, Index offset) {
  if (x.value().checked("positions").rank() < 2 || x.size(-1) != width)
    fail<ShapeError>("positions: the input must be (B, T, width): ", x.shape(), " for a width of ", width);
  if (offset < 0) fail<ValueError>("positions: the first position is ", offset, ": give 0 or more");
}

}  // namespace

Variable SinusoidalPositions::operator()(const Variable& x, Index offset) const {
  check_positions(x, table.size(1), offset);
  const Index end = offset + x.size(-2);
  const Tensor& rows = end <= table.size(0) ? table : sinusoidal_positions(end, table.size(1));
  return x + Variable(slice(rows, 0, offset, end));
}

Variable LearnedPositions::operator()(const Variable& x, Index offset) const {
  check_positions(x, embedding.weight.shape()[1], offset);
  const Index end = offset + x.size(-2);
  if (end > embedding.weight.shape()[0])
    fail<ShapeError>("positions: position ", end - 1, " is beyond the longest learned, ",
                     embedding.weight.shape()[0] - 1,
                     ": make the model with more positions, or shorten the input");
  return x + slice(Variable(embedding.weight), 0, offset, end);
}

// ---- feed-forward

Variable activate(Activation activation, const Variable& x) {
  switch (activation) {
    case Activation::gelu:
      return gelu(x);
    case Activation::silu:
      return silu(x);
    case Activation::relu:
      break;
  }
  return relu(x);
}

}  // namespace attune::nn
