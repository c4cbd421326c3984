#include <filesystem>
#include <iostream>

#include "examples/translator/commands/command.h"
#include "examples/translator/commands/corpora.h"
#include "examples/translator/progress.h"
#include "io/file.h"

namespace attune::examples {
namespace {

void add_split(Flags& flags) {
  add_out(flags);
  add_seed(flags);
  add_corpus(flags);
  Options& options = flags.options;
  flags.number<std::int64_t>("--validation", 1, any, "how many pairs to hold out for validation [1000]",
                             [&options](std::int64_t count) { options.validation_count = count; });
  flags.number<std::int64_t>("--test", 1, any, "how many pairs to hold out for testing [1000]",
                             [&options](std::int64_t count) { options.test_count = count; });
}

void check_split(Flags& flags) {
  const Options& options = flags.options;
  check_files(options.pairs, options.source, options.target, "--");
  if (!options.names_corpus())
    fail<UsageError>("split: no corpus was named: name one with --pairs, or --source and --target");
  if (!flags.given("--out"))
    fail<UsageError>("split: no folder was named: say with --out where to write the three parts");
}

// One file with tabs, or two, as the corpus was.
void write_pairs(const std::filesystem::path& file, const std::vector<text::SentencePair>& pairs,
                 bool in_one_file) {
  std::string both, source, target;
  for (const text::SentencePair& pair : pairs) {
    if (in_one_file) both += pair.source + '\t' + pair.target + '\n';
    if (!in_one_file) source += pair.source + '\n', target += pair.target + '\n';
  }
  const auto write = [&](const char* ending, const std::string& bytes) {
    std::filesystem::path name = file;
    io::write_atomically(name += ending, bytes);
  };
  if (in_one_file) write(".tsv", both);
  if (!in_one_file) write(".source", source), write(".target", target);
  std::cout << "  " << file.string() << (in_one_file ? ".tsv  " : ".source and .target  ")
            << with_thousands(static_cast<double>(pairs.size())) << " pairs\n";
}

int run_split(Options& options) {
  const std::filesystem::path folder = options.out;
  for (const char* part : {"training", "validation", "test"})
    for (const char* ending : {".tsv", ".source", ".target"})
      check_not_overwritten("split", {options.pairs, options.source, options.target},
                            {folder / (std::string(part) + ending)});
  make_writable_folder(options.out);
  const std::vector<text::SentencePair> pairs =
      std::move(read_corpus(options.pairs, options.source, options.target).pairs);
  const std::uint64_t seed = options.training.seed;
  const text::Split test = text::hold_out(pairs, options.test_count, seed, text::Together::same_sentence);
  const text::Split validation = text::hold_out(test.training, options.validation_count.value_or(1000), seed,
                                                text::Together::same_sentence);

  const bool in_one_file = !options.pairs.empty();
  std::cout << "Written, with no sentence of either language in two of them:\n";
  write_pairs(folder / "training", validation.training, in_one_file);
  write_pairs(folder / "validation", validation.validation, in_one_file);
  write_pairs(folder / "test", test.validation, in_one_file);
  std::cout << std::flush;
  if (!std::cout) fail<FileError>("split: the output cannot be written: is the disk full?");
  return 0;
}

}  // namespace

const Command split_command{
    .name = "split",
    .summary = "split a corpus into training, validation and test",
    .footer =
        "\nPairs that share a sentence stay together, in either language and whatever they\n"
        "lead to in turn, so that nothing in validation or test was trained on. Which\n"
        "pairs are held out depends on the sentences and --seed, not on their order.\n\n"
        "  translator split --pairs my.tsv --out my --validation 500 --test 500",
    .add_flags = add_split,
    .set_defaults = nullptr,
    .check = check_split,
    .run = run_split,
    .aside = nullptr,
};

}  // namespace attune::examples
