// Trains a small Transformer to translate, scores it, and shows what it attends to.
//
// Command:  ./run translator                      the tour: English to French on the built-in corpus
//           ./run translator --to zh              the same to Chinese
//           ./run translator overfit              one batch to zero loss: does it learn at all?
//           ./run translator attend 'you see me.' what it looks at in a sentence of yours
//           ./run translator train --help         your own corpus
// Data:     the built-in corpus (corpus.h), or any parallel text
// Time:     the tour trains about a minute on two cores; a second run finds the trained model
// Ends with the line:
//   Translate your own:  echo 'the black cat sees the small dog.' | ./run translator translate

#include <fcntl.h>
#include <unistd.h>

#include <iostream>
#include <new>

#include "examples/translator/command_line.h"
#include "examples/translator/commands/command.h"
#include "examples/translator/tour.h"

namespace attune::examples {
namespace {

int run(int argc, char** argv) {
  std::optional<Options> options = read_command_line(argc, argv);
  if (!options) return 0;
  if (options->threads > 0) set_thread_count(options->threads);
  const int status = options->command ? options->command->run(*options)
                                      : tour(options->out, options->training, options->language());
  std::cout.flush();
  if (!std::cout) fail<FileError>("the output cannot be written: is the disk full?");
  return status;
}

}  // namespace
}  // namespace attune::examples

int main(int argc, char** argv) {
  // A standard stream that the caller has closed would lend its number to the next file that is opened.
  for (int stream = 0; stream <= 2; ++stream)
    if (fcntl(stream, F_GETFD) == -1) open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
  try {
    return attune::examples::run(argc, argv);
  } catch (const attune::examples::UsageError& error) {
    std::cerr << "translator: " << error.what() << '\n';
    return 2;
  } catch (const std::bad_alloc&) {
    std::cerr << "translator: there is not enough memory: lower --width, --layers, --batch-tokens or "
                 "--max-vocabulary\n";
  } catch (const std::exception& error) {
    std::cerr << "translator: " << error.what() << '\n';
  }
  return 1;
}
