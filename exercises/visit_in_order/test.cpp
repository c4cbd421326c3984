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
  CHECK_MESSAGE(found == 6, "d = 6a, so its slope is 6, yours is ", found,
                std::string(found > 6 ? ": some node passed on more than once" : ""));
}

TEST_CASE("whichever way the operands stand, and where results are used again") {
  const Variable a = tracked(Tensor(Scalar(0.5)));
  const Variable b = exp(a);
  const Variable c = b * a;
  const Variable d = c + b;
  const Variable e = d * b + c;
  const Scalar right = gradients(e, {a}, {}, {.keep_graph = true})[0].item();
  const Scalar found = slope(e, a);
  CHECK_MESSAGE(std::abs(found - right) < 1e-4, "gradients() finds ", right, ", yours is ", found,
                ". The last that came to wait need not be the newest: look at `order`.");
  CHECK(slope(d, tracked(Tensor(1))) == 0);
}

TEST_CASE("each node is visited once, so that a long graph takes no longer than it is") {
  int visits = 0;
  const auto half = [&visits](const Variable& x) {
    return record("half", x.value() * Scalar(0.5), {x}, [&visits](const Variable& dy) {
      if (++visits > 1000)
        throw std::runtime_error(
            "visited 1000 times in a graph of 80 nodes: a node that is handed a second part is waiting "
            "already, and must not wait twice, or it passes on twice");
      return Gradients{dy * Scalar(0.5)};
    });
  };
  const Variable a = tracked(Tensor(1));
  Variable y = a;
  for (int i = 0; i < 40; ++i) y = half(y + y);  // 2⁴⁰ ways from y to a
  const Scalar found = slope(y, a);
  CHECK_MESSAGE(found == 1, "y is a again, so its slope is 1, yours is ", found);
  CHECK_MESSAGE(visits == 40, "40 of the nodes count their visits: ", visits);
}
