// The record of an epoch: whatever stands in the file, it ends in a record or in a FileError; a record comes
// back as it was written; and the page made of it is well formed: no text of it ends a script. The tables of
// numbers are read from the same bytes.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "examples/translator/report_data.h"
#include "io/unicode.h"
#include "tensor/error.h"
#include "tests/fuzz/support.h"

using namespace attune;
using namespace attune::examples;
using fuzz::expect;

namespace {

std::size_t count(const std::string& text, const char* part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

io::ReportPage page_of(const EpochRecord& record) {
  io::ReportPage page;
  page.facts = record.facts;
  page.moments = {record.epoch};
  page.moment_steps = {static_cast<double>(record.epoch)};
  page.sentences = record.sentences;
  return page;
}

void check_error(const FileError& error) {
  expect(std::strlen(error.what()) < 1000, "errors are short");
  expect(io::find_invalid_utf8(error.what()) == std::string_view::npos, "errors are UTF-8");
}

EpochRecord small_record() {
  const io::AttentionKind kind{.name = "cross-attention",
                               .rows = {"a", "b"},
                               .columns = {"c"},
                               .layers = 1,
                               .heads = 2,
                               .weights = {"\x01\x7f\xff"
                                           "a"}};
  return {.epoch = 3,
          .facts = {{"heads", "2"}},
          .sentences = {{.source = "c", .reference = "a b", .translations = {"</script>"}, .kinds = {kind}}}};
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  fuzz::plant_seeds(
      *argc, *argv,
      {to_json(small_record()), to_json({}), "epoch,step,validation_loss\n1,100,2.5\n2,200,nan\n"});
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::size_t own = count(io::report_html(page_of(small_record())), "</script");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const NumberTable table = read_csv(bytes, "input");
    for (const std::string& name : table.names)
      expect(table.column(name).size() == table.rows(), "columns are of one length");
  } catch (const FileError& error) {
    check_error(error);
  }
  EpochRecord record;
  try {
    record = from_json(bytes, "input");
  } catch (const FileError& error) {
    check_error(error);
    return 0;
  }
  const std::string written = to_json(record);
  expect(to_json(from_json(written, "written")) == written, "a record comes back");
  expect(count(io::report_html(page_of(record)), "</script") == own, "no text ends a script");
  return 0;
}
