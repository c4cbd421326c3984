// The number of heads makes no difference, nor do dropout, the activation, or the longest input: sinusoidal
// positions are computed, not learned.

#include "exercises/exercise.h"

using namespace attune;

inline Index count_parameters(const nn::TransformerSettings& settings) {
  const Index C = settings.width, F = settings.hidden;
  const Index attention = 4 * (C * C + C);
  const Index feed_forward = (F * C + F) + (C * F + C);
  const Index norm = 2 * C;
  const Index encoder_layer = attention + feed_forward + 2 * norm;
  const Index decoder_layer = 2 * attention + feed_forward + 3 * norm;
  const Index tokens =
      settings.source_vocabulary + (settings.share_embeddings ? 0 : settings.target_vocabulary);
  const Index last_norms = settings.norm == nn::NormPlacement::pre ? 2 * norm : 0;
  return tokens * C + settings.encoder_layers * encoder_layer + settings.decoder_layers * decoder_layer +
         last_norms;
}
