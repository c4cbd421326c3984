#include EXERCISE

#include <doctest/doctest.h>

TEST_CASE("a chain is right in any order") {
  const Variable a = tracked(Tensor(3));
  const Variable b = a + a;
  const Variable c = b + b;
  CHECK_MESSAGE(slope(c, a) == 4, "c = 4a, so its slope is 4, yours is ", slope(c, a));
  CHECK(slope(square(b), a) == 24);
}

TEST_CASE("a node must have heard from all its users before it passes on") {
  const Variable a = tracked(Tensor(1));
  const Variable b = a + a;
  const Variable c = b + b;
  const Variable d = b + c;
  const Scalar found = slope(d, a);
  CHECK_MESSAGE(found != 2,
                "yours is 2: b passed on the 1 it had from d, before c handed it 2 more. Which of the "
                "waiting nodes can have no user among the others? Each Node has its `order` of creation: "
                "\"Why are nodes visited newest first?\" in autograd/README.md");
  CHECK_MESSAGE(found != 8,
                "yours is 8: b passed on 1, and then all of its 1 + 2 = 3, the first part a second time");
  CHECK_MESSAGE(found == 6, "d = 6a, so its slope is 6, yours is ", found);
}

TEST_CASE("whichever way the operands stand, and where results are used again") {
  const Variable a = tracked(Tensor(Scalar(0.5)));
  const Variable b = exp(a);
  const Variable c = b * a;
  const Variable d = c + b;
  const Variable e = d * b + c;
  const Scalar right = gradients(e, {a}, {}, {.keep_graph = true})[0].item();
  CHECK_MESSAGE(std::abs(slope(e, a) - right) < 1e-4, "gradients() finds ", right, ", yours is ",
                slope(e, a));
  CHECK(slope(d, tracked(Tensor(1))) == 0);
}

TEST_CASE("each node is visited once, so that a long graph takes no longer than it is") {
  const Variable a = tracked(Tensor(1));
  Variable y = a;
  for (int i = 0; i < 40; ++i) y = (y + y) * Scalar(0.5);  // 2⁴⁰ ways from y to a
  CHECK(slope(y, a) == 1);
}
