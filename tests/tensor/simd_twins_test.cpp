#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "tensor/simd/kernels.h"
#include "tests/support/kernels.h"
#include "tests/support/measured.h"

// Every kernel of every table that this machine can run, against its scalar twin. The rows are in
// tests/support/kernels.h.

using namespace attune;
using namespace attune::testing;

namespace {

/// 0 to 65, and around the powers of two after that.
std::vector<std::size_t> lengths() {
  std::vector<std::size_t> result;
  for (std::size_t n = 0; n <= 65; ++n) result.push_back(n);
  for (std::size_t power = 128; power <= 4096; power *= 2) {
    for (const std::size_t n : {power - 1, power, power + 1}) result.push_back(n);
  }
  return result;
}

/// Runs a case in guarded memory at one place. Returns "" or what is wrong.
std::string wrong_at(const Kernels& table, const Case& c, std::size_t n, int place,
                     const std::vector<std::vector<Scalar>>& inputs,
                     const std::vector<std::vector<Scalar>>& twin, std::vector<Guarded<Scalar>>& in_memory,
                     std::vector<Guarded<Scalar>>& out_memory) {
  // Different runs at different misalignments; all of them against the unreadable page for −1 (behind) and 0
  // (before).
  const auto shifted = [&](int by) { return place <= 0 ? place : (place + by) % 16; };
  std::vector<const Scalar*> in;
  std::vector<Scalar*> out;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Scalar* run = in_memory[i].run(n, shifted(5 * static_cast<int>(i)));
    std::copy(inputs[i].begin(), inputs[i].end(), run);
    in.push_back(run);
  }
  for (std::size_t i = 0; i < twin.size(); ++i) {
    const std::vector<Scalar> before = output_before(i, twin[i].size());
    Scalar* run = out_memory[i].run(before.size(), shifted(3 * static_cast<int>(i)));
    std::copy(before.begin(), before.end(), run);
    out.push_back(run);
  }

  c.run(table, in.data(), out.data(), n);

  std::vector<std::vector<Scalar>> result;
  for (std::size_t i = 0; i < twin.size(); ++i) result.emplace_back(out[i], out[i] + twin[i].size());
  std::string wrong = difference(c, n, result, twin);
  bool clean = true;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    clean = clean && std::equal(inputs[i].begin(), inputs[i].end(), in[i], same_bits);
    clean = in_memory[i].clean_around(const_cast<Scalar*>(in[i]), n) && clean;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    clean = out_memory[i].clean_around(out[i], twin[i].size()) && clean;
  }
  if (!clean) wrong += " wrote where it must not";
  return wrong;
}

/// All places for runs of up to 260 numbers, and those for longer ones.
void compare_with_twins(const std::set<int>& places_of_long_runs) {
  std::vector<Guarded<Scalar>> in_memory(3);
  std::vector<Guarded<Scalar>> out_memory(3);
  for (const Kernels* table : vector_tables()) {
    CAPTURE(std::string(table->name));
    long runs = 0;
    std::set<std::size_t> kernels_seen;
    for (const Case& c : cases()) {
      CAPTURE(c.name);
      kernels_seen.insert(c.slot);
      for (const std::size_t n : lengths()) {
        if (n < c.least) continue;
        const auto inputs = fill_inputs(c, n, n + 1);
        const auto twin = outputs_of(scalar_kernels(), c, inputs, n);
        for (int place = -1; place < 16; ++place) {
          if (n > 260 && places_of_long_runs.count(place) == 0) continue;
          const std::string wrong = wrong_at(*table, c, n, place, inputs, twin, in_memory, out_memory);
          if (!wrong.empty()) FAIL_CHECK("n = ", n, ", place ", place, ": ", wrong);
          ++runs;
        }
      }
    }
    measured(
        "kernels (%s, %s): %zu kernels in %zu rows x %zu lengths x up to 17 places agree with their twins: "
        "%ld runs",
        table->name, precision, kernels_seen.size(), cases().size(), lengths().size(), runs);
  }
}

}  // namespace

TEST_CASE("simd: every kernel of the table has a row in the tests") {
  std::set<std::size_t> seen = {
      slot_of(&Kernels::name),
      slot_of(&Kernels::lanes),
      slot_of(&Kernels::gemm_rows),
      slot_of(&Kernels::gemm_columns),
      // Words instead of numbers, or matrices instead of runs: simd_random_test.cpp and
      // gemm_kernels_test.cpp, gemm_split_test.cpp.
      slot_of(&Kernels::threefry_block),
      slot_of(&Kernels::threefry_bits),
      slot_of(&Kernels::gemm_block),
      slot_of(&Kernels::gemm_pack),
      slot_of(&Kernels::gemm_peak),
      slot_of(&Kernels::split_pack),
      slot_of(&Kernels::split_block),
  };
  std::string before = "name";
  for (const Case& c : cases()) seen.insert(c.slot);
  for (std::size_t slot = 0; slot < slots; ++slot) {
    for (const Case& c : cases()) before = c.slot == slot ? c.name : before;
    if (seen.count(slot) == 0) {
      FAIL_CHECK("the kernel ", slot, " pointers into struct Kernels, after '", before,
                 "', has no row in tests/support/kernels.h");
    }
  }
}

TEST_CASE(
    "simd: every kernel agrees with its scalar twin at every length and place, and touches nothing else") {
  compare_with_twins({-1, 0, 1, 15});
}

TEST_CASE("simd: the same for every place of the long runs" * doctest::skip()) {
  compare_with_twins({-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
}

TEST_CASE("simd: an elementwise result does not depend on where the element stands") {
  const std::size_t n = 67;
  for (const Case& c : cases()) {
    if (!c.elementwise) continue;
    const auto inputs = fill_inputs(c, n, 5);
    for (const Kernels* table : available_kernels()) {
      CAPTURE(std::string(table->name));
      CAPTURE(c.name);
      const auto whole = outputs_of(*table, c, inputs, n);
      for (std::size_t i = 0; i < n; ++i) {
        // The same element, last in a shorter run: every lane and both sides of the rest of the loop come up.
        std::vector<std::vector<Scalar>> shorter = inputs;
        for (auto& run : shorter) run.resize(i + 1);
        const auto part = outputs_of(*table, c, shorter, i + 1);
        for (std::size_t k = 0; k < whole.size(); ++k) {
          if (!same_bits(part[k][i], whole[k][i])) FAIL_CHECK("element ", i, " of output ", k, " differs");
        }
      }
    }
  }
}

TEST_CASE("simd: an output may be the same run as an input") {
  for (const Case& c : cases()) {
    if (c.runs == 0 || c.updates || c.broadcasts) continue;
    for (const std::size_t n : {std::size_t(1), std::size_t(19), std::size_t(67)}) {
      const auto inputs = fill_inputs(c, n, 6);
      for (const Kernels* table : available_kernels()) {
        CAPTURE(std::string(table->name));
        CAPTURE(c.name);
        const auto apart = outputs_of(*table, c, inputs, n);
        for (std::size_t same = 0; same < inputs.size(); ++same) {
          if (c.inputs[same].values == Values::mask) continue;
          auto runs = inputs;
          std::vector<const Scalar*> in;
          for (const auto& run : runs) in.push_back(run.data());
          std::vector<Scalar*> out = {runs[same].data()};
          std::vector<Scalar> ones(static_cast<std::size_t>(c.ones));
          for (Scalar& one : ones) out.push_back(&one);
          c.run(*table, in.data(), out.data(), n);
          for (std::size_t i = 0; i < n; ++i) {
            if (!same_bits(runs[same][i], apart[0][i]))
              FAIL_CHECK("input ", same, ", element ", i, " differs");
          }
        }
      }
    }
  }
}

TEST_CASE("simd: the error of a long sum grows far more slowly than its length") {
  const std::size_t n = 1 << 20;
  const std::vector<Scalar> x(n, Scalar(0.1));
  for (const Kernels* table : vector_tables()) {
    CAPTURE(std::string(table->name));
    const double error = double(table->sum(x.data(), n)) / (double(n) * double(Scalar(0.1))) - 1;
    CHECK(std::abs(error) < 256 * double(epsilon));
  }
}
