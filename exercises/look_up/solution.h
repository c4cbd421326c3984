// The softmax runs over the last axis, S: each query shares itself out among the keys. A low temperature
// makes scores large and the softmax nearly a choice; a high one makes them small and the answer nearly the
// mean of all values. Which key is looked at most never changes: a positive factor keeps the order of the
// scores.

#include <cmath>

#include "exercises/exercise.h"

using namespace attune;

struct LookedUp {
  Tensor answer;  // (T, E)
  Indices most;   // (T): which key each query looks at most
};

inline LookedUp look_up(const Tensor& query, const Tensor& key, const Tensor& value, Scalar temperature) {
  const Scalar root = std::sqrt(static_cast<Scalar>(query.size(-1)));          // √D
  const Tensor scores = matmul(query, transpose(key)) / (root * temperature);  // (T, D) (D, S) = (T, S)
  const Tensor weights = softmax(scores);                                      // (T, S), rows sum to one
  return {.answer = matmul(weights, value), .most = argmax(weights)};          // (T, E), (T)
}
