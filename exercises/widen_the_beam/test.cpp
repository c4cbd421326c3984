#include EXERCISE

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

namespace {

// The chapter's example, text/README.md, "Greedy search".
const std::vector<std::string> words{"</s>", "bonne", "bonsoir", "nuit", "soirée", "."};
std::vector<double> good_evening(const Said& said) {
  if (said.empty()) return {0, 0.6, 0.4, 0, 0, 0};
  if (said.back() == 1) return {0, 0, 0, 0.6, 0.4, 0};
  return said.back() == 5 ? std::vector<double>{1, 0, 0, 0, 0, 0} : std::vector<double>{0, 0, 0, 0, 0, 1};
}

std::string shown(const Said& said) {
  std::string line;
  for (const int token : said) line += words.at(static_cast<std::size_t>(token)) + " ";
  return line;
}

// The beam search of the exercise. No sentence of `next` has more than `longest` tokens: to ask what comes
// after more of them would never end.
Candidate search(const Next& next, std::size_t width, std::size_t longest) {
  const Next limited = [&](const Said& said) {
    if (said.size() > longest)
      throw std::runtime_error("next was asked about " + std::to_string(said.size()) +
                               " tokens, and no sentence here has more than " + std::to_string(longest) +
                               ": was a token of probability 0 followed? Its logarithm is -inf, and that is "
                               "kept while there is room in the beam. Extend by p > 0 only.");
    return next(said);
  };
  return beam_search(limited, width);
}

// Any probabilities for every beginning: sentences of at most `longest` of the tokens 1 … tokens.
Next random_model(std::uint64_t seed, std::size_t tokens, std::size_t longest) {
  return [=](const Said& said) {
    std::vector<double> p(tokens + 1);
    if (said.size() == longest) {
      p[0] = 1;
      return p;
    }
    attune::Rng rng(seed);
    for (const int token : said) rng = rng.at(static_cast<std::uint64_t>(token));
    double sum = 0;
    for (double& x : p) sum += x = 0.01 + rng.uniform();
    for (double& x : p) x /= sum;
    return p;
  };
}

// The most probable of all sentences.
void brute_force(const Next& next, const Candidate& begun, Candidate& best) {
  const std::vector<double> p = next(begun.said);
  for (std::size_t token = 0; token < p.size(); ++token) {
    if (!(p[token] > 0)) continue;
    Candidate extended = begun;
    extended.log_probability += std::log(p[token]);
    if (token == 0) {
      if (extended.log_probability > best.log_probability) best = extended;
      continue;
    }
    extended.said.push_back(static_cast<int>(token));
    brute_force(next, extended, best);
  }
}

Said greedy(const Next& next) {
  Said said;
  for (;;) {
    const std::vector<double> p = next(said);
    const auto best = std::max_element(p.begin(), p.end()) - p.begin();
    if (best == 0) return said;
    said.push_back(static_cast<int>(best));
  }
}

}  // namespace

TEST_CASE("a beam of one is greedy search") {
  const Candidate found = search(good_evening, 1, 3);
  CHECK_MESSAGE((found.said == Said{1, 3, 5}), "width 1 should say \"bonne nuit . \" and says \"",
                shown(found.said), "\"");
  int differing = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Next next = random_model(seed, 3, 6);
    if (search(next, 1, 6).said != greedy(next)) ++differing;
  }
  CHECK_MESSAGE(
      differing == 0, "for ", differing,
      " of 20 models width 1 found another sentence than greedy search: only the likeliest token of "
      "each round should be kept");
}

TEST_CASE("a beam of two finds what greedy search misses") {
  const Candidate found = search(good_evening, 2, 3);
  CHECK_MESSAGE((found.said == Said{2, 5}), "width 2 should say \"bonsoir . \", 0.4, and says \"",
                shown(found.said), "\". Is a finished sentence lost while others go on?");
  CHECK_MESSAGE(std::abs(found.log_probability - std::log(0.4)) < 1e-12,
                "its log probability is ln 0.4 = ", std::log(0.4), ", with the end counted, and not ",
                found.log_probability);
}

TEST_CASE("a sentence that ends early does not win for that") {
  // Ending at once has 0.3; token 1 has 0.7, and then ends for certain.
  const Next next = [](const Said& said) {
    return said.empty() ? std::vector<double>{0.3, 0.7} : std::vector<double>{1, 0};
  };
  const Candidate found = search(next, 2, 1);
  CHECK_MESSAGE(found.said == Said{1},
                "the empty sentence (0.3) is finished first, and still worse than the other (0.7)");
}

TEST_CASE("a beam that is wide enough finds the best of all sentences") {
  std::ostringstream missed;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Next next = random_model(seed, 3, 4);
    Candidate best{.log_probability = -1e9};
    brute_force(next, {}, best);
    const Candidate found = search(next, 200, 4);
    if (found.said != best.said)
      missed << "\nmodel " << seed << ": log probability " << best.log_probability << ", and not "
             << found.log_probability;
  }
  CHECK_MESSAGE(missed.str().empty(),
                "with nothing left out the result must be the best of all sentences:", missed.str());
}

TEST_CASE("long sentences do not underflow") {
  // 600 tokens, of which one has 0.2 and the others 0.1: 0.2^600 is 10^-419, and the smallest double 10^-324.
  const Next next = [](const Said& said) {
    std::vector<double> p(10, said.size() < 600 ? 0.1 : 0);
    p[0] = said.size() < 600 ? 0 : 1;
    if (said.size() < 600) p[3] = 0.2;
    return p;
  };
  const Candidate found = search(next, 2, 600);
  const auto likely = std::count(found.said.begin(), found.said.end(), 3);
  CHECK_MESSAGE(found.said == Said(600, 3), "token 3 is the likeliest, 600 times; of the ", found.said.size(),
                " tokens that were said ", likely,
                " are 3. 0.2^600 = 10^-419 is 0 in a double, and then all candidates are equal: add "
                "logarithms up instead "
                "of multiplying");
}
