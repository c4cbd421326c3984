#include "attune.h"

int main() {
  return attune::zeros({2, 3}).shape() == attune::Shape{2, 3} ? 0 : 1;
}
