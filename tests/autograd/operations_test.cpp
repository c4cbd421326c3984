#include <doctest/doctest.h>

#include "tensor/simd/kernels.h"
#include "tests/autograd/operation_rows.h"

using namespace attune;
using namespace attune::testing;

TEST_CASE("elementwise operations equal their twins, and their gradients are right") {
  check_operations(elementwise_rows());
}
TEST_CASE("reductions equal their twins, and their gradients are right") {
  check_operations(reduction_rows());
}
TEST_CASE("matrix products equal their twins, and their gradients are right") {
  check_operations(matmul_rows());
}
TEST_CASE("softmaxes and norms equal their twins, and their gradients are right") {
  check_operations(row_rows());
}
TEST_CASE("losses equal their twins, and their gradients are right") {
  check_operations(loss_rows());
}
TEST_CASE("gathers and picks equal their twins, and their gradients are right") {
  check_operations(indexing_rows());
}
TEST_CASE("views and joins equal their twins, and their gradients are right") {
  check_operations(view_rows());
}
TEST_CASE("attention and dropout equal their twins, and their gradients are right") {
  check_operations(attention_rows());
}

TEST_CASE("every operation is right with every instruction set that this machine has") {
  for (const Kernels* table : available_kernels()) {
    const ForcedKernels forced(table->name);
    INFO("with the kernels for ", std::string(table->name));
    check_values(autograd_rows());
    check_fused_gradients(autograd_rows());
  }
}

TEST_CASE("every operation that autograd records has a row in the table") {
  const std::vector<Operation> rows = autograd_rows();
  std::set<std::string> named;
  for (const Operation& row : rows) named.insert(row.records);
  const std::set<std::string> in_sources = names_in_sources("autograd");
  CHECK(in_sources.size() > 40);
  for (const std::string& name : in_sources)
    CHECK_MESSAGE(named.contains(name), "record(\"", name, "\") has no row: add one to operation_rows.h");
  // And a row's name is no mere claim.
  const std::set<std::string> recorded = names_recorded(rows);
  for (const std::string& name : named)
    if (!name.empty()) CHECK_MESSAGE(recorded.contains(name), "no case of the row ", name, " records it");
}
