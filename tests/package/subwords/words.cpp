#include <cstdio>

#include "text/sentencepiece.h"
#include "text/tokenizer.h"

int main() {
  for (const std::string& word : attune::text::WordTokenizer().split("il dort."))
    std::printf("%s ", word.c_str());
}
