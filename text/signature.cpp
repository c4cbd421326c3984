#include "text/signature.h"

#include "tensor/error.h"

namespace attune::text {
namespace {

#if defined(ATTUNE_VERSION)
constexpr const char* version = ATTUNE_VERSION;
#else
constexpr const char* version = "unreleased";
#endif

}  // namespace

std::string score_signature(bool lowercase, const std::string& what) {
  return std::string("nrefs:1|case:") + (lowercase ? "lc" : "mixed") + "|" + what + "|version:attune-" +
         version;
}

void check_sentences(const char* op, std::size_t hypotheses, std::size_t references) {
  if (hypotheses != references) {
    fail<ValueError>(op, ": each hypothesis needs its reference: ", hypotheses, " hypotheses and ",
                     references, " references: give files with the same number of lines");
  }
  if (hypotheses == 0) fail<ValueError>(op, ": there is nothing to score: 0 sentences: give at least one");
}

}  // namespace attune::text
