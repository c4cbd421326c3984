#pragma once

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <vector>

#include "nn/parameter.h"
#include "tensor/random.h"

namespace attune::nn {

class Visitor;

/// A layer: anything that can name its members to a Visitor.
template <class T>
concept Layer = requires(T& layer, Visitor& visitor) {
  layer.visit(visitor);
};

/// Walks a model and meets everything in it by name: `encoder.layers.0.self_attention.query.weight`.
///
/// A layer names its members once, and from that follow optimisers, files, counting and printing:
///
///     void visit(nn::Visitor& v) { v("gate", gate); v("up", up); v("down", down); }
///
/// A member may be a Parameter, a Buffer, another layer, or a std::vector or std::optional of these; anything
/// else does not compile. A parameter used in several places (tied weights) belongs to one owner, which names
/// it once.
class Visitor {
 public:
  using OnParameter = std::function<void(const std::string& name, Parameter& parameter)>;
  using OnBuffer = std::function<void(const std::string& name, Buffer& buffer)>;
  using OnLayer =
      std::function<void(const std::string& name, const std::type_info& type, const void* address)>;

  explicit Visitor(OnParameter on_parameter, OnBuffer on_buffer = {}, OnLayer on_layer = {})
      : on_parameter_(std::move(on_parameter)),
        on_buffer_(std::move(on_buffer)),
        on_layer_(std::move(on_layer)) {}

  template <class Member>
  void operator()(const std::string& name, Member& member) {
    const std::size_t outer = path_.size();
    if (!path_.empty() && !name.empty()) path_ += '.';
    path_ += name;
    meet(member);
    path_.resize(outer);
  }

 private:
  void meet(Parameter& parameter) {
    if (on_parameter_) on_parameter_(path_, parameter);
  }
  void meet(Buffer& buffer) {
    if (on_buffer_) on_buffer_(path_, buffer);
  }
  template <class T>
  void meet(std::vector<T>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) (*this)(std::to_string(i), list[i]);
  }
  template <class T>
  void meet(std::optional<T>& maybe) {
    if (maybe) meet(*maybe);
  }
  template <class T>
  void meet(T& layer) {
    static_assert(Layer<T>,
                  "A visited member must be a Parameter, a Buffer, a layer with `void visit(Visitor&)`, or a "
                  "std::vector or std::optional of these; and visit itself must not be const.");
    if (on_layer_) on_layer_(path_, typeid(T), &layer);
    layer.visit(*this);
  }

  OnParameter on_parameter_;
  OnBuffer on_buffer_;
  OnLayer on_layer_;
  std::string path_;
};

/// Calls f(name, parameter) for every parameter of a model, in the order in which its layers name them.
template <Layer Model>
void for_each_parameter(Model& model, const Visitor::OnParameter& f) {
  Visitor visitor(f);
  visitor("", model);
}
/// The same for reading: f(name, const Parameter&).
template <Layer Model>
void for_each_parameter(const Model& model,
                        const std::function<void(const std::string&, const Parameter&)>& f) {
  // A layer's visit is not const because it also serves those who change what they meet. Here nothing is
  // changed.
  Visitor visitor([&](const std::string& name, Parameter& parameter) { f(name, parameter); });
  visitor("", const_cast<Model&>(model));
}

/// The number of trainable numbers.
template <Layer Model>
Index parameter_count(const Model& model) {
  Index count = 0;
  for_each_parameter(model,
                     [&](const std::string&, const Parameter& parameter) { count += parameter.elements(); });
  return count;
}

template <Layer Model>
void freeze(Model& model) {
  for_each_parameter(model, [](const std::string&, Parameter& parameter) { parameter.freeze(); });
}
template <Layer Model>
void unfreeze(Model& model) {
  for_each_parameter(model, [](const std::string&, Parameter& parameter) { parameter.unfreeze(); });
}
template <Layer Model>
void clear_gradients(Model& model) {
  for_each_parameter(model, [](const std::string&, Parameter& parameter) { parameter.clear_gradient(); });
}

/// A shared handle to a parameter, with its name: what an optimiser holds.
struct NamedParameter {
  std::string name;
  std::shared_ptr<Parameter::Cell> cell;
};

namespace detail {
void add_parameter(std::vector<NamedParameter>& list, const std::string& name, const Parameter& parameter);
void copy_values(const std::vector<NamedParameter>& from, const std::vector<NamedParameter>& to);
void check_visited(const Variable& loss, const std::vector<NamedParameter>& visited);
}  // namespace detail

/// All parameters of a model with their names. Throws ValueError when two parameters have one name, or one
/// parameter two.
template <Layer Model>
std::vector<NamedParameter> named_parameters(const Model& model) {
  std::vector<NamedParameter> list;
  for_each_parameter(model, [&](const std::string& name, const Parameter& parameter) {
    detail::add_parameter(list, name, parameter);
  });
  return list;
}

/// Copies the values of all parameters, matched by name. Throws ValueError unless names and shapes are the
/// same on both sides; then nothing has changed.
template <Layer Model>
void copy_parameters(const Model& from, Model& to) {
  detail::copy_values(named_parameters(from), named_parameters(to));
}

/// A model of its own with the same settings and the same values. For models made from their `settings`.
template <Layer Model>
requires std::is_constructible_v<Model, decltype(Model::settings), Rng&> Model clone(const Model& model) {
  Rng unused(0);
  Model twin(model.settings, unused);
  copy_parameters(model, twin);
  return twin;
}

/// Throws GraphError when the loss depends on a leaf that the model's visit did not name: a forgotten member
/// would be neither trained nor saved. Call it once, before the first backward.
template <Layer Model>
void check_visited(const Variable& loss, const Model& model) {
  detail::check_visited(loss, named_parameters(model));
}

}  // namespace attune::nn
