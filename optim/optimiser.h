#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "nn/visitor.h"

namespace attune::optim {

/// What an optimiser may do differently from one parameter to the next.
struct Group {
  double rate_factor = 1;   // multiplies the rate of every step
  double weight_decay = 0;  // λ, in the sense of the optimiser's formula
};

/// Sorts parameters into groups: asked once for each, when the optimiser is made.
using GroupRule = std::function<Group(const std::string& name, const Tensor& value)>;

/// The default rule: weight decay for parameters of rank 2 and more (the weights of Linear and Embedding),
/// none for the others. Biases and the scales of norms are few and are not what overfits; pulling them
/// towards zero only moves the outputs.
GroupRule decay_matrices(double weight_decay);

/// A tensor with its name: state() as a file wants it.
struct NamedTensor {
  std::string name;
  Tensor value;
};

/// What every optimiser does around its formula; Sgd and Adam add the formula.
///
/// Holds shared handles to the parameters: the model may be moved, but a parameter added later is not seen. A
/// step changes parameters in place; a Tensor or Variable taken from one before the step stays what it was.
/// Results are the same to the last bit for any number of threads.
class Optimiser {
 public:
  virtual ~Optimiser() = default;

  /// One step downhill along the gradients that backward has added up; then clears them, all of them.
  ///
  /// Parameters that are frozen, or that no gradient has reached, stay as they are, and so do their moments.
  /// Before anything is changed everything is checked. ValueError, and nothing has changed: if a gradient
  /// holds NaN or infinity (names the parameter); if the rate is negative or not finite; if there is no
  /// gradient at all.
  void step(double rate);

  /// How many steps have been made, those of an earlier run included when its state was loaded.
  Index steps() const { return steps_; }

  const std::vector<nn::NamedParameter>& parameters() const { return parameters_; }

  /// All that the next step depends on besides parameters and gradients: `steps`, and for each parameter its
  /// number of updates and its moments: `decoder.layers.0.norm.scale.updates`, `.m`, `.v`. Later steps do not
  /// change what was returned. Counts are two numbers, n = high · 2²⁴ + low, because a float counts to 2²⁴.
  std::vector<NamedTensor> state() const;
  /// Continues from a state, in any order of its tensors, with the same bits as if never interrupted. Throws
  /// ValueError, listing what differs, unless names and shapes are those of state(), and for numbers that no
  /// training leaves behind; then nothing has changed.
  void load_state(const std::vector<NamedTensor>& state);

 protected:
  static constexpr std::size_t max_moments = 3;

  /// What the formula remembers of a parameter's gradients.
  struct Moment {
    std::string name;
    bool negative = true;  // may hold negative numbers; a mean of squares may not
  };

  /// A stretch of n neighbouring numbers of one parameter, with what belongs to them.
  struct Stretch {
    Scalar* parameter;
    const Scalar* gradient;
    std::array<Scalar*, max_moments> moments;  // in the order of the names given to the constructor
    std::size_t n;
    double rate;  // the step's rate times the group's factor
    double weight_decay;
    Index update;  // 1 at the parameter's first update; less than steps() if it has been frozen
  };

  /// `name` begins error texts; `moments` are the tensors of the parameter's shape, at first zero, that the
  /// formula keeps for each. ValueError if there are no parameters or if `rule` gives negative settings.
  Optimiser(std::string name, std::vector<nn::NamedParameter> parameters, const GroupRule& rule,
            std::vector<Moment> moments);
  Optimiser(Optimiser&&) = default;
  Optimiser& operator=(Optimiser&&) = default;
  Optimiser(const Optimiser&) = delete;
  Optimiser& operator=(const Optimiser&) = delete;

  /// The formula. Called for all stretches of all parameters that have a gradient, by several threads at
  /// once.
  virtual void update(const Stretch& stretch) const = 0;

 private:
  // What belongs to a parameter, at its index.
  struct Slot {
    Group group;
    Index updates = 0;
    std::vector<Tensor> moments;
  };

  std::string name_;
  std::vector<nn::NamedParameter> parameters_;
  std::vector<Moment> moment_kinds_;
  std::vector<Slot> slots_;
  Index steps_ = 0;
};

}  // namespace attune::optim
