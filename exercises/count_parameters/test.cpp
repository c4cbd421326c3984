#include EXERCISE

#include <doctest/doctest.h>

namespace {

nn::TransformerSettings small() {
  return {.source_vocabulary = 11,
          .target_vocabulary = 13,
          .width = 6,
          .heads = 2,
          .hidden = 7,
          .encoder_layers = 1,
          .decoder_layers = 1};
}

Index counted(const nn::TransformerSettings& settings) {
  Rng rng(1);
  return nn::parameter_count(nn::Transformer(settings, rng));
}

// What is missing, if its size gives it away; else `hint`. C is the width.
std::string what_is_missing(Index missing, const std::string& hint, const nn::TransformerSettings& settings) {
  const Index C = settings.width, layers = settings.decoder_layers;
  const Index attention = 4 * (C * C + C), norm = 2 * C;
  if (missing == layers * (attention + norm))
    return "4 (C² + C) + 2 C for each decoder layer: the decoder's attention to the source and its norm.";
  if (missing == layers * attention)
    return "4 (C² + C) for each decoder layer: the decoder's attention to the source.";
  return hint;
}

void compare(const std::string& hint, const nn::TransformerSettings& settings, bool first = false) {
  const Index wanted = counted(settings), yours = count_parameters(settings);
  const std::string off =
      std::to_string(std::abs(yours - wanted)) + (yours < wanted ? " too few" : " too many");
  if (!first && count_parameters(small()) != counted(small())) {
    CHECK_MESSAGE(yours == wanted, off, ": mend the first case first");
    return;
  }
  CHECK_MESSAGE(yours == wanted, "yours is ", yours, ", which is ", off, " (the width C is ", settings.width,
                ", the hidden width ", settings.hidden, "). ",
                what_is_missing(wanted - yours, hint, settings),
                " nn::summary(model) lists what each layer has.");
}

}  // namespace

TEST_CASE("one layer each, pre-norm, two embeddings") {
  compare("Did you count the biases, and the norm at the end of each stack?", small(), true);
}

TEST_CASE("more layers, of which the decoder's have a second attention and a third norm") {
  nn::TransformerSettings settings = small();
  settings.encoder_layers = 3;
  settings.decoder_layers = 2;
  compare("Here the encoder has three layers and the decoder two.", settings);
}

TEST_CASE("post-norm stacks have no norm at the end") {
  nn::TransformerSettings settings = small();
  settings.norm = nn::NormPlacement::post;
  compare("What leaves a post-norm stack has been normed already.", settings);
}

TEST_CASE("a shared embedding is counted once") {
  nn::TransformerSettings settings = small();
  settings.target_vocabulary = settings.source_vocabulary;
  settings.share_embeddings = true;
  compare("Source, target and output have one embedding here.", settings);
}

TEST_CASE("the number of heads makes no difference") {
  nn::TransformerSettings settings = small();
  settings.heads = 3;
  compare("Three heads of 2 have as many weights as two heads of 3.", settings);
}
