#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "tensor/error.h"
#include "tensor/simd/kernels.h"

// Which table of kernels is used.

using namespace attune;

// tests/machines/forced.sh asks this first: it throws where the machine lacks what ATTUNE_SIMD names.
TEST_CASE("simd: the tables in use are the machine's best, or those that ATTUNE_SIMD names") {
  const char* const forced = std::getenv("ATTUNE_SIMD");
  CHECK(std::string(kernels().name) == (forced && *forced ? forced : available_kernels().front()->name));
}

TEST_CASE("simd: a table can be forced by name, and an unknown name says what there is") {
  const Kernels& before = kernels();
  {
    const ForcedKernels forced("scalar");
    CHECK(&kernels() == &scalar_kernels());
  }
  CHECK(&kernels() == &before);
  try {
    use_kernels("mmx");
    FAIL("no error");
  } catch (const ValueError& error) {
    const std::string text = error.what();
    CAPTURE(text);
    CHECK(text.find("use_kernels: this machine has no kernels called \"mmx\": choose one of ") == 0);
    CHECK(text.find("scalar") != std::string::npos);
  }
  CHECK(&kernels() == &before);
}

TEST_CASE("simd: the environment variable ATTUNE_SIMD chooses the table") {
  const Kernels& before = kernels();
  const char* set_before = std::getenv("ATTUNE_SIMD");
  const std::string kept = set_before ? set_before : "";
  setenv("ATTUNE_SIMD", "scalar", 1);
  CHECK(&detail::choose_kernels() == &scalar_kernels());
  setenv("ATTUNE_SIMD", "avx1024", 1);
  std::string text;
  try {
    detail::choose_kernels();
  } catch (const ValueError& error) {
    text = error.what();
  }
  std::string names;
  for (const Kernels* table : available_kernels())
    names += (names.empty() ? "" : ", ") + std::string(table->name);
  CHECK(text == "ATTUNE_SIMD: this machine has no kernels called \"avx1024\": choose one of " + names);
  setenv("ATTUNE_SIMD", "", 1);
  CHECK(&detail::choose_kernels() == available_kernels().front());
  if (set_before) {
    setenv("ATTUNE_SIMD", kept.c_str(), 1);
  } else {
    unsetenv("ATTUNE_SIMD");
  }
  use_kernels(before.name);
}
