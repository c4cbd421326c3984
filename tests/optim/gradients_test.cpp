#include "optim/gradients.h"

#include <doctest/doctest.h>

#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "tensor/simd/kernels.h"
#include "tests/optim/small_model.h"

using namespace attune;
using namespace attune::optim;
using namespace attune::optim::test;

TEST_CASE("gradient_norm: all gradients taken as one vector") {
  const SmallModel model;
  CHECK(gradient_norm(model) == 0);
  set_gradient(model.weight, tensor({{3, 0, 0}, {0, 0, 0}}));
  CHECK(gradient_norm(model) == 3);
  set_gradient(model.bias, tensor({0, -4, 0}));
  CHECK(gradient_norm(model) == 5);
}

TEST_CASE("gradient_norm: squares that a float cannot hold do no harm") {
  const SmallModel model;
  set_gradient(model.bias, tensor({Scalar(3e30), Scalar(4e30), 0}));
  CHECK(gradient_norm(model) == doctest::Approx(5e30).epsilon(1e-6));
  set_gradient(model.bias, tensor({Scalar(3e-30), Scalar(4e-30), 0}));
  CHECK(gradient_norm(model) == doctest::Approx(5e-30).epsilon(1e-6));
}

TEST_CASE("gradient_norm: agrees with a naive sum, and a strided gradient counts like any other") {
  const BigModel model;
  set_gradients(model, 2);
  Rng rng(5);
  set_gradient(model.matrix, slice(normal({602, 97}, 0, 1, rng), 0, 1, 602, 2));
  REQUIRE(!model.matrix.gradient().is_contiguous());
  double sum = 0;
  for (const Scalar g : all_gradients(model)) sum += static_cast<double>(g) * static_cast<double>(g);
  CHECK(gradient_norm(model) == doctest::Approx(std::sqrt(sum)).epsilon(1e-12));
}

TEST_CASE("clip_gradient_norm: shortens long gradients to max_norm and returns the norm before") {
  const SmallModel model;
  set_gradient(model.weight, tensor({{3, 0, 0}, {0, 0, 0}}));
  set_gradient(model.bias, tensor({0, -4, 0}));
  CHECK(clip_gradient_norm(model, 2.5f) == 5);
  CHECK(model.weight.gradient().values() == std::vector<Scalar>{1.5f, 0, 0, 0, 0, 0});
  CHECK(model.bias.gradient().values() == std::vector<Scalar>{0, -2, 0});
}

TEST_CASE("clip_gradient_norm: leaves short gradients alone, to the bit") {
  const BigModel model;
  set_gradients(model, 1);
  const std::vector<Scalar> before = all_gradients(model);
  const double norm = gradient_norm(model);
  CHECK(clip_gradient_norm(model, norm) == norm);
  CHECK(clip_gradient_norm(model, 2 * norm) == norm);
  CHECK(all_gradients(model) == before);
}

TEST_CASE("clip_gradient_norm: frozen parameters and missing gradients play no part") {
  const SmallModel model;
  set_gradient(model.weight, full({2, 3}, 100));
  set_gradient(model.bias, tensor({3, 4, 0}));
  model.weight.handle()->frozen = true;
  CHECK(clip_gradient_norm(model, 1) == 5);
  CHECK(model.weight.gradient().values() == std::vector<Scalar>(6, 100));
}

TEST_CASE("clip_gradient_norm: a gradient that shares its memory is changed for its parameter only") {
  // The pullback of a sum hands one and the same tensor to both of its operands.
  struct Twins {
    nn::Parameter a{zeros({2})}, b{zeros({2})};
    void visit(nn::Visitor& v) { v("a", a), v("b", b); }
  };
  const Twins twins;
  backward(sum((Variable(twins.a) + Variable(twins.b)) * 3));
  CHECK(clip_gradient_norm(twins, 3) == doctest::Approx(6));
  CHECK(twins.a.gradient().values() == std::vector<Scalar>{1.5f, 1.5f});
  CHECK(twins.b.gradient().values() == std::vector<Scalar>{1.5f, 1.5f});
}

TEST_CASE("clip_gradient_norm: NaN or infinity names the first such parameter and changes nothing") {
  for (const auto bad :
       {static_cast<Scalar>(NAN), static_cast<Scalar>(INFINITY), static_cast<Scalar>(-INFINITY)}) {
    const SmallModel model;
    set_gradient(model.weight, full({2, 3}, 100));
    set_gradient(model.bias, tensor({1, bad, 2}));
    const std::string text = error_of([&] { clip_gradient_norm(model, 1); });
    CHECK(contains(text, "clip_gradient_norm: the gradient of bias (3,) holds "));
    CHECK(contains(text, "at element 1: nothing has changed"));
    CHECK(contains(error_of([&] { gradient_norm(model); }), "gradient_norm: the gradient of bias (3,)"));
    CHECK(model.weight.gradient().values() == std::vector<Scalar>(6, 100));
    CHECK(model.bias.gradient().at({2}) == 2);
    set_gradient(model.weight, full({2, 3}, bad));
    CHECK(contains(error_of([&] { clip_gradient_norm(model, 1); }), "the gradient of weight (2, 3)"));
  }
}

TEST_CASE("clip_gradient_norm: max_norm must be above 0") {
  const SmallModel model;
  for (const double max_norm : {0.0, -1.0, static_cast<double>(NAN)})
    CHECK(contains(error_of([&] { clip_gradient_norm(model, max_norm); }), "max_norm must be above 0"));
}

TEST_CASE("gradient_norm: the same bits for any number of threads and any instruction set") {
  const KeepThreadCount keep;
  const BigModel model;
  set_gradients(model, 3);
  const double norm = gradient_norm(model);
  for (const int threads : {1, 2, 3, 4, 7}) {
    set_thread_count(threads);
    for (const Kernels* table : available_kernels()) {
      const ForcedKernels forced(table->name);
      CHECK(gradient_norm(model) == norm);
    }
  }
}

TEST_CASE("scale_gradients: two halves of a batch, summed and scaled, are the whole batch") {
  struct Slope {
    nn::Parameter a{tensor({2})};
    void visit(nn::Visitor& v) { v("a", a); }
  };
  const Slope slope;
  const auto loss = [&](Scalar x, Scalar y) { return sum(square(Variable(slope.a) * x - y)); };
  backward((loss(1, 3) + loss(2, 2) + loss(3, 1) + loss(4, 0)) * Scalar(0.25));
  const Scalar whole = slope.a.gradient().item();
  slope.a.handle()->leaf->gradient = Tensor();
  backward(loss(1, 3) + loss(2, 2));
  backward(loss(3, 1) + loss(4, 0));
  scale_gradients(slope, 0.25);
  CHECK(slope.a.gradient().item() == whole);
  CHECK(contains(error_of([&] { scale_gradients(slope, static_cast<double>(INFINITY)); }),
                 "the factor must be a finite number: inf"));
}

namespace {

struct TableLayer {
  nn::Parameter weight{full({2, 2}, 3)}, bias{zeros({4})};
  void visit(nn::Visitor& v) { v("weight", weight), v("bias", bias); }
};
struct TableModel {
  nn::Parameter scale{ones({4})};
  std::vector<TableLayer> layers;
  explicit TableModel(std::size_t count) { layers.resize(count); }
  void visit(nn::Visitor& v) { v("scale", scale), v("layers", layers); }
};

}  // namespace

TEST_CASE("gradient_table: a row per layer, with what is zero or missing") {
  const TableModel model(2);
  CHECK(gradient_table(model) ==
        "layer          numbers   weights gradients    ratio\n"
        "(model)              4         2         -        -  no gradient\n"
        "layers.0             8         6         -        -  no gradient\n"
        "layers.1             8         6         -        -  no gradient\n"
        "whole model         20      8.72         -        -\n");
  set_gradient(model.scale, full({4}, Scalar(0.01)));
  set_gradient(model.layers[0].weight, full({2, 2}, static_cast<Scalar>(1e-30)));  // the squares would be 0
  set_gradient(model.layers[0].bias, zeros({4}));
  CHECK(gradient_table(model) ==
        "layer          numbers   weights gradients    ratio\n"
        "(model)              4         2      0.02     0.01\n"
        "layers.0             8         6     2e-30  3.3e-31  zero: bias\n"
        "layers.1             8         6         -        -  no gradient\n"
        "whole model         20      8.72      0.02   0.0023\n");
  for (const TableLayer& layer : model.layers) {
    set_gradient(layer.weight, zeros({2, 2}));
    set_gradient(layer.bias, full({4}, static_cast<Scalar>(3e30)));  // the squares would be infinite
  }
  set_gradient(model.scale, zeros({4}));
  CHECK(gradient_table(model) ==
        "layer          numbers   weights gradients    ratio\n"
        "(model)              4         2         0        0  zero\n"
        "layers.0             8         6     6e+30    1e+30  zero: weight\n"
        "layers.1             8         6     6e+30    1e+30  zero: weight\n"
        "whole model         20      8.72  8.49e+30  9.7e+29\n");
}

TEST_CASE(
    "gradient_table: what is frozen or not finite is marked, weights of 0 have no ratio, long names end "
    "alike") {
  struct Model {
    TableModel a_very_long_name_for_a_model{4};
    void visit(nn::Visitor& v) { v("the_outermost_of_all_the_layers.a_model", a_very_long_name_for_a_model); }
  };
  Model whole;
  TableModel& model = whole.a_very_long_name_for_a_model;
  model.scale.set_value(zeros({4}));
  set_gradient(model.scale, ones({4}));
  model.layers[0].weight.freeze();
  set_gradient(model.layers[0].bias, full({4}, 2));
  set_gradient(model.layers[1].weight, full({2, 2}, static_cast<Scalar>(-NAN)));
  model.layers[2].weight.set_value(full({2, 2}, static_cast<Scalar>(INFINITY)));
  set_gradient(model.layers[2].weight, full({2, 2}, static_cast<Scalar>(INFINITY)));
  set_gradient(model.layers[2].bias, full({4}, static_cast<Scalar>(-INFINITY)));
  nn::freeze(model.layers[3]);
  CHECK(
      gradient_table(whole) ==
      "layer                                           numbers   weights gradients    ratio\n"
      "the_outermost_of_all_the_layers.a_model               4         0         2        -\n"
      "…utermost_of_all_the_layers.a_model.layers.0          8         6         4     0.67  frozen: weight\n"
      "…utermost_of_all_the_layers.a_model.layers.1          8         6       nan      nan  gradient not "
      "finite: weight; no gradient: bias\n"
      "…utermost_of_all_the_layers.a_model.layers.2          8       inf       inf      nan  weights not "
      "finite: weight; gradient not finite\n"
      "…utermost_of_all_the_layers.a_model.layers.3          8         6         -        -  frozen\n"
      "whole model                                          36       inf       nan      nan\n");
}
