#include "tensor/simd/kernels.h"

#include <cstdlib>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "tensor/error.h"
#include "tensor/simd/tables.h"

namespace attune::inline ATTUNE_PRECISION {

namespace detail {

constinit std::atomic<const Kernels*> kernels_in_use{nullptr};

}  // namespace detail

const Kernels& scalar_kernels() {
  return simd::scalar_table;
}

namespace {

// Linux lends the matrix unit's 8 KiB of registers to programs that ask.
bool matrix_unit_is_there() {
#if defined(__x86_64__) && defined(__linux__)
  if (!simd::amx_table.split_block) return false;  // the compiler did not know it
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned bf16 = 1u << 22, tile = 1u << 24;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & bf16) == 0 || (d & tile) == 0) return false;
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}

}  // namespace

// Asked of the compiler's run-time library: it also checks that the operating system saves the wide
// registers, and xsimd 8.1's own detection is wrong on old machines.
std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> tables;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    static const bool matrix_unit = matrix_unit_is_there();
    if (matrix_unit) tables.push_back(&simd::amx_table);
    tables.push_back(&simd::avx512_table);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables.push_back(&simd::avx2_table);
  tables.push_back(&simd::sse2_table);
#endif
#if defined(__aarch64__)
  tables.push_back(&simd::neon_table);
#endif
  tables.push_back(&simd::scalar_table);
  return tables;
}

namespace {

const Kernels& table_named(const std::string& name, const char* asked_by) {
  std::string names;
  for (const Kernels* table : available_kernels()) {
    if (name == table->name) return *table;
    names += (names.empty() ? "" : ", ") + std::string(table->name);
  }
  fail<ValueError>(asked_by, ": this machine has no kernels called \"", name, "\": choose one of ", names);
}

}  // namespace

// Several threads may come here at once: all choose the same.
const Kernels& detail::choose_kernels() {
  const char* forced = std::getenv("ATTUNE_SIMD");
  const Kernels& chosen =
      forced && *forced ? table_named(forced, "ATTUNE_SIMD") : *available_kernels().front();
  kernels_in_use.store(&chosen, std::memory_order_release);
  return chosen;
}

void use_kernels(const std::string& name) {
  detail::kernels_in_use.store(&table_named(name, "use_kernels"), std::memory_order_release);
}

ForcedKernels::ForcedKernels(const std::string& name) : before_(&kernels()) {
  use_kernels(name);
}

ForcedKernels::~ForcedKernels() {
  detail::kernels_in_use.store(before_, std::memory_order_release);
}

}  // namespace attune::inline ATTUNE_PRECISION
