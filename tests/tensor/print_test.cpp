#include "tensor/print.h"

#include <doctest/doctest.h>

#include <limits>

using namespace attune;

TEST_CASE("print: a matrix shows its shape and numbers aligned in columns") {
  CHECK(to_string(tensor({{1, 2, 3}, {Scalar(-4.5), 5, 6}})) ==
        "(2, 3)\n"
        "[[ 1.0000,  2.0000,  3.0000],\n"
        " [-4.5000,  5.0000,  6.0000]]");
}

TEST_CASE("print: whole numbers are shown without decimals, single numbers without a shape") {
  CHECK(to_string(arange(4)) == "(4,)\n[0, 1, 2, 3]");
  CHECK(to_string(Tensor(3)) == "3");
  CHECK(to_string(Tensor(Scalar(0.25))) == "0.2500");
  CHECK(to_string(tensor({-1, 10})) == "(2,)\n[-1, 10]");
}

TEST_CASE("print: matrices of a cube are set apart by an empty line") {
  CHECK(to_string(reshape(arange(8), {2, 2, 2})) ==
        "(2, 2, 2)\n"
        "[[[0, 1],\n"
        "  [2, 3]],\n"
        "\n"
        " [[4, 5],\n"
        "  [6, 7]]]");
}

TEST_CASE("print: long axes are shortened in the middle") {
  CHECK(to_string(arange(100)) == "(100,)\n[ 0,  1,  2,  3,  4, …, 95, 96, 97, 98, 99]");
  CHECK(to_string(arange(10)) == "(10,)\n[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]");
  CHECK(to_string(zeros({12, 1})) ==
        "(12, 1)\n[[0],\n [0],\n [0],\n [0],\n [0],\n …,\n [0],\n [0],\n [0],\n [0],\n [0]]");
}

TEST_CASE("print: very large and very small numbers are shown in powers of ten") {
  CHECK(to_string(tensor({Scalar(1.5e9), 1})) == "(2,)\n[1.5000e+09, 1.0000e+00]");
  CHECK(to_string(tensor({Scalar(0.00025)})) == "(1,)\n[2.5000e-04]");
}

TEST_CASE("print: what is not a number, empty or undefined has words of its own") {
  const Scalar infinity = std::numeric_limits<Scalar>::infinity();
  CHECK(to_string(tensor({1, std::numeric_limits<Scalar>::quiet_NaN(), -infinity})) ==
        "(3,)\n[   1,  nan, -inf]");
  CHECK(to_string(zeros({0})) == "(0,)\n[]");
  CHECK(to_string(zeros({2, 0})) == "(2, 0)\n[[],\n []]");
  CHECK(to_string(Tensor()) == "undefined tensor");
}

TEST_CASE("print: a view prints what it shows") {
  CHECK(to_string(transpose(tensor({{1, 2}, {3, 4}}))) == "(2, 2)\n[[1, 3],\n [2, 4]]");
}
